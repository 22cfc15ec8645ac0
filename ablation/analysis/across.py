"""One answer over several problems: which variant does best in general, and how sure is that?

A *variant* is an arm without its problem, such as "bidirectional sum". Here the sampling unit is
the problem: the problems of a sweep stand for others of their kind. Their scores are made
comparable first (`normalized`: 0 is a guess, 1 the best possible). Every function takes the
*problems frame*: one row per trial with the columns `variant`, `problem`, `seed` and `normalized`.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pandas as pd

from ablation.analysis.contrasts import holm
from ablation.analysis.ranks import average_ranks, sign_flip
from ablation.analysis.student import Floats

LEAST_PROBLEMS = 3  # of fewer, nothing is said in general
DRAWS = 4000
SCALE = 1e9  # differences are ranked in units of 1e-9, so that equal ones tie


def rank_variants(problems: pd.DataFrame, draws: int = DRAWS) -> pd.DataFrame:
    """One row per variant, over the problems on which all variants have a score.

    Columns: variant; problems (their number); mean (of the problems' mean normalized scores); iqm,
    iqm_low, iqm_high: the interquartile mean over all runs with its 95 % interval, from a bootstrap
    of the runs of each problem, so for these problems (Agarwal et al. 2021); rank: the mean rank
    over the problems, 1 is best (Demšar 2006); best, best_low, best_high: the probability that the
    variant is the best on a new problem with its 95 % interval (`_best_on_new`). Best first.
    """
    means = _means(problems).dropna()
    if means.empty:
        return pd.DataFrame()
    runs = problems[problems["problem"].isin(means.index) & problems["normalized"].notna()]
    rng = np.random.default_rng(0)
    drawn = _drawn_means(runs, list(means.columns), draws, rng)
    chance, low, high = _best_on_new(_shares_of_best(drawn), draws, rng)
    ranks = means.rank(axis=1, ascending=False)
    overlap, rows = _overlaps(runs), []
    for place, variant in enumerate(means.columns):
        of_variant = runs[runs["variant"] == variant].groupby("problem", sort=False)
        by_problem = {str(k): scores.to_numpy(float) for k, scores in of_variant["normalized"]}
        iqm, iqm_low, iqm_high = interquartile_mean(list(by_problem.values()), draws, rng)
        further = max(_further(len(v), overlap.get(k, 0.0)) for k, v in by_problem.items())
        iqm_low, iqm_high = (iqm + further * (end - iqm) for end in (iqm_low, iqm_high))
        rows.append(
            {
                "variant": variant,
                "problems": len(means),
                "mean": means[variant].mean(),
                "iqm": iqm,
                "iqm_low": iqm_low,
                "iqm_high": iqm_high,
                "rank": ranks[variant].mean(),
                "best": chance[place],
                "best_low": low[place],
                "best_high": high[place],
            }
        )
    table = pd.DataFrame(rows).sort_values("mean", ascending=False, ignore_index=True)
    table.attrs["friedman"] = friedman(means)
    return table


def compare_variants(
    problems: pd.DataFrame, margin: float = 0.01, alpha: float = 0.05, draws: int = DRAWS
) -> pd.DataFrame:
    """One row per pair of variants, paired by the problems that both have.

    Columns: variant, other; problems; difference, low, high: the Hodges-Lehmann estimate of the
    difference in normalized score and its interval at 1 - alpha by signed ranks (NaN below six
    problems); p: Wilcoxon's signed-rank test over the problems, exact (Demšar 2006; Benavoli et al.
    2016), p_holm over all pairs; more, same, less: the probability that on a new problem the first
    is better by more than the margin, within it, or worse; verdict: "better", "worse", or
    "undecided".
    """
    means = _means(problems)
    names = list(means.columns)
    drawn = _drawn_means(problems, names, draws, np.random.default_rng(0))
    rows = []
    for first, second in itertools.combinations(range(len(names)), 2):
        pair = means.iloc[:, [first, second]].dropna().to_numpy(float)
        differences = pair[:, 0] - pair[:, 1]
        estimate, low, high = hodges_lehmann(differences, alpha)
        more, same, less = _on_new(drawn[:, :, first] - drawn[:, :, second], margin)
        rows.append(
            {
                "variant": names[first],
                "other": names[second],
                "problems": len(differences),
                "difference": estimate,
                "low": low,
                "high": high,
                "p": signed_ranks(differences),
                "more": more,
                "same": same,
                "less": less,
            }
        )
    result = pd.DataFrame(rows)
    if result.empty:
        return result
    result["p_holm"] = holm(result["p"], len(result))
    sure = result["p_holm"] <= alpha
    up = result["difference"] > 0
    result["verdict"] = np.select([sure & up, sure & ~up], ["better", "worse"], "undecided")
    return result


def problems_needed(variants: int, alpha: float = 0.05) -> int:
    """With how many problems a difference among so many variants can be significant at all."""
    pairs = variants * (variants - 1) / 2
    return math.ceil(1 + math.log2(max(pairs, 1) / alpha))


def signed_ranks(differences: Floats) -> float:
    """p of Wilcoxon's signed-rank test, two-sided, by all flips of the signs; (problems,).

    Differences of 0 take part in the ranking and then count half to either side (Pratt 1959), as
    in scipy.stats.wilcoxon(zero_method="pratt").
    """
    if len(differences) < 1:
        return math.nan
    rounded = np.rint(differences * SCALE)
    ranks = np.rint(2 * average_ranks(np.abs(rounded))).astype(np.int64)
    signed = ranks * np.sign(rounded).astype(np.int64)
    return sign_flip(signed[signed != 0]) if signed.any() else 1.0


def hodges_lehmann(differences: Floats, alpha: float = 0.05) -> tuple[float, float, float]:
    """The median of all means of two differences, and its interval by signed ranks; (problems,).

    The interval is that of all shifts that the signed-rank test does not reject; NaN where there
    are too few problems for any.
    """
    n = len(differences)
    if n == 0:
        return math.nan, math.nan, math.nan
    first, second = np.triu_indices(n)
    walsh = np.sort((differences[first] + differences[second]) / 2)
    # How often all ranks with flipped signs sum to at most k: the least that is not significant.
    counts = np.ones(1)
    for rank in range(1, n + 1):
        counts = np.convolve(counts, np.r_[1.0, np.zeros(rank - 1), 1.0]) / 2
    cut = int((np.cumsum(counts) <= alpha / 2).sum())
    if cut == 0:
        return float(np.median(walsh)), math.nan, math.nan
    return float(np.median(walsh)), float(walsh[cut - 1]), float(walsh[-cut])


def interquartile_mean(
    runs: list[Floats], draws: int, rng: np.random.Generator
) -> tuple[float, float, float]:
    """The mean of the middle half of all runs, and its 95 % interval; runs: (seeds,) a problem.

    The interval is the percentiles of a bootstrap that draws runs within each problem.
    """
    from scipy import stats  # here, as few sweeps have several problems

    value = float(stats.trim_mean(np.concatenate(runs), 0.25))
    drawn = np.hstack([run[rng.integers(0, len(run), (draws, len(run)))] for run in runs])
    low, high = np.percentile(stats.trim_mean(drawn, 0.25, axis=1), [2.5, 97.5])
    return value, float(low), float(high)


def friedman(means: pd.DataFrame) -> float:
    """p of Friedman's test that all variants rank alike; means: a row a problem."""
    if len(means) < 2 or means.shape[1] < 3:
        return math.nan
    from scipy import stats  # as above

    return float(stats.friedmanchisquare(*means.to_numpy(float).T).pvalue)


def common_variants(problems: pd.DataFrame) -> pd.DataFrame:
    """The rows of the variants that every problem has; none of fewer than two variants."""
    count = problems["problem"].nunique()
    spread = problems.groupby("variant")["problem"].nunique()
    common = spread.index[spread == count]
    return problems[problems["variant"].isin(common if len(common) > 1 else [])]


def _means(problems: pd.DataFrame) -> pd.DataFrame:
    """The mean normalized score over the seeds: a row a problem, a column a variant."""
    order = list(dict.fromkeys(problems["variant"]))
    cells = problems.groupby(["problem", "variant"], sort=False)["normalized"].mean().unstack()
    return cells.reindex(columns=order, index=list(dict.fromkeys(problems["problem"])))


def _drawn_means(
    problems: pd.DataFrame, variants: list[str], draws: int, rng: np.random.Generator
) -> Floats:
    """Means of the variants over drawn seeds of each problem, (problems, draws, variants).

    A draw has the same seeds for all variants of a problem, those that all of them have. NaN where
    the problem has no score of a variant. Where each seed divides the data for itself, draws spread
    as much further around their mean as overlapping seeds do (`student.Pairs`).
    """
    overlap = _overlaps(problems)
    cells = problems.groupby(["problem", "seed", "variant"], sort=False)["normalized"].mean()
    table = cells.unstack().reindex(columns=variants)  # the mean is over lengths
    drawn = []
    for name, rows in table.groupby("problem", sort=False):
        scores = rows.to_numpy(float)
        known = ~np.isnan(scores).all(axis=0)
        complete = scores[~np.isnan(scores[:, known]).any(axis=1)]
        if not len(complete):  # no seed has all of them
            complete = rows.mean().to_numpy(float)[None]
        seeds = rng.integers(0, len(complete), (draws, len(complete)))
        means, centre = complete[seeds].mean(axis=1), complete.mean(axis=0)
        further = _further(len(complete), overlap.get(str(name), 0.0))
        drawn.append(centre + further * (means - centre))
    return np.array(drawn, np.float64)


def _further(seeds: int, overlap: float) -> float:
    """How much further a mean over so many seeds spreads than over independent ones."""
    return math.sqrt(1 + seeds * overlap)


def _overlaps(problems: pd.DataFrame) -> dict[str, float]:
    """Of each problem whose seeds divide its data, as in `student.Pairs`."""
    if "test_to_train" not in problems:
        return {}
    means = problems["test_to_train"].astype(float).groupby(problems["problem"]).mean()
    return {str(name): float(mean) for name, mean in means.dropna().items()}


def _shares_of_best(drawn: Floats) -> Floats:
    """How often each variant is the best of each problem, (problems, variants); ties share."""
    top = drawn >= drawn.max(axis=2, keepdims=True) - 1 / SCALE
    return np.asarray((top / top.sum(axis=2, keepdims=True)).mean(axis=1), np.float64)


def _best_on_new(
    shares: Floats, draws: int, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats]:
    """The probability of each variant to be the best on a new problem, with its 95 % interval.

    shares: (problems, variants). The problems are weighted at random (Rubin's Bayesian bootstrap,
    1981). One problem more, on which all are equally likely to win, keeps a variant that never won
    from being ruled out (Benavoli et al. 2014).
    """
    variants = shares.shape[1]
    with_prior = np.vstack([shares, np.full((1, variants), 1 / variants)])
    weights = rng.dirichlet(np.ones(len(with_prior)), draws)
    drawn = weights @ with_prior
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    return with_prior.mean(axis=0), low, high


def _on_new(gaps: Floats, margin: float) -> Floats:
    """How likely a gap is above the margin, within it, and below it on a new problem, (3,).

    gaps: (problems, draws), NaN where a problem lacks one of the two. One problem more, on which
    all three are equally likely, is added as in `_best_on_new`.
    """
    gaps = gaps[~np.isnan(gaps).any(axis=1)]
    more, less = (gaps > margin).mean(axis=1), (gaps < -margin).mean(axis=1)
    shares = np.vstack([np.column_stack([more, 1 - more - less, less]), np.full((1, 3), 1 / 3)])
    return np.asarray(shares.mean(axis=0), np.float64)
