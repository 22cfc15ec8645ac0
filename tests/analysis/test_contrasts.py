"""Contrasts and summaries, checked by hand and against SciPy and statsmodels."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from ablation.analysis.contrasts import (
    FAILURE,
    GUESS,
    SEEDS,
    Comparison,
    choose_family,
    compare_arms,
    compare_planned,
)
from ablation.analysis.leaks import find_leaks
from ablation.analysis.samples import varying_columns
from ablation.analysis.student import POWER
from ablation.analysis.summary import best_arm, summarise

pytestmark = pytest.mark.filterwarnings("error")


def frame(columns: Mapping[str, Sequence[float]], metric: str = "accuracy") -> pd.DataFrame:
    """Trials of arms, given by name and their values for seeds 0, 1, ..."""
    rows = [
        {"arm": arm, "seed": seed, "status": "done", metric: value}
        for arm, values in columns.items()
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def random_frame(
    arms: int, seeds: int, rng: np.random.Generator, sd: float = 0.003
) -> pd.DataFrame:
    """Arms that differ only by chance; all arms of a seed share part of the noise."""
    values = 0.9 + rng.normal(0, 0.004, (seeds, 1)) + rng.normal(0, sd, (seeds, arms))
    return frame({f"arm {index}": values[:, index].tolist() for index in range(arms)})


def compare_two(trials: pd.DataFrame, **options: Any) -> Any:
    """The contrast of the two arms."""
    table = compare_arms(trials, **options)
    assert len(table) == 1
    return table.iloc[0]


def cells(table: pd.DataFrame, arm: str, *names: str) -> list[float]:
    """The values of these columns for one arm."""
    row = table[table["arm"] == arm].iloc[0]
    return [float(row[name]) for name in names]


TINY = {"a": [0.5, 0.6, 0.7, 0.8, 0.9, 1.0], "b": [0.4, 0.4, 0.6, 0.9, 0.6, 0.7]}


def test_a_contrast_worked_out_by_hand() -> None:
    row = compare_two(frame(TINY))
    differences = [1, 2, 1, -1, 3, 3]
    squares = sum((d / 10 - 0.15) ** 2 for d in differences)
    t = 0.15 / math.sqrt(squares / 5 / 6)
    assert t == pytest.approx(2.423, abs=0.001)
    assert row["n"] == 6
    assert row["difference"] == pytest.approx(0.15)
    assert row["p"] == pytest.approx(2 * scipy_stats.t.sf(t, 5))
    assert row["p_holm"] == row["p"]
    assert row["effect"] == pytest.approx(0.15 / math.sqrt(squares / 5))
    # of the 36 pairs of runs: 0.5 wins 2; 0.6 wins 2 and ties 2; 0.7 wins 4 and ties 1; and so on
    assert row["improvement"] == pytest.approx(
        ((2 + 0) + (2 + 1) + (4 + 0.5) + 5 + (5 + 0.5) + 6) / 36
    )
    assert row["verdict"] == "undecided"
    assert row["possible"]


def test_contrasts_equal_those_of_scipy_and_statsmodels() -> None:
    trials = random_frame(3, 12, np.random.default_rng(1))  # nothing is borrowed below four arms
    table = compare_arms(trials, margin=0.002)
    values = {arm: group["accuracy"].to_numpy() for arm, group in trials.groupby("arm")}
    for _, row in table.iterrows():
        a, b = values[row["arm"]], values[row["other"]]
        interval = scipy_stats.ttest_rel(a, b).confidence_interval(0.95)
        assert row["p"] == pytest.approx(scipy_stats.ttest_rel(a, b).pvalue, rel=1e-4)
        assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high), rel=1e-4)
        assert row["p_equivalence"] == pytest.approx(ttost_paired(a, b, -0.002, 0.002)[0], rel=1e-3)
        u = scipy_stats.mannwhitneyu(a, b).statistic
        assert row["improvement"] == pytest.approx(u / (len(a) * len(b)))
    for name in ("p", "p_equivalence"):
        assert table[f"{name}_holm"].to_numpy() == pytest.approx(
            multipletests(table[name], method="holm")[1]
        )


def test_swapping_arms_flips_signs_and_names_and_row_order_do_not_matter() -> None:
    rng = np.random.default_rng(3)
    trials = random_frame(3, 9, rng)
    table = compare_arms(trials)
    for _ in range(5):
        shuffled = trials.sample(frac=1, random_state=int(rng.integers(1000)))
        arms = pd.CategoricalDtype(list(dict.fromkeys(trials["arm"])))
        reordered = shuffled.assign(order=shuffled["arm"].astype(arms).cat.codes)
        reordered = reordered.sort_values("order", kind="stable")
        pd.testing.assert_frame_equal(compare_arms(reordered), table)
        pd.testing.assert_frame_equal(summarise(reordered), summarise(trials))
    renamed = compare_arms(trials.assign(arm="x" + trials["arm"]))
    pd.testing.assert_frame_equal(
        renamed.drop(columns=["arm", "other"]), table.drop(columns=["arm", "other"])
    )
    backwards = compare_arms(trials.iloc[::-1]).iloc[::-1].reset_index(drop=True)
    swapped = backwards.set_index(["other", "arm"]).loc[
        list(zip(table["arm"], table["other"], strict=True))
    ]
    for name in ("p", "p_holm", "p_equivalence", "more_seeds"):
        assert swapped[name].to_numpy() == pytest.approx(table[name].to_numpy(), nan_ok=True)
    for name in ("difference", "effect"):
        assert swapped[name].to_numpy() == pytest.approx(-table[name].to_numpy())
    assert swapped["low"].to_numpy() == pytest.approx(-table["high"].to_numpy())
    assert swapped["improvement"].to_numpy() == pytest.approx(1 - table["improvement"].to_numpy())


def test_verdicts_follow_the_sense_of_the_metric() -> None:
    high, low = np.linspace(0.8, 0.81, 10).tolist(), np.linspace(0.7, 0.715, 10).tolist()
    assert compare_two(frame({"a": high, "b": low}))["verdict"] == "better"
    assert compare_two(frame({"a": low, "b": high}))["verdict"] == "worse"
    loss = compare_two(frame({"a": high, "b": low}, "loss"), metric="loss")
    assert (loss["verdict"], loss["improvement"]) == ("worse", 0.0)
    assert loss["difference"] > 0


def test_a_significant_difference_within_the_margin_is_equivalent() -> None:
    b = np.linspace(0.8, 0.81, 10)
    a = b + np.linspace(0.0004, 0.0006, 10)
    row = compare_two(frame({"a": a.tolist(), "b": b.tolist()}))
    assert row["p_holm"] < 0.05
    assert row["verdict"] == "equivalent"
    assert (
        compare_two(frame({"a": a.tolist(), "b": b.tolist()}), margin=0.0001)["verdict"] == "better"
    )


def test_differences_without_variance() -> None:
    same = compare_two(frame({"a": TINY["a"], "b": TINY["a"]}).assign(test_sequences=10_000))
    assert (same["verdict"], same["difference"], same["effect"]) == ("equivalent", 0.0, 0.0)
    assert (same["p"], same["improvement"]) == (1.0, 0.5)
    # 0.9 - 0.8, 0.8 - 0.7 and 0.7 - 0.6 are three different floating point numbers
    constant = frame({"a": [0.9, 0.8, 0.7], "b": [0.8, 0.7, 0.6]})
    row = compare_two(constant)
    # Values 0.1 apart are taken as rounded to it, which leaves a variance of 0.1^2 / 6.
    assert row["p"] == pytest.approx(2 * scipy_stats.t.sf(0.1 / math.sqrt(0.01 / 6 / 3), 2))
    assert row["verdict"] == "undecided"
    assert math.isnan(row["effect"])
    fine = compare_two(constant.assign(test_labels=10_000, test_sequences=1000))
    assert (fine["difference"], fine["verdict"]) == (pytest.approx(0.1), "better")


def test_nothing_is_equivalent_within_less_than_one_test_label() -> None:
    trials = frame({"a": [0.9] * 10, "b": [0.9] * 10}).assign(test_sequences=19, test_labels=19)
    assert compare_two(trials, margin=0.04)["verdict"] == "undecided"
    assert compare_two(trials, margin=0.06)["verdict"] == "equivalent"
    assert compare_two(trials.assign(test_labels=190), margin=0.04)["verdict"] == "equivalent"


def test_an_equivalence_is_withheld_where_nothing_was_learnt_or_a_seed_failed() -> None:
    rng = np.random.default_rng(8)
    trials = random_frame(2, 10, rng, sd=0.0002)
    assert compare_two(trials)["withheld"] == ""
    for majority, why in ((0.5, ""), (0.95, GUESS)):
        row = compare_two(trials.assign(majority=majority))
        assert row["withheld"] == why
        assert row["verdict"] == ("undecided" if why else "equivalent")
    few = compare_two(trials[trials["seed"] < 4])
    assert (few["withheld"], few["verdict"], few["more_seeds"]) == (SEEDS, "undecided", 1)
    diverged = trials.assign(status=["diverged"] + ["done"] * 19)
    assert (compare_two(diverged)["withheld"], compare_two(diverged)["failed"]) == (FAILURE, 1)


def test_pairs_of_four_arms_borrow_from_each_other_and_of_three_do_not() -> None:
    trials = random_frame(4, 6, np.random.default_rng(9))
    three = trials[trials["arm"] != "arm 3"]
    together, alone = (compare_arms(t).set_index(["arm", "other"]) for t in (trials, three))
    pair = ("arm 0", "arm 1")
    assert together["difference"][pair] == alone["difference"][pair]
    assert together["p"][pair] != pytest.approx(alone["p"][pair])
    planned = compare_planned(trials, [Comparison(*pair, "accuracy", 0.002)])
    assert planned["p"].item() == pytest.approx(alone["p"][pair], rel=1e-4)


def test_too_few_seeds_are_undecided_and_not_possible() -> None:
    for n in (0, 1):
        row = (
            compare_two(frame({"a": [0.5, 0.6], "b": [0.7, 0.8]}).query("arm == 'a' or seed < @n"))
            if n
            else (compare_two(pd.concat([frame({"a": [0.5]}), frame({"b": [0.5]}).assign(seed=7)])))
        )
        assert (row["n"], row["verdict"], row["possible"]) == (n, "undecided", False)
        assert math.isnan(row["p"])
        assert math.isnan(row["p_holm"])
    for arms in (2, 4):
        assert compare_arms(random_frame(arms, 2, np.random.default_rng(0)))["possible"].all()
    # The smallest p of signed ranks is 2 / 2^n.
    for n, arms, possible in [(5, 2, False), (6, 2, True), (7, 4, False), (8, 4, True)]:
        many = updates({str(arm): [100.0] * n for arm in range(arms)})
        table = compare_arms(many, metric="updates_to_target")
        assert set(table["possible"]) == {possible}


def test_a_pair_without_a_value_is_dropped_and_counted() -> None:
    trials = frame(TINY)
    trials.loc[trials["seed"] == 2, "status"] = "diverged"
    trials.loc[(trials["seed"] == 2) & (trials["arm"] == "b"), "accuracy"] = np.nan
    trials.loc[(trials["seed"] == 4) & (trials["arm"] == "b"), "status"] = "failed"
    row = compare_two(trials)
    assert (row["n"], row["dropped"]) == (4, 1)
    table = summarise(trials)
    assert cells(table, "b", "n", "dropped") == [4, 1]
    assert cells(table, "a", "n", "dropped") == [6, 0]


def test_a_baseline_limits_the_pairs_and_the_family_sets_the_correction() -> None:
    trials = random_frame(4, 8, np.random.default_rng(4))
    table = compare_arms(trials, baseline="arm 2")
    assert table["arm"].tolist() == ["arm 0", "arm 1", "arm 3"]
    assert set(table["other"]) == {"arm 2"}
    wider = compare_arms(trials, baseline="arm 2", family=6)
    assert wider["p_holm"].min() == pytest.approx(min(1, 6 * wider["p"].min()))
    assert choose_family(trials) == (None, 6)
    assert choose_family(trials, baseline="arm 2") == ("arm 2", 3)
    many = random_frame(8, 5, np.random.default_rng(4))
    assert choose_family(many) == (best_arm(many), 28)
    assert best_arm(many) == many.groupby("arm")["accuracy"].mean().idxmax()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"baseline": "c"}, "baseline='c': no such arm; choose one of a, b"),
        ({"metric": "speed"}, "metric='speed': no such column; choose one of arm, seed"),
    ],
)
def test_errors_list_the_possible_values(options: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compare_arms(frame(TINY), **options)  # type: ignore[arg-type]


def test_two_trials_of_one_arm_and_seed_are_an_error() -> None:
    with pytest.raises(ValueError, match="arm='a' seed=0: more than one trial"):
        summarise(pd.concat([frame(TINY), frame({"a": [0.5]})]))


def test_a_summary_worked_out_by_hand_and_by_scipy() -> None:
    trials = frame({"a": [0.1, 0.2, 0.3, 0.8], "b": [0.5, 0.5, 0.5, 0.5], "c": [0.4]})
    table = summarise(trials)
    assert table["arm"].tolist() == ["a", "b", "c"]
    expected = [0.35, 0.25, 0.1, 0.8, np.std([0.1, 0.2, 0.3, 0.8], ddof=1)]
    assert cells(table, "a", "mean", "iqm", "min", "max", "sd") == pytest.approx(expected)
    assert table["interval"].tolist() == ["t", "constant", "none"]
    interval = scipy_stats.ttest_1samp([0.1, 0.2, 0.3, 0.8], 0).confidence_interval(0.95)
    assert interval.low < 0  # a share cannot be
    assert cells(table, "a", "low", "high") == pytest.approx([0, interval.high])
    losses = summarise(trials.rename(columns={"accuracy": "loss"}), "loss")
    assert cells(losses, "a", "low", "high") == pytest.approx([interval.low, interval.high])
    assert cells(table, "b", "low", "high", "sd") == [0.5, 0.5, 0.0]
    assert all(math.isnan(value) for value in cells(table, "c", "low", "high", "sd"))
    assert "skill" not in table.columns


def test_skill_is_the_share_of_the_way_from_majority_to_ceiling() -> None:
    trials = frame({"a": [0.9, 0.9], "b": [0.8, 0.8], "c": [0.7, 0.7]})
    bounds = {"a": (1.0, 0.8), "b": (0.8, 0.8), "c": (np.nan, np.nan)}
    trials["ceiling"] = [bounds[arm][0] for arm in trials["arm"]]
    trials["majority"] = [bounds[arm][1] for arm in trials["arm"]]
    assert summarise(trials)["skill"].tolist() == pytest.approx([0.5, np.nan, np.nan], nan_ok=True)
    assert "skill" not in summarise(trials.assign(ceiling=np.nan)).columns


def updates(columns: Mapping[str, Sequence[float]], limit: float = 1000) -> pd.DataFrame:
    """Trials with updates to the target, NaN where not reached."""
    return frame(columns, "updates_to_target").assign(updates=limit)


def test_not_reached_is_the_worst_value() -> None:
    nan = math.nan
    trials = updates(
        {
            "a": [100, 200, 300, 400, 500, 600, 700, 800],
            "b": [150, 280, nan, nan, nan, nan, nan, nan],
        }
    )
    table = summarise(trials, "updates_to_target")
    assert cells(table, "a", "reached", "median") == [1.0, 450.0]
    assert cells(table, "b", "reached", "median") == pytest.approx([0.25, np.nan], nan_ok=True)
    row = compare_two(trials, metric="updates_to_target")
    assert row["p"] == 2 / 2**8
    assert (row["verdict"], row["effect"], row["dropped"]) == ("better", -1.0, 0)
    assert best_arm(trials, "updates_to_target") == "a"


def test_trials_that_cannot_be_compared_are_neither_worse_nor_equivalent() -> None:
    never = updates({"a": [math.nan] * 8, "b": [math.nan] * 8})
    row = compare_two(never, metric="updates_to_target", margin=50)
    assert (row["p"], row["p_equivalence"], row["verdict"]) == (1.0, 1.0, "undecided")
    # b stopped at 500 without reaching the target; a reached it only at 600
    short = updates({"a": [600.0] * 8, "b": [math.nan] * 8})
    short.loc[short["arm"] == "b", "updates"] = 500
    assert compare_two(short, metric="updates_to_target")["p"] == 1.0
    assert compare_two(short.iloc[::-1], metric="updates_to_target")["p"] == 1.0
    # a diverged trial would never have reached it
    short.loc[short["arm"] == "b", "status"] = "diverged"
    assert compare_two(short, metric="updates_to_target")["verdict"] == "better"
    same = updates({"a": [600.0] * 8, "b": [600.0] * 8})
    assert compare_two(same, metric="updates_to_target", margin=50)["verdict"] == "equivalent"


def test_parameters_are_compared_without_a_test() -> None:
    row = compare_two(frame({"a": [100, 100], "b": [200, 200]}, "parameters"), metric="parameters")
    assert (row["p"], row["verdict"], row["possible"]) == (0.0, "better", True)


def test_planned_comparisons_are_one_family_and_each_has_its_own_margin() -> None:
    trials = random_frame(3, 10, np.random.default_rng(5))
    trials["loss"] = 1 - trials["accuracy"]
    names = list(dict.fromkeys(trials["arm"]))
    comparisons = [
        Comparison(names[0], names[1], "accuracy", 0.002),
        Comparison(names[0], names[1], "accuracy", 0.5),
        Comparison(names[2], names[0], "loss", 0.002),
    ]
    table = compare_planned(trials, comparisons)
    assert list(table["arm"]) == [names[0], names[0], names[2]]
    accuracy, loss = (
        compare_arms(trials, m).set_index(["arm", "other"]) for m in ("accuracy", "loss")
    )
    assert table["p"][0] == table["p"][1] == accuracy["p"][names[0], names[1]]
    assert table["difference"][2] == pytest.approx(-loss["difference"][names[0], names[2]])
    assert table["p_holm"].to_numpy() == pytest.approx(multipletests(table["p"], method="holm")[1])
    assert table["verdict"][1] == "equivalent"
    assert compare_planned(trials, []).empty
    with pytest.raises(ValueError, match="'nobody': no such arm"):
        compare_planned(trials, [Comparison("nobody", names[0], "accuracy", 0.1)])


def test_planned_verdicts_follow_the_sense_of_each_metric() -> None:
    trials = frame({"a": [0.9 + k / 1000 for k in range(10)], "b": [0.8] * 10})
    trials["train_loss"] = 1 - trials["accuracy"]
    trials["updates_to_target"] = trials["arm"].map({"a": 500.0, "b": np.nan})
    trials["updates"] = 5000
    metrics = ("accuracy", "train_loss", "updates_to_target")
    table = compare_planned(trials, [Comparison("a", "b", m, 0.001) for m in metrics])
    assert table["verdict"].tolist() == ["better"] * 3


def test_a_leak_is_an_accuracy_four_standard_errors_above_the_ceiling() -> None:
    trials = frame({"a": [0.93, 0.93], "b": [0.915, 0.915], "c": [1.0, 1.0]})
    trials["ceiling"] = trials["arm"].map({"a": 0.9, "b": 0.9, "c": 1.0})
    table = find_leaks(trials, 2500)  # standard error .3 / 50 = .006
    assert table["arm"].tolist() == ["a"]
    assert table.iloc[0][["excess", "error"]].tolist() == pytest.approx([0.03, 0.006])
    assert find_leaks(trials, 1000).empty
    sharper = find_leaks(trials.assign(accuracy_se=0.003), 1000)
    assert sharper["arm"].tolist() == ["a", "b"]
    assert find_leaks(trials.drop(columns="ceiling"), 2500).empty
    assert find_leaks(trials.assign(ceiling=None), 2500).empty


def test_varying_columns_have_more_than_one_value() -> None:
    trials = pd.DataFrame(
        {"units": [10, 10], "merge_mode": [None, "sum"], "length": [10, 20], "gone": [None, None]}
    )
    assert varying_columns(trials, ["units", "merge_mode", "length", "gone"]) == [
        "merge_mode",
        "length",
    ]


def test_a_true_difference_is_detected_and_no_difference_is_not() -> None:
    rng = np.random.default_rng(6)
    with_difference, without_difference = [], []
    for _ in range(60):
        base = rng.normal(0.9, 0.005, 10)
        arms = {"a": base + 0.01 + rng.normal(0, 0.003, 10), "b": base + rng.normal(0, 0.003, 10)}
        with_difference.append(
            compare_two(frame({arm: list(v) for arm, v in arms.items()}))["verdict"]
        )
        arms["a"] = arms["a"] - 0.01
        without_difference.append(
            compare_two(frame({arm: list(v) for arm, v in arms.items()}))["verdict"]
        )
    assert with_difference.count("better") >= 57
    assert without_difference.count("better") + without_difference.count("worse") <= 5


def test_more_seeds_decide_with_the_stated_power() -> None:
    rng = np.random.default_rng(7)
    decided = []
    for _ in range(150):
        trials = random_frame(2, 8, rng, sd=0.002)
        row = compare_two(trials)
        if row["verdict"] != "undecided" or row["more_seeds"] > 24:
            continue
        # new data with the observed mean and spread, and as many seeds as more_seeds asks for
        a, b = (
            trials.loc[trials["arm"] == arm, "accuracy"].to_numpy() for arm in ("arm 0", "arm 1")
        )
        n = 8 + int(row["more_seeds"])
        more = rng.normal((a - b).mean(), (a - b).std(ddof=1), n)
        verdict = compare_two(frame({"a": more.tolist(), "b": [0.0] * n}))["verdict"]
        decided.append(verdict != "undecided")
    assert len(decided) > 20
    assert np.mean(decided) == pytest.approx(POWER, abs=0.15)
