"""Numbers and names in words."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import pandas as pd

from ablation.measures import Measure

ARMS_NAMED = 7  # a longer list of arms is cut


def about(seeds: float) -> str:
    return f"about {seeds:,.0f} more seed{'' if seeds == 1 else 's'}"


def amount_of(cost: str, value: float) -> str:
    return f"{value:,.1f} s of training" if cost == "seconds" else f"{value:,.0f} {cost}"


def listed(names: Iterable[str]) -> str:
    names = list(names)
    rest = len(names) - ARMS_NAMED
    return ", ".join(names[:ARMS_NAMED]) + (f" and {rest} more" if rest > 0 else "")


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
