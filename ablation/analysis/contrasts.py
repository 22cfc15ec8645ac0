"""Compares pairs of arms, seed by seed, with statistical tests and verdicts.

Every function takes the *trials frame*, which has one row per trial: `arm` (label), `seed`,
`status` ("done", "diverged", "failed", "pending"; only the first two have metrics), factors and
metrics. The sampling unit is the seed. The order of the rows affects only the order of the arms.
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
    """Two arms, the metric that compares them, and the margin in the metric's unit."""

    arm: str
    other: str
    metric: str
    margin: float


class Family(NamedTuple):
    """The comparisons to make.

    baseline: the arm that all others are compared with; None: all pairs.
    size: the number of comparisons that Holm's correction must count.
    """

    baseline: str | None
    size: int


def choose_family(
    trials: pd.DataFrame, metric: str = "accuracy", baseline: str | None = None
) -> Family:
    """The comparisons that a report makes.

    With a baseline, all arms are compared with it. Without one, up to seven arms are compared in
    all pairs; if there are more, all are compared with the best arm. The same data choose the best
    arm, so that family still counts all pairs.
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
    """One row per pair of arms (or per arm and baseline), paired by the seeds that both have.

    margin: in the metric's unit. family: how many comparisons Holm's correction counts; the number
    of rows by default, more if the data chose the rows (see `choose_family`).

    Columns:
    arm, other;
    n, dropped: pairs used, and pairs of finished trials left out because a value is missing;
    difference, low, high: mean of arm - other with its t interval at 1 - alpha;
    p: two-sided sign-flip permutation test, exact up to 32 pairs;
    p_holm: p corrected for the family (Holm 1979);
    improvement: probability that arm beats other, over all n x n pairs of runs, where a tie counts
    half (Agarwal et al. 2021);
    effect: mean of the differences divided by their standard deviation (Cohen's d_z); 0 if all
    differences are 0, NaN if they are all the same but not 0;
    p_equivalence: two one-sided t tests within +-margin (Lakens 2017); p_equivalence_holm;
    verdict;
    more_seeds: how many more seeds would decide an undecided pair with 80 % power, if the observed
    mean and spread were the true ones; NaN if unknown;
    possible: whether the smallest p that n pairs can give would be significant in the family.

    Verdict: "better" and "worse" follow the sense of the metric (less loss is better). It is
    "equivalent" if p_equivalence_holm <= alpha, even if the difference is significant, because the
    difference is then too small to matter. Otherwise it is "better" or "worse" if p_holm <= alpha,
    else "undecided". The null hypotheses "no difference" and "a difference of at least the margin"
    cannot both be true of a pair. Each correction therefore keeps the chance of its own error in
    the family at alpha.

    Censored metrics: NaN is "not reached", the worst value. Two trials tie if neither reached the
    target, or if one was not trained long enough to tell. difference is the median with its
    order-statistic interval (NaN if not reached). p flips the signs of Wilcoxon's signed ranks.
    effect is the rank-biserial correlation (Kerby 2014). p_equivalence tests the signed ranks
    shifted by the margin; it is 1 if a tie is due to missing information.

    With fewer than two pairs the numbers are NaN and the verdict is "undecided". Parameters are not
    random: their p is 0 or 1.
    Raises ValueError for an unknown metric or baseline, and for two trials of one arm and seed.
    """
    samples = samples_of(trials, metric)
    if baseline is not None and baseline not in samples:
        raise ValueError(f"baseline={baseline!r}: no such arm; choose one of {', '.join(samples)}")
    pairs = list(itertools.combinations(samples, 2))
    if baseline is not None:
        pairs = [(arm, baseline) for arm in samples if arm != baseline]
    comparisons = [Comparison(arm, other, metric, margin) for arm, other in pairs]
    return _contrast_table(comparisons, {metric: samples}, alpha, max(len(pairs), family or 1))


def compare_planned(
    trials: pd.DataFrame, comparisons: Sequence[Comparison], alpha: float = 0.05
) -> pd.DataFrame:
    """Comparisons that were planned before training, each with its own metric and margin.

    One row per comparison; columns, verdicts and errors as in `compare_arms`. Holm's correction
    treats all comparisons as one family, whatever their metrics.
    """
    samples = {metric: samples_of(trials, metric) for _, _, metric, _ in comparisons}
    unknown = {name for pair in comparisons for name in pair[:2]} - set(trials["arm"])
    if unknown:
        raise ValueError(f"arm={min(unknown)!r}: no such arm")
    return _contrast_table(comparisons, samples, alpha, max(len(comparisons), 1))


def _contrast_table(
    comparisons: Sequence[Comparison],
    samples: dict[str, dict[str, Sample]],
    alpha: float,
    size: int,
) -> pd.DataFrame:
    """The table of `compare_arms` for these comparisons.

    samples: by metric and arm. size: how many comparisons Holm's correction counts.
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
    # With a censored metric, the median may be 0 or NaN although the ranks show a difference.
    censored = np.array([bool(measure_of(metric).limit) for _, _, metric, _ in comparisons], bool)
    positive = np.where(censored, table["effect"], table["difference"]).astype(float) > 0
    upward = [measure_of(metric).sense > 0 for _, _, metric, _ in comparisons]
    wins = positive == np.array(upward, bool)
    equivalent, different = table["p_equivalence_holm"] <= alpha, table["p_holm"] <= alpha
    verdicts = ["equivalent", "better", "worse"]
    table["verdict"] = np.select([equivalent, different & wins, different], verdicts, "undecided")
    table["more_seeds"] = table["more_seeds"].where(table["verdict"] == "undecided")
    return table


def _holm(p: pd.Series, size: int) -> Floats:
    """Holm's corrected p in a family of the given size; missing comparisons count as p = 1.

    The values equal those of statsmodels' multipletests(method="holm"), which is not used because
    it runs the garbage collector at every call (0.1 s).
    """
    values = p.to_numpy(float)
    order = np.argsort(values)  # NaN last
    factors = size - np.arange(len(values))
    corrected = np.empty(len(values))
    corrected[order] = np.minimum(np.maximum.accumulate(values[order] * factors), 1.0)
    return corrected
