"""Sequences in a long table: a row a step, and columns that say what each cell is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ablation.data import Array
from ablation.errors import RequestError, suggest
from ablation.problems.own import labels, targets
from ablation.problems.own.cells import numbers, times, words
from ablation.problems.own.examples import WITHOUT, Examples, codes_of, parts_of, shown
from ablation.problems.own.keys import Keys
from ablation.problems.own.tabular import Table, read_table


def read(path: Path, keys: Keys) -> Examples:
    """The examples of a table; raises RequestError with the line, or the row, and the column."""
    if keys.zero is not None:
        raise RequestError(f"problem.zero={keys.zero}: it is for symbols in an .npz")
    table = read_table(path, keys)
    features = _features(table, keys)
    ids = _filled(table, str(keys.sequence), keys.fill_down)
    of_row, names = codes_of(ids)
    order = _order(table, keys, of_row, ids)
    values: dict[str, Array] = {}
    codes: list[Array] = []
    levels: dict[str, list[str]] = {}
    for feature in features:
        category = feature in keys.categorical or feature in (keys.symbols or ())
        column = None if category else numbers(table, feature, keys.missing)
        if column is None:
            found, levels[feature] = words(table, feature, keys.missing)
            codes.append(found)
        else:
            values[feature] = column
    found_labels = _labels(table, keys, order, of_row)
    group = test = validation = None
    if keys.group:
        group, _ = codes_of(_constant(table, keys.group, of_row, keys.fill_down))
    if keys.part:
        cells = _constant(table, keys.part, of_row, keys.fill_down)
        _, first = np.unique(of_row, return_index=True)
        test, validation = parts_of(cells, lambda i: table.where(int(first[i]), str(keys.part)))
    return Examples(
        names=[f"sequence {shown(name)}" for name in names],
        ids=names,
        sizes=np.bincount(of_row),
        x=_stacked(list(values.values()), len(ids), np.float64)[order],
        codes=_stacked(codes, len(ids), np.int32)[order],
        y=found_labels.y,
        per_step=found_labels.per_step,
        classes=found_labels.classes,
        task=found_labels.task,
        numbers=list(values),
        levels=levels,
        group=group,
        layout=table.layout,
        remarks=(*labels.odd_names(found_labels), *_row_numbers(values)),
        test=test,
        validation=validation,
    )


def _labels(table: Table, keys: Keys, order: Array, of_row: Array) -> labels.Labels:
    """What is predicted: classes, several labels or numbers."""
    per_step = keys.label_per != "sequence"
    columns = {
        name: order if per_step else _same(table, name, of_row, table.cells(name))
        for name in keys.target or keys.label or ()
    }
    if keys.target:
        return targets.numbers_of(table, columns, per_step)
    if len(columns) > 1:
        return targets.labels_of(table, columns, per_step)
    ((column, rows),) = columns.items()
    return labels.of_column(table, column, rows, per_step)


def _row_numbers(values: dict[str, Array]) -> list[str]:
    """A sentence for each column that only counts the rows of the file."""
    return [
        f"column {name} numbers the rows of the file and is taken as a feature; "
        "problem.features leaves it out"
        for name, column in values.items()
        if len(column) > 2 and column[0] in (0, 1) and (np.diff(column) == 1).all()
    ]


def _features(table: Table, keys: Keys) -> list[str]:
    """The columns of features; checks first that all columns exist that were asked for."""
    for position, name in enumerate(table.names, 1):
        if not name or name.startswith("__index_level_"):
            raise RequestError(
                f"{table.path}, column {position}: it has no name (an index? write it without: "
                "index=False)"
            )
        if table.names.count(name) > 1:
            raise RequestError(f"{table.path}, column {name}: two columns have this name")
    roles: dict[str, str] = {}
    given = {key: (getattr(keys, key),) for key in ("sequence", "time", "part", "group")}
    predicted = "target" if keys.target else "label"
    given[predicted] = getattr(keys, predicted) or (None,)
    for key in ("sequence", predicted, "time", "part", "group"):
        for name in given[key]:
            if name is None:
                if key in ("sequence", "label"):
                    raise RequestError(
                        f"problem.{key}: {suggest('', table.names)} ({table.path}, {table.layout})"
                    )
                continue
            _known(table, key, name)
            if name in roles and key != "group":
                raise RequestError(f"problem.{key}={name}: it is problem.{roles[name]} as well")
            roles.setdefault(name, key)
    wanted = keys.features
    if wanted is None:
        wanted = tuple(name for name in table.names if name not in roles)
    for name in wanted:
        _known(table, "features", name)
        if roles.get(name) in ("sequence", "label", "target", "part"):
            raise RequestError(f"problem.features: {name} is problem.{roles[name]}")
    for key in ("categorical", "symbols"):
        for name in getattr(keys, key) or ():
            _known(table, key, name)
            if name not in wanted:
                raise RequestError(f"problem.{key}: {name} is none of problem.features")
    if not wanted:
        raise RequestError(f"{table.path}: no column is left for features")
    return list(dict.fromkeys(wanted))


def _known(table: Table, key: str, name: str) -> None:
    if name not in table.names:
        raise RequestError(
            f"problem.{key}={name}: {suggest(name, table.names)} ({table.path}, {table.layout})"
        )


def _filled(table: Table, column: str, fill_down: bool = False) -> list[str]:
    """The cells of a column in which no cell may be empty.

    fill_down: an empty cell means what the last one above it says.
    """
    cells = table.cells(column)
    if fill_down:
        for row in range(1, len(cells)):
            cells[row] = cells[row] or cells[row - 1]
    if "" in cells:
        remedy = "" if fill_down else "; problem.fill_down=true takes the value above it"
        raise RequestError(f"{table.where(cells.index(''), column)}: it is empty{remedy}")
    return cells


def _order(table: Table, keys: Keys, of_row: Array, ids: list[str]) -> Array:
    """The rows in the order of their sequence and, within it, of their time."""
    if keys.time is None:
        return np.argsort(of_row, kind="stable")
    cells = _filled(table, keys.time)
    when = times(table, keys.time, cells, keys.time_format)
    order = np.lexsort((when, of_row))
    before, after = order[:-1], order[1:]
    twice = (of_row[before] == of_row[after]) & (when[before] == when[after])
    if twice.any():
        row, other = int(after[np.argmax(twice)]), int(before[np.argmax(twice)])
        raise RequestError(
            f"{table.where(row, keys.time)}: {cells[row]} is in {table.place(other)} already "
            f"(sequence {shown(ids[row])})"
        )
    return order


def _constant(table: Table, column: str, of_row: Array, fill_down: bool) -> list[str]:
    """What a column says of each sequence; it must not change within one."""
    cells = _filled(table, column, fill_down)
    return [cells[row] for row in _same(table, column, of_row, cells)]


def _same(table: Table, column: str, of_row: Array, cells: list[str]) -> Array:
    """The first row of each sequence with a value; all others must have the same value."""
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
