"""Short names for arms, made of the values in which they differ."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from ablation.spec.base import canonical
from ablation.spec.schema import Arm

PLAIN_FACTORS = (
    *("problem", "model", "direction", "merge_mode", "cell", "engine", "optimizer"),
    "loss_function",
)


def varying(arms: Iterable[Arm], tuned: Collection[str] = ()) -> list[str]:
    """The columns in which arms differ. Arms whose problem lacks a parameter are ignored for it.

    tuned: columns that arms choose, which makes none of them another arm.
    """
    return _varying([arm.flat() for arm in arms], tuned)


def _varying(rows: Collection[dict[str, Any]], tuned: Collection[str]) -> list[str]:
    columns = list(dict.fromkeys(c for row in rows for c in row if c not in tuned))
    values = {c: {canonical(row[c]) for row in rows if c in row} for c in columns}
    return [column for column in columns if len(values[column]) > 1]


def label_arms(arms: Iterable[Arm], tuned: Collection[str] = ()) -> dict[Arm, str]:
    """A short name for each arm: the values in which the arms differ, such as "bidirectional sum".

    If the arms do not differ, the name is the direction and the merge mode. tuned: see `varying`.
    """
    rows = {arm: _named(arm) for arm in arms}
    named = rows.values()
    columns = [c for c in _varying(named, tuned) if not _follows_from_problem(c, named)]
    columns = columns or [c for c in ("direction", "merge_mode") if c not in tuned] or ["problem"]
    return {arm: _joined(row, columns) for arm, row in rows.items()}


def label_variants(arms: Iterable[Arm], tuned: Collection[str] = ()) -> dict[Arm, str]:
    """What each arm is beside its problem, such as "bidirectional sum" on any of several problems.

    It names the values that differ between arms of one problem and length. tuned: see `varying`.
    """
    rows = {arm: _named(arm) for arm in arms}
    tasks: dict[bytes, list[Arm]] = {}
    for arm in rows:
        tasks.setdefault(canonical([arm.problem.model_dump(), arm.length]), []).append(arm)
    varied = {column for task in tasks.values() for column in varying(task, tuned)}
    columns = [c for c in _varying(rows.values(), tuned) if c in varied] or [
        "direction",
        "merge_mode",
    ]
    return {arm: _joined(row, columns) for arm, row in rows.items()}


def problem_name(problem: str, path: Any = None) -> str:
    """What a problem is called: several files are told apart by their names."""
    return Path(path).stem if problem == "file" and isinstance(path, str) else problem


def _named(arm: Arm) -> dict[str, Any]:
    row = arm.flat()
    return row | {"problem": problem_name(row["problem"], row.get("problem.path"))}


def _joined(row: dict[str, Any], columns: Iterable[str]) -> str:
    return " ".join(
        str(row[column]) if column in PLAIN_FACTORS else f"{column}={row[column]}"
        for column in columns
        if row.get(column) is not None
    )


def _follows_from_problem(column: str, rows: Iterable[dict[str, Any]]) -> bool:
    """Whether arms of one problem all have the same value, so that its name is enough."""
    values: dict[str, set[bytes]] = {}
    for row in rows:
        values.setdefault(row["problem"], set()).add(canonical(row.get(column)))
    several = len(values) > 1 and column not in PLAIN_FACTORS
    return several and all(len(of_problem) == 1 for of_problem in values.values())
