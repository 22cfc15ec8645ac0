"""What the cells of one column mean: numbers, times or words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from ablation.data import Array
from ablation.errors import RequestError
from ablation.problems.own.examples import (
    LARGEST,
    MOST_SYMBOLS,
    NOT_AVAILABLE,
    WITHOUT,
    codes_of,
    shown,
)
from ablation.problems.own.tabular import Table

INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.ASCII | re.I)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def number(cell: str, decimal: str) -> float | None:
    """The number that a text is, NaN where there is nothing; None where it is something else."""
    if decimal == "comma":
        cell = cell.replace(".", "?").replace(",", ".")
    if NUMBER.fullmatch(cell):
        return float(cell)
    return float("nan") if cell.lower() in WITHOUT else None


def numbers(table: Table, column: str, missing: str) -> Array | None:
    """A column of numbers as float64; None if it is one of words.

    missing: as the key says; other than "error", NaN stands where there is no number.
    """
    cells = table.cells(column)
    found = [number(cell, table.decimal) for cell in cells]
    first = next((row for row, n in enumerate(found) if n is not None and n == n), None)
    if None in found and first is None:
        return None
    strange = next(
        (
            row
            for row, n in enumerate(found)
            if n is None and cells[row].lower() not in NOT_AVAILABLE
        ),
        None,
    )
    if strange is not None and first is not None:
        raise RequestError(
            f"{table.where(strange, column)}: {shown(cells[strange])} is no number, as "
            f"{table.place(first)} has one; problem.categorical=[{column}] takes all as categories"
        )
    values = np.array([float("nan") if n is None else n for n in found], np.float64)
    absent = np.isnan(values)
    wrong = ~(np.abs(values) <= LARGEST) & ~(absent & (missing != "error"))
    if wrong.any():
        row = int(np.argmax(wrong))
        remedy = "; problem.missing=mean or forward fills it in" if absent[row] else ""
        raise RequestError(
            f"{table.where(row, column)}: {cells[row] or 'empty'}; a finite number is needed"
            f"{remedy}"
        )
    if absent.all():
        raise RequestError(f"{table.path}, column {column}: it has no number at all")
    return values


def words(table: Table, column: str, missing: str) -> tuple[Array, list[str]]:
    """A column of categories as codes (rows,) int32, and what each code stands for.

    missing: as the key says; other than "error", an empty cell is a category of its own.
    """
    cells = table.cells(column)
    for row, cell in enumerate(cells):
        if cell.lower() in WITHOUT and missing == "error":
            raise RequestError(
                f"{table.where(row, column)}: {cell or 'empty'}; a word is needed; "
                "problem.missing=mean or forward makes it a category of its own"
            )
    codes, levels = codes_of(cells)
    if len(levels) >= MOST_SYMBOLS - 1:
        raise RequestError(
            f"{table.path}, column {column}: {len(levels)} different words; at most "
            f"{MOST_SYMBOLS - 2} are possible (problem.features leaves a column out)"
        )
    return codes, levels


def times(table: Table, column: str, cells: Sequence[str], format: str | None) -> Array:
    """Numbers or dates as an array that can be sorted; format: as datetime.strptime has it."""
    if format is None and all(INTEGER.fullmatch(cell) for cell in cells):
        return np.array([int(cell) for cell in cells], np.int64)  # floats would round the large
    if format is None:
        found = np.array([number(cell, table.decimal) for cell in cells], float)
        if np.isfinite(found).all():
            return found
    whens = np.zeros(len(cells), np.int64)
    for row, cell in enumerate(cells):
        try:
            when = datetime.strptime(cell, format) if format else datetime.fromisoformat(cell)
        except ValueError:
            needed = (
                f"problem.time_format={format} does not fit it"
                if format
                else "numbers or ISO dates are needed, and one of them throughout; or "
                "problem.time_format says how dates are written, as %d.%m.%Y does"
            )
            raise RequestError(
                f"{table.where(row, column)}: {shown(cell)} is no time; {needed}"
            ) from None
        since = (when if when.tzinfo else when.replace(tzinfo=UTC)) - EPOCH
        whens[row] = since // timedelta(microseconds=1)
    return whens
