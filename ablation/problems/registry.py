"""The problems: one module each, or a function of the user's own; found by the name in its YAML."""

from __future__ import annotations

import importlib
import inspect
import math
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from ablation.data import Ceiling, Dataset, Sequences
from ablation.errors import RequestError, suggest
from ablation.problems import suite
from ablation.problems.own import file
from ablation.problems.own import function as dotted
from ablation.seeding import stream
from ablation.spec import DOTTED, MERGES, Arm, Problem

# The problems that come along are the modules of `suite`: to add one is to write its file.
PROBLEMS = {
    module.name: f"{suite.__name__}.{module.name}"
    for module in pkgutil.iter_modules(suite.__path__)
    if not module.name.startswith("_")
} | {"file": file.__name__}


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


def ceilings_of(problem: Problem, length: int) -> Mapping[str, Ceiling]:
    """The best that each view of the input allows; empty where a problem knows none."""
    _check_parameters(problem)
    known = _function(problem, "ceilings", lambda length, **parameters: {})
    with _told(problem):
        found: Mapping[str, Ceiling] = known(length, **problem.parameters)
    if is_own(problem):
        dotted.check_ceilings(problem.name, found, length)
    return found


def bounds(arm: Arm) -> dict[str, Ceiling]:
    """The arm's own "ceiling" and that of a model without input, "majority", if they are known."""
    known = ceilings_of(arm.problem, arm.length)
    view = arm.direction
    # One layer with a linear head adds up what the two halves say, however they are trained.
    merge = MERGES.get(arm.merge_mode or "")
    if merge and merge.additive and arm.layers == 1:
        view = f"{view}/additive" if f"{view}/additive" in known else view
    named = {"ceiling": known.get(view), "majority": known.get("majority")}
    return {name: bound for name, bound in named.items() if bound is not None}


def longest(problem: Problem) -> int:
    """Steps of the longest sequence of a problem whose data is there before it is asked for."""
    if not _has(problem, "longest"):
        raise RequestError(f"length: problem={problem.name} needs a number of steps")
    return int(_call(problem, "longest"))


def available(problem: Problem, length: int) -> int | None:
    """Number of training sequences that there are; None where any number can be made."""
    if not _has(problem, "available"):
        return None
    return int(_call(problem, "available", length))


def files(problem: Problem) -> list[Path]:
    """The user's own files that the problem is made of."""
    if _has(problem, "files"):
        return [Path(path) for path in _call(problem, "files")]
    # A path is no part of a trial's id: what lies there has to be.
    path = problem.parameters.get("path") if is_own(problem) else None
    return [Path(path)] if isinstance(path, str) else []


def is_own(problem: Problem) -> bool:
    """Whether the problem is a function of the user's own, such as mine.parity."""
    return re.fullmatch(DOTTED, problem.name) is not None


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
            raise RequestError(f"problem.{key} is no key of {problem.name}: {suggest(key, known)}")
        default, switch = parameters[key].default, isinstance(value, bool)
        if isinstance(default, bool) and not switch:
            raise RequestError(f"problem.{key}={value}: true or false is needed")
        number = isinstance(value, int | float) and math.isfinite(value) and not switch
        if isinstance(default, int | float) and not isinstance(default, bool) and not number:
            raise RequestError(f"problem.{key}={value}: a finite number is needed")


@contextmanager
def _told(problem: Problem) -> Iterator[None]:
    """Say of which problem an error is."""
    try:
        yield
    except RequestError:
        raise
    except Exception as error:
        if is_own(problem):  # whatever may be wrong with it
            module = problem.name.rpartition(".")[0]
            raise RequestError(f"problem={problem.name}: {dotted.told(error, module)}") from error
        if not isinstance(error, ValueError | ImportError):
            raise
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
    data: Sequences = generate(rng, sequences, length, **problem.parameters, **extra)
    if is_own(problem):
        dotted.check_sequences(problem.name, data, sequences, length, split)
    return data.padded()


def _has(problem: Problem, name: str) -> bool:
    return _function(problem, name, None) is not None


def _function(problem: Problem, name: str, *default: Any) -> Callable[..., Any]:
    """One of the problem's functions; those of mine.parity have its name in front."""
    if is_own(problem):
        own = problem.name.rpartition(".")[2]
        name = own if name == "generate" else f"{own}_{name}"
    return getattr(_module(problem), name, *default)  # type: ignore[no-any-return]


def _module(problem: Problem) -> ModuleType:
    if is_own(problem):
        return dotted.module_of(problem.name)
    if problem.name not in PROBLEMS:
        raise RequestError(f"problem={problem.name}: {suggest(problem.name, list(PROBLEMS))}")
    return importlib.import_module(PROBLEMS[problem.name])
