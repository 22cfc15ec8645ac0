"""Finds a problem by its name: a module of `suite`, or a function in the user's own code."""

from __future__ import annotations

import importlib
import inspect
import math
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ablation.data import Array, Ceiling, Dataset, Sequences
from ablation.errors import RequestError, suggest
from ablation.problems import suite
from ablation.problems.own import file
from ablation.problems.own import function as dotted
from ablation.seeding import stream
from ablation.spec import DOTTED, MERGES, STACK, Arm, Problem, share_of

GUESSES = ("majority", "constant")  # views that see no input: of classes, and of numbers

# Each module of `suite` is a problem, so adding a problem means adding a file.
PROBLEMS = {
    module.name: f"{suite.__name__}.{module.name}"
    for module in pkgutil.iter_modules(suite.__path__)
    if not module.name.startswith("_")
} | {"file": file.__name__}


def load(
    problem: Problem, length: int, sequences: int, seed: int, validation: float | str | None = None
) -> Dataset:
    """Make the training and the test set of a problem.

    The training set depends on the seed; the test set is the same for every seed and arm, or where
    the problem is divided for each seed (`Problem.divided`), for every arm.
    validation: share of the training sequences, or of their groups, that is held out. Which ones
    depends on the seed alone. VALIDATION: the part of the data that has this name, the same for
    every seed. Raises RequestError if nothing would be left to train on.
    """
    train = _split(problem, "train", length, sequences, seed)
    test = _split(problem, "test", length, problem.test_size, seed if problem.divided else None)
    ratio = None
    if problem.divided:
        ratio = float(_call(problem, "overlap", seed, length, problem.test_size))
    if validation is None:
        return Dataset(train, test, test_to_train=ratio)
    if isinstance(validation, str):
        watched = _split(problem, validation, length, problem.test_size, None)
        return Dataset(train, test, watched)
    held = _held_out(train, validation, seed)
    return Dataset(train.take(~held), test, train.take(held), ratio)


def sample(problem: Problem, length: int) -> Sequences:
    """Two training sequences, to read shapes and numbers of classes and symbols from."""
    return _split(problem, "train", length, 2, 0)


def ceilings_of(problem: Problem, length: int, lookahead: int = 0) -> Mapping[str, Ceiling]:
    """The ceilings of a problem by view; empty if the problem defines none.

    lookahead: of the forward view, which is left out if the problem's function has no such
    argument.
    """
    _check_parameters(problem)
    compute = _function(problem, "ceilings", lambda length, **parameters: {})
    delayed = "lookahead" in inspect.signature(compute).parameters
    extra = {"lookahead": lookahead} if lookahead and delayed else {}
    with _explain_errors(problem):
        ceilings: Mapping[str, Ceiling] = compute(length, **problem.parameters, **extra)
    if is_own(problem):
        dotted.check_ceilings(problem.name, ceilings, length)
    if lookahead and not delayed:
        return {view: ceiling for view, ceiling in ceilings.items() if view != "forward"}
    return ceilings


def bounds(arm: Arm) -> dict[str, Ceiling]:
    """The arm's "ceiling", its problem's GUESSES and "best", as far as they are known.

    The best is what any arm of the problem can reach: with the whole input in view.
    """
    ceilings = ceilings_of(arm.problem, arm.length, arm.lookahead or 0)
    # An own model may look at any step of the input, whatever its recurrent layers have read.
    built_in = arm.model.name == STACK
    view = arm.direction if built_in else "bidirectional"
    # With one layer and a linear head, an additive merge can only add the halves' contributions.
    merge = MERGES.get(arm.merge_mode or "")
    if merge and merge.additive and arm.layers == 1 and built_in:
        view = f"{view}/additive" if f"{view}/additive" in ceilings else view
    candidates = {"ceiling": ceilings.get(view), "best": ceilings.get("bidirectional")}
    candidates |= {key: ceilings.get(key) for key in GUESSES}
    return {name: ceiling for name, ceiling in candidates.items() if ceiling is not None}


def longest(problem: Problem) -> int:
    """Steps of the longest sequence of a problem whose data is fixed.

    Raises RequestError if the problem generates sequences of any length.
    """
    if not _has(problem, "longest"):
        raise RequestError(f"length: problem={problem.name} needs a number of steps")
    return int(_call(problem, "longest"))


def available(problem: Problem, length: int) -> int | None:
    """Number of training sequences of at most `length` steps; None if they are generated."""
    if not _has(problem, "available"):
        return None
    return int(_call(problem, "available", length))


def has_validation(problem: Problem) -> bool:
    """Whether the problem's data says which sequences are for validation."""
    if is_own(problem) or not _has(problem, "has_validation"):
        return False
    return bool(_call(problem, "has_validation"))


def files(problem: Problem) -> list[Path]:
    """The user's own code and data files that the problem is made from."""
    if _has(problem, "files"):
        return [Path(path) for path in _call(problem, "files")]
    # A trial's id covers the content of this file, not its path.
    path = problem.parameters.get("path") if is_own(problem) else None
    return [Path(path)] if isinstance(path, str) else []


def settled(problem: Problem) -> Problem:
    """The problem with the keys filled in that it leaves to its data."""
    if is_own(problem) or not _has(problem, "settled"):
        return problem
    known = {"name": problem.name, "test_size": problem.test_size}
    return Problem.model_validate(known | _call(problem, "settled"))


def check_seeds(problem: Problem, length: int, seeds: Iterable[int]) -> None:
    """Raise RequestError where the data of one of the seeds is not fit for training or testing.

    Only data that each seed divides for itself can be fit for one seed and not for another.
    """
    if problem.divided:
        _call(problem, "check_seeds", seeds, length)


def remarks(problem: Problem, seeds: Iterable[int] = (0,)) -> list[str]:
    """Sentences about what in the problem's data may be meant otherwise than it was read."""
    if is_own(problem) or not _has(problem, "remarks"):
        return []
    return list(_call(problem, "remarks", seeds))


def understood(problem: Problem) -> list[tuple[str, str]]:
    """How the problem's data were read, as pairs of a name and a text."""
    if is_own(problem) or not _has(problem, "understood"):
        return []
    return list(_call(problem, "understood"))


def preprocessing(problem: Problem, seed: int) -> dict[str, Any] | None:
    """How new data become inputs, as JSON; None if the problem's function makes inputs itself.

    seed: of the trial, which may have a training part of its own.
    """
    if is_own(problem) or not _has(problem, "preprocessing"):
        return None
    return dict(_call(problem, "preprocessing", seed))


def ids(problem: Problem, length: int, seed: int) -> list[str] | None:
    """The names of the test sequences in the order of `load`; None if they have none."""
    if is_own(problem) or not _has(problem, "ids"):
        return None
    rng = stream(seed if problem.divided else None, "data/test")
    return list(_call(problem, "ids", rng, problem.test_size, length, seed))


def class_names(problem: Problem) -> list[str]:
    """What the classes 0, 1, ... of the problem stand for; empty if it does not say."""
    if is_own(problem) or not _has(problem, "class_names"):
        return []
    return list(_call(problem, "class_names"))


def is_own(problem: Problem) -> bool:
    """Whether the problem is a function in the user's own code, such as mine.parity."""
    return re.fullmatch(DOTTED, problem.name) is not None


def is_generated(problem: Problem) -> bool:
    """Whether its test part surely has as many sequences as were asked for: it is made of numbers.

    Data that is fixed may have fewer, and so may what the user's own code returns.
    """
    return problem.name in PROBLEMS and not _has(problem, "available")


def check(problem: Problem, length: int) -> Sequences:
    """Two training sequences, as `sample` makes them.

    Raises RequestError if the problem is unknown or cannot be made from its parameters.
    """
    _check_parameters(problem)
    with _explain_errors(problem):
        return sample(problem, length)


def _check_parameters(problem: Problem) -> None:
    parameters = inspect.signature(_function(problem, "generate")).parameters
    accepted = list(parameters)[3:]
    given = ("split",) if is_own(problem) else ("split", "seed")  # by `_split`
    for key, value in problem.parameters.items():
        if key not in accepted or key in given:
            keys = [name for name in ("test_size", *accepted) if name not in given]
            raise RequestError(
                f"problem.{key}: {problem.name} has no such key; {suggest(key, keys)}"
            )
        default, is_bool = parameters[key].default, isinstance(value, bool)
        if isinstance(default, bool) and not is_bool:
            raise RequestError(f"problem.{key}={value}: true or false is needed")
        is_number = isinstance(value, int | float) and math.isfinite(value) and not is_bool
        if isinstance(default, int | float) and not isinstance(default, bool) and not is_number:
            raise RequestError(f"problem.{key}={value}: a finite number is needed")


@contextmanager
def _explain_errors(problem: Problem) -> Iterator[None]:
    """Turn the errors of a problem's code into a RequestError that names the problem."""
    try:
        yield
    except RequestError:
        raise
    except Exception as error:
        if is_own(problem):  # the user's code may raise anything
            module = problem.name.rpartition(".")[0]
            raise RequestError(f"problem={problem.name}: {dotted.told(error, module)}") from error
        if not isinstance(error, ValueError | ImportError):
            raise
        raise RequestError(f"problem={problem.name}: {error}") from None


def _call(problem: Problem, name: str, *arguments: Any) -> Any:
    """Call one of the problem's functions with its parameters."""
    _check_parameters(problem)
    with _explain_errors(problem):
        return _function(problem, name)(*arguments, **problem.parameters)


def _held_out(data: Sequences, share: float, seed: int) -> Array:
    """Which sequences are held out, (n,) bool: a share of them, or of their groups if any."""
    members = np.arange(len(data)) if data.group is None else data.group
    groups = np.unique(members)
    if len(groups) < 2:
        raise RequestError(
            f"training.validation={share}: the training sequences are one group, of which no part "
            "can be held out"
        )
    chosen = stream(seed, "validation").permutation(groups)[: share_of(len(groups), share)]
    return np.isin(members, chosen)


def _split(
    problem: Problem, split: str, length: int, sequences: int, seed: int | None
) -> Sequences:
    generate = _function(problem, "generate")
    extra: dict[str, Any] = {}
    if "split" in inspect.signature(generate).parameters:
        extra["split"] = split
    if problem.divided:
        extra["seed"] = seed
    rng = stream(seed, f"data/{split}")
    data: Sequences = generate(rng, sequences, length, **problem.parameters, **extra)
    if is_own(problem):
        dotted.check_sequences(problem.name, data, sequences, length, split)
    return data.padded()


def _has(problem: Problem, name: str) -> bool:
    return _function(problem, name, None) is not None


def _function(problem: Problem, name: str, *default: Any) -> Callable[..., Any]:
    """One of the problem's functions. For mine.parity, `ceilings` is mine.parity_ceilings."""
    if is_own(problem):
        prefix = problem.name.rpartition(".")[2]
        name = prefix if name == "generate" else f"{prefix}_{name}"
    return getattr(_module(problem), name, *default)  # type: ignore[no-any-return]


def _module(problem: Problem) -> ModuleType:
    if is_own(problem):
        return dotted.module_of(problem.name)
    if problem.name not in PROBLEMS:
        raise RequestError(f"problem={problem.name}: {suggest(problem.name, list(PROBLEMS))}")
    return importlib.import_module(PROBLEMS[problem.name])
