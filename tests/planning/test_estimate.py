from __future__ import annotations

import pytest

from ablation.planning.estimate import COMPILING, STARTING, expected_seconds, training_seconds
from tests.helpers import make_trial

TRIALS = [make_trial(seed=seed, units=units) for seed in range(4) for units in (10, 50)]


def test_a_finished_plan_takes_no_time() -> None:
    assert expected_seconds([], [], workers=2) == 0


def test_training_time_is_proportional_to_the_computation() -> None:
    base = training_seconds(make_trial().arm)
    assert base > 0
    larger = make_trial(direction="bidirectional"), make_trial(layers=2), make_trial(length=8)
    longer = make_trial(training={"epochs": 2})
    for trial in (*larger, longer):
        assert training_seconds(trial.arm) == pytest.approx(2 * base)
    assert training_seconds(make_trial(units=50).arm) > base
    assert training_seconds(make_trial(engine="fit").arm) > base


def test_measured_trials_correct_the_estimate() -> None:
    arms = [trial.arm for trial in TRIALS]
    fixed = STARTING + 2 * COMPILING
    guess = expected_seconds(TRIALS, [], workers=1) - fixed
    assert guess == pytest.approx(sum(map(training_seconds, arms)))
    measured = [(arm, 3 * training_seconds(arm)) for arm in arms]
    slow = (arms[0], 1000 * training_seconds(arms[0]))  # one outlier: the machine was asleep
    assert expected_seconds(TRIALS, [*measured, slow], workers=1) - fixed == pytest.approx(
        3 * guess
    )


def test_more_workers_than_trials_do_not_help() -> None:
    one, two = (expected_seconds(TRIALS, [], workers) - STARTING for workers in (1, 2))
    assert two == pytest.approx(one / 2)
    assert expected_seconds(TRIALS, [], workers=8) == expected_seconds(TRIALS, [], workers=100)
