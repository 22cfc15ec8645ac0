"""Repeated looks keep the error rate; decisions are final; only undecided arms get more seeds."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import stats

from ablation.analysis.sequential import Schedule, compare_in_rounds, plan_next_round

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


def test_alphas_are_the_increments_of_the_spending_function_and_add_up() -> None:
    schedule = Schedule()
    assert schedule.looks == (10, 15, 20, 25, 30)
    assert schedule.alphas(0.05)[0] == pytest.approx(0.05 * np.log(1 + (np.e - 1) / 3))
    for example in (schedule, Schedule(6, 7, 30), Schedule(8, 4, 16), Schedule(5, 5, 5)):
        assert sum(example.alphas(0.05)) == pytest.approx(0.05)
        assert min(example.alphas(0.05)) > 0
        assert example.looks[-1] == example.most
        assert list(example.looks) == sorted(set(example.looks))


def test_the_default_first_look_can_decide_all_pairs_of_five_arms() -> None:
    level = Schedule().alphas()[0]
    assert 2 / 2**10 * 10 <= level < 2 / 2**10 * 15


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
    spent, naive, sweeps = 0, 0, 1000
    for index in range(sweeps):
        null = rng.normal(0.9, 0.003, (20, 3))
        least = least_p(null, schedule)
        claim = any(p <= part for p, part in zip(least, schedule.alphas(), strict=True))
        spent += claim
        naive += min(least) <= 0.05
        if index < 20:
            # The table has a false verdict exactly if the smallest p is significant. With a tiny
            # margin no contrast is decided as equivalent, so every look can err.
            table = compare_in_rounds(frame(null), schedule, margin=1e-12)
            assert table["verdict"].isin(["better", "worse"]).any() == claim
    assert spent / sweeps < 0.05
    assert naive / sweeps > 0.08  # without dividing alpha among the looks


def test_a_sweep_of_clearly_different_arms_stops_at_the_first_look() -> None:
    table = trials(np.random.default_rng(1), 10, [0.0, 0.02, 0.04], 0.002)
    step = plan_next_round(table, Schedule())
    assert step.arms == ()
    assert set(step.contrasts["verdict"]) == {"worse"}
    assert step.alpha == Schedule().alphas()[0]


def test_only_arms_with_an_undecided_contrast_get_more_seeds() -> None:
    table = trials(np.random.default_rng(2), 10, [0.0, 0.0, 0.2], 0.01)
    step = plan_next_round(table, Schedule())
    assert step.arms == ("a", "b")
    assert step.seeds == 15


def test_a_decision_is_final_and_later_seeds_do_not_change_it() -> None:
    rng = np.random.default_rng(3)
    full = trials(rng, 30, [0.0, 0.0, 0.02], 0.006)
    schedule = Schedule()
    before = compare_in_rounds(full[full["seed"] < 10], schedule)
    # all seeds after the first look contradict it
    reversed_ = full.copy()
    reversed_.loc[(reversed_["arm"] == "c") & (reversed_["seed"] >= 10), "accuracy"] -= 0.1
    after = compare_in_rounds(reversed_, schedule)
    decided = before["verdict"] != "undecided"
    assert decided.sum() == 2
    pd.testing.assert_frame_equal(after[decided], before[decided])
    assert (after.loc[~decided, "look"] > 1).all()


def test_an_unfinished_round_is_ignored() -> None:
    full = trials(np.random.default_rng(4), 14, [0.0, 0.001], 0.006)
    first = full[full["seed"] < 10]
    pd.testing.assert_frame_equal(
        compare_in_rounds(full, Schedule()), compare_in_rounds(first, Schedule())
    )
    planned = full.assign(status=full["status"].where(full["seed"] < 10, "pending"))
    assert Schedule().done(planned) == 1


def test_after_the_last_look_no_seeds_are_added_and_contrasts_may_stay_undecided() -> None:
    table = trials(np.random.default_rng(5), 30, [0.0, 0.002], 0.02)
    step = plan_next_round(table, Schedule())
    assert step.arms == ()
    assert step.contrasts["verdict"].tolist() == ["undecided"]
    assert step.contrasts["look"].tolist() == [5]


def test_a_number_of_looks_that_does_not_exist_is_an_error() -> None:
    table = trials(np.random.default_rng(6), 5, [0.0, 0.0], 0.01)
    with pytest.raises(ValueError, match="looks=0: expected 1 to 5"):
        compare_in_rounds(table, Schedule())
