"""Student's t tests of paired differences, each with a variance that may borrow from the others.

With few seeds a pair's own variance is known badly: five seeds leave four degrees of freedom. The
pairs of a sweep tend to have similar variances. As Smyth (2004) does for genes, we estimate from
all pairs how alike they are, and give each pair as many more degrees of freedom as that is worth.
Two guards keep the error rate where arms spread unequally: the borrowed degrees of freedom count
half, and a pair's variance is never taken to be smaller than its own. docs/statistics.md has the
tables.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

INTERVAL = 0.05  # intervals are at 95 %, whatever level a look has
POWER = 0.8  # the power that `more_seeds` aims at
LEAST_ARMS, LEAST_SEEDS = 4, 5  # with fewer, too few variances are known to see if they are alike


class Prior(NamedTuple):
    """What the other pairs say of a pair's variance, and how many degrees of freedom that is worth.

    df: 0 if nothing is borrowed.
    """

    variance: float | Floats = 0.0
    df: float | Floats = 0.0


class Pairs(NamedTuple):
    """The paired differences of several pairs of arms, each array (pairs,).

    n: seeds. mean, variance: of the differences; NaN below one or two seeds.
    floor: the least variance that rounding leaves, `rounding_variance` of the metric's step.
    sequences, sequences_df: what new test sequences add to the variance of the mean, with its
    degrees of freedom (`populations.sequence_part`); NaN if only seeds count.
    overlap: test sequences for each one of training, where each seed divides the data for itself;
    0 where all share a test part. Training parts then overlap, and the variance of the mean is
    variance x (1 / n + overlap) (Nadeau & Bengio 2003).
    """

    n: Floats
    mean: Floats
    variance: Floats
    floor: Floats
    sequences: Floats
    sequences_df: Floats
    overlap: float | Floats = 0.0


def rounding_variance(step: float) -> float:
    """The variance of a difference of two values that are rounded to multiples of a step.

    Three seeds may agree by chance if a metric has few values; they have this spread all the same.
    """
    return 2 * step**2 / 12


def prior_of(arms: Iterable[Floats], floor: float = 0.0) -> Prior:
    """How alike the variances of the differences between these arms are, over all pairs.

    arms: (seeds,) each, by the same seeds; NaN where a value is missing. Moments of the logarithms
    of the variances (Smyth 2004, section 6.2). Nothing is borrowed below four arms or five seeds.
    """
    values = np.array(list(arms), float)
    if len(values) < LEAST_ARMS:
        return Prior()
    first, second = np.triu_indices(len(values), 1)
    differences = values[first] - values[second]
    seeds = np.isfinite(differences).sum(axis=1)
    differences, seeds = differences[seeds >= LEAST_SEEDS], seeds[seeds >= LEAST_SEEDS]
    if len(seeds) < LEAST_ARMS * (LEAST_ARMS - 1) // 2:
        return Prior()
    variances = np.maximum(np.nanvar(differences, axis=1, ddof=1), floor)
    half = (seeds - 1)[variances > 0] / 2
    if not len(half):
        return Prior()
    logs = np.log(variances[variances > 0]) - special.digamma(half) + np.log(half)
    # What the logarithms vary by beyond the chance of estimating each variance.
    excess = float(logs.var(ddof=1) - special.polygamma(1, half).mean()) if len(logs) > 1 else 0.0
    most = (len(values) - 2) * float(np.median(seeds) - 1)  # what blocks of seeds would leave
    df = min(2 * _inverse_trigamma(excess), most) if excess > 0 else most
    log_variance = float(logs.mean())
    if excess > 0:
        whole = 2 * _inverse_trigamma(excess)
        log_variance += float(special.digamma(whole / 2)) - math.log(whole / 2)
    return Prior(math.exp(log_variance), df / 2)


def t_tests(
    pairs: Pairs, prior: Prior, margin: Floats, level: float, further: float | None = None
) -> dict[str, Floats]:
    """Intervals, tests of difference and of equivalence of each pair; NaN below two seeds.

    margin: (pairs,). level: of one comparison in this look, for `detectable`. further: in a next
    look, for `more_seeds`; None: the same.
    Returns low, high (at 95 %), p (two-sided), p_equivalence (two one-sided tests within the
    margin), effect (mean divided by standard deviation), more_seeds, from_sequences (the share
    of the variance of the mean that more seeds do not lower: that of the test sequences, or of data
    that each seed divides), detectable (the difference that so many seeds find with 80 % power)
    and detectable_ever (with any number of seeds; NaN if only seeds count), each (pairs,).
    """
    n, mean, own, floor, sequences, sequences_df, overlap = pairs
    known = np.isfinite(sequences) | (np.asarray(overlap) > 0)
    sequences, sequences_df = np.nan_to_num(sequences), np.nan_to_num(sequences_df, nan=1.0)
    tested = n > 1
    df = np.where(tested, n - 1, 1) + prior.df
    variance = np.maximum(own, floor)
    borrowed = (prior.df * prior.variance + (df - prior.df) * variance) / df
    variance = np.maximum(variance, borrowed)
    with np.errstate(divide="ignore", invalid="ignore"):
        of_seeds = variance * (1 / n + overlap)
        error = np.sqrt(of_seeds + sequences)
        stays = variance * overlap + sequences
        # Satterthwaite's degrees of freedom of a sum of two variances.
        worth = error**4 / (of_seeds**2 / df + sequences**2 / sequences_df)
        df = np.where(sequences > 0, worth, df)
        share = np.where(known, stays / error**2, np.nan)
        t = np.where(mean == 0, 0.0, np.abs(mean) / error)
        room = (margin - np.abs(mean)) / error
        effect = np.where(mean == 0, 0.0, mean / np.sqrt(own))
    half = -special.stdtrit(df, INTERVAL / 2) * error
    tail = level / 2
    further = level if further is None else further
    ends = np.where(sequences > 0, sequences_df, np.inf)  # degrees of freedom with all the seeds
    found = {
        "low": mean - half,
        "high": mean + half,
        "p": 2 * special.stdtr(df, -t),
        "p_equivalence": special.stdtr(df, -room),
        "effect": np.where(np.isfinite(effect), effect, np.nan),
        "more_seeds": _more_seeds(pairs._replace(variance=variance), margin, prior, further),
        "from_sequences": share,
        "detectable": _quantiles(tail, df) * error,
        "detectable_ever": np.where(known, _quantiles(tail, ends) * np.sqrt(stays), np.nan),
    }
    return {name: np.where(tested, values, np.nan) for name, values in found.items()}


def seeds_for(difference: float, variance: float, level: float) -> int:
    """The seeds with which a paired difference is found with 80 % power, at a two-sided level."""
    seeds = 30.0
    for _ in range(8):  # the degrees of freedom depend on the answer
        df = max(seeds - 1, 1.0)
        quantiles = float(special.stdtrit(df, POWER) - special.stdtrit(df, level / 2))
        seeds = min(max(variance * (quantiles / difference) ** 2, 2.0), 1e9)
    return math.ceil(seeds - 1e-9)


def _quantiles(tail: float | Floats, df: Floats) -> Floats:
    """How many standard errors apart the test sees a difference with POWER; tail: its level."""
    found: Floats = special.stdtrit(df, POWER) - special.stdtrit(df, tail)
    return found


def _more_seeds(pairs: Pairs, margin: Floats, prior: Prior, level: float) -> Floats:
    """Seeds missing to where one of the two tests would decide; NaN if no number is enough."""
    n, mean, variance = pairs.n, np.abs(pairs.mean), pairs.variance
    needed = np.full(len(n), np.inf)
    for distance, tail in ((mean, level / 2), (margin - mean, level)):
        seeds = np.full(len(n), 30.0)
        for _ in range(8):  # the degrees of freedom depend on the answer
            df = np.maximum(seeds - 1, 1) + prior.df
            quantiles = _quantiles(tail, df)
            # What more seeds leave of the room: the data stay as they are.
            stays = np.nan_to_num(pairs.sequences) + variance * pairs.overlap
            room = (distance / quantiles) ** 2 - stays
            with np.errstate(divide="ignore", invalid="ignore"):
                seeds = np.where(room > 0, np.clip(variance / room, 2, 1e15), 1e15)
        needed = np.minimum(needed, np.where((distance > 0) & (seeds < 1e15), seeds, np.inf))
    more = np.maximum(np.ceil(needed - 1e-9) - n, 1)
    return np.where(needed < 1e15, more, np.nan)


def _inverse_trigamma(value: float) -> float:
    """The x at which the trigamma function has this value, by Newton's method (Smyth 2004)."""
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(special.polygamma(1, x))
        step = trigamma * (1 - trigamma / value) / float(special.polygamma(2, x))
        x += step
        if -step < 1e-9 * x:
            break
    return x
