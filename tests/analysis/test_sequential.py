"""Repeated looks keep the error rate; decisions are final; only undecided arms get more seeds."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import stats

from ablation.analysis.sequential import (
    KEPT,
    Looks,
    Round,
    Schedule,
    compare_in_looks,
    plan_next_round,
)

pytestmark = pytest.mark.filterwarnings("error")


def trials(rng: np.random.Generator, seeds: int, shifts: list[float], sd: float) -> pd.DataFrame:
    """Arms a, b, ... with these mean differences; arms of a seed share part of the noise."""
    noise = rng.normal(0, 0.005, (seeds, 1)) + rng.normal(0, sd, (seeds, len(shifts)))
    return frame(0.9 + noise + np.array(shifts))


def frame(values: NDArray[np.float64]) -> pd.DataFrame:
    """The trials of a (seeds, arms) table of accuracies, seed by seed."""
    arms = [chr(ord("a") + index) for index in range(values.shape[1])]
    table = pd.DataFrame(values, columns=arms).rename_axis("seed").reset_index()
    long = table.melt("seed", var_name="arm", value_name="accuracy")
    return long.assign(status="done").sort_values("seed", kind="stable", ignore_index=True)


def in_rounds(table: pd.DataFrame, schedule: Schedule) -> Looks:
    """The looks of seeds=auto at these trials."""
    trained = table.loc[table["status"] != "pending", "seed"].nunique()
    return Looks(schedule.until(trained), schedule.most, rounds=True)


def compared(table: pd.DataFrame, schedule: Schedule, margin: float = 0.002) -> pd.DataFrame:
    return compare_in_looks(table, in_rounds(table, schedule), margin=margin)


def next_round(table: pd.DataFrame, schedule: Schedule) -> Round:
    return plan_next_round(table, schedule, in_rounds(table, schedule))


def test_a_first_look_spends_nine_tenths_and_later_ones_never_more_than_all() -> None:
    planned = Looks((20,), 20)
    assert planned.alphas(0.05) == pytest.approx([0.045])
    grown = Looks((20, 21, 30, 45, 1000, 10**6), 20)
    assert grown.alphas(0.05)[0] == planned.alphas(0.05)[0]
    assert min(grown.alphas(0.05)) > 0
    assert 0.0499 < sum(grown.alphas(0.05)) <= 0.05


def test_an_interruption_costs_the_plan_next_to_nothing() -> None:
    alphas = Looks((10, 20), 20).alphas(0.05)
    assert sum(alphas) == pytest.approx(0.045)
    assert alphas[0] == pytest.approx(0.045 / 8)


def test_rounds_spend_by_pocock_and_keep_a_tenth() -> None:
    schedule = Schedule()
    assert schedule.looks == (10, 15, 20, 25, 30)
    looks = Looks(schedule.looks, schedule.most, rounds=True)
    assert looks.alphas(0.05)[0] == pytest.approx(0.045 * np.log(1 + (np.e - 1) / 3))
    for example in (schedule, Schedule(6, 7, 30), Schedule(8, 4, 16), Schedule(5, 5, 5)):
        alphas = Looks(example.looks, example.most, rounds=True).alphas(0.05)
        assert sum(alphas) == pytest.approx(0.05 * (1 - KEPT))
        assert min(alphas) > 0
        assert example.looks[-1] == example.most
        assert list(example.looks) == sorted(set(example.looks))


def test_a_schedule_knows_its_looks_until_and_after_some_seeds() -> None:
    schedule = Schedule()
    assert schedule.until(19) == (10, 15)
    assert schedule.until(4) == (4,)
    assert (schedule.after(4), schedule.after(15), schedule.after(30)) == (10, 20, None)


@pytest.mark.parametrize("seeds", [(), (5, 5), (10, 5)])
def test_impossible_looks_are_an_error(seeds: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected at least one look"):
        Looks(seeds, 10)


@pytest.mark.parametrize("wrong", [(1, 5, 30), (10, 0, 30), (31, 5, 30)])
def test_an_impossible_schedule_is_an_error(wrong: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="expected 2 <= first <= most"):
        Schedule(*wrong)


def least_p(values: NDArray[np.float64], schedule: Schedule) -> list[float]:
    """At each look, the least p over all pairs times their number: Holm's first step."""
    pairs = list(itertools.combinations(range(values.shape[1]), 2))
    first, second = np.transpose(pairs)
    differences = values[:, first] - values[:, second]
    return [
        len(pairs) * stats.ttest_1samp(differences[:seeds], 0).pvalue.min()
        for seeds in schedule.looks
    ]


def test_repeated_looks_keep_the_family_error_below_five_percent() -> None:
    rng = np.random.default_rng(11)
    schedule = Schedule(8, 4, 20)
    looks = Looks(schedule.looks, schedule.most, rounds=True)
    spent, naive, sweeps = 0, 0, 1000
    for index in range(sweeps):
        null = rng.normal(0.9, 0.003, (20, 3))
        least = least_p(null, schedule)
        claim = any(p <= part for p, part in zip(least, looks.alphas(), strict=True))
        spent += claim
        naive += min(least) <= 0.05
        if index < 20:
            # The table has a false verdict exactly if the smallest p is significant. With a tiny
            # margin no contrast is decided as equivalent, so every look can err.
            table = compared(frame(null), schedule, margin=1e-12)
            assert table["verdict"].isin(["better", "worse"]).any() == claim
    assert spent / sweeps < 0.05
    assert naive / sweeps > 0.08  # without dividing alpha among the looks


def test_a_sweep_of_clearly_different_arms_stops_at_the_first_look() -> None:
    table = trials(np.random.default_rng(1), 10, [0.0, 0.02, 0.04], 0.002)
    step = next_round(table, Schedule())
    assert step.arms == ()
    assert set(step.contrasts["verdict"]) == {"worse"}
    assert set(step.contrasts["look"]) == {10}


def test_only_arms_with_an_undecided_contrast_get_more_seeds() -> None:
    table = trials(np.random.default_rng(2), 10, [0.0, 0.0, 0.2], 0.01)
    step = next_round(table, Schedule())
    assert step.arms == ("a", "b")
    assert step.seeds == 15


def test_a_decision_is_final_and_later_seeds_do_not_change_it() -> None:
    rng = np.random.default_rng(3)
    full = trials(rng, 30, [0.0, 0.0, 0.02], 0.006)
    schedule = Schedule()
    before = compared(full[full["seed"] < 10], schedule)
    # all seeds after the first look contradict it
    reversed_ = full.copy()
    reversed_.loc[(reversed_["arm"] == "c") & (reversed_["seed"] >= 10), "accuracy"] -= 0.1
    after = compared(reversed_, schedule)
    decided = before["verdict"] != "undecided"
    assert decided.sum() == 2
    pd.testing.assert_frame_equal(after[decided], before[decided])
    assert (after.loc[~decided, "look"] > 10).all()


def test_an_unfinished_round_is_ignored() -> None:
    full = trials(np.random.default_rng(4), 14, [0.0, 0.001], 0.006)
    first = full[full["seed"] < 10]
    pd.testing.assert_frame_equal(compared(full, Schedule()), compared(first, Schedule()))
    planned = full.assign(status=full["status"].where(full["seed"] < 10, "pending"))
    assert in_rounds(planned, Schedule()).seeds == (10,)


def test_after_the_last_look_no_seeds_are_added_and_contrasts_may_stay_undecided() -> None:
    table = trials(np.random.default_rng(5), 30, [0.0, 0.002], 0.02)
    step = next_round(table, Schedule())
    assert step.arms == ()
    assert step.contrasts["verdict"].tolist() == ["undecided"]
    assert step.contrasts["look"].tolist() == [30]


def test_following_the_advice_by_hand_keeps_the_error_below_five_percent() -> None:
    rng = np.random.default_rng(12)
    corrected, naive, sweeps = 0, 0, 1500
    counts = [10, 13, 20, 40]
    looks = Looks(tuple(counts), 10)
    for _ in range(sweeps):
        null = rng.normal(0, 1, 40)
        p = [stats.ttest_1samp(null[:seeds], 0).pvalue for seeds in counts]
        corrected += any(x <= part for x, part in zip(p, looks.alphas(), strict=True))
        naive += min(p) <= 0.05
    assert corrected / sweeps < 0.06
    assert naive / sweeps > 0.09


def test_a_second_look_has_its_own_level_and_plans_for_the_next_one() -> None:
    table = trials(np.random.default_rng(7), 20, [0.0, 0.001], 0.006)
    once, twice = Looks((20,), 20), Looks((10, 20), 10)
    first, second = (compare_in_looks(table, looks, margin=1e-6) for looks in (once, twice))
    assert first["alpha"].item() == pytest.approx(0.045)
    assert second["alpha"].item() == pytest.approx(twice.alphas()[1])
    assert second["look"].item() == 20
    assert first["p"].item() == second["p"].item()  # the evidence is the same, its level is not
    assert first["low"].item() == second["low"].item()
    assert second["more_seeds"].item() > first["more_seeds"].item() > 0
