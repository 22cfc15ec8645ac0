"""Sequences in a long table: a row a step, and columns that say what each cell is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from ablation.data import Array
from ablation.errors import RequestError, suggest
from ablation.problems.own.examples import (
    LARGEST,
    MOST_LEVELS,
    WITHOUT,
    Examples,
    codes_of,
    encode,
    in_test,
    shown,
)
from ablation.problems.own.tabular import Table, read_table

INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.ASCII | re.I)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Columns:
    """What the columns of a table are for; None where there is no such column.

    time: None: the rows are in order. label_per: "step" or "sequence".
    features: None: all columns that are for nothing else. categorical: the features that are
    categories although they are numbers. part: the column that says train or test.
    """

    sequence: str | None = None
    time: str | None = None
    label: str | None = None
    label_per: str = "step"
    features: tuple[str, ...] | None = None
    categorical: tuple[str, ...] = ()
    group: str | None = None
    part: str | None = None


def read(path: Path, columns: Columns) -> Examples:
    """The examples of a table; raises RequestError with the line, or the row, and the column."""
    table = read_table(path)
    features = _features(table, columns)
    sequence, label = str(columns.sequence), str(columns.label)
    ids = _filled(table, sequence)
    of_row, names = codes_of(ids)
    order = _order(table, columns.time, of_row, ids)
    numbers, codes = [], []
    for feature in features:
        cells = table.cells(feature)
        values = None if feature in columns.categorical else _numeric(table, feature, cells)
        if values is None:
            codes.append(_levels(table, feature, cells))
        else:
            numbers.append(values)
    y, classes = _labels(table, label, of_row, order if columns.label_per == "step" else None)
    group = part = None
    if columns.group:
        group, _ = codes_of(_constant(table, columns.group, of_row))
    if columns.part:
        cells = _constant(table, columns.part, of_row)
        _, first = np.unique(of_row, return_index=True)
        part = in_test(cells, lambda i: table.where(int(first[i]), str(columns.part)))
    return Examples(
        names=[f"sequence {shown(name)}" for name in names],
        sizes=np.bincount(of_row),
        x=_stacked(numbers, len(ids), np.float64)[order],
        codes=_stacked(codes, len(ids), np.int32)[order],
        y=y,
        per_step=columns.label_per == "step",
        classes=classes,
        group=group,
        test=part,
    )


def _features(table: Table, columns: Columns) -> list[str]:
    """The columns of features, after every column has been found that was asked for."""
    for number, name in enumerate(table.names, 1):
        if not name or name.startswith("__index_level_"):
            raise RequestError(
                f"{table.path}, column {number}: it has no name (an index? write it without: "
                "index=False)"
            )
        if table.names.count(name) > 1:
            raise RequestError(f"{table.path}, column {name}: two columns have this name")
    roles: dict[str, str] = {}
    for key in ("sequence", "label", "time", "part", "group"):
        name = getattr(columns, key)
        if name is None and key in ("sequence", "label"):
            raise RequestError(f"problem.{key}: {suggest('', table.names)} ({table.path})")
        if name is not None:
            _known(table, key, name)
            if name in roles and key != "group":
                raise RequestError(f"problem.{key}={name}: it is problem.{roles[name]} as well")
            roles.setdefault(name, key)
    wanted = columns.features
    if wanted is None:
        wanted = tuple(name for name in table.names if name not in roles)
    for name in wanted:
        _known(table, "features", name)
        if roles.get(name) in ("sequence", "label", "part"):
            raise RequestError(f"problem.features: {name} is problem.{roles[name]}")
    for name in columns.categorical:
        _known(table, "categorical", name)
        if name not in wanted:
            raise RequestError(f"problem.categorical: {name} is none of problem.features")
    if not wanted:
        raise RequestError(f"{table.path}: no column is left for features")
    return list(dict.fromkeys(wanted))


def _known(table: Table, key: str, name: str) -> None:
    if name not in table.names:
        raise RequestError(f"problem.{key}={name}: {suggest(name, table.names)} ({table.path})")


def _filled(table: Table, column: str) -> list[str]:
    """The cells of a column in which each has to have something."""
    cells = table.cells(column)
    if "" in cells:
        raise RequestError(f"{table.where(cells.index(''), column)}: it is empty")
    return cells


def _order(table: Table, time: str | None, of_row: Array, ids: list[str]) -> Array:
    """The rows in the order of their sequence and, within it, of their time."""
    if time is None:
        return np.argsort(of_row, kind="stable")
    when = _times(table, time)
    order = np.lexsort((when, of_row))
    before, after = order[:-1], order[1:]
    twice = (of_row[before] == of_row[after]) & (when[before] == when[after])
    if twice.any():
        row, other = int(after[np.argmax(twice)]), int(before[np.argmax(twice)])
        raise RequestError(
            f"{table.where(row, time)}: {table.cells(time)[row]} is in {table.place(other)} "
            f"already (sequence {shown(ids[row])})"
        )
    return order


def _times(table: Table, column: str) -> Array:
    """Numbers or ISO dates as an array that can be sorted."""
    cells = _filled(table, column)
    if all(INTEGER.fullmatch(cell) for cell in cells):
        return np.array([int(cell) for cell in cells], np.int64)  # floats would round the large
    numbers = np.array([_number(cell) for cell in cells], float)
    if np.isfinite(numbers).all():
        return numbers
    times = np.zeros(len(cells), np.int64)
    for row, cell in enumerate(cells):
        try:
            when = datetime.fromisoformat(cell)
        except ValueError:
            raise RequestError(
                f"{table.where(row, column)}: {shown(cell)} is no time; numbers or ISO dates are "
                "needed, and one of them throughout"
            ) from None
        since = (when if when.tzinfo else when.replace(tzinfo=UTC)) - EPOCH
        times[row] = since // timedelta(microseconds=1)
    return times


def _number(cell: str) -> float | None:
    """The number that a text is, NaN where there is nothing; None where it is something else."""
    if NUMBER.fullmatch(cell):
        return float(cell)
    return float("nan") if cell.lower() in WITHOUT else None


def _numeric(table: Table, feature: str, cells: list[str]) -> Array | None:
    """A column of numbers; None where it is one of words."""
    numbers = [_number(cell) for cell in cells]
    if None in numbers:
        first = next((row for row, n in enumerate(numbers) if n is not None and n == n), None)
        if first is None:
            return None
        row = numbers.index(None)
        raise RequestError(
            f"{table.where(row, feature)}: {shown(cells[row])} is no number, as "
            f"{table.place(first)} has one; problem.categorical=[{feature}] takes all as categories"
        )
    values = np.array(numbers, np.float64)
    wrong = ~(np.abs(values) <= LARGEST)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise RequestError(
            f"{table.where(row, feature)}: {cells[row] or 'empty'}; a finite number is needed"
        )
    return values


def _levels(table: Table, feature: str, cells: list[str]) -> Array:
    """A column of categories as numbers."""
    for row, cell in enumerate(cells):
        if cell.lower() in WITHOUT:
            raise RequestError(f"{table.where(row, feature)}: {cell or 'empty'}; a word is needed")
    codes, levels = codes_of(cells)
    if len(levels) > MOST_LEVELS:
        raise RequestError(
            f"{table.path}, column {feature}: {len(levels)} different words; a categorical feature "
            f"has at most {MOST_LEVELS} (problem.features leaves a column out)"
        )
    return codes


def _labels(
    table: Table, column: str, of_row: Array, order: Array | None
) -> tuple[Array, list[str]]:
    """A label a row, in order; or, without an order, one a sequence."""
    cells = table.cells(column)
    rows = _same(table, column, of_row, cells) if order is None else order
    texts = [cells[row] for row in rows]
    there = np.array([text.lower() not in WITHOUT for text in texts], bool)
    if order is None and not there.all():
        row = int(rows[np.argmin(there)])
        raise RequestError(f"{table.where(row, column)}: no label in the whole sequence")
    numbers = [_number(text) for text in texts]
    labels: Array
    if all(INTEGER.fullmatch(text) for text, known in zip(texts, there, strict=True) if known):
        labels = np.array([int(t) if k else 0 for t, k in zip(texts, there, strict=True)], np.int64)
    else:
        labels = np.array(texts if None in numbers else numbers)
    return encode(labels, there, lambda i: table.where(int(rows[i]), column))


def _constant(table: Table, column: str, of_row: Array) -> list[str]:
    """What a column says of each sequence, in which it must not change."""
    cells = _filled(table, column)
    return [cells[row] for row in _same(table, column, of_row, cells)]


def _same(table: Table, column: str, of_row: Array, cells: list[str]) -> Array:
    """The first row of each sequence with something in it; all others must have the same."""
    first: dict[int, int] = {}
    for row, (sequence, cell) in enumerate(zip(of_row.tolist(), cells, strict=True)):
        known = first.setdefault(sequence, row)
        if cell.lower() in WITHOUT:
            continue
        if cells[known].lower() in WITHOUT:
            first[sequence] = row
        elif cells[known] != cell:
            raise RequestError(
                f"{table.where(row, column)}: {shown(cell)}, but the same sequence has "
                f"{shown(cells[known])} in {table.place(known)}"
            )
    return np.array([first[sequence] for sequence in range(len(first))], np.int64)


def _stacked(columns: list[Array], rows: int, dtype: type) -> Array:
    return np.stack(columns, axis=1) if columns else np.zeros((rows, 0), dtype)
