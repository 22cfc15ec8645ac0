"""The problems: one module each, found by the name in its YAML file."""

from __future__ import annotations

import importlib
import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from ablation.config import Problem
from ablation.data import Ceiling, Dataset, Sequences
from ablation.errors import RequestError, choose
from ablation.seeding import stream

PROBLEMS = {
    name: f"ablation.problems.{name}"
    for name in (
        "cumsum",
        "mirrored_cumsum",
        "relative_cumsum",
        "balance",
        "exclusive_or",
        "conjunction",
        "hidden_markov",
        "brackets",
        "digits",
        "stress",
    )
}


def load(problem: Problem, length: int, sequences: int, seed: int) -> Dataset:
    """Make the problem's data for one replicate.

    The training data follow from the seed; the test set is the same for every seed and arm.
    """
    return Dataset(
        _split(problem, "train", length, sequences, seed),
        _split(problem, "test", length, problem.test_size, None),
    )


def sample(problem: Problem, length: int) -> Sequences:
    """A few training sequences, for their shape."""
    return _split(problem, "train", length, 2, 0)


def ceilings(problem: Problem, length: int) -> Mapping[str, Ceiling]:
    """The best that each view of the input allows; empty where a problem knows none."""
    known = _function(problem, "ceilings", lambda length, **parameters: {})
    bounds: Mapping[str, Ceiling] = known(length, **problem.parameters)
    return bounds


def longest(problem: Problem) -> int:
    """Steps of the longest sequence of a problem whose data is there before it is asked for."""
    if not hasattr(_module(problem), "longest"):
        raise RequestError(f"length: problem={problem.name} needs a number of steps")
    return int(_call(problem, "longest"))


def available(problem: Problem, length: int) -> int | None:
    """Number of training sequences that there are; None where any number can be made."""
    if not hasattr(_module(problem), "available"):
        return None
    return int(_call(problem, "available", length))


def files(problem: Problem) -> list[Path]:
    """The user's own files that the problem is made of."""
    return list(_call(problem, "files")) if hasattr(_module(problem), "files") else []


def check(problem: Problem, length: int) -> None:
    """Raise RequestError where the problem is unknown, or cannot be made of its parameters."""
    _check_parameters(problem)
    with _told(problem):
        sample(problem, length)


def _check_parameters(problem: Problem) -> None:
    parameters = inspect.signature(_function(problem, "generate")).parameters
    accepted = list(parameters)[3:]
    for key, value in problem.parameters.items():
        if key not in accepted or key == "split":
            known = [name for name in ("test_size", *accepted) if name != "split"]
            raise RequestError(f"problem.{key} is no key of {problem.name}: {choose(key, known)}")
        number = isinstance(value, int | float) and math.isfinite(value)
        if isinstance(parameters[key].default, int | float) and not number:
            raise RequestError(f"problem.{key}={value}: a finite number is needed")


@contextmanager
def _told(problem: Problem) -> Iterator[None]:
    """Say of which problem an error is."""
    try:
        yield
    except RequestError:
        raise
    except (ValueError, ImportError) as error:
        raise RequestError(f"problem={problem.name}: {error}") from None


def _call(problem: Problem, name: str, *arguments: Any) -> Any:
    """What one of the problem's functions says of its parameters."""
    _check_parameters(problem)
    with _told(problem):
        return _function(problem, name)(*arguments, **problem.parameters)


def _split(
    problem: Problem, split: str, length: int, sequences: int, seed: int | None
) -> Sequences:
    generate = _function(problem, "generate")
    extra = {"split": split} if "split" in inspect.signature(generate).parameters else {}
    rng = stream(seed, f"data/{split}")
    return generate(rng, sequences, length, **problem.parameters, **extra)  # type: ignore[no-any-return]


def _function(problem: Problem, name: str, *default: Any) -> Callable[..., Any]:
    return getattr(_module(problem), name, *default)  # type: ignore[no-any-return]


def _module(problem: Problem) -> ModuleType:
    if problem.name not in PROBLEMS:
        raise RequestError(f"problem={problem.name}: {choose(problem.name, list(PROBLEMS))}")
    return importlib.import_module(PROBLEMS[problem.name])
