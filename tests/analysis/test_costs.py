"""Pareto fronts and targets: small tables worked out by hand, and properties of any table."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from ablation.analysis.costs import (
    cheapest_equivalent,
    count_reached,
    pareto,
    pareto_front,
)
from tests.analysis.test_contrasts import frame


def measured(**arms: tuple[float, Sequence[float]]) -> pd.DataFrame:
    """Trials of arms, given by name as (parameters, accuracies)."""
    trials = frame({arm: values for arm, (_, values) in arms.items()})
    parameters = {arm: size for arm, (size, _) in arms.items()}
    trials["parameters"] = trials["arm"].map(parameters)
    return trials.assign(seconds=1.0, updates=100, updates_to_target=50.0)


def test_a_pareto_front_worked_out_by_hand() -> None:
    cost = np.array([1.0, 2.0, 2.0, 3.0, 4.0, 4.0, 0.5, np.nan])
    value = np.array([0.5, 0.9, 0.8, 0.9, 0.95, 0.95, np.nan, 1.0])
    # 2.0/0.8 loses to 2.0/0.9, and 3.0/0.9 to the cheaper 2.0/0.9. Both equal points at 4.0 stay.
    expected = [True, True, False, False, True, True, False, False]
    assert pareto_front(cost, value).tolist() == expected


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("metric", ["accuracy", "loss"])
def test_the_front_holds_exactly_the_arms_that_no_arm_beats(seed: int, metric: str) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 9, 20) * 100.0  # some arms cost the same
    arms = {
        f"arm {i}": (float(size), rng.random(3).round(1).tolist()) for i, size in enumerate(sizes)
    }
    trials = measured(**arms)
    trials["loss"] = 1 - trials["accuracy"]
    means = trials.groupby("arm")[["parameters", metric]].mean()
    value = means[metric] if metric == "accuracy" else -means[metric]

    def beaten(arm: str) -> bool:
        cheaper = means["parameters"] <= means["parameters"][arm]
        better = value >= value[arm]
        strictly = (means["parameters"] < means["parameters"][arm]) | (value > value[arm])
        return bool((cheaper & better & strictly).any())

    front = pareto(trials, "parameters", metric)
    assert set(front["arm"]) == {str(arm) for arm in means.index if not beaten(str(arm))}
    assert front["cost"].is_monotonic_increasing
    better = front["value"] if metric == "accuracy" else -front["value"]
    assert better.is_monotonic_increasing


def test_costs_are_medians_and_a_censored_metric_is_refused() -> None:
    trials = measured(a=(1, [0.9, 0.9, 0.9]), b=(1, [0.8, 0.8, 0.8]))
    trials["seconds"] = [1.0, 1.0, 100.0, 2.0, 2.0, 2.0]  # one outlier
    assert pareto(trials, "seconds")["arm"].tolist() == ["a"]
    with pytest.raises(ValueError, match="a metric with a mean"):
        pareto(trials, "seconds", "updates_to_target")
    with pytest.raises(ValueError, match="'bytes': no such column"):
        pareto(trials, "bytes")


def test_reached_targets_worked_out_by_hand() -> None:
    accuracies = [0.99] * 9 + [0.97]
    trials = measured(nine=(100, accuracies), eight=(50, [0.98] * 8 + [0.5] * 2))
    trials.loc[trials["arm"] == "eight", "updates_to_target"] = [10.0] * 4 + [math.nan] * 6
    table = count_reached(trials, 0.98).set_index("arm")
    assert table["reached"].to_dict() == {"nine": 9, "eight": 8}  # 0.98 itself counts
    assert table["needed"].tolist() == [9, 9]
    assert table["reliable"].to_dict() == {"nine": True, "eight": False}
    # Wilson: (p + z2 / 2n -+ z sqrt(p (1 - p) / n + z2 / 4n2)) / (1 + z2 / n)
    z2 = 1.959964**2
    half = math.sqrt(z2 * (0.09 / 10 + z2 / 400))
    bounds = [(0.9 + z2 / 20 + side * half) / (1 + z2 / 10) for side in (-1, 1)]
    interval = [table["low"]["nine"], table["high"]["nine"]]
    assert interval == pytest.approx(bounds, abs=1e-6)
    assert table["parameters"].tolist() == [100, 50]
    assert table["updates_to_target"]["nine"] == 50
    assert math.isnan(table["updates_to_target"]["eight"])  # the median trial never did
    assert count_reached(trials, 0.98, least=8)["reliable"].all()


@pytest.mark.parametrize(("seeds", "needed"), [(1, 1), (2, 2), (10, 9), (11, 10), (20, 18)])
def test_nine_in_ten_seeds_is_rounded_up(seeds: int, needed: int) -> None:
    table = count_reached(measured(a=(1, [1.0] * seeds)), 1.0)
    assert table["needed"].tolist() == [needed]


def test_pending_seeds_do_not_reach_the_target() -> None:
    trials = measured(a=(1, [1.0] * 10), b=(2, [1.0] * 10))
    trials.loc[2:9, "status"] = "pending"
    first = count_reached(trials, 0.9).iloc[0]
    assert first[["n", "reached", "reliable"]].tolist() == [2, 2, False]
    pending = count_reached(trials.assign(status="pending"), 0.9)
    assert pending["low"].isna().all()


def test_the_cheapest_arm_equivalent_to_the_best_comes_first() -> None:
    base = np.linspace(0.8, 0.81, 10)
    noise = np.tile([0.0001, -0.0001], 5)
    trials = frame(
        {
            "small": (base - 0.0003 + noise).tolist(),
            "best": base.tolist(),
            "tiny": (base - 0.05 + 3 * noise).tolist(),
        }
    )
    trials["parameters"] = trials["arm"].map({"small": 100, "best": 500, "tiny": 10})
    table = cheapest_equivalent(trials)
    assert table["arm"].tolist() == ["small", "best"]
    assert table["verdict"].tolist() == ["equivalent", "best"]
    assert table["cost"].tolist() == [100, 500]
