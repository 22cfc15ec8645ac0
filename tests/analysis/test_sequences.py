"""Two arms on the same test sequences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ablation.analysis import Study
from ablation.errors import RequestError
from ablation.spec import Request
from ablation.storage import BySequence, Store, TrialResult
from tests.helpers import make_result, make_sweep, make_trial


def study_of(store: Store, base: Request, results: dict[tuple[int, int], BySequence]) -> Study:
    """Arms of 3 and 4 units; results: of (units, seed)."""
    plan = make_sweep(store, base, make_trial(units=3), make_trial(units=4), seeds=3)
    for trial in plan.trials:
        scores = results.get((trial.arm.units, trial.seed))
        made: TrialResult = make_result(trial, by_sequence=scores)
        store.commit(made)
    return Study(store.root / plan.name)


def hits(values: Any, weights: Any = None, **more: Any) -> BySequence:
    values = np.array(values)
    return BySequence.of(
        "hits", values, np.ones(values.shape) if weights is None else weights, **more
    )


def test_the_difference_is_the_mean_over_the_seeds_of_both(
    store: Store, request_as_composed: Request
) -> None:
    rng = np.random.default_rng(0)
    weights = rng.random((30, 5)) < 0.5
    weights[3] = False
    right = {(units, seed): rng.random((30, 5)) < 0.7 for units in (3, 4) for seed in range(3)}
    scores = {key: hits(value, weights) for key, value in right.items() if key != (4, 1)}
    table = study_of(store, request_as_composed, scores).sequences("units=4", "units=3")
    assert table["seeds"].eq(2).all()
    assert sorted(table["sequence"]) == [n for n in range(30) if weights[n].any()]
    assert table["difference"].abs().is_monotonic_decreasing
    for row in table.to_dict("records"):
        n = int(row["sequence"])
        means = [
            np.mean([right[units, seed][n][weights[n]].mean() for seed in (0, 2)])
            for units in (4, 3)
        ]
        assert [row["score"], row["other_score"]] == pytest.approx(means)
        assert row["difference"] == pytest.approx(means[0] - means[1])
        assert row["labels"] == weights[n].sum()


@pytest.mark.parametrize(
    "other",
    [
        hits(np.ones((5, 2))),
        hits(np.ones((4, 3))),
        hits(np.ones((4, 2)), names=list("abcd")),
        BySequence.of("squared_error", np.ones((4, 2)), np.ones((4, 2))),
    ],
)
def test_arms_with_other_test_sequences_are_not_compared(
    other: BySequence, store: Store, request_as_composed: Request
) -> None:
    scores = {(3, 0): hits(np.zeros((4, 2))), (4, 0): other}
    assert study_of(store, request_as_composed, scores).sequences().empty


def test_an_unknown_arm_is_named(store: Store, request_as_composed: Request) -> None:
    study = study_of(store, request_as_composed, {})
    assert study.sequences().empty
    with pytest.raises(RequestError, match=r"^other=units=5: choose one of units=3, units=4"):
        study.sequences("units=3", "units=5")
