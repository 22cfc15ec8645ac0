"""What is predicted other than one class: numbers, or several labels at once that are 0 or 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ablation.data import Array
from ablation.errors import RequestError
from ablation.problems.own.cells import number
from ablation.problems.own.examples import LARGEST, WITHOUT, shown
from ablation.problems.own.keys import Keys
from ablation.problems.own.labels import Labels
from ablation.problems.own.tabular import Table

ONES = {"0": 0, "1": 1, "false": 0, "true": 1, "0.0": 0, "1.0": 1}


def numbers_of(table: Table, columns: dict[str, Array], per_step: bool) -> Labels:
    """The numbers of these columns, NaN where there is none; columns: the rows to read of each."""

    def read(column: str, row: int, text: str) -> float:
        value = number(text, table.decimal)
        if value is None or abs(value) > LARGEST:
            raise RequestError(
                f"{table.where(row, column)}: {shown(text)}; a finite number is needed for "
                "problem.target (problem.label takes classes)"
            )
        return value

    y = np.array(
        [
            [read(name, int(row), text) for row, text in _cells(table, name, rows, per_step)]
            for name, rows in columns.items()
        ],
        np.float64,
    )
    return Labels(y.T, list(columns), per_step, "numbers")


def labels_of(table: Table, columns: dict[str, Array], per_step: bool) -> Labels:
    """The zeros and ones of these columns, -1 where there is none."""

    def read(column: str, row: int, text: str) -> int:
        if text.lower() not in ONES:
            raise RequestError(
                f"{table.where(row, column)}: {shown(text)} is neither 0 nor 1, as each of several "
                "columns of problem.label has to be (one column may hold classes)"
            )
        return ONES[text.lower()]

    y = [
        [
            -1 if text.lower() in WITHOUT else read(name, int(row), text)
            for row, text in _cells(table, name, rows, per_step)
        ]
        for name, rows in columns.items()
    ]
    return Labels(np.array(y, np.int32).T, list(columns), per_step, "labels")


def _cells(table: Table, column: str, rows: Array, per_step: bool) -> list[tuple[int, str]]:
    cells = table.cells(column)
    for row in [] if per_step else rows:
        if cells[row].lower() in WITHOUT:
            raise RequestError(f"{table.where(int(row), column)}: none in the whole sequence")
    return [(row, cells[row]) for row in rows]


def of_array(path: Path, y: Array, mask: Array, keys: Keys) -> Labels | None:
    """The numbers or the several labels in y; None if they are classes, or not shaped as either.

    y: (n, steps) or (n, steps, targets), or one a sequence, (n,) or (n, targets). Numbers are
    floats that are not all whole, or what problem.target=y says is. Several labels are 0 or 1 in a
    last axis whose rows do not all add up to 1, which would be one-hot classes.
    """
    if y.dtype.kind not in "biuf":
        if keys.target:
            raise RequestError(f"problem.target=y: y of {path} is {y.dtype}; numbers are needed")
        return None
    per_step, shaped = _with_last_axis(y, mask, keys.label_per)
    if shaped is None:
        return None
    values = (shaped[mask] if per_step else shaped).astype(np.float64)
    there = ~np.isnan(values)
    whole = (values[there] == np.round(values[there])).all()
    rows = values[there.all(axis=1)]
    several = rows.shape[1] > 1 and len(rows) and ((rows == 0) | (rows == 1)).all()
    if keys.target or not whole:
        kind = "numbers"
    elif several and (rows.sum(axis=1) != 1).any():
        kind = "labels"
    else:
        return None
    if per_step and keys.label_per == "sequence":
        raise RequestError(f"problem.label_per=sequence: y of {path} has {kind} for each step")
    places = np.argwhere(mask) if per_step else np.arange(len(y))[:, None]
    wrong = np.abs(values) > LARGEST
    wrong |= ~there & (not per_step)
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        place = ", ".join(map(str, places[row]))
        raise RequestError(f"{path}, y[{place}]: {values[row, column]}; finite numbers are needed")
    if kind == "labels":
        values = np.where(there.all(axis=1, keepdims=True), values, -1).astype(np.int32)
    width = values.shape[1]
    names = ["y"] if width == 1 else [f"y[..., {k}]" for k in range(width)]
    return Labels(values, names, per_step, kind)


def _with_last_axis(y: Array, mask: Array, label_per: str | None) -> tuple[bool, Array | None]:
    """Whether there is one a step, and y with an axis of targets; None if it has another shape."""
    if y.shape == mask.shape and label_per == "sequence":
        return False, y
    if y.shape[:2] == mask.shape:
        return True, y[..., None] if y.ndim == 2 else y if y.ndim == 3 else None
    if y.shape[:1] == mask.shape[:1]:
        return False, y[:, None] if y.ndim == 1 else y if y.ndim == 2 else None
    return False, None
