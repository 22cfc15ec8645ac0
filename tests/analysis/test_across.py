"""One answer over several problems, on simulated scores whose truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ablation.analysis.across import (
    common_variants,
    compare_variants,
    hodges_lehmann,
    interquartile_mean,
    problems_needed,
    rank_variants,
    signed_ranks,
)

pytestmark = pytest.mark.filterwarnings("error")


def runs_of(means: dict[str, list[float]], seeds: int = 5, spread: float = 0.001) -> pd.DataFrame:
    """Trials whose scores spread around the mean of each variant on each problem."""
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        [
            {"variant": variant, "problem": f"p{k}", "seed": seed, "normalized": value}
            for variant, scores in means.items()
            for k, mean in enumerate(scores)
            for seed, value in enumerate(mean + spread * rng.standard_normal(seeds))
        ]
    )


@pytest.mark.parametrize("n", [4, 7, 14])
def test_signed_ranks_equal_scipys(n: int) -> None:
    rng = np.random.default_rng(n)
    differences = np.round(rng.normal(0.3, 1, n), 1)  # some tie
    method = stats.PermutationMethod(n_resamples=2**n) if n > 1 else "auto"
    # SciPy's exact flips include those of zeros, which change no sum.
    expected = stats.wilcoxon(differences, zero_method="pratt", method=method).pvalue
    assert signed_ranks(differences) == pytest.approx(expected)
    assert signed_ranks(np.zeros(n)) == 1


def test_the_interval_holds_the_shifts_that_signed_ranks_do_not_reject() -> None:
    differences = np.random.default_rng(3).normal(1, 1, 12)
    estimate, low, high = hodges_lehmann(differences)
    assert low < estimate < high
    for shift, kept in ((low + 1e-6, True), (low - 1e-6, False), (high + 1e-6, False)):
        assert (signed_ranks(differences - shift) > 0.05) is kept
    assert np.isnan(hodges_lehmann(differences[:5])[1])  # five can show nothing at 5 %


def test_the_interquartile_mean_is_scipys_and_its_interval_narrows_with_runs() -> None:
    rng = np.random.default_rng(0)
    few = [rng.normal(k, 1, 5) for k in range(6)]
    many = [rng.normal(k, 1, 50) for k in range(6)]
    value, low, high = interquartile_mean(few, 2000, rng)
    assert value == pytest.approx(stats.trim_mean(np.concatenate(few), 0.25))
    assert low < value < high
    _, closer, nearer = interquartile_mean(many, 2000, rng)
    assert nearer - closer < (high - low) / 2


def test_a_variant_that_wins_on_all_problems_is_better_in_general() -> None:
    rng = np.random.default_rng(2)
    base = rng.uniform(0.4, 0.9, 12)
    problems = runs_of({"a": list(base), "b": list(base + 0.05), "c": list(base - 0.02)})
    few = compare_variants(problems[problems["problem"].isin([f"p{k}" for k in range(6)])])
    assert problems_needed(3) == 7
    assert set(few["verdict"]) == {"undecided"}  # six problems cannot tell three variants apart
    table = rank_variants(problems)
    assert list(table["variant"]) == ["b", "a", "c"]
    assert list(table["rank"]) == [1, 2, 3]
    assert table["best"].iloc[0] == pytest.approx((12 + 1 / 3) / 13)
    assert table["best"].sum() == pytest.approx(1)
    assert (table["best_low"] <= table["best"]).all()
    assert (table["best"] <= table["best_high"]).all()
    pairs = compare_variants(problems, margin=0.01).set_index(["variant", "other"])
    assert pairs["verdict"].to_dict() == {
        ("a", "b"): "worse",
        ("a", "c"): "better",
        ("b", "c"): "better",
    }
    assert pairs.loc[("a", "b"), "difference"] == pytest.approx(-0.05, abs=0.002)
    assert pairs.loc[("a", "b"), "less"] == pytest.approx((12 + 1 / 3) / 13)
    assert pairs[["more", "same", "less"]].sum(axis=1).to_numpy() == pytest.approx(1)


def test_variants_that_win_on_half_of_the_problems_are_undecided() -> None:
    gap = np.tile([0.1, -0.1], 6)
    problems = runs_of({"a": list(0.5 + gap), "b": list(0.5 - gap)})
    (pair,) = compare_variants(problems).to_dict("records")
    assert pair["verdict"] == "undecided"
    assert pair["more"] == pytest.approx(pair["less"])


def test_false_claims_in_general_stay_below_five_percent() -> None:
    rng, false = np.random.default_rng(5), 0
    for _ in range(200):
        # Equal in general: what differs on a problem is the problem's own.
        means = {name: list(rng.standard_t(3, 12)) for name in "abcd"}
        pairs = compare_variants(runs_of(means, seeds=2), draws=1)
        false += bool((pairs["verdict"] != "undecided").any())
    assert false <= 200 * 0.05 + 2 * np.sqrt(200 * 0.05 * 0.95)


def test_only_variants_of_all_problems_are_compared() -> None:
    problems = runs_of({"a": [0.1, 0.2, 0.3], "b": [0.2, 0.3, 0.4], "c": [0.9, 0.9]})
    assert list(common_variants(problems)["variant"].unique()) == ["a", "b"]
    assert common_variants(problems[problems["variant"] != "b"]).empty


def test_a_problem_that_lacks_a_score_counts_for_the_pairs_that_have_theirs() -> None:
    problems = runs_of({"a": [0.1] * 7, "b": [0.2] * 7, "c": [0.3] * 7})
    gone = (problems["variant"] == "c") & (problems["problem"] == "p0")
    problems.loc[gone, "normalized"] = np.nan
    assert set(rank_variants(problems)["problems"]) == {6}
    counts = compare_variants(problems).set_index(["variant", "other"])["problems"]
    assert counts.to_dict() == {("a", "b"): 7, ("a", "c"): 6, ("b", "c"): 6}
