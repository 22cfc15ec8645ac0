"""Seeds that divide the data for themselves: every test and interval allows for their overlap."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import stats

from ablation.analysis.across import rank_variants
from ablation.analysis.contrasts import compare_arms
from ablation.analysis.costs import count_reached
from ablation.analysis.failures import failed_seeds
from ablation.analysis.ranks import compare_ranks
from ablation.analysis.summary import guessing_arms, summarise
from ablation.analysis.variance import decomposition

pytestmark = pytest.mark.filterwarnings("error")
Floats = NDArray[np.float64]
FOLDS = 5
OVERLAP = 1 / (FOLDS - 1)


def frame(values: Floats, overlap: float | None = OVERLAP, **columns: float) -> pd.DataFrame:
    """The trials of arms a, b, ... with these accuracies, (seeds, arms)."""
    rows = [
        {"arm": "abcdef"[arm], "seed": seed, "status": "done", "accuracy": value}
        for seed, of_seed in enumerate(values)
        for arm, value in enumerate(of_seed)
    ]
    table = pd.DataFrame(rows).assign(test_sequences=1e9, **columns)
    return table if overlap is None else table.assign(test_to_train=overlap)


def first_row(table: pd.DataFrame) -> dict[Hashable, Any]:
    return table.to_dict("records")[0]


@pytest.fixture
def values() -> Floats:
    return np.random.default_rng(0).normal([0.82, 0.8], 0.02, (10, 2))


def test_the_test_is_the_corrected_one_by_its_definition(values: Floats) -> None:
    row = first_row(compare_arms(frame(values), margin=0.01))
    d = values[:, 0] - values[:, 1]
    error = math.sqrt(d.var(ddof=1) * (1 / 10 + OVERLAP))
    assert row["p"] == pytest.approx(2 * stats.t.sf(abs(d.mean()) / error, 9))
    half = stats.t.isf(0.025, 9) * error
    assert [row["low"], row["high"]] == pytest.approx([d.mean() - half, d.mean() + half])
    assert row["p_equivalence"] == pytest.approx(stats.t.sf((0.01 - abs(d.mean())) / error, 9))
    assert row["population"] == "divisions"
    assert row["from_sequences"] == pytest.approx(OVERLAP / (1 / 10 + OVERLAP))
    assert row["detectable"] == pytest.approx((stats.t.isf(0.025, 9) + stats.t.ppf(0.8, 9)) * error)
    ever = (stats.norm.isf(0.025) + stats.norm.ppf(0.8)) * math.sqrt(d.var(ddof=1) * OVERLAP)
    assert row["detectable_ever"] == pytest.approx(ever)
    a = first_row(summarise(frame(values)))
    assert a["high"] - a["mean"] == pytest.approx(
        stats.t.isf(0.025, 9) * values[:, 0].std(ddof=1) * math.sqrt(1 / 10 + OVERLAP)
    )


def test_without_an_overlap_nothing_changes(values: Floats) -> None:
    plain = compare_arms(frame(values, None))
    pd.testing.assert_frame_equal(compare_arms(frame(values, 0.0)), plain)
    assert first_row(plain)["population"] == "seeds"
    assert math.isnan(first_row(plain)["detectable_ever"])
    assert first_row(compare_arms(frame(values)))["p"] > first_row(plain)["p"]


def test_equal_arms_on_one_data_set_are_called_different_as_often_as_said() -> None:
    """Seeds that share a part of their differences, as much as parts of folds do."""
    rng, seeds, share = np.random.default_rng(1), 10, 1 / FOLDS  # correlation n_test / n
    wrong = dict.fromkeys((OVERLAP, None), 0)
    for _ in range(300):
        common, own = rng.normal(size=(1, 2)), rng.normal(size=(seeds, 2))
        values = 0.8 + 0.02 * (math.sqrt(share) * common + math.sqrt(1 - share) * own)
        for overlap in wrong:
            wrong[overlap] += first_row(compare_arms(frame(values, overlap)))["p"] <= 0.05
    assert wrong[OVERLAP] <= 24  # of 15; more are seen in one of 70 such samples
    assert wrong[None] > 60


def test_more_seeds_are_asked_for_only_where_the_data_are_enough() -> None:
    rng = np.random.default_rng(2)
    d = rng.normal(0, 0.02, 10)
    d -= d.mean()

    def more(shift: float, overlap: float | None) -> float:
        values = np.column_stack([0.8 + d + shift, np.full(10, 0.8)])
        row = first_row(compare_arms(frame(values, overlap), margin=1e-6))
        assert row["verdict"] == "undecided"
        return float(row["more_seeds"])

    assert math.isfinite(more(0.01, None))
    assert math.isnan(more(0.01, OVERLAP))
    assert math.isfinite(more(0.01, 0.01))
    assert more(0.01, 0.01) > more(0.01, None)


def test_scores_of_other_sequences_are_not_averaged(values: Floats) -> None:
    """Seeds tested other sequences, so the crossed analysis must not look at their scores."""
    trials = frame(values).assign(scores="never read")
    assert first_row(compare_arms(trials))["population"] == "divisions"


def test_an_arm_is_held_against_the_guess_of_each_seed() -> None:
    rng = np.random.default_rng(3)
    majority = rng.uniform(0.4, 0.7, 10)  # test parts differ more than an arm gains
    for gain, guesses in ((0.05, False), (0.0, True)):
        accuracy = majority + gain + rng.normal(0, 0.01, 10)
        trials = frame(accuracy[:, None]).assign(majority=majority, accuracy_se=0.1)
        assert (guessing_arms(trials) != {}) == guesses


def test_a_seed_of_a_small_test_part_has_not_failed_by_chance() -> None:
    values = np.array([0.8, 0.8, 0.8, 0.8, 0.7])
    assert failed_seeds(values, 1, 0.002, np.nan).tolist() == [False] * 4 + [True]
    assert not failed_seeds(values, 1, 0.002, np.nan, chance=0.3).any()
    trials = frame(values[:, None]).assign(majority=0.7, accuracy_se=0.06)
    assert first_row(summarise(trials))["failed"] == 0
    sharp = trials.assign(accuracy_se=0.001)
    assert first_row(summarise(sharp))["failed"] == 1


def test_ranks_allow_for_the_overlap_too() -> None:
    difference = np.arange(1.0, 13.0)
    plain, corrected = (
        compare_ranks(difference, np.ones(12, bool), 0.5, 0.05, 0.05, overlap)
        for overlap in (0.0, OVERLAP)
    )
    z = stats.norm.isf(plain["p"] / 2) / math.sqrt(1 + 12 * OVERLAP)
    assert corrected["p"] == pytest.approx(2 * stats.norm.sf(z))
    assert corrected["p_equivalence"] >= plain["p_equivalence"]
    assert not corrected["high"] < plain["high"]  # or there is no such wide interval


def test_intervals_over_problems_allow_for_it() -> None:
    rng = np.random.default_rng(4)
    keys = [(p, v, s) for p in ("one", "two") for v in ("a", "b") for s in range(8)]
    runs = pd.DataFrame(keys, columns=["problem", "variant", "seed"])
    runs["normalized"] = rng.normal(0.5, 0.1, len(runs))
    plain, wide = (
        rank_variants(table, draws=500).set_index("variant").loc["a"]
        for table in (runs, runs.assign(test_to_train=OVERLAP))
    )
    assert wide["iqm"] == plain["iqm"]
    width = (wide["iqm_high"] - wide["iqm_low"]) / (plain["iqm_high"] - plain["iqm_low"])
    assert width == pytest.approx(math.sqrt(1 + 8 * OVERLAP))
    assert abs(wide["best"] - 0.5) < abs(plain["best"] - 0.5)


def test_shares_of_seeds_and_of_variance_allow_for_it(values: Floats) -> None:
    costs = {"parameters": 1.0, "seconds": 1.0, "updates": 1.0, "updates_to_target": 1.0}
    k = int((values[:, 0] >= 0.82).sum())
    plain = first_row(count_reached(frame(values, None, **costs), 0.82))
    ci = stats.binomtest(k, 10).proportion_ci(method="wilson")
    assert [plain["low"], plain["high"]] == pytest.approx([ci.low, ci.high])
    wide = first_row(count_reached(frame(values, **costs), 0.82))
    assert wide["high"] - wide["low"] > plain["high"] - plain["low"]
    tables = [
        decomposition(frame(values, overlap).assign(units=[1, 2] * 10), ["units"])
        for overlap in (None, OVERLAP)
    ]
    one, other = (table.set_index("term")["F"] for table in tables)
    assert one["units"] / other["units"] == pytest.approx(1 + 10 * OVERLAP)
    assert one["seed"] == other["seed"]
