"""What the trials say: each arm by itself, and each pair of arms over the seeds that both have.

Every function takes the *trials frame*, one row a trial: `arm` (label), `seed`, `status` ("done",
"diverged", "failed", "pending"; only the first two have metrics), factors and metrics. The unit is
the seed. The order of the rows decides nothing but the order in which arms are listed.
"""

from __future__ import annotations

import itertools
import math
import warnings
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired

Floats = NDArray[np.float64]

LOWER_IS_BETTER = frozenset(
    {"loss", "seconds", "parameters", "updates_to_target", "seconds_to_target"}
)
# A missing value of these means: not reached before the value of the second column.
CENSORED = {"updates_to_target": "updates", "seconds_to_target": "seconds"}
# The same for every seed by construction, so that two different values need no test.
DETERMINISTIC = frozenset({"parameters"})

ALL_PAIRS_UP_TO = 7  # arms
LEAK_ERRORS = 4.0  # standard errors: a false alarm once in 30,000 arms
POWER = 0.8  # with which `more_seeds` would decide
EXACT_UP_TO = 32  # pairs; beyond, the permutation test samples the sign flips
SAMPLED_FLIPS = 99_999


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
    grid = _grid(trials, metric)
    describe = _describe_censored if metric in CENSORED else _describe
    rows = []
    for index, arm in enumerate(grid.arms):
        values = grid.values[grid.ended[:, index], index]
        rows.append({"arm": arm} | describe(values))
    table = pd.DataFrame(rows)
    if metric == "accuracy" and {"ceiling", "majority"} <= set(trials.columns):
        bounds = trials[["ceiling", "majority"]].astype(float).groupby(trials["arm"]).mean()
        bounds = bounds.reindex(grid.arms)
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
    grid = _grid(trials, metric)
    scores: dict[str, tuple[float, float]] = {}
    for index, arm in enumerate(grid.arms):
        values = grid.values[grid.ended[:, index], index]
        finite = values[np.isfinite(values)]
        if metric in CENSORED and len(values):
            median = float(np.median(np.where(np.isnan(values), np.inf, values)))
            scores[arm] = (median, -len(finite) / len(values))
        elif len(finite):
            sign = 1 if metric in LOWER_IS_BETTER else -1
            scores[arm] = (sign * float(finite.mean()), 0.0)
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
    grid = _grid(trials, metric)
    if baseline is not None and baseline not in grid.arms:
        raise ValueError(f"baseline={baseline!r}: no such arm, possible: {', '.join(grid.arms)}")
    pairs = list(itertools.combinations(range(len(grid.arms)), 2))
    if baseline is not None:
        reference = grid.arms.index(baseline)
        pairs = [(index, reference) for index in range(len(grid.arms)) if index != reference]
    size = max(len(pairs), family or 1)
    columns = "arm other n dropped difference low high p p_holm improvement effect p_equivalence"
    columns += " p_equivalence_holm verdict more_seeds possible"
    rows = [_compare(grid, arm, other, metric, margin, alpha, size) for arm, other in pairs]
    table = pd.DataFrame(rows, columns=columns.split())
    table["p_holm"] = _holm(table["p"], size)
    table["p_equivalence_holm"] = _holm(table["p_equivalence"], size)
    positive = table["difference"] > 0
    if metric in CENSORED:  # the median may be 0 or unknown where the ranks are clear
        positive = table["effect"] > 0
    wins = positive != (metric in LOWER_IS_BETTER)
    equivalent, differ = table["p_equivalence_holm"] <= alpha, table["p_holm"] <= alpha
    verdicts = ["equivalent", "better", "worse"]
    table["verdict"] = np.select([equivalent, differ & wins, differ], verdicts, "undecided")
    table["more_seeds"] = table["more_seeds"].where(table["verdict"] == "undecided")
    return table


def cheapest_equivalent(
    trials: pd.DataFrame,
    cost: str = "parameters",
    metric: str = "accuracy",
    margin: float = 0.002,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """The best arm and all that are equivalent to it, cheapest first: row 0 is recommended.

    Columns: arm, verdict ("best" or "equivalent"), and the arm's mean of cost, named `cost`. The
    verdicts are those of `contrasts` over the whole `family` of pairs.
    """
    top = best(trials, metric)
    baseline, size = family(trials, metric)
    table = contrasts(trials, metric, baseline, margin, alpha, size)
    with_best = (table["arm"] == top) | (table["other"] == top)
    table = table.loc[(table["verdict"] == "equivalent") & with_best]
    equivalent = set(table["arm"]) | set(table["other"]) | {top}
    costs = _finished(trials, cost).groupby("arm", sort=False)[cost].mean()
    costs = costs[costs.index.isin(equivalent)].sort_values(kind="stable")
    verdict = np.where(costs.index == top, "best", "equivalent")
    return pd.DataFrame({"arm": costs.index, "verdict": verdict, "cost": costs.to_numpy()})


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
    rows = _finished(trials, "accuracy")
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


def sign_flip(signed: NDArray[np.int64], alternative: str = "two-sided") -> float:
    """p of the sum of paired differences under all 2^n flips of their signs.

    signed: (n,) integers, so that equal sums are exactly equal. alternative: "two-sided" or
    "greater". Up to 32 pairs every flip is counted: each half of the pairs gives 2^(n/2) sums, and
    for each sum of one half a sorted search counts those of the other that reach the rest. The
    p equals scipy.stats.permutation_test(permutation_type="samples"), which beyond 32 pairs draws
    99,999 flips with a fixed generator.
    """
    total = int(signed.sum())
    if alternative == "two-sided":
        return min(1.0, 2 * sign_flip(signed if total > 0 else -signed, "greater"))
    if len(signed) > EXACT_UP_TO:
        test = stats.permutation_test(
            (signed.astype(float),),
            lambda values, axis: values.sum(axis=axis),
            permutation_type="samples",
            vectorized=True,
            n_resamples=SAMPLED_FLIPS,
            alternative="greater",
            rng=np.random.default_rng(0),
        )
        return float(test.pvalue)
    half = len(signed) // 2
    left, right = np.sort(_all_sums(signed[:half])), np.sort(_all_sums(signed[half:]))
    reaching = len(right) - np.searchsorted(right, total - left, side="left")
    return float(reaching.sum()) / 2.0 ** len(signed)


def _all_sums(values: NDArray[np.int64]) -> NDArray[np.int64]:
    sums = np.zeros(1, np.int64)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums


class _Grid(NamedTuple):
    """One metric as (seeds, arms): values, the bound of a censored one, and which trials ended."""

    arms: list[str]
    values: Floats
    limits: Floats
    ended: NDArray[np.bool_]


def _finished(trials: pd.DataFrame, metric: str) -> pd.DataFrame:
    if metric not in trials.columns:
        possible = ", ".join(map(str, trials.columns))
        raise ValueError(f"metric={metric!r}: no such column, possible: {possible}")
    return trials[trials["status"].isin(["done", "diverged"])]


def _grid(trials: pd.DataFrame, metric: str) -> _Grid:
    rows = _finished(trials, metric)
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
    return _Grid(arms, values, limits, ended)


def _describe(values: Floats) -> dict[str, Any]:
    """The summary of one arm's values."""
    finite = values[np.isfinite(values)]
    n = len(finite)
    row: dict[str, Any] = {"n": n, "dropped": len(values) - n}
    row |= dict.fromkeys(["mean", "sd", "iqm", "low", "high"], math.nan)
    row |= {"interval": "none", "min": math.nan, "max": math.nan}
    if n:
        row |= {"mean": finite.mean(), "iqm": stats.trim_mean(finite, 0.25)}
        row |= {"min": finite.min(), "max": finite.max()}
    if n > 1:
        row["sd"] = finite.std(ddof=1)
        row["low"], row["high"], row["interval"] = _bootstrap(finite)
    return row


def _bootstrap(values: Floats) -> tuple[float, float, str]:
    """95 % interval of the mean of two values or more, and its method."""
    # The acceleration of BCa is a skewness: undefined for one distinct value, arbitrary for two.
    methods = ["BCa", "percentile"] if len(np.unique(values)) > 2 else ["percentile"]
    for method in methods:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = stats.bootstrap(
                (values,),
                np.mean,
                n_resamples=2000,
                method=method,
                rng=np.random.default_rng(0),
            ).confidence_interval
        if np.isfinite(found.low) and np.isfinite(found.high):
            return float(found.low), float(found.high), method
    return math.nan, math.nan, "none"


def _describe_censored(values: Floats) -> dict[str, Any]:
    """The summary of one arm's values where NaN is "not reached"."""
    reached = np.isfinite(values)
    row: dict[str, Any] = {"n": len(values), "dropped": 0, "reached": math.nan}
    row |= dict.fromkeys(["median", "low", "high"], math.nan) | {"interval": "none"}
    row |= {"min": math.nan, "max": math.nan}
    if len(values):
        ordered = np.where(reached, values, np.inf)
        row["reached"] = reached.mean()
        row["median"], row["low"], row["high"] = _median(ordered, 0.05)
        row["interval"] = "order" if len(values) > 5 else "none"
        row |= {"min": _finite(ordered.min()), "max": _finite(ordered.max())}
    return row


def _finite(value: float) -> float:
    return float(value) if math.isfinite(value) else math.nan


def _median(values: Floats, alpha: float) -> tuple[float, float, float]:
    """Median and its order-statistic interval; NaN where they are infinite or n is too small."""
    ordered = np.sort(values)
    low, high = ordered[(len(values) - 1) // 2], ordered[len(values) // 2]
    median = low if low == high else (low + high) / 2
    if len(values) < 2:
        return _finite(median), math.nan, math.nan
    interval = stats.quantile_test(ordered, q=0, p=0.5).confidence_interval(1 - alpha)
    return _finite(median), _finite(interval.low), _finite(interval.high)


def _compare(
    grid: _Grid,
    arm: int,
    other: int,
    metric: str,
    margin: float,
    alpha: float,
    size: int,
) -> dict[str, Any]:
    """One row of `contrasts`, without what depends on the other rows."""
    shared = grid.ended[:, arm] & grid.ended[:, other]
    a, b = grid.values[shared, arm], grid.values[shared, other]
    if metric in CENSORED:
        limit_a, limit_b = grid.limits[shared, arm], grid.limits[shared, other]
        everything, _ = _censored_difference(a[:, None], b, limit_a[:, None], limit_b)
        found = _test_ranks(*_censored_difference(a, b, limit_a, limit_b), margin, alpha, size)
    else:
        usable = np.isfinite(a) & np.isfinite(b)
        a, b = a[usable], b[usable]
        everything = a[:, None] - b
        found = _test_means(a, b, metric in DETERMINISTIC, margin, alpha, size)
    n = len(a)
    sense = -1 if metric in LOWER_IS_BETTER else 1
    smallest = max(2.0 ** (1 - n), 0.0 if n <= EXACT_UP_TO else 2 / (SAMPLED_FLIPS + 1))
    return found | {
        "arm": grid.arms[arm],
        "other": grid.arms[other],
        "n": n,
        "dropped": int(shared.sum()) - n,
        "improvement": (1 + sense * np.sign(everything).mean()) / 2 if n else math.nan,
        "possible": bool(smallest * size <= alpha or (metric in DETERMINISTIC and n > 0)),
    }


_NOT_TESTED = dict.fromkeys(
    ["difference", "low", "high", "p", "effect", "p_equivalence", "more_seeds"],
    math.nan,
)


def _test_means(
    a: Floats, b: Floats, deterministic: bool, margin: float, alpha: float, size: int
) -> dict[str, float]:
    """The mean of the paired differences: interval, difference test, equivalence test."""
    n = len(a)
    if n == 0:
        return _NOT_TESTED
    # In units of 1e-12 of the largest value: .9 - .8 and .8 - .7 are the same difference.
    scale = max(np.abs(a).max(), np.abs(b).max()) or 1.0
    signed = np.rint((a - b) / scale * 1e12).astype(np.int64)
    difference = float((a - b).mean()) if signed.any() else 0.0
    constant = bool(np.ptp(signed) == 0)
    inside = float(difference != 0 and abs(difference) >= margin)  # p of a known difference
    found = _NOT_TESTED | {"difference": difference}
    if deterministic and constant:
        p = 0.0 if difference else 1.0
        return found | {
            "low": difference,
            "high": difference,
            "p": p,
            "p_equivalence": inside,
        }
    if n == 1:
        return found
    sd = 0.0 if constant else float((a - b).std(ddof=1))
    half = float(stats.t.ppf(1 - alpha / 2, n - 1)) * sd / math.sqrt(n)
    effect = difference / sd if sd else (math.nan if difference else 0.0)
    p_equivalence = inside if constant else float(ttost_paired(a, b, -margin, margin)[0])
    # Sample size of two one-sample z tests, of the difference and of its distance to the margin.
    level, power = alpha / size, stats.norm.ppf(POWER)
    distances = [abs(difference), margin - abs(difference)]
    quantiles = [stats.norm.isf(level / 2) + power, stats.norm.isf(level) + power]
    needed = [
        max((z * sd / far) ** 2, least)
        for z, far, least in zip(quantiles, distances, [_least_pairs(level), 2], strict=True)
        if far > 0
    ]
    return found | {
        "low": difference - half,
        "high": difference + half,
        "p": sign_flip(signed),
        "effect": effect,
        "p_equivalence": p_equivalence,
        "more_seeds": _further(min(needed, default=math.inf), n),
    }


def _test_ranks(
    difference: Floats, known: NDArray[np.bool_], margin: float, alpha: float, size: int
) -> dict[str, float]:
    """The same for the signed ranks of paired differences that may be infinite."""
    n = len(difference)
    if n == 0:
        return _NOT_TESTED
    middle, low, high = _median(difference, alpha)
    found = _NOT_TESTED | {"difference": middle}
    if n == 1:
        return found
    signed = _signed_ranks(difference)
    p = sign_flip(signed)
    sides = (_signed_ranks(side) for side in (margin + difference, margin - difference))
    p_equivalence = max(sign_flip(side, "greater") for side in sides)
    if not known.all():
        p_equivalence = 1.0
    elif not difference.any():
        p_equivalence = 0.0
    level, z = alpha / size, stats.norm.isf(p / 2)
    needed = n * ((stats.norm.isf(level / 2) + stats.norm.ppf(POWER)) / z) ** 2 if z else math.inf
    return found | {
        "low": low,
        "high": high,
        "p": p,
        "effect": signed.sum() / max(np.abs(signed).sum(), 1),
        "p_equivalence": p_equivalence,
        "more_seeds": _further(max(needed, _least_pairs(level)), n),
    }


def _censored_difference(
    a: Floats, b: Floats, limit_a: Floats, limit_b: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """a - b where NaN is "not reached before the limit" (Gehan 1965), and where that is known."""
    a, b, limit_a, limit_b = np.broadcast_arrays(a, b, limit_a, limit_b)
    open_a, open_b = np.isnan(a), np.isnan(b)
    a_later, b_later = open_a & (b <= limit_a), open_b & (a <= limit_b)
    both = ~open_a & ~open_b
    difference = np.select([both, a_later, b_later], [a - b, np.inf, -np.inf], 0.0)
    return difference, both | a_later | b_later


def _signed_ranks(difference: Floats) -> NDArray[np.int64]:
    """Wilcoxon's signed ranks, doubled so that shared ranks are integers; zeros stay 0 (Pratt)."""
    ranks: Floats = stats.rankdata(np.abs(difference))
    return np.rint(2 * ranks * np.sign(difference)).astype(np.int64)


def _least_pairs(level: float) -> int:
    """The pairs from which 2 / 2^n, the smallest p, is at most the level."""
    return math.ceil(1 - math.log2(level))


def _further(needed: float, n: int) -> float:
    return float(max(math.ceil(needed) - n, 1)) if math.isfinite(needed) else math.nan


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
