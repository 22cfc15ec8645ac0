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

from ablation.analysis.paired import Levels, Sample, compare_pair, sequences_of
from ablation.analysis.populations import SequencePart
from ablation.analysis.samples import kind_of, label_step, rounding_step, samples_of
from ablation.analysis.student import Floats, Pairs, Prior, prior_of, rounding_variance, t_tests
from ablation.analysis.summary import best_arm, guessing_arms
from ablation.measures import measure_of

ALL_PAIRS_UP_TO = 7  # arms
LEAST_SEEDS = 5  # of an equivalence: if none of five fails, fewer than half do, at 95 %
COLUMNS = [
    *("arm", "other", "n", "dropped", "failed", "difference", "low", "high", "p", "p_holm"),
    *("improvement", "effect", "p_equivalence", "p_equivalence_holm", "verdict", "withheld"),
    *("more_seeds", "possible", "population", "from_sequences", "detectable", "detectable_ever"),
]
HIDDEN = ["variance", "sequences", "sequences_df", "overlap"]  # what the tests are made of

# Why an equivalence is withheld.
GUESS = "neither arm beats guessing"
FAILURE = "a seed failed to train"
SEEDS = f"there are fewer than {LEAST_SEEDS} seeds"


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
    further: float | None = None,
) -> pd.DataFrame:
    """One row per pair of arms (or per arm and baseline), paired by the seeds that both have.

    margin: in the metric's unit. family: how many comparisons Holm's correction counts; the number
    of rows by default, more if the data chose the rows (see `choose_family`). alpha: the chance of
    any false verdict. further: the same for a next look with more seeds, which more_seeds plans
    for; None: alpha.

    Columns:
    arm, other;
    n, dropped: pairs used, and pairs of finished trials left out because a value is missing;
    failed: trials of these that failed to train (`failures.failed_seeds`);
    difference, low, high: mean of arm - other with its 95 % t interval, whatever alpha is;
    p: paired t test, whose variance borrows from the other pairs (`student`);
    p_holm: p corrected for the family (Holm 1979);
    improvement: probability that arm beats other, over all n x n pairs of runs, where a tie counts
    half (Agarwal et al. 2021);
    effect: mean of the differences divided by their standard deviation (Cohen's d_z); 0 if all
    differences are 0, NaN if they are all the same but not 0;
    p_equivalence: two one-sided t tests within +-margin (Lakens 2017); p_equivalence_holm;
    verdict;
    withheld: why the pair is not called equivalent although p_equivalence_holm says so, or "";
    more_seeds: how many more seeds would decide an undecided pair with 80 % power, if the observed
    mean and spread were the true ones; NaN if unknown;
    possible: whether so many pairs could ever give a difference;
    population: what the row speaks of: new "seeds and sequences" where the frame has `scores`, the
    score of each test sequence, and the metric is a mean of these; new "divisions" of the data
    where each seed has its own (`student.Pairs`); else new "seeds" only;
    from_sequences: the share of the variance of the difference that more seeds do not lower: that
    of the test sequences, or of the data where each seed divides them;
    detectable, detectable_ever: the difference that these seeds, or any number of seeds, would find
    with 80 % power; NaN if unknown.

    Verdict: "better" and "worse" follow the sense of the metric (less loss is better). It is
    "equivalent" if p_equivalence_holm <= alpha, even if the difference is significant, because the
    difference is then too small to matter. Otherwise it is "better" or "worse" if p_holm <= alpha,
    else "undecided". The null hypotheses "no difference" and "a difference of at least the margin"
    cannot both be true of a pair. Each correction therefore keeps the chance of its own error in
    the family at alpha.

    An equivalence is withheld in three cases, see `_reasons`, and there is none within a margin
    that is less than one test label. It speaks of seeds that train: what a share of failing seeds
    would change, seeds without a failure cannot tell.

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
    size = max(len(pairs), family or 1)
    prior = Prior()
    if kind_of(metric) == "mean":
        floor = rounding_variance(rounding_step(trials, metric))
        prior = prior_of((sample.values for sample in samples.values()), floor)
    levels = Levels(alpha, alpha if further is None else further)
    return _contrast_table(trials, comparisons, {metric: samples}, prior, levels, size)


def compare_planned(
    trials: pd.DataFrame,
    comparisons: Sequence[Comparison],
    alpha: float = 0.05,
    further: float | None = None,
) -> pd.DataFrame:
    """Comparisons that were planned before training, each with its own metric and margin.

    One row per comparison; columns, verdicts and errors as in `compare_arms`. Holm's correction
    treats all comparisons as one family, whatever their metrics. Nothing is borrowed from other
    pairs, whose trials may be of other tasks.
    """
    samples = {metric: samples_of(trials, metric) for _, _, metric, _ in comparisons}
    unknown = {name for pair in comparisons for name in pair[:2]} - set(trials["arm"])
    if unknown:
        raise ValueError(f"arm={min(unknown)!r}: no such arm")
    size = max(len(comparisons), 1)
    levels = Levels(alpha, alpha if further is None else further)
    return _contrast_table(trials, comparisons, samples, Prior(), levels, size)


def _contrast_table(
    trials: pd.DataFrame,
    comparisons: Sequence[Comparison],
    samples: dict[str, dict[str, Sample]],
    prior: Prior,
    levels: Levels,
    size: int,
) -> pd.DataFrame:
    """The table of `compare_arms` for these comparisons.

    samples: by metric and arm. size: how many comparisons Holm's correction counts.
    """
    rows = [
        {"arm": arm, "other": other}
        | compare_pair(
            samples[metric][arm],
            samples[metric][other],
            kind_of(metric),
            measure_of(metric).sense,
            margin,
            levels.scaled(size),
        )
        | _sequence_columns(sequences_of(samples[metric][arm], samples[metric][other], metric))
        for arm, other, metric, margin in comparisons
    ]
    table = pd.DataFrame(rows, columns=[*COLUMNS, *HIDDEN])
    metrics = [metric for _, _, metric, _ in comparisons]
    tests = _test_means(trials, comparisons, table, prior, levels.scaled(size))
    table.loc[tests.index, tests.columns] = tests
    table["p_holm"] = holm(table["p"], size)
    table["p_equivalence_holm"] = holm(table["p_equivalence"], size)
    # With a censored metric, the median may be 0 or NaN although the ranks show a difference.
    censored = np.array([bool(measure_of(metric).limit) for metric in metrics], bool)
    positive = np.where(censored, table["effect"], table["difference"]).astype(float) > 0
    upward = [measure_of(metric).sense > 0 for metric in metrics]
    wins = positive == np.array(upward, bool)
    equivalent, different = (
        table["p_equivalence_holm"] <= levels.now,
        table["p_holm"] <= levels.now,
    )
    table["withheld"] = np.where(equivalent, _reasons(trials, comparisons, table), "")
    withheld = table["withheld"] != ""
    table["verdict"] = np.select(
        [withheld, equivalent, different & wins, different],
        ["undecided", "equivalent", "better", "worse"],
        "undecided",
    )
    table["more_seeds"] = table["more_seeds"].where((table["verdict"] == "undecided") & ~withheld)
    table.loc[table["overlap"] > 0, "population"] = "divisions"
    few = table["withheld"] == SEEDS
    table.loc[few, "more_seeds"] = LEAST_SEEDS - table.loc[few, "n"].astype(float)
    return table[COLUMNS]


def _sequence_columns(part: SequencePart) -> dict[str, object]:
    known = part.variance == part.variance  # not NaN
    return {
        "sequences": part.variance,
        "sequences_df": part.df,
        "population": "seeds and sequences" if known else "seeds",
    }


def _test_means(
    trials: pd.DataFrame,
    comparisons: Sequence[Comparison],
    table: pd.DataFrame,
    prior: Prior,
    levels: Levels,
) -> pd.DataFrame:
    """The columns of `student.t_tests` for the rows that compare means."""
    metrics = {metric for _, _, metric, _ in comparisons if kind_of(metric) == "mean"}
    floors = {metric: rounding_variance(rounding_step(trials, metric)) for metric in metrics}
    labels = {metric: label_step(trials, metric) for metric in metrics}
    chosen = [row for row, pair in enumerate(comparisons) if pair.metric in metrics]
    rows, pairs = table.iloc[chosen], [comparisons[row] for row in chosen]
    # A margin of less than one test label has no meaning, and nothing lies within it.
    margins = [0.0 if p.margin < labels[p.metric] else p.margin for p in pairs]
    tests = t_tests(
        Pairs(
            n=rows["n"].to_numpy(float),
            mean=rows["difference"].to_numpy(float),
            variance=rows["variance"].to_numpy(float),
            floor=np.array([floors[pair.metric] for pair in pairs], float),
            sequences=rows["sequences"].to_numpy(float),
            sequences_df=rows["sequences_df"].to_numpy(float),
            overlap=rows["overlap"].to_numpy(float),
        ),
        prior,
        np.array(margins, float),
        *levels,
    )
    return pd.DataFrame(tests, index=rows.index)


def _reasons(
    trials: pd.DataFrame, comparisons: Sequence[Comparison], table: pd.DataFrame
) -> list[str]:
    """Why each pair may not be called equivalent whatever the test says; "" if it may.

    Neither arm beats a guess: two arms that learnt nothing have little spread, and are alike in
    that only. A seed failed to train: the means are of two humps. So few seeds that, although none
    failed, most may fail.
    """
    guessing = {metric: set(guessing_arms(trials, metric)) for _, _, metric, _ in comparisons}
    reasons = []
    rows = zip(comparisons, table["n"], table["failed"], strict=True)
    for (arm, other, metric, _), n, failed in rows:
        if kind_of(metric) == "deterministic":
            reasons.append("")
        elif {arm, other} <= guessing[metric]:
            reasons.append(GUESS)
        elif failed:
            reasons.append(FAILURE)
        else:
            reasons.append(SEEDS if n < LEAST_SEEDS else "")
    return reasons


def holm(p: pd.Series, size: int) -> Floats:
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
