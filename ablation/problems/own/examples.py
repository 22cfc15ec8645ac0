"""What a file of the user's own holds: labelled sequences, before they are split and scaled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ablation.data import Array
from ablation.errors import RequestError

MOST_CLASSES = 1_000  # with more, a label is no class but a number or a name
MOST_LEVELS = 1_000  # of a categorical feature, each of which becomes a feature
MOST_SYMBOLS = 1_000_000  # each of which has a row in the embedding
LARGEST = 1e30  # a feature's greatest size: float32 must have room for what is made of it
WITHOUT = ("", "nan")  # how a text says that a value is not there


@dataclass(frozen=True)
class Examples:
    """All sequences of a file; their steps lie one after the other, as rows.

    names: (n,) how an error calls each sequence. sizes: (n,) int, the steps of each.
    x: (rows, features) float64, or (rows,) int32 where the steps are symbols (1 .. symbols - 1).
    codes: (rows, categorical features) int32, the level of each.
    y: (rows,) int32 with one label a step, or (n,) with one a sequence; -1 where there is none.
    classes: the labels that 0, 1, ... stand for.
    group: (n,) int, sequences that must not be parted; None: each may go where it wants.
    test: (n,) bool, the sequences of the test part; None: it is to be drawn.
    """

    names: list[str]
    sizes: Array
    x: Array
    codes: Array
    y: Array
    per_step: bool
    classes: list[str]
    symbols: int = 0
    group: Array | None = None
    test: Array | None = None


def encode(labels: Array, there: Array, where: Callable[[int], str]) -> tuple[Array, list[str]]:
    """Numbers 0, 1, ... for the labels in sorted order, -1 where there is none, and their names.

    labels: (m,) bool, integers, floats that are whole, or text. there: (m,) bool, which count.
    where: the place of a label in its file. Raises RequestError where they are no classes.
    """
    if labels.dtype.kind == "f":
        whole = ~there | (labels == np.round(labels)) & (np.abs(labels) < 2**53)
        if not whole.all():
            bad = int(np.argmin(whole))
            raise RequestError(
                f"{where(bad)}: {labels[bad]} is no class; a whole number or a word is needed"
            )
        labels = np.where(there, labels, 0).astype(np.int64)
    if not there.any():
        raise RequestError(f"{where(0)}: neither here nor elsewhere is there a label")
    classes, codes = np.unique(labels[there], return_inverse=True)
    if len(classes) > MOST_CLASSES:
        raise RequestError(
            f"{where(0)}: {len(classes)} different labels; at most {MOST_CLASSES} are classes"
        )
    if len(classes) == 1:
        raise RequestError(f"{where(0)}: all labels are {shown(classes[0])}; two are needed")
    y = np.full(len(labels), -1, np.int32)
    y[there] = codes
    return y, [str(name) for name in classes]


def shown(value: object) -> str:
    """A value of the file as an error cites it."""
    text = repr(str(value)) if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else f"{text[:36]} ..."


def codes_of(values: list[str]) -> tuple[Array, list[str]]:
    """A number for each text, in the order in which they first occur, and what each stands for."""
    numbers: dict[str, int] = {}
    codes = np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int32)
    return codes, list(numbers)


def in_test(values: list[str], where: Callable[[int], str]) -> Array:
    """Which of the values say test, and not train; RequestError where one says neither."""
    for index, value in enumerate(values):
        if value not in ("train", "test"):
            raise RequestError(f"{where(index)}: {shown(value)} is neither 'train' nor 'test'")
    return np.array([value == "test" for value in values], bool)
