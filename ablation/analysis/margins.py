"""The difference that does not matter, where nobody says it: a share of the task's room.

It follows from the task alone: what a guess scores, what is possible, how many labels are tested.
Nothing of it depends on how the arms score. A margin that grew with the best arm's mean or with the
noise would let arms choose their own measure.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import pandas as pd

from ablation.analysis.samples import label_step
from ablation.measures import Measure, measure_of


class Margin(NamedTuple):
    """A margin in the metric's unit, and where it comes from."""

    value: float
    reason: str


def default_margin(task: pd.DataFrame, metric: str) -> Margin | None:
    """The margin of a task, given its trials; None for a metric that has none.

    A share of the room between what a guess scores and the best that is possible for any of the
    arms (1 where no ceiling is known), but at least one test label. As long as no trial is finished
    the metric's row in `measures` says it.
    """
    measure = measure_of(metric)
    if measure.margin is None:
        return None
    margin = _of_the_room(task, measure) or Margin(measure.margin, f"the default of {measure.name}")
    step = label_step(task, metric)
    if margin.value < step:
        return Margin(_rounded_up(step), f"one test label of {1 / step:,.0f}")
    return margin


def _of_the_room(task: pd.DataFrame, measure: Measure) -> Margin | None:
    """The margin where it is a share of a room that is known."""
    column, power = measure.unit or (measure.guess, 1.0)
    share = measure.margin if measure.unit else measure.room
    guess = _first(task, column)
    if share is None or math.isnan(guess):
        return None
    if power != 1.0:  # of an absolute error, of which no bound is known
        return _share(share, guess**power, f"the root of the {column}'s MSE {guess:.4g}")
    bounds = task.reindex(columns=[measure.bound])[measure.bound].astype(float).dropna()
    best, name = (1.0 if measure.sense > 0 else 0.0), ""
    if len(bounds):
        best, name = float(bounds.max() if measure.sense > 0 else bounds.min()), measure.bound
    room = measure.sense * (best - guess)
    between = f"the room between {column} {guess:.4g} and {f'{name} ' if name else ''}{best:.4g}"
    return _share(share, room, between)


def _share(share: float, room: float, of: str) -> Margin | None:
    return Margin(float(f"{share * room:.2g}"), f"{100 * share:g} % of {of}") if room > 0 else None


def _first(task: pd.DataFrame, column: str) -> float:
    """The value of the lowest seed that has one, which stays as it is while seeds are added."""
    if column not in task:
        return math.nan
    known = task.sort_values("seed", kind="stable")[column].astype(float).dropna()
    return float(known.iloc[0]) if len(known) else math.nan


def _rounded_up(value: float) -> float:
    """Two digits, and never less: a margin below one label would have no meaning."""
    digits = 1 - math.floor(math.log10(value))
    return math.ceil(value * 10.0**digits - 1e-9) / 10.0**digits
