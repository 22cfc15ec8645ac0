"""Signed ranks of paired differences that may be infinite, tested by flipping their signs."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from ablation.analysis.student import INTERVAL, POWER, Floats

EXACT_UP_TO = 32  # pairs; for more, the permutation test samples the sign flips
SAMPLED_FLIPS = 99_999


def sign_flip(signed: NDArray[np.int64], alternative: str = "two-sided") -> float:
    """p of the sum of paired differences under all 2^n flips of their signs.

    signed: (n,) integer differences, so that equal sums compare as equal.
    alternative: "two-sided" or "greater".
    Up to 32 pairs, all flips are counted: each half of the pairs has 2^(n/2) sums, and for each sum
    of one half a binary search counts the sums of the other half that reach the total. p then
    equals scipy.stats.permutation_test(permutation_type="samples"). With more pairs, 99,999 random
    flips are counted, the same ones in every call.
    """
    total = int(signed.sum())
    if alternative == "two-sided":
        return min(1.0, 2 * sign_flip(signed if total > 0 else -signed, "greater"))
    if len(signed) > EXACT_UP_TO:
        parts = np.array_split(_flips(len(signed)), 1 + len(signed) // 20)
        reaching = sum(int((part.astype(float) @ signed >= total).sum()) for part in parts)
        return (1 + reaching) / (1 + SAMPLED_FLIPS)
    half = len(signed) // 2
    left, right = np.sort(_all_sums(signed[:half])), np.sort(_all_sums(signed[half:]))
    counts = len(right) - np.searchsorted(right, total - left, side="left")
    return float(counts.sum()) / 2.0 ** len(signed)


@lru_cache(maxsize=2)
def _flips(pairs: int) -> NDArray[np.int8]:
    """(99,999, pairs) random signs, +1 or -1."""
    bits = np.random.default_rng(0).integers(0, 2, (SAMPLED_FLIPS, pairs), np.int8)
    return np.asarray(2 * bits - 1, np.int8)


def _all_sums(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The sums of the values under all 2^n flips of their signs."""
    sums = np.zeros(1, np.int64)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def finite(value: float) -> float:
    """The value, or NaN if it is infinite."""
    return float(value) if math.isfinite(value) else math.nan


def median_interval(values: Floats, alpha: float) -> tuple[float, float, float]:
    """Median, low and high of its order-statistic interval; NaN if infinite or n is too small."""
    ordered = np.sort(values)
    low, high = ordered[(len(values) - 1) // 2], ordered[len(values) // 2]
    median = low if low == high else (low + high) / 2
    if len(values) < 2:
        return finite(median), math.nan, math.nan
    from scipy import stats  # here, as few reports need it

    interval = stats.quantile_test(ordered, q=0, p=0.5).confidence_interval(1 - alpha)
    return finite(median), finite(interval.low), finite(interval.high)


def compare_ranks(
    difference: Floats,
    comparable: NDArray[np.bool_],
    margin: float,
    level: float,
    further: float,
    overlap: float = 0.0,
) -> dict[str, float]:
    """Median with its interval, difference test and equivalence test of one pair of arms.

    difference: (n,) paired differences, which may be infinite.
    comparable: (n,) False where censoring hides which of the two values is larger.
    level, further: of this comparison, now and in a next look, which more_seeds plans for.
    overlap: as in `student.Pairs`. Flips take seeds for independent; where their training parts
    overlap, the normal quantile of p is divided by sqrt(1 + n x overlap), as a t value would be.
    """
    n = len(difference)
    if n == 0:
        return {}
    median, low, high = median_interval(difference, widened(INTERVAL, n, overlap))
    row: dict[str, float] = {"difference": median}
    if n == 1:
        return row
    signed = _signed_ranks(difference)
    flipped = sign_flip(signed)
    p = 2 * _of_overlapping(flipped / 2, n, overlap) if overlap else flipped
    sides = (_signed_ranks(side) for side in (margin + difference, margin - difference))
    p_equivalence = max(sign_flip(side, "greater") for side in sides)
    p_equivalence = _of_overlapping(p_equivalence, n, overlap)
    if not comparable.all():
        p_equivalence = 1.0
    elif not difference.any():
        p_equivalence = 0.0
    z = -special.ndtri(flipped / 2)
    # 1 / seeds + overlap has to be as small as this.
    room = (z / (special.ndtri(POWER) - special.ndtri(further / 2))) ** 2 / n - overlap
    needed = 1 / room if room > 0 else math.inf
    return row | {
        "low": low,
        "high": high,
        "p": p,
        "effect": signed.sum() / max(np.abs(signed).sum(), 1),
        "p_equivalence": p_equivalence,
        "more_seeds": _more_seeds(max(needed, _least_pairs(further)), n),
        "possible": bool(2 * _of_overlapping(_smallest_p(n) / 2, n, overlap) <= level),
    }


def censored_difference(
    a: Floats, b: Floats, limit_a: Floats, limit_b: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """a - b with NaN as "not reached before the limit" (Gehan 1965), and where it can be compared.

    A difference is infinite if one value was not reached although observed as long as the other,
    and 0 if the two cannot be compared.
    """
    a, b, limit_a, limit_b = np.broadcast_arrays(a, b, limit_a, limit_b)
    censored_a, censored_b = np.isnan(a), np.isnan(b)
    a_later, b_later = censored_a & (b <= limit_a), censored_b & (a <= limit_b)
    both = ~censored_a & ~censored_b
    difference = np.select([both, a_later, b_later], [a - b, np.inf, -np.inf], 0.0)
    return difference, both | a_later | b_later


def widened(alpha: float, n: int, overlap: float) -> float:
    """The alpha at which an interval over n independent seeds is wide enough for overlapping ones.

    overlap: as in `student.Pairs`.
    """
    return float(2 * special.ndtr(special.ndtri(alpha / 2) * math.sqrt(1 + n * overlap)))


def _of_overlapping(p: float, n: int, overlap: float) -> float:
    """A one-sided p of independent seeds, corrected where their training parts overlap."""
    if not overlap:
        return p
    return float(special.ndtr(special.ndtri(p) / math.sqrt(1 + n * overlap)))


def average_ranks(values: Floats) -> Floats:
    """The rank of each value, from 1; equal values share the mean of theirs."""
    return np.asarray(pd.Series(values).rank(), np.float64)


def _signed_ranks(difference: Floats) -> NDArray[np.int64]:
    """Wilcoxon's signed ranks, doubled so that tied ranks are integers; zeros stay 0 (Pratt)."""
    ranks = average_ranks(np.abs(difference))
    return np.rint(2 * ranks * np.sign(difference)).astype(np.int64)


def _smallest_p(n: int) -> float:
    return max(2.0 ** (1 - n), 0.0 if n <= EXACT_UP_TO else 2 / (SAMPLED_FLIPS + 1))


def _least_pairs(level: float) -> int:
    """How many pairs it takes until the smallest p, 2 / 2^n, is at most the level."""
    return math.ceil(1 - math.log2(level))


def _more_seeds(needed: float, n: int) -> float:
    """Seeds missing to the needed number, at least 1; NaN if no number is enough."""
    return float(max(math.ceil(needed) - n, 1)) if math.isfinite(needed) else math.nan
