"""What the choice of test sequences adds to the uncertainty of a difference.

Seeds and test sequences are two crossed samples: each seed of two arms is scored on each sequence.
A verdict over seeds alone speaks of this test set; two arms that are right on different sequences
then differ for certain, although on other sequences they would not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ablation.analysis.student import Floats

# The metrics that are means over test sequences, and the score that they are means of.
SCORE_OF = {"accuracy": "hits", "exact": "hits", "mse": "squared_error"}
METRIC_OF = {"hits": "accuracy", "squared_error": "mse"}  # that a normalized score is made of
LEAST_SEQUENCES = 10  # of fewer, or of fewer groups, no variance is estimated


class Stored(Protocol):
    """What a result stores of each test sequence, `storage.BySequence`."""

    @property
    def score(self) -> str: ...
    @property
    def sums(self) -> NDArray[np.float64]: ...
    @property
    def labels(self) -> NDArray[np.int64]: ...
    @property
    def groups(self) -> NDArray[np.int64] | None: ...


class TestScores:
    """What one trial scored on each test sequence, unpacked when it is first needed.

    room: from what a guess scores to the best possible, in units of the score.
    """

    __test__ = False  # it is no test class

    def __init__(self, stored: Stored, room: float = math.nan) -> None:
        self._stored, self.room = stored, room

    def __repr__(self) -> str:
        return f"<{self.score} of {len(self.labels):,} sequences>"

    @property
    def score(self) -> str:
        return str(self._stored.score)

    @property
    def sums(self) -> NDArray[np.float32]:
        return self._sums.astype(np.float32)

    @cached_property
    def _sums(self) -> NDArray[np.uint8] | NDArray[np.float32]:
        sums = self._stored.sums
        small = self.score == "hits" and sums.max(initial=0) < 256  # a report has 10,000 trials
        return sums.astype(np.uint8) if small else sums.astype(np.float32)

    @cached_property
    def labels(self) -> NDArray[np.float32]:
        return _shared(self._stored.labels.astype(np.float32).tobytes())

    @cached_property
    def groups(self) -> NDArray[np.int64] | None:
        return self._stored.groups


@lru_cache(maxsize=64)
def _shared(content: bytes) -> NDArray[np.float32]:
    """One array for all trials of a task, whose test sequences are the same."""
    return np.frombuffer(content, np.float32)


class SequencePart(NamedTuple):
    """The variance that test sequences add to a mean difference, and its degrees of freedom.

    A variance of NaN means that it is unknown: scores were not stored, or there are too few.
    """

    variance: float = math.nan
    df: float = math.nan


def sequence_part(
    arm: Sequence[TestScores | None], other: Sequence[TestScores | None], metric: str
) -> SequencePart:
    """What test sequences add to the variance of a pair's mean difference.

    arm, other: the scores of the same seeds, in the same order. Of the mean squares of a crossed
    design, (MS_sequences - MS_residual) / (seeds x sequences) is the variance of the mean that new
    sequences cause (Cornfield & Tukey 1956); its degrees of freedom are Satterthwaite's. Sequences
    of one group count as one. Differing numbers of labels make the metric a ratio, whose residuals
    are taken.
    """
    known = [(a, b) for a, b in zip(arm, other, strict=True) if a is not None and b is not None]
    if metric == "normalized" and known:
        score, room = known[0][0].score, known[0][0].room
        part = sequence_part(arm, other, METRIC_OF.get(score, ""))
        return part._replace(variance=part.variance / room**2)
    if metric not in SCORE_OF or len(known) < max(len(arm), 2) or not _alike(known, metric):
        return SequencePart()
    labels, groups = known[0][0].labels, known[0][0].groups
    weights = (labels > 0).astype(np.float32) if metric == "exact" else labels
    rows = []
    for a, b in known:
        if metric == "exact":
            difference = ((a.sums == labels).astype(np.float32) - (b.sums == labels)) * weights
        else:
            difference = a.sums - b.sums
        rows.append(difference - difference.sum() / weights.sum() * weights)
    matrix, weights = np.array(rows, np.float32), weights.astype(np.float32)
    if groups is not None:
        matrix, weights = _by_group(matrix, weights, groups)
    matrix, weights = matrix[:, weights > 0], weights[weights > 0]
    if matrix.shape[1] < LEAST_SEQUENCES:
        return SequencePart()
    return _excess(matrix / weights.mean())


def _alike(pairs: Sequence[tuple[TestScores, TestScores]], metric: str) -> bool:
    """Whether all trials scored the same sequences by the metric's score."""
    first = pairs[0][0]
    return all(
        scores.score == SCORE_OF[metric] and np.array_equal(scores.labels, first.labels)
        for pair in pairs
        for scores in pair
    )


def _by_group(
    matrix: NDArray[np.float32], weights: NDArray[np.float32], groups: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    sums = [np.bincount(groups, row) for row in matrix]
    return np.array(sums, np.float32), np.bincount(groups, weights).astype(np.float32)


def _excess(matrix: NDArray[np.float32]) -> SequencePart:
    """The part of a (seeds, sequences) table whose rows have a mean of 0."""
    seeds, sequences = matrix.shape
    columns = matrix.mean(axis=0, dtype=np.float64)
    whole = float((matrix.astype(np.float64) ** 2).sum())
    between = seeds * float((columns**2).sum())
    df = sequences - 1
    square, residual = between / df, (whole - between) / (df * (seeds - 1))
    variance = (square - residual) / (seeds * sequences)
    if variance <= 0:
        return SequencePart(0.0, float(df))
    worth = (square - residual) ** 2 / (square**2 / df + residual**2 / (df * (seeds - 1)))
    return SequencePart(variance, max(worth, 1.0))


def combined_df(parts: Sequence[tuple[Floats, Floats]]) -> Floats:
    """Satterthwaite's degrees of freedom of a sum of variances, each with its own."""
    total = sum((variance for variance, _ in parts), np.zeros(1))
    squares = sum((variance**2 / df for variance, df in parts), np.zeros(1))
    with np.errstate(divide="ignore", invalid="ignore"):
        df = total**2 / squares
    return np.where(np.isfinite(df), df, parts[0][1])
