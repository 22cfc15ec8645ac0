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

from ablation.describe import describe, describe_censored
from ablation.paired import Floats, Kind, Sample, Sense, compare
from ablation.paired import sign_flip as sign_flip

LOWER_IS_BETTER = frozenset(
    {
        "loss",
        "train_loss",
        "train_loss_mean",
        "seconds",
        "parameters",
        "updates_to_target",
        "seconds_to_target",
    }
)
# A missing value of these means: not reached before the value of the second column.
CENSORED = {"updates_to_target": "updates", "seconds_to_target": "seconds"}
# The same for every seed by construction, so that two different values need no test.
DETERMINISTIC = frozenset({"parameters"})

ALL_PAIRS_UP_TO = 7  # arms
LEAK_ERRORS = 4.0  # standard errors: a false alarm once in 30,000 arms


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


def distinguishing(trials: pd.DataFrame, columns: list[str]) -> list[str]:
    """Those of the columns that hold more than one value (None and NaN count as one value)."""
    return [name for name in columns if trials[name].nunique(dropna=False) > 1]


def summary(trials: pd.DataFrame, metric: str = "accuracy") -> pd.DataFrame:
    """Each arm by itself, one row an arm.

    Columns: arm, n (trials with a value), dropped (finished trials without one), mean, sd,
    iqm (interquartile mean; Agarwal et al. 2021), low and high (95 % interval), interval (how it
    was made), min, max. `interval` is "BCa" (bootstrap of the mean, bias-corrected and
    accelerated), "percentile" where the values are too nearly constant for BCa, "none" for n < 2.
    For accuracy, where some trials have `ceiling` and `majority`: these, and
    skill = (mean - majority) / (ceiling - majority), NaN where the ceiling is the majority.
    For a censored metric: arm, n, dropped, reached (share of trials), median, low, high, interval
    ("order": from order statistics, scipy.stats.quantile_test; "none" below six seeds), min, max,
    all in the order in which "not reached" is the worst; NaN is a figure that was not reached.
    Raises ValueError for an unknown metric and for two trials of one arm and seed.
    """
    samples = _samples(trials, metric)
    description = describe_censored if metric in CENSORED else describe
    table = pd.DataFrame(
        [{"arm": arm} | description(sample.values[sample.ended]) for arm, sample in samples.items()]
    )
    if metric == "accuracy" and {"ceiling", "majority"} <= set(trials.columns):
        bounds = trials[["ceiling", "majority"]].astype(float).groupby(trials["arm"]).mean()
        bounds = bounds.reindex(list(samples))
        if bounds.notna().all(axis=1).any():
            ceiling, majority = (bounds[name].to_numpy(float) for name in ("ceiling", "majority"))
            room = np.where(ceiling > majority, ceiling - majority, np.nan)
            skill = (table["mean"].to_numpy(float) - majority) / room
            table = table.assign(ceiling=ceiling, majority=majority, skill=skill)
    return table


def best(trials: pd.DataFrame, metric: str = "accuracy") -> str:
    """The arm with the best mean (censored: the best median, then the largest share reached).

    The first to appear wins a tie. Raises ValueError if no arm has a value.
    """
    scores: dict[str, tuple[float, float]] = {}
    for arm, sample in _samples(trials, metric).items():
        values = sample.values[sample.ended]
        reached = values[np.isfinite(values)]
        if metric in CENSORED and len(values):
            median = float(np.median(np.where(np.isnan(values), np.inf, values)))
            scores[arm] = (median, -len(reached) / len(values))
        elif len(reached):
            scores[arm] = (-_sense(metric) * float(reached.mean()), 0.0)
    if not scores:
        raise ValueError(f"metric={metric!r}: no finished trial has a value")
    return min(scores, key=lambda arm: scores[arm])


def family(trials: pd.DataFrame, metric: str = "accuracy", baseline: str | None = None) -> Family:
    """The comparisons that a report makes: with the baseline; else all pairs; else with the best.

    Without a baseline, up to seven arms are compared in all pairs, more with the best arm only.
    The best was chosen by the same data, so its family still counts all pairs.
    """
    arms = trials["arm"].nunique()
    pairs = max(arms * (arms - 1) // 2, 1)
    if baseline is not None:
        return Family(baseline, max(arms - 1, 1))
    return Family(None if arms <= ALL_PAIRS_UP_TO else best(trials, metric), pairs)


def contrasts(
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
    samples = _samples(trials, metric)
    if baseline is not None and baseline not in samples:
        raise ValueError(f"baseline={baseline!r}: no such arm, possible: {', '.join(samples)}")
    pairs = list(itertools.combinations(samples, 2))
    if baseline is not None:
        pairs = [(arm, baseline) for arm in samples if arm != baseline]
    asked = [Comparison(arm, other, metric, margin) for arm, other in pairs]
    return _judged(asked, {metric: samples}, alpha, max(len(pairs), family or 1))


def planned(
    trials: pd.DataFrame, comparisons: Sequence[Comparison], alpha: float = 0.05
) -> pd.DataFrame:
    """Comparisons that were chosen before the trials were made, each by its metric and margin.

    Columns and verdicts as of `contrasts`, a row a comparison. All are one family, whatever their
    metrics: Holm's correction counts each of them. Raises ValueError as `contrasts` does.
    """
    samples = {metric: _samples(trials, metric) for _, _, metric, _ in comparisons}
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
        | compare(
            samples[metric][arm],
            samples[metric][other],
            _kind(metric),
            _sense(metric),
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
    censored = np.array([metric in CENSORED for _, _, metric, _ in comparisons], bool)
    positive = np.where(censored, table["effect"], table["difference"]).astype(float) > 0
    wins = positive == np.array([_sense(metric) > 0 for _, _, metric, _ in comparisons], bool)
    equivalent, differ = table["p_equivalence_holm"] <= alpha, table["p_holm"] <= alpha
    verdicts = ["equivalent", "better", "worse"]
    table["verdict"] = np.select([equivalent, differ & wins, differ], verdicts, "undecided")
    table["more_seeds"] = table["more_seeds"].where(table["verdict"] == "undecided")
    return table


def leaks(trials: pd.DataFrame, test_sequences: int) -> pd.DataFrame:
    """The arms whose mean accuracy is above their ceiling by more than four standard errors.

    No model can do that without a bug or a leak. All seeds share the frozen test set, so that the
    error does not shrink with the seeds, and the labels of a sequence depend on each other, so that
    only whole sequences count: the standard error is `accuracy_se` where that column has it (over
    test sequences), else sqrt(c (1 - c) / test_sequences) for the ceiling c, which is the largest
    that any dependence within a sequence allows. `ceiling_se`, where present, is added to it.
    Columns: arm, n, accuracy, ceiling, excess, error (one standard error). No rows: no alarm.
    """
    columns = ["arm", "n", "accuracy", "ceiling", "excess", "error"]
    if "ceiling" not in trials.columns:
        return pd.DataFrame(columns=columns)
    rows = finished(trials, "accuracy")
    numbers = rows.reindex(columns=["accuracy", "ceiling", "accuracy_se", "ceiling_se"])
    known = numbers.astype(float).dropna(subset=["accuracy", "ceiling"])
    arms = known.groupby(rows["arm"], sort=False)
    table = arms.mean()
    table["n"] = arms.size()
    widest = np.sqrt((table["ceiling"] * (1 - table["ceiling"])).clip(0) / test_sequences)
    table["excess"] = table["accuracy"] - table["ceiling"]
    table["error"] = np.hypot(table["accuracy_se"].fillna(widest), table["ceiling_se"].fillna(0))
    # A ceiling of 1 has no sampling error, and a mean of ones may still be 1 + 1e-16.
    above = table["excess"] > np.maximum(LEAK_ERRORS * table["error"], 1e-9)
    return table.loc[above].reset_index()[columns]


def finished(trials: pd.DataFrame, *metrics: str) -> pd.DataFrame:
    """The trials that have metrics; raises ValueError where these are not among the columns."""
    for metric in metrics:
        if metric not in trials.columns:
            possible = ", ".join(map(str, trials.columns))
            raise ValueError(f"metric={metric!r}: no such column, possible: {possible}")
    return trials[trials["status"].isin(["done", "diverged"])]


def _kind(metric: str) -> Kind:
    if metric in CENSORED:
        return "censored"
    return "deterministic" if metric in DETERMINISTIC else "mean"


def _sense(metric: str) -> Sense:
    return -1 if metric in LOWER_IS_BETTER else 1


def _samples(trials: pd.DataFrame, metric: str) -> dict[str, Sample]:
    """The metric of each arm, in order, all over the same seeds."""
    rows = finished(trials, metric)
    twice = rows[rows.duplicated(["arm", "seed"])]
    if len(twice):
        arm, seed = twice.iloc[0][["arm", "seed"]]
        raise ValueError(f"arm={arm!r} seed={seed}: more than one trial, one expected")
    arms = list(dict.fromkeys(trials["arm"]))
    seeds, row = np.unique(rows["seed"].to_numpy(), return_inverse=True)
    column = pd.Index(arms).get_indexer(pd.Index(rows["arm"]))
    values = np.full((len(seeds), len(arms)), np.nan)
    limits, ended = np.full(values.shape, np.inf), np.zeros(values.shape, bool)
    found = rows[metric].to_numpy(float, na_value=np.nan)
    values[row, column] = np.where(np.isfinite(found), found, np.nan)
    ended[row, column] = True
    if CENSORED.get(metric) in trials.columns:
        # A diverged trial would not have reached the target however long it was trained.
        bound = rows[CENSORED[metric]].to_numpy(float, na_value=np.nan)
        open_end = np.isnan(bound) | (rows["status"] == "diverged").to_numpy()
        limits[row, column] = np.where(open_end, np.inf, bound)
    by_arm = zip(arms, values.T, limits.T, ended.T, strict=True)
    return {arm: Sample(*columns) for arm, *columns in by_arm}


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
