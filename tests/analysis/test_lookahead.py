"""From which lookahead on a forward arm is good enough, on studies whose answer is planted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ablation.analysis.lookahead import compare_lookaheads
from ablation.analysis.sequential import Looks

LOOKS = Looks((10,), 10)

BOTH = 0.95


def task(
    forward: dict[int, float], both: dict[str, float] | None = None, seeds: int = 10
) -> pd.DataFrame:
    """Trials whose arms have these mean accuracies and small noise of their own."""
    rng = np.random.default_rng(1)
    arms = [(f"forward {k}", "forward", float(k), mean) for k, mean in forward.items()]
    merges = {"concat": BOTH} if both is None else both
    arms += [(name, "bidirectional", np.nan, mean) for name, mean in merges.items()]
    return pd.DataFrame(
        [
            {
                "arm": arm,
                "seed": seed,
                "status": "done",
                "direction": direction,
                "lookahead": lookahead,
                "accuracy": mean + rng.normal(0, 0.0002),
            }
            for arm, direction, lookahead, mean in arms
            for seed in range(seeds)
        ]
    )


def enough(trials: pd.DataFrame) -> list[int]:
    table = compare_lookaheads(trials, LOOKS, "accuracy", 0.002)
    return list(map(int, table.loc[table["enough"], "lookahead"]))


def test_enough_is_from_the_first_lookahead_after_which_none_is_worse() -> None:
    assert enough(task({0: 0.8, 1: 0.9, 2: BOTH, 4: BOTH})) == [2, 4]
    assert enough(task({4: BOTH, 0: 0.8, 2: BOTH, 1: 0.9})) == [2, 4]  # in any order
    assert enough(task({0: BOTH, 1: BOTH})) == [0, 1]
    assert enough(task({0: 0.8, 1: BOTH, 2: 0.9})) == []  # one good value may be luck


def test_each_lookahead_is_compared_with_the_best_arm_of_both_directions() -> None:
    table = compare_lookaheads(
        task({0: 0.8, 3: 0.9}, {"sum": 0.94, "concat": BOTH}), LOOKS, "accuracy", 0.002
    )
    assert table["other"].tolist() == ["concat", "concat"]
    assert table["difference"].tolist() == pytest.approx([0.8 - BOTH, 0.9 - BOTH], abs=0.001)


def test_more_bidirectional_arms_are_more_comparisons() -> None:
    trials = task({0: BOTH - 0.0003, 1: BOTH}, seeds=10)
    one = compare_lookaheads(trials, LOOKS, "accuracy", 0.002)
    several = task({0: BOTH - 0.0003, 1: BOTH}, {"concat": BOTH, "sum": 0.9, "mul": 0.9})
    three = compare_lookaheads(several, LOOKS, "accuracy", 0.002)
    assert (three["p_holm"] >= one["p_holm"] - 1e-12).all()
    assert three["p_holm"].max() > one["p_holm"].max() or one["p_holm"].max() == 1


@pytest.mark.parametrize(
    "trials",
    [
        task({0: 0.8}),
        task({0: 0.8, 1: 0.9}, both={}),
        task({0: 0.8, 1: 0.9}).drop(columns="lookahead"),
        pd.concat([task({0: 0.8, 1: 0.9}), task({1: 0.9}).assign(arm="forward again")]),
    ],
    ids=["one lookahead", "no bidirectional arm", "older results", "forward arms differ otherwise"],
)
def test_without_a_question_there_is_no_answer(trials: pd.DataFrame) -> None:
    assert compare_lookaheads(trials, LOOKS, "accuracy", 0.002).empty
