"""What test sequences add to the uncertainty, on simulated scores whose truth is known."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from ablation.analysis.contrasts import compare_arms
from ablation.analysis.populations import TestScores, sequence_part

pytestmark = pytest.mark.filterwarnings("error")
Floats = NDArray[np.float64]


class Scores(NamedTuple):
    """As a result stores them."""

    sums: Floats
    labels: NDArray[np.int64]
    groups: NDArray[np.int64] | None = None
    score: str = "hits"


def scores_of(
    hits: Floats,
    labels: int = 1,
    groups: NDArray[np.int64] | None = None,
    score: str = "hits",
) -> list[TestScores | None]:
    """Of each seed, (seeds, sequences) with so many labels each."""
    counts = np.full(hits.shape[1], labels)
    return [TestScores(Scores(row, counts, groups, score)) for row in hits]


def hits_of(rng: np.random.Generator, seeds: int, sequences: int) -> Floats:
    """(2, seeds, sequences): arms equal in the population, but right on different sequences."""
    each, arm = rng.normal(0, 1.5, sequences), rng.normal(size=(2, 1, sequences))
    return ((2.64 + each + arm + rng.normal(size=(2, seeds, sequences))) > 0).astype(float)


def frame(hits: Floats) -> pd.DataFrame:
    rows = [
        {"arm": arm, "seed": seed, "status": "done", "accuracy": row.mean(), "scores": scores}
        for arm, table in zip("ab", hits, strict=True)
        for seed, (row, scores) in enumerate(zip(table, scores_of(table), strict=True))
    ]
    return pd.DataFrame(rows).assign(test_sequences=hits.shape[2])


def test_the_part_is_the_variance_over_new_sequences() -> None:
    rng, seeds, sequences = np.random.default_rng(1), 6, 300
    effect = rng.normal(0, 0.4, sequences)  # of the sequence on the difference
    parts = []
    for _ in range(200):
        a = rng.normal(0, 0.3, (seeds, sequences)) + rng.permutation(effect)
        b = rng.normal(0, 0.3, (seeds, sequences))
        first, second = (scores_of(table, score="squared_error") for table in (a, b))
        parts.append(sequence_part(first, second, "mse").variance)
    assert np.mean(parts) == pytest.approx(effect.var(ddof=1) / sequences, rel=0.05)


def test_without_scores_of_every_trial_only_seeds_count() -> None:
    hits = hits_of(np.random.default_rng(2), 5, 100)
    a, b = scores_of(hits[0]), scores_of(hits[1])
    assert sequence_part(a, b, "accuracy").variance > 0
    assert math.isnan(sequence_part([None, *a[1:]], b, "accuracy").variance)
    assert math.isnan(sequence_part(a, b, "loss").variance)
    other = scores_of(hits[1], labels=2)
    assert math.isnan(sequence_part(a, other, "accuracy").variance)
    few = hits[..., :5]
    assert math.isnan(sequence_part(scores_of(few[0]), scores_of(few[1]), "accuracy").variance)


def test_sequences_of_a_group_count_as_one() -> None:
    hits = np.repeat(hits_of(np.random.default_rng(3), 8, 60), 10, axis=2)
    groups = np.repeat(np.arange(60), 10)
    a, b = scores_of(hits[0]), scores_of(hits[1])
    apart = sequence_part(a, b, "accuracy")
    a, b = scores_of(hits[0], groups=groups), scores_of(hits[1], groups=groups)
    together = sequence_part(a, b, "accuracy")
    a, b = scores_of(hits[0][:, ::10]), scores_of(hits[1][:, ::10])
    assert together.variance == pytest.approx(sequence_part(a, b, "accuracy").variance)
    assert together.variance > 5 * apart.variance


def test_two_arms_equal_in_the_population_are_not_called_different() -> None:
    rng, wrong, before, sweeps = np.random.default_rng(4), 0, 0, 200
    for _ in range(sweeps):
        trials = frame(hits_of(rng, 10, 150))
        table, seeds = compare_arms(trials), compare_arms(trials.drop(columns="scores"))
        assert table["population"].item() == "seeds and sequences"
        assert seeds["population"].item() == "seeds"
        wrong += table["verdict"].item() in ("better", "worse")
        before += seeds["verdict"].item() in ("better", "worse")
    assert wrong / sweeps < 0.05 + 2 * math.sqrt(0.05 * 0.95 / sweeps)
    assert before / sweeps > 0.2


def test_new_sequences_widen_the_interval() -> None:
    trials = frame(hits_of(np.random.default_rng(6), 10, 150))
    row, seeds = (compare_arms(t).iloc[0] for t in (trials, trials.drop(columns="scores")))
    assert 0 < row["from_sequences"] < 1
    assert row["low"] < seeds["low"] < seeds["high"] < row["high"]
    assert row["p"] > seeds["p"]
