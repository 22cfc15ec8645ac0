"""What is known of one pair of arms over the seeds that both have."""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ablation.analysis.populations import SequencePart, TestScores, sequence_part
from ablation.analysis.ranks import censored_difference, compare_ranks
from ablation.analysis.student import Floats

Kind = Literal["mean", "censored", "deterministic"]
Sense = Literal[1, -1]  # 1: more is better, -1: less is better


class Levels(NamedTuple):
    """The chance of any false verdict that the tests may have now, and in a next look."""

    now: float
    further: float

    def scaled(self, size: int) -> Levels:
        """Those of one of so many comparisons."""
        return Levels(self.now / size, self.further / size)


class Sample(NamedTuple):
    """The values of one arm, each array (seeds,).

    values: NaN if missing, or not reached. limits: for a censored metric, how far each trial was
    observed. finished: which trials have a result. failed: which of these failed to train.
    scores: of each trial on each test sequence, where they are stored; () if of none.
    overlap: as in `student.Pairs`.
    """

    values: Floats
    limits: Floats
    finished: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    scores: tuple[TestScores | None, ...] = ()
    overlap: float = 0.0


def compare_pair(
    arm: Sample, other: Sample, kind: Kind, sense: Sense, margin: float, levels: Levels
) -> dict[str, Any]:
    """One pair's row of `contrasts.compare_arms`, as far as it does not depend on other pairs.

    Of means, that is n, and difference and variance of the paired differences; `student.t_tests`
    makes the tests. levels: of this comparison.
    """
    shared = arm.finished & other.finished
    a, b = arm.values[shared], other.values[shared]
    overlap = max(arm.overlap, other.overlap)
    row: dict[str, Any] = {"possible": False, "overlap": overlap}
    if kind == "censored":
        limit_a, limit_b = arm.limits[shared], other.limits[shared]
        all_pairs, _ = censored_difference(a[:, None], b, limit_a[:, None], limit_b)
        difference, known = censored_difference(a, b, limit_a, limit_b)
        row |= compare_ranks(difference, known, margin, *levels, overlap)
    else:
        usable = np.isfinite(a) & np.isfinite(b)
        a, b = a[usable], b[usable]
        all_pairs = a[:, None] - b
        row |= _differences(a, b)
        if kind == "deterministic" and len(a) and not row["variance"] > 0:
            row |= _certain(row["difference"], margin)
    n = len(a)
    return row | {
        "n": n,
        "dropped": int(shared.sum()) - n,
        "failed": int((arm.failed & shared).sum() + (other.failed & shared).sum()),
        "improvement": (1 + sense * np.sign(all_pairs).mean()) / 2 if n else math.nan,
    }


def sequences_of(arm: Sample, other: Sample, metric: str) -> SequencePart:
    """What the test sequences add to the variance of a pair's mean difference."""
    if not (arm.scores and other.scores):
        return SequencePart()
    paired = arm.finished & other.finished & np.isfinite(arm.values) & np.isfinite(other.values)
    seeds = np.flatnonzero(paired)
    ours, theirs = ([side.scores[seed] for seed in seeds] for side in (arm, other))
    return sequence_part(ours, theirs, metric)


def _differences(a: Floats, b: Floats) -> dict[str, Any]:
    """Mean and variance of the paired differences, and whether they can be tested."""
    if len(a) == 0:
        return {}
    # In units of 1e-12 of the largest value, so that 0.9 - 0.8 equals 0.8 - 0.7.
    scale = max(np.abs(a).max(), np.abs(b).max()) or 1.0
    rounded = np.rint((a - b) / scale * 1e12)
    constant = bool(np.ptp(rounded) == 0)
    return {
        "difference": float((a - b).mean()) if rounded.any() else 0.0,
        "variance": math.nan if len(a) == 1 else 0.0 if constant else (a - b).var(ddof=1),
        "possible": len(a) > 1,
    }


def _certain(difference: float, margin: float) -> dict[str, Any]:
    """The tests of a difference that no seed changes, such as one of parameters."""
    return {
        "low": difference,
        "high": difference,
        "p": 0.0 if difference else 1.0,
        "p_equivalence": float(difference != 0 and abs(difference) >= margin),
        "effect": math.nan if difference else 0.0,
        "possible": True,
    }
