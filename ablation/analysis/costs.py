"""Accuracy and cost: the Pareto front, the arms that reach the target, the cheapest good arm.

The trials frame is described in `contrasts`.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from ablation.analysis.contrasts import choose_family, compare_arms
from ablation.analysis.samples import finished_trials, overlaps
from ablation.analysis.student import Floats
from ablation.analysis.summary import best_arm
from ablation.measures import measure_of

RELIABLE_SHARE = (9, 10)  # an arm is reliable if this share of its seeds reaches the target


def pareto_front(cost: Floats, value: Floats) -> NDArray[np.bool_]:
    """Which points no other point beats: (n,) bool from costs and values, each (n,).

    Less cost and more value are better. A point is beaten by one that is no worse in both and
    better in one. A point with NaN is never on the front.
    """
    no_worse = (cost[None] <= cost[:, None]) & (value[None] >= value[:, None])
    better = (cost[None] < cost[:, None]) | (value[None] > value[:, None])
    return ~(no_worse & better).any(axis=1) & np.isfinite(cost + value)


def pareto(
    trials: pd.DataFrame, cost: str = "parameters", metric: str = "accuracy"
) -> pd.DataFrame:
    """The arms that no other arm beats in both the mean of the metric and the cost.

    Columns: arm, cost (median over its finished trials), value (mean of the metric). Rows are
    sorted by cost, so each is better than all above it. Means are compared without a test; see
    `contrasts` for whether a difference is more than noise.
    Raises ValueError for an unknown cost or metric and for a censored metric.
    """
    if measure_of(metric).limit:
        raise ValueError(f"metric={metric!r}: a metric with a mean is needed")
    arms = finished_trials(trials, cost, metric).groupby("arm", sort=False)
    table = pd.DataFrame({"cost": arms[cost].median(), "value": arms[metric].mean()}).reset_index()
    sense = measure_of(metric).sense
    front = table[pareto_front(table["cost"].to_numpy(float), sense * table["value"].to_numpy())]
    order = np.lexsort((front["value"] * sense, front["cost"]))
    return front.iloc[order].reset_index(drop=True)


def count_reached(trials: pd.DataFrame, target: float, least: int | None = None) -> pd.DataFrame:
    """Which arms reach the target in final accuracy, in how many of their seeds, and at what cost.

    least: how many seeds must reach the target for an arm to be reliable; None: nine in ten of the
    planned seeds, rounded up.
    Columns: arm; seeds (planned), n (finished), reached (seeds that reach the target); low, high
    (Wilson's 95 % interval of the share that reaches it, of n / (1 + n x overlap) seeds where each
    seed divides the data for itself, see `student.Pairs`); needed, reliable; parameters (mean over
    the finished trials); seconds, updates, updates_to_target (medians over them; the last is NaN if
    the median trial does not reach the target). Raises ValueError if a column is missing.
    """
    costs = ["parameters", "seconds", "updates", "updates_to_target"]
    finished = finished_trials(trials, "accuracy", *costs)
    rows = []
    for arm, planned in trials.groupby("arm", sort=False):
        rows_of_arm = finished[finished["arm"] == arm]
        n, k = len(rows_of_arm), int((rows_of_arm["accuracy"] >= target).sum())
        numerator, denominator = RELIABLE_SHARE
        needed = -(-numerator * len(planned) // denominator) if least is None else least
        low = high = math.nan
        if n:
            low, high = _wilson(k / n, n / (1 + n * overlaps(rows_of_arm, [str(arm)])[0]))
        median = rows_of_arm["updates_to_target"].astype(float).fillna(math.inf).median()
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
                "parameters": rows_of_arm["parameters"].mean(),
                "seconds": rows_of_arm["seconds"].median(),
                "updates": rows_of_arm["updates"].median(),
                "updates_to_target": median if math.isfinite(median) else math.nan,
            }
        )
    return pd.DataFrame(rows)


def _wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of n, which need not be whole."""
    z = float(special.ndtri(0.975))
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + (z / (2 * n)) ** 2)
    return max(middle - half, 0.0), min(middle + half, 1.0)


def cheapest_equivalent(
    trials: pd.DataFrame,
    cost: str = "parameters",
    metric: str = "accuracy",
    margin: float = 0.002,
    alpha: float = 0.05,
    contrasts: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The best arm and all arms equivalent to it, cheapest first: row 0 is the recommendation.

    contrasts: the result of `compare_arms` to take verdicts from; None: compute it for the
    comparisons of `choose_family`. Columns: arm, verdict ("best" or "equivalent"), cost (mean).
    """
    best = best_arm(trials, metric)
    table = contrasts
    if table is None:
        baseline, size = choose_family(trials, metric)
        table = compare_arms(trials, metric, baseline, margin, alpha, size)
    with_best = (table["arm"] == best) | (table["other"] == best)
    table = table.loc[(table["verdict"] == "equivalent") & with_best]
    equivalent = set(table["arm"]) | set(table["other"]) | {best}
    costs = finished_trials(trials, cost).groupby("arm", sort=False)[cost].mean()
    costs = costs[costs.index.isin(equivalent)].sort_values(kind="stable")
    verdict = np.where(costs.index == best, "best", "equivalent")
    return pd.DataFrame({"arm": costs.index, "verdict": verdict, "cost": costs.to_numpy()})
