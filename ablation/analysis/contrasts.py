"""What the trials say: each arm by itself, and each pair of arms over the seeds that both have.

Every function takes the *trials frame*, one row a trial: `arm` (label), `seed`, `status` ("done",
"diverged", "failed", "pending"; only the first two have metrics), factors and metrics. The unit is
the seed. The order of the rows decides nothing but the order in which arms are listed.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from ablation.analysis.paired import Floats, Sample, compare_pair
from ablation.analysis.samples import kind_of, samples_of
from ablation.analysis.summary import best_arm
from ablation.measures import measure_of

ALL_PAIRS_UP_TO = 7  # arms


class Comparison(NamedTuple):
    """Two arms, by what they are compared, and the difference in it that does not matter."""

    arm: str
    other: str
    metric: str
    margin: float


class Family(NamedTuple):
    """Which comparisons are made, and how many a correction for multiplicity must count."""

    baseline: str | None
    size: int


def choose_family(
    trials: pd.DataFrame, metric: str = "accuracy", baseline: str | None = None
) -> Family:
    """The comparisons that a report makes: with the baseline; else all pairs; else with the best.

    Without a baseline, up to seven arms are compared in all pairs, more with the best arm only.
    The best was chosen by the same data, so its family still counts all pairs.
    """
    arms = trials["arm"].nunique()
    pairs = max(arms * (arms - 1) // 2, 1)
    if baseline is not None:
        return Family(baseline, max(arms - 1, 1))
    return Family(None if arms <= ALL_PAIRS_UP_TO else best_arm(trials, metric), pairs)


def compare_arms(
    trials: pd.DataFrame,
    metric: str = "accuracy",
    baseline: str | None = None,
    margin: float = 0.002,
    alpha: float = 0.05,
    family: int | None = None,
) -> pd.DataFrame:
    """Each pair of arms (or each arm with the baseline), paired by the seeds that both have.

    margin is in units of the metric. family is how many comparisons Holm's correction counts; by
    default the rows, more where the rows were chosen by the data (see `family`).

    Columns: arm, other;
    n, dropped: pairs used, and pairs of finished trials left out because a value is missing;
    difference, low, high: mean of arm - other with its t interval at 1 - alpha;
    p: two-sided sign-flip permutation test, exact up to 32 pairs;
    p_holm: the same, corrected for the family (Holm 1979);
    improvement: probability that arm beats other, over all n x n pairs of runs, ties half (Agarwal
    et al. 2021);
    effect: mean of the differences over their standard deviation (Cohen's d_z; 0 where all are 0,
    NaN where all are otherwise the same);
    p_equivalence: two one-sided t tests within +-margin (Lakens 2017), p_equivalence_holm;
    verdict; more_seeds: how many seeds more would decide an undecided pair with 80 % power if
    the observed mean and spread were the true ones, NaN where that cannot be said;
    possible: whether the smallest p that n pairs can give would survive the whole family.

    Verdict, in the sense of the metric (less loss is better): "equivalent" where
    p_equivalence_holm <= alpha, even if the difference is significant, for then it is too small to
    matter; else "better" or "worse" where p_holm <= alpha; else "undecided". No two arms differ and
    are at least a margin apart at once, so each correction keeps its own error (a difference where
    there is none; equivalence where the margin is exceeded) at alpha over the family.

    Censored metrics ("not reached" is the worst; two that both did not reach, or of which one was
    not trained long enough to tell, tie): difference is the median with its order-statistic
    interval (NaN where not reached), p flips the signs of Wilcoxon's signed ranks, effect is the
    rank-biserial correlation (Kerby 2014), p_equivalence tests the signed ranks shifted by the
    margin and is 1 where a tie is one of ignorance.

    Fewer than two pairs: NaN, and "undecided". Parameters are no sample: their p is 0 or 1.
    Raises ValueError for an unknown metric or baseline, and for two trials of one arm and seed.
    """
    samples = samples_of(trials, metric)
    if baseline is not None and baseline not in samples:
        raise ValueError(f"baseline={baseline!r}: no such arm, possible: {', '.join(samples)}")
    pairs = list(itertools.combinations(samples, 2))
    if baseline is not None:
        pairs = [(arm, baseline) for arm in samples if arm != baseline]
    asked = [Comparison(arm, other, metric, margin) for arm, other in pairs]
    return _judged(asked, {metric: samples}, alpha, max(len(pairs), family or 1))


def compare_planned(
    trials: pd.DataFrame, comparisons: Sequence[Comparison], alpha: float = 0.05
) -> pd.DataFrame:
    """Comparisons that were chosen before the trials were made, each by its metric and margin.

    Columns and verdicts as of `contrasts`, a row a comparison. All are one family, whatever their
    metrics: Holm's correction counts each of them. Raises ValueError as `contrasts` does.
    """
    samples = {metric: samples_of(trials, metric) for _, _, metric, _ in comparisons}
    unknown = {name for pair in comparisons for name in pair[:2]} - set(trials["arm"])
    if unknown:
        raise ValueError(f"arm={min(unknown)!r}: no such arm")
    return _judged(comparisons, samples, alpha, max(len(comparisons), 1))


def _judged(
    comparisons: Sequence[Comparison],
    samples: dict[str, dict[str, Sample]],
    alpha: float,
    size: int,
) -> pd.DataFrame:
    """The table of `contrasts` for these comparisons; samples: of each metric, those of its arms.

    size: how many comparisons Holm's correction counts.
    """
    columns = "arm other n dropped difference low high p p_holm improvement effect p_equivalence"
    columns += " p_equivalence_holm verdict more_seeds possible"
    rows = [
        {"arm": arm, "other": other}
        | compare_pair(
            samples[metric][arm],
            samples[metric][other],
            kind_of(metric),
            measure_of(metric).sense,
            margin,
            alpha,
            size,
        )
        for arm, other, metric, margin in comparisons
    ]
    table = pd.DataFrame(rows, columns=columns.split())
    table["p_holm"] = _holm(table["p"], size)
    table["p_equivalence_holm"] = _holm(table["p_equivalence"], size)
    # Of a censored metric the median may be 0 or unknown where the ranks are clear.
    censored = np.array([bool(measure_of(metric).limit) for _, _, metric, _ in comparisons], bool)
    positive = np.where(censored, table["effect"], table["difference"]).astype(float) > 0
    upward = [measure_of(metric).sense > 0 for _, _, metric, _ in comparisons]
    wins = positive == np.array(upward, bool)
    equivalent, differ = table["p_equivalence_holm"] <= alpha, table["p_holm"] <= alpha
    verdicts = ["equivalent", "better", "worse"]
    table["verdict"] = np.select([equivalent, differ & wins, differ], verdicts, "undecided")
    table["more_seeds"] = table["more_seeds"].where(table["verdict"] == "undecided")
    return table


def _holm(p: pd.Series, size: int) -> Floats:
    """Holm's p in a family of the size; comparisons that were not made count as p = 1.

    The p of statsmodels' multipletests(method="holm"), which collects garbage at every call (.1 s).
    """
    values = p.to_numpy(float)
    order = np.argsort(values)  # NaN last
    factors = size - np.arange(len(values))
    corrected = np.empty(len(values))
    corrected[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1.0)
    return corrected
