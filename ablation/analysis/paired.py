"""One pair of arms: what their values over the seeds that both have say of the difference."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired

Floats = NDArray[np.float64]
Kind = Literal["mean", "censored", "deterministic"]
Sense = Literal[1, -1]  # -1: less is better

POWER = 0.8  # with which `more_seeds` would decide
EXACT_UP_TO = 32  # pairs; beyond, the permutation test samples the sign flips
SAMPLED_FLIPS = 99_999


class Sample(NamedTuple):
    """One arm by seed: values, the bounds of censored ones, and which trials ended."""

    values: Floats
    limits: Floats
    ended: NDArray[np.bool_]


def compare_pair(
    arm: Sample, other: Sample, kind: Kind, sense: Sense, margin: float, alpha: float, size: int
) -> dict[str, Any]:
    """What `stats.contrasts` says of one pair, without what depends on the other pairs.

    size: how many comparisons a correction for multiplicity counts.
    """
    shared = arm.ended & other.ended
    a, b = arm.values[shared], other.values[shared]
    if kind == "censored":
        limit_a, limit_b = arm.limits[shared], other.limits[shared]
        everything, _ = _censored_difference(a[:, None], b, limit_a[:, None], limit_b)
        found = _test_ranks(*_censored_difference(a, b, limit_a, limit_b), margin, alpha, size)
    else:
        usable = np.isfinite(a) & np.isfinite(b)
        a, b = a[usable], b[usable]
        everything = a[:, None] - b
        found = _test_means(a, b, kind == "deterministic", margin, alpha, size)
    n = len(a)
    smallest = max(2.0 ** (1 - n), 0.0 if n <= EXACT_UP_TO else 2 / (SAMPLED_FLIPS + 1))
    return found | {
        "n": n,
        "dropped": int(shared.sum()) - n,
        "improvement": (1 + sense * np.sign(everything).mean()) / 2 if n else math.nan,
        "possible": bool(smallest * size <= alpha or (kind == "deterministic" and n > 0)),
    }


def sign_flip(signed: NDArray[np.int64], alternative: str = "two-sided") -> float:
    """p of the sum of paired differences under all 2^n flips of their signs.

    signed: (n,) integers, so that equal sums are exactly equal. alternative: "two-sided" or
    "greater". Up to 32 pairs every flip is counted: each half of the pairs gives 2^(n/2) sums, and
    for each sum of one half a sorted search counts those of the other that reach the rest. The
    p equals scipy.stats.permutation_test(permutation_type="samples"). Beyond 32 pairs it counts
    among 99,999 random flips, always the same.
    """
    total = int(signed.sum())
    if alternative == "two-sided":
        return min(1.0, 2 * sign_flip(signed if total > 0 else -signed, "greater"))
    if len(signed) > EXACT_UP_TO:
        parts = np.array_split(_flips(len(signed)), 1 + len(signed) // 20)
        found = sum(int((part.astype(float) @ signed >= total).sum()) for part in parts)
        return (1 + found) / (1 + SAMPLED_FLIPS)
    half = len(signed) // 2
    left, right = np.sort(_all_sums(signed[:half])), np.sort(_all_sums(signed[half:]))
    reaching = len(right) - np.searchsorted(right, total - left, side="left")
    return float(reaching.sum()) / 2.0 ** len(signed)


@lru_cache(maxsize=2)
def _flips(pairs: int) -> NDArray[np.int8]:
    """(99,999, pairs) of +1 and -1."""
    bits = np.random.default_rng(0).integers(0, 2, (SAMPLED_FLIPS, pairs), np.int8)
    return np.asarray(2 * bits - 1, np.int8)


def _all_sums(values: NDArray[np.int64]) -> NDArray[np.int64]:
    sums = np.zeros(1, np.int64)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def finite(value: float) -> float:
    """The value, or NaN where it is infinite."""
    return float(value) if math.isfinite(value) else math.nan


def median_interval(values: Floats, alpha: float) -> tuple[float, float, float]:
    """Median and its order-statistic interval; NaN where they are infinite or n is too small."""
    ordered = np.sort(values)
    low, high = ordered[(len(values) - 1) // 2], ordered[len(values) // 2]
    median = low if low == high else (low + high) / 2
    if len(values) < 2:
        return finite(median), math.nan, math.nan
    interval = stats.quantile_test(ordered, q=0, p=0.5).confidence_interval(1 - alpha)
    return finite(median), finite(interval.low), finite(interval.high)


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
        return found | {"low": difference, "high": difference, "p": p, "p_equivalence": inside}
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
    middle, low, high = median_interval(difference, alpha)
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
