"""Inputs of a model from the features of a file, by what the training part holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ablation.data import Array
from ablation.errors import RequestError
from ablation.problems.own.examples import LARGEST, Examples
from ablation.problems.own.keys import Keys

MOST_COLUMNS = 100  # levels of a category that get a column each unless problem.symbols is said
LIMIT = 1_000  # levels that can have a column each if that is asked for


@dataclass(frozen=True)
class Inputs:
    """What a model reads, a row a step.

    x: (rows, features) float32, or (rows,) int32 symbols. symbols: size of their vocabulary, in
    which 0 is padding; 0 if there are none. levels: as in data.Sequences.
    """

    x: Array
    symbols: int = 0
    levels: tuple[int, ...] = ()


def embedded(found: Examples, asked: tuple[str, ...] | None) -> tuple[str, ...]:
    """The categories that get a learnt vector a level (an embedding), and not a column a level.

    asked: those that problem.symbols names; None: a category of more than MOST_COLUMNS levels.
    """
    wide = [name for name, levels in found.levels.items() if len(levels) > MOST_COLUMNS]
    return tuple(name for name in found.levels if name in (wide if asked is None else asked))


def make_inputs(found: Examples, train: Array, keys: Keys, path: str) -> Inputs:
    """The inputs of all rows; train: (rows,) bool, those of the training part.

    The order: numbers; a column of 0 and 1 for each level; for each number that is missing
    somewhere a column that is 1 where it is; and the codes of categories that get vectors.
    """
    if found.symbols:
        return Inputs(found.x, found.symbols)
    categories = dict(zip(found.levels, found.codes.T, strict=True))
    sizes = {name: len(levels) for name, levels in found.levels.items()}
    coded = [
        _symbols(categories.pop(name), train, sizes[name], keys)
        for name in embedded(found, keys.symbols)
    ]
    if len(coded) == 1 and not found.numbers and not categories:
        return Inputs(*coded[0])
    absent = np.isnan(found.x)
    numbers = _complete(found, absent, train, keys, path)
    columns = [
        _columns(name, codes, train, sizes[name], keys, path) for name, codes in categories.items()
    ]
    indicators = absent[:, absent.any(axis=0)]
    codes = [column[:, None] for column, _ in coded]
    x = np.concatenate([numbers, *columns, indicators, *codes], axis=1).astype(np.float32)
    return Inputs(x, levels=tuple(size for _, size in coded))


def places_of(codes: Array, train: Array, levels: int, keys: Keys) -> tuple[Array, Array, int]:
    """The levels that the training part has, the place of each, and how many places there are.

    Where each seed has parts of its own, every level of the file has a place, so that a model has
    one shape; a level that the training part lacks is not told from others all the same.
    """
    known = np.unique(codes[train])
    if keys.divided:
        return known, known, levels
    return known, np.arange(len(known)), len(known)


def _columns(name: str, codes: Array, train: Array, levels: int, keys: Keys, path: str) -> Array:
    """A column for each level that the training part has; another level is 0 in all of them."""
    known, places, width = places_of(codes, train, levels, keys)
    if width > LIMIT:
        raise RequestError(
            f"{path}, column {name}: {width} different words; at most {LIMIT} can have a "
            f"column each (problem.symbols=[{name}] embeds them, problem.features leaves it out)"
        )
    columns = np.zeros((len(codes), width), bool)
    columns[:, places] = codes[:, None] == known
    return columns


def _symbols(codes: Array, train: Array, levels: int, keys: Keys) -> tuple[Array, int]:
    """Symbols (rows,) int32 and the size of their vocabulary.

    0 is padding, 1 is every level that the training part does not have, the others follow.
    """
    known, places, width = places_of(codes, train, levels, keys)
    symbol = np.ones(levels, np.int32)
    symbol[known] = places + 2
    return symbol[codes], width + 2


def _complete(found: Examples, absent: Array, train: Array, keys: Keys, path: str) -> Array:
    """The numbers, without gaps, scaled if that is asked for."""
    x, known = found.x, found.x[train]
    if not absent.any():
        return _scaled(x, known.mean(axis=0), known, path) if keys.standardize else x
    mean = np.nanmean(known, axis=0)
    filled = np.where(absent, mean, x)
    if keys.missing == "forward":
        filled = _forward(found, absent, filled)
    return _scaled(filled, mean, known, path) if keys.standardize else filled


def check_numbers(found: Examples, train: Array, path: str) -> None:
    """Raise RequestError where a feature has no number in the training part, (rows,) bool."""
    if found.symbols:
        return
    empty = np.isnan(found.x[train]).all(axis=0)
    if empty.any():
        name = found.numbers[int(np.argmax(empty))]
        raise RequestError(f"{path}: {name} has no number in the train part")


def _forward(found: Examples, absent: Array, filled: Array) -> Array:
    """Each gap with the last number before it in the sequence, if there is one."""
    rows = np.arange(len(absent))[:, None]
    last = np.maximum.accumulate(np.where(absent, -1, rows), axis=0)
    inside = last >= found.begins[found.of_row][:, None]
    return np.where(inside, np.take_along_axis(filled, last.clip(min=0), axis=0), filled)


def _scaled(x: Array, mean: Array, known: Array, path: str) -> Array:
    """The features with mean 0 and deviation 1 in the training part; 0 where they are constant.

    known: the training part, in which NaN is left out.
    """
    deviation = deviation_of(known)
    scaled: Array = np.divide(x - mean, deviation, where=deviation > 0, out=np.zeros_like(x))
    if (np.abs(scaled) > LARGEST).any():
        raise RequestError(
            f"{path}: a feature of the test part is more than {LARGEST:g} deviations off the "
            "training part's mean"
        )
    return scaled


def scale_of(found: Examples, train: Array) -> tuple[Array | None, Array | None]:
    """Mean and standard deviation of the numbers to predict, each (targets,); None of other tasks.

    train: (n,) bool, the sequences of the training part.
    """
    if found.task != "numbers":
        return None, None
    known = found.y[found.known & (train[found.of_row] if found.per_step else train)]
    return known.mean(axis=0), known.std(axis=0)


def deviation_of(known: Array) -> Array:
    """The standard deviation of each feature (features,), 0 where it is constant; NaN left out."""
    constant = np.nanmax(known, axis=0) == np.nanmin(known, axis=0)
    return np.asarray(np.where(constant, 0, np.nanstd(known, axis=0)))
