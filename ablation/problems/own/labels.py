"""Labels of a file: which class each one is, whichever way they are written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ablation.data import Array
from ablation.errors import RequestError
from ablation.problems.own.cells import INTEGER, number
from ablation.problems.own.examples import WITHOUT, shown
from ablation.problems.own.tabular import Table

MANY = 30  # classes that are whole numbers; more may have been meant as numbers
MOST_CLASSES = 10_000  # beyond that a label is a number or a name, and no class
ABSENT = ("na", "n/a", "#n/a", "<na>", "null", "?")  # names that often mean: no label


@dataclass(frozen=True)
class Labels:
    """y: a code a label, -1 where there is none; classes: what 0, 1, ... stand for.

    per_step: whether there is one label a step, and not one a sequence.
    task: as in data.Sequences; of other tasks than "classes" as in `examples.Examples`.
    """

    y: Array
    classes: list[str]
    per_step: bool
    task: str = "classes"


def of_column(table: Table, column: str, rows: Array, per_step: bool) -> Labels:
    """The labels in these rows of a column, in their order."""
    cells = table.cells(column)
    texts = [cells[row] for row in rows]
    there = np.array([text.lower() not in WITHOUT for text in texts], bool)
    if not per_step and not there.all():
        row = int(rows[np.argmin(there)])
        raise RequestError(f"{table.where(row, column)}: no label in the whole sequence")
    numbers = [number(text, table.decimal) for text in texts]
    values: Array
    if all(INTEGER.fullmatch(text) for text, known in zip(texts, there, strict=True) if known):
        values = np.array([int(t) if k else 0 for t, k in zip(texts, there, strict=True)], np.int64)
    else:
        values = np.array(texts if None in numbers else numbers)
    y, classes = encode(values, there, lambda i: table.where(int(rows[i]), column))
    return Labels(y, classes, per_step)


def of_array(path: Path, y: Array, mask: Array, label_per: str | None) -> Labels:
    """The labels of the steps that exist (mask), or of the sequences.

    y: (n, steps), (n, steps, 1) or (n, steps, classes) one-hot; or (n,), (n, 1) or (n, classes)
    one-hot. Integers, whole floats, bool or text; NaN or "" is no label.
    """
    if y.dtype.kind not in "biufUS":
        raise RequestError(f"{path}, y: {y.dtype}; integers or text are needed")
    place = _place(y, mask)
    y = _without_last_axis(path, y, mask, label_per)
    per_step = y.ndim == 2
    if per_step and label_per == "sequence":
        raise RequestError(f"problem.label_per=sequence: y of {path} has a label for each step")
    values = y[mask] if per_step else y
    places = np.argwhere(mask) if per_step else np.arange(len(y))[:, None]
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "U":
        there = ~np.isin(np.char.lower(values), WITHOUT)
    else:
        there = values == values  # a NaN does not equal itself
    if not per_step and not there.all():
        raise RequestError(f"{path}, y[{int(np.argmin(there))}]: no label")
    codes, classes = encode(values, there, lambda i: f"{path}, y[{place(places[i])}]")
    return Labels(codes, classes, per_step)


def encode(labels: Array, there: Array, where: Callable[[int], str]) -> tuple[Array, list[str]]:
    """Numbers 0, 1, ... for the labels in sorted order, -1 where there is none, and their names.

    labels: (m,) bool, integers, floats that are whole, or text. there: (m,) bool, which count.
    where: the place of a label in its file. Raises RequestError if they are no classes.
    """
    if labels.dtype.kind == "f":
        whole = ~there | (labels == np.round(labels)) & (np.abs(labels) < 2**53)
        if not whole.all():
            bad = int(np.argmin(whole))
            raise RequestError(
                f"{where(bad)}: {labels[bad]} is no class; a whole number or a word is needed "
                "(problem.target, in place of problem.label, predicts numbers)"
            )
        labels = np.where(there, labels, 0).astype(np.int64)
    if not there.any():
        raise RequestError(f"{where(0)}: neither here nor elsewhere is there a label")
    classes, codes = np.unique(labels[there], return_inverse=True)
    if len(classes) > MOST_CLASSES:
        raise RequestError(
            f"{where(0)}: {len(classes)} different labels; at most {MOST_CLASSES} can be classes "
            "(put rare ones under one name)"
        )
    if len(classes) == 1:
        raise RequestError(f"{where(0)}: all labels are {shown(classes[0])}; two are needed")
    y = np.full(len(labels), -1, np.int32)
    y[there] = codes
    return y, [str(name) for name in classes]


def odd_names(found: Labels) -> list[str]:
    """A sentence for each name that may not have been meant as a class."""
    classes = found.classes if found.task == "classes" else []
    remarks = [
        f"label {shown(name)} is taken as a class; where there is no label, leave the cell empty"
        for name in classes
        if name.lower() in ABSENT or (name == "-1" and _only_negative(classes))
    ]
    if may_be_numbers(classes):
        remarks.append(
            f"labels: {len(classes)} whole numbers are taken as classes; problem.target predicts "
            "them as numbers"
        )
    alike: dict[str, list[str]] = defaultdict(list)
    for name in classes:
        alike[" ".join(name.casefold().split())].append(name)
    return remarks + [
        f"labels {' and '.join(map(shown, names))} differ only in case or spaces, and are "
        f"{len(names)} classes"
        for names in alike.values()
        if len(names) > 1
    ]


def may_be_numbers(classes: list[str]) -> bool:
    """Whether so many whole numbers may have been meant as numbers."""
    return len(classes) > MANY and all(map(INTEGER.fullmatch, classes))


def _only_negative(classes: list[str]) -> bool:
    """Whether -1 stands beside 0, 1, ..., and not for the opposite of 1."""
    return sum(name.startswith("-") for name in classes) == 1 and classes != ["-1", "1"]


def _place(y: Array, mask: Array) -> Callable[[Array], str]:
    """How an index of a label is written; a last axis of length 1 is part of it."""
    tail = ", 0" if y.shape in ((*mask.shape, 1), (len(mask), 1)) and y.shape != mask.shape else ""
    return lambda index: ", ".join(map(str, index)) + tail


def _without_last_axis(path: Path, y: Array, mask: Array, label_per: str | None) -> Array:
    """One value a label: without a last axis of length 1, and one-hot labels as class numbers."""
    steps, sequences = mask.shape, mask.shape[:1]
    # The same column in all rows would be a single class, and then it cannot be meant as one-hot.
    both = y.shape == steps and _one_hot(y) and bool(np.ptp(y.argmax(axis=1)))
    if both and label_per is None:
        raise RequestError(
            f"{path}, y: each row has one 1, and there are as many columns as steps: "
            f"problem.label_per=step if they are labels of {steps[1]} steps, =sequence if they are "
            f"one-hot labels of {steps[1]} classes"
        )
    if both and label_per == "sequence":
        return np.asarray(y.argmax(axis=1))
    if y.shape in (steps, sequences):
        return y
    if y.shape in ((*steps, 1), (*sequences, 1)):
        return y[..., 0]
    if (y.ndim == 3 and y.shape[:2] == steps and _one_hot(y[mask])) or (
        y.ndim == 2 and y.shape[:1] == sequences and _one_hot(y)
    ):
        return np.asarray(y.argmax(axis=-1))
    raise RequestError(
        f"{path}, y: shape {y.shape}; {steps} is needed for a label a step, {sequences} for a "
        "label a sequence, or one axis more with a single 1 for the class (one-hot); "
        "problem.target=y takes all as numbers"
    )


def _one_hot(rows: Array) -> bool:
    """Whether each row has a single 1, and 0 elsewhere."""
    if rows.dtype.kind not in "biuf" or rows.shape[-1] < 2:
        return False
    return bool(((rows == 0) | (rows == 1)).all() and (rows.sum(axis=-1) == 1).all())
