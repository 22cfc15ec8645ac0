"""Short names for arms, made of the values in which they differ."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ablation.spec.schema import Arm, canonical

PLAIN_FACTORS = (
    *("problem", "model", "direction", "merge_mode", "cell", "engine", "optimizer"),
    "loss_function",
)


def varying(arms: Iterable[Arm]) -> list[str]:
    """The columns in which arms differ. Arms whose problem lacks a parameter are ignored for it."""
    rows = [arm.flat() for arm in arms]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    values = {c: {canonical(row[c]) for row in rows if c in row} for c in columns}
    return [column for column in columns if len(values[column]) > 1]


def label_arms(arms: Iterable[Arm]) -> dict[Arm, str]:
    """A short name for each arm: the values in which the arms differ, such as "bidirectional sum".

    If the arms do not differ, the name is the direction and the merge mode.
    """
    rows = {arm: arm.flat() for arm in arms}
    columns = [c for c in varying(rows) if not _follows_from_problem(c, rows.values())]
    columns = columns or ["direction", "merge_mode"]

    def name(row: dict[str, Any]) -> str:
        parts = [
            str(row[column]) if column in PLAIN_FACTORS else f"{column}={row[column]}"
            for column in columns
            if row.get(column) is not None
        ]
        return " ".join(parts)

    return {arm: name(row) for arm, row in rows.items()}


def _follows_from_problem(column: str, rows: Iterable[dict[str, Any]]) -> bool:
    """Whether arms of one problem all have the same value, so that its name is enough."""
    values: dict[str, set[bytes]] = {}
    for row in rows:
        values.setdefault(row["problem"], set()).add(canonical(row.get(column)))
    several = len(values) > 1 and column not in PLAIN_FACTORS
    return several and all(len(of_problem) == 1 for of_problem in values.values())
