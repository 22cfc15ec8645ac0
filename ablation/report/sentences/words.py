"""Numbers and names in words."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import pandas as pd

from ablation.measures import Measure

FEW = 2  # tasks that the answer says one by one; of more it counts what the report's table says
ARMS_NAMED = 7  # a longer list of arms is cut


def about(seeds: float) -> str:
    return f"about {seeds:,.0f} more seed{'' if seeds == 1 else 's'}"


def amount_of(cost: str, value: float) -> str:
    return f"{value:,.1f} s of training" if cost == "seconds" else f"{value:,.0f} {cost}"


def listed(names: Iterable[str]) -> str:
    names = list(names)
    rest = len(names) - ARMS_NAMED
    return ", ".join(names[:ARMS_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def short_names(arms: Iterable[str]) -> dict[str, str]:
    """The arms' names without the words that all of them have."""
    return _without_common({arm: arm.split() for arm in arms}, " ")


def short_tasks(tasks: Iterable[str]) -> list[str]:
    """The names of several tasks without the problem or the length that all of them have."""
    return list(_without_common({task: task.split(", ") for task in tasks}, ", ").values())


def _without_common(parts: Mapping[str, list[str]], joint: str) -> dict[str, str]:
    common = set.intersection(*map(set, parts.values())) if len(parts) > 1 else set()
    return {
        name: joint.join(part for part in of_name if part not in common) or name
        for name, of_name in parts.items()
    }


def between(measure: Measure, guesses: Mapping[str, float]) -> str:
    """One score, or the lowest and the highest if they differ."""
    low, high = (measure.format(f(guesses.values())) for f in (min, max))
    return low if low == high else f"{low} to {high}"


def measured(measure: Measure, row: Mapping[Hashable, Any]) -> str:
    """The measure of one arm, a row of its summary."""
    if measure.limit:
        value = row["median"]
        return f"{measure.name} {measure.format(value) if pd.notna(value) else 'not reached'}"
    spread = f" ± {measure.format(row['sd'])}" if row["n"] > 1 else ""
    return f"{measure.name} {measure.format(row['mean'])}{spread}"
