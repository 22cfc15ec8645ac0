"""How many seeds a difference of the margin needs, as far as stored trials tell."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from ablation.analysis.contrasts import choose_family
from ablation.analysis.samples import finished_trials, kind_of, samples_of
from ablation.analysis.student import seeds_for


class Forecast(NamedTuple):
    """The seeds an arm needs, and the standard deviation of paired differences behind it."""

    seeds: int
    spread: float


def forecast(
    task: pd.DataFrame, metric: str, baseline: str | None, margin: float, alpha: float
) -> Forecast | None:
    """What the finished trials of a task say; None if no two arms share two seeds.

    seeds: with so many a difference of the margin is found in 80 % of cases, at the level of a
    first look; the spread is the median over the pairs of arms.
    """
    if (
        kind_of(metric) != "mean"
        or metric not in task
        or finished_trials(task)[metric].isna().all()
    ):
        return None
    baseline = baseline if baseline in set(task["arm"]) else None
    values = np.array([sample.values for sample in samples_of(task, metric).values()])
    first, second = np.triu_indices(len(values), 1)
    differences = values[first] - values[second]
    differences = differences[np.isfinite(differences).sum(axis=1) > 1]
    if not len(differences):
        return None
    variance = float(np.median(np.nanvar(differences, axis=1, ddof=1)))
    level = alpha / choose_family(task, metric, baseline).size
    return Forecast(seeds_for(margin, variance, level), variance**0.5)
