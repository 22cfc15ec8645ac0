"""What accuracy costs: the arms that nothing cheaper beats, and those that are good enough.

Every function takes the trials frame of `stats`.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats as scipy_stats

from ablation.analysis.contrasts import choose_family, compare_arms
from ablation.analysis.paired import Floats
from ablation.analysis.samples import finished_trials
from ablation.analysis.summary import best_arm
from ablation.measures import measure_of

NINE_IN_TEN = (9, 10)  # of its seeds: from how many that reach the target an arm is reliable


def pareto_front(cost: Floats, value: Floats) -> NDArray[np.bool_]:
    """Which of n points no other beats: less cost is better, more value is better.

    A point is beaten by one no worse in both and better in one. NaN is never on the front.
    """
    no_worse = (cost[None] <= cost[:, None]) & (value[None] >= value[:, None])
    better = (cost[None] < cost[:, None]) | (value[None] > value[:, None])
    return ~(no_worse & better).any(axis=1) & np.isfinite(cost + value)


def pareto(
    trials: pd.DataFrame, cost: str = "parameters", metric: str = "accuracy"
) -> pd.DataFrame:
    """The arms that no other arm beats in both the mean of the metric and the cost.

    Columns: arm, cost (median over its finished trials), value (mean); cheapest first, so that each
    row is better than all above it. The means are taken as they are: whether a step is more than
    noise, the contrasts say. Raises ValueError for an unknown cost or metric, and a censored one.
    """
    if measure_of(metric).limit:
        raise ValueError(f"metric={metric!r}: one with a mean is needed")
    arms = finished_trials(trials, cost, metric).groupby("arm", sort=False)
    table = pd.DataFrame({"cost": arms[cost].median(), "value": arms[metric].mean()}).reset_index()
    sense = measure_of(metric).sense
    found = table[pareto_front(table["cost"].to_numpy(float), sense * table["value"].to_numpy())]
    order = np.lexsort((found["value"] * sense, found["cost"]))
    return found.iloc[order].reset_index(drop=True)


def reached(trials: pd.DataFrame, target: float, least: int | None = None) -> pd.DataFrame:
    """Which arms reach the target in final accuracy, in how many of their seeds, and at what cost.

    least: how many seeds make an arm reliable; None: nine in ten of those planned, rounded up.
    Columns: arm, seeds (planned), n (ended), reached (of these), low, high (Wilson's 95 % interval
    of the share that reaches it), needed, reliable; and over the ended trials parameters (mean),
    seconds, updates and updates_to_target (medians; the last one NaN where it was not reached).
    Raises ValueError where there is no such column.
    """
    costs = ["parameters", "seconds", "updates", "updates_to_target"]
    ended = finished_trials(trials, "accuracy", *costs)
    rows = []
    for arm, planned in trials.groupby("arm", sort=False):
        mine = ended[ended["arm"] == arm]
        n, k = len(mine), int((mine["accuracy"] >= target).sum())
        most, ten = NINE_IN_TEN
        needed = -(-most * len(planned) // ten) if least is None else least
        low = high = math.nan
        if n:
            low, high = scipy_stats.binomtest(k, n).proportion_ci(method="wilson")
        first = mine["updates_to_target"].astype(float).fillna(math.inf).median()
        rows.append(
            {
                "arm": arm,
                "seeds": len(planned),
                "n": n,
                "reached": k,
                "low": low,
                "high": high,
                "needed": needed,
                "reliable": k >= needed,
                "parameters": mine["parameters"].mean(),
                "seconds": mine["seconds"].median(),
                "updates": mine["updates"].median(),
                "updates_to_target": first if math.isfinite(first) else math.nan,
            }
        )
    return pd.DataFrame(rows)


def cheapest_equivalent(
    trials: pd.DataFrame,
    cost: str = "parameters",
    metric: str = "accuracy",
    margin: float = 0.002,
    alpha: float = 0.05,
    compared: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The best arm and all that are equivalent to it, cheapest first: row 0 is recommended.

    Columns: arm, verdict ("best" or "equivalent"), and the arm's mean of cost, named `cost`. The
    verdicts are those of compared, by default `stats.contrasts` over the whole `family` of pairs.
    """
    top = best_arm(trials, metric)
    table = compared
    if table is None:
        baseline, size = choose_family(trials, metric)
        table = compare_arms(trials, metric, baseline, margin, alpha, size)
    with_best = (table["arm"] == top) | (table["other"] == top)
    table = table.loc[(table["verdict"] == "equivalent") & with_best]
    equivalent = set(table["arm"]) | set(table["other"]) | {top}
    costs = finished_trials(trials, cost).groupby("arm", sort=False)[cost].mean()
    costs = costs[costs.index.isin(equivalent)].sort_values(kind="stable")
    verdict = np.where(costs.index == top, "best", "equivalent")
    return pd.DataFrame({"arm": costs.index, "verdict": verdict, "cost": costs.to_numpy()})
