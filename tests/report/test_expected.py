"""Expected against observed order, where both are planted."""

from __future__ import annotations

import numpy as np
import pytest

import ablation
from ablation.report.expected import expected_table
from ablation.spec import Request
from ablation.storage import Store
from tests.helpers import make_result, make_sweep, make_trial

# At length 4 the ceilings are 1 forward, and about .87 backward.
ARMS = ("go_backwards", "forward", "bidirectional")


@pytest.mark.parametrize(
    ("means", "verdict"),
    [
        ({"forward": 0.99, "bidirectional": 0.98, "go_backwards": 0.86}, "yes"),
        (
            {"forward": 0.85, "bidirectional": 0.98, "go_backwards": 0.86},
            "no: forward is not shown to be better than go_backwards",
        ),
    ],
)
def test_the_order_of_the_ceilings_is_checked_against_the_result(
    store: Store, request_as_composed: Request, means: dict[str, float], verdict: str
) -> None:
    trials = [make_trial(direction=direction) for direction in ARMS]
    plan = make_sweep(store, request_as_composed, *trials, seeds=8)
    rng = np.random.default_rng(0)
    for trial in plan.trials:
        noise = float(rng.normal(0, 0.0005))
        store.commit(make_result(trial, means[trial.arm.direction] + noise))
    table = expected_table(ablation.load("study", store.root))
    assert table is not None
    (row,) = table.texts()
    assert row["problem"] == "cumsum, length 4"
    assert row["expected"].startswith("forward 1.0000, bidirectional concat 1.0000 > go_backwards")
    assert row["as expected"] == verdict


def test_equal_ceilings_imply_nothing(store: Store, request_as_composed: Request) -> None:
    trials = [make_trial(direction=direction) for direction in ("forward", "bidirectional")]
    plan = make_sweep(store, request_as_composed, *trials)
    for trial in plan.trials:
        store.commit(make_result(trial))
    assert expected_table(ablation.load("study", store.root)) is None


def test_pairs_are_checked_that_the_report_does_not_compare(
    store: Store, request_as_composed: Request
) -> None:
    """Of more than seven arms, a report compares all with the best one only."""
    trials = [make_trial(units=units, direction=d) for units in range(1, 5) for d in ARMS[:2]]
    plan = make_sweep(store, request_as_composed, *trials, seeds=5)
    rng = np.random.default_rng(0)
    for trial in plan.trials:
        mean = 0.98 if trial.arm.direction == "forward" else 0.86
        store.commit(make_result(trial, mean + float(rng.normal(0, 0.0005))))
    study = ablation.load("study", store.root)
    assert len(study.contrasts()) == 7
    table = expected_table(study)
    assert table is not None
    assert [row["as expected"] for row in table.texts()] == ["yes"]
