"""What a file of the user's own contains: labelled sequences, before they are split and scaled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ablation.data import Array
from ablation.errors import RequestError

MOST_SYMBOLS = 1_000_000  # each has a row in the embedding
LARGEST = 1e30  # the largest size of a feature: float32 needs room for what is computed from it
WITHOUT = ("", "nan")  # texts that mean: no value
# Texts that mean "no value" in a column of numbers; as a label or a word each may be a real value.
NOT_AVAILABLE = (*WITHOUT, "na", "n/a", "#n/a", "<na>", "null", "none", "?", "-")


@dataclass(frozen=True)
class Examples:
    """All sequences of a file; their steps lie one after the other, as rows.

    names: (n,) what an error calls each sequence. ids: (n,) what the file calls it.
    sizes: (n,) int, the steps of each.
    x: (rows, numbers) float64, NaN where a number is missing; or (rows,) int32 where the steps
    are symbols (1 .. symbols - 1).
    codes: (rows, categories) int32, the level of each category, as an index of its levels.
    y: (rows,) int32 with one label a step, or (n,) with one a sequence; -1 where there is none. Of
    several labels at once (..., labels) int32, likewise; of numbers (..., targets) float64, with
    NaN where there is none. A step that lacks one of several is not scored.
    classes: the labels that 0, 1, ... stand for, or the names of the labels or numbers.
    task: what is predicted, as in data.Sequences.
    numbers: the names of the columns of x. levels: the levels of each category, by its name.
    zero: what 0 is among symbols, "padding" or "symbol" (then symbols are 1 higher than written).
    group: (n,) int, equal for sequences that must stay together; None: there are no groups.
    test: (n,) bool, the sequences of the test part; None: it is drawn at random.
    validation: (n,) bool, the sequences of the validation part; None: the file has none.
    layout: how the file was read, such as "separated by commas". remarks: what was found odd in it.
    """

    names: list[str]
    ids: list[str]
    sizes: Array
    x: Array
    codes: Array
    y: Array
    per_step: bool
    classes: list[str]
    numbers: list[str]
    task: str = "classes"
    levels: dict[str, list[str]] = field(default_factory=dict)
    symbols: int = 0
    zero: str | None = None
    group: Array | None = None
    test: Array | None = None
    validation: Array | None = None
    layout: str = ""
    remarks: tuple[str, ...] = ()

    @cached_property
    def known(self) -> Array:
        """Which steps, or sequences, have a label: bool."""
        there = self.y == self.y if self.task == "numbers" else self.y >= 0
        return there if self.task == "classes" else np.asarray(there.all(axis=-1))

    @cached_property
    def of_row(self) -> Array:
        """The sequence of each row, (rows,) int."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    @cached_property
    def begins(self) -> Array:
        """The first row of each sequence, (n,) int."""
        return np.asarray(np.cumsum(self.sizes) - self.sizes)


def shown(value: object) -> str:
    """A value of the file as a message quotes it."""
    text = repr(str(value)) if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else f"{text[:36]} ..."


def codes_of(values: list[str]) -> tuple[Array, list[str]]:
    """A number for each text, in the order in which they first occur, and what each stands for."""
    numbers: dict[str, int] = {}
    codes = np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int32)
    return codes, list(numbers)


def parts_of(values: list[str], where: Callable[[int], str]) -> tuple[Array, Array | None]:
    """Which values say test and which validation, as bool; the others say train.

    Validation is None if no value says so. Raises RequestError if one says something else.
    """
    for index, value in enumerate(values):
        if value not in ("train", "validation", "test"):
            raise RequestError(
                f"{where(index)}: {shown(value)} is neither 'train' nor 'test', nor 'validation'"
            )
    test, validation = (np.array([v == part for v in values]) for part in ("test", "validation"))
    return test, validation if validation.any() else None
