"""What a report must notice, on results that were really trained."""

from __future__ import annotations

import pytest

import ablation
from ablation import problems
from ablation.measures import MEASURES
from ablation.report.sentences import alarms, answer
from ablation.spec import Request, Trial
from ablation.storage import Store
from ablation.training import run_trial
from tests.helpers import make_result, make_sweep, make_trial


def test_a_planted_leak_sets_off_the_alarm(
    store: Store, request_as_composed: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(problems.PROBLEMS, "leaky", "tests.leaky")
    training = {"sequences": 4000, "learning_rate": 0.01}
    honest = make_trial(
        direction="go_backwards", length=10, units=8, training=training, problem={"test_size": 2000}
    )
    values = honest.model_dump() | {"problem": {"name": "leaky", "test_size": 2000}}
    leaky = Trial.model_validate(values)
    plan = make_sweep(store, request_as_composed, honest, leaky, seeds=1)
    for trial in plan.trials:
        store.commit(run_trial(trial))
    study = ablation.load("study", store.root)
    (alarm,) = alarms(study)
    assert alarm.startswith("LEAK? leaky")
    assert study.trials.set_index("problem")["accuracy"]["cumsum"] < 0.915


def test_differences_are_written_without_a_minus_before_nothing() -> None:
    assert MEASURES["accuracy"].signed(-0.00001) == "+0.0000"
    assert MEASURES["accuracy"].signed(-0.0123) == "-0.0123"
    assert MEASURES["parameters"].signed(1234.0) == "+1,234"
    assert MEASURES["seconds"].digits == 2


def test_the_best_is_taken_for_now_while_another_may_be_as_good(
    store: Store, request_as_composed: Request
) -> None:
    arms = [make_trial(units=units) for units in (3, 4)]
    plan = make_sweep(store, request_as_composed, *arms, seeds=10)

    def said(better: float) -> str:
        for trial in plan.trials:
            store.path(trial.id).unlink(missing_ok=True)
            noise = 0.03 * ((7 * trial.seed + 3 * trial.arm.units) % 10) / 10
            store.commit(make_result(trial, 0.8 + better * (trial.arm.units == 4) + noise))
        return answer(ablation.load("study", store.root))[-1]

    assert said(0.001).startswith("For now take units=")
    assert said(0.1) == "Take units=4: no other arm is shown to be as good."
