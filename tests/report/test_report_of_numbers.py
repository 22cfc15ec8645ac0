"""A report of numbers: their errors first, the floor and the constant beside them, no accuracy."""

from __future__ import annotations

import re

import pytest

from ablation.analysis import Study
from ablation.report import build_report
from ablation.report.sentences import alarms, answer
from ablation.report.tables import contrasts_table, summary_table, targets_table
from ablation.spec import ReportSettings, Request, Trial
from ablation.storage import Curve, Metrics, Store, Targets, TrialResult
from ablation.tasks import comparable
from tests.helpers import make_result, make_sweep, make_trial

CONSTANT = 1.0  # what the problem says of its own


def tracked(units: int) -> Trial:
    """A trial that predicts numbers and whose floor is known."""
    values = make_trial(units=units, direction="bidirectional").model_dump()
    return Trial.model_validate(values | {"problem": {"name": "tracking", "test_size": 60}})


def result_of(trial: Trial, mse: float, **further: float) -> TrialResult:
    scores = {"mse": mse, "mse_error": 0.01, "mae": mse / 2, "r2": 1 - mse / CONSTANT, **further}
    steps = [mse] * trial.arm.length
    return make_result(
        trial,
        task="numbers",
        metrics=Metrics.model_validate({"loss": mse, "mse_by_position": steps, **scores}),
        curve=Curve(updates=[2, 4], loss=[0.7, 0.5], mse=[4.0, mse]),
        constant=CONSTANT,
        targets=Targets(names=["a", "b"], mse=[mse, 2 * mse], mae=[1, 2], r2=[0.5, 0.25]),
    )


@pytest.mark.parametrize("metric", [None, *comparable("numbers")])
def test_every_metric_goes_from_the_result_to_the_report(
    metric: str | None, store: Store, request_as_composed: Request
) -> None:
    settings = ReportSettings(metric=metric)
    plan = make_sweep(store, request_as_composed, tracked(3), tracked(4), seeds=3, report=settings)
    for trial in plan.trials:
        store.commit(result_of(trial, 0.7 + 0.05 * trial.arm.units - 0.02 * trial.seed))
    study = Study(store.root / plan.name)
    assert (study.score, study.metric) == ("mse", metric or "mse")
    assert study.trials[study.metric].notna().all()
    assert study.reached().empty
    measure = study.measure(study.metric)
    table, pairs = summary_table(study), contrasts_table(study)
    assert table is not None
    assert pairs is not None
    names = [column.name for column in table.columns]
    assert len({*names}) == len(names)
    assert {"floor", "MAE", "R2", "skill", "loss"} <= {*names}
    assert not {"accuracy", "exact", "ceiling", "majority", "log loss"} & {*names}
    assert f"est {measure.typical} {measure.name}: " in " ".join(answer(study))
    assert not alarms(study)


def test_margins_and_digits_suit_the_units(store: Store, request_as_composed: Request) -> None:
    plan = make_sweep(store, request_as_composed, tracked(3), tracked(4), seeds=2)
    for trial in plan.trials:
        store.commit(result_of(trial, 0.8))
    study = Study(store.root / plan.name)
    constant = study.trials["constant"].iloc[0]
    room = constant - study.trials["floor"].min()
    assert study.margin() == study.margin("mse") == pytest.approx(0.01 * room, rel=0.05)
    assert study.measure("mse").format(0.8) == "0.800"
    assert study.margin("mae") == pytest.approx(0.01 * constant**0.5, rel=0.05)
    assert study.margin("r2") == 0.01


def test_an_error_below_the_floor_is_a_leak(store: Store, request_as_composed: Request) -> None:
    plan = make_sweep(store, request_as_composed, tracked(3), tracked(4), seeds=2)
    for trial in plan.trials:
        store.commit(result_of(trial, 0.001 if trial.arm.units == 3 else 0.8))
    study = Study(store.root / plan.name)
    (row,) = study.leaks().to_dict("records")
    assert row["mse"] < row["floor"]
    (alarm,) = alarms(study)
    assert re.match(r"LEAK\? .*units=3.*: squared error 0\.001 is below its floor \d", alarm)


def test_an_arm_that_only_guesses_is_said(store: Store, request_as_composed: Request) -> None:
    plan = make_sweep(store, request_as_composed, tracked(3), tracked(4), seeds=3)
    for trial in plan.trials:
        store.commit(result_of(trial, CONSTANT + 0.1 * trial.seed))
    (first, *_) = answer(Study(store.root / plan.name))
    assert first.startswith("No arm beats guessing (always the mean, mean squared error: 1.000)")


def test_the_page_has_no_word_of_accuracy(store: Store, request_as_composed: Request) -> None:
    plan = make_sweep(store, request_as_composed, tracked(3), tracked(4), seeds=3)
    for trial in plan.trials:
        store.commit(result_of(trial, 0.7 + 0.05 * trial.arm.units - 0.02 * trial.seed))
    folder = store.root / plan.name
    build_report(folder)
    written = (folder / "report.md").read_text()
    assert not re.search(r"accuracy(?!\.png)|majority", written, re.IGNORECASE)
    for title in ("Squared error by position", "Each number by itself", "What a small error costs"):
        assert f"## {title}\n" in written
    table = targets_table(Study(folder))
    assert table is not None
    assert [row["number"] for row in table.texts()] == ["a", "b"] * 2


def test_a_sweep_of_classes_and_numbers_is_compared_by_what_both_have(
    store: Store, request_as_composed: Request
) -> None:
    settings = ReportSettings(metric="loss")
    trials = (tracked(3), tracked(4), make_trial(units=3), make_trial(units=4))
    plan = make_sweep(store, request_as_composed, *trials, seeds=3, report=settings)
    for trial in plan.trials:
        numbers = trial.arm.problem.name == "tracking"
        store.commit(result_of(trial, 2.0) if numbers else make_result(trial, 0.9))
    folder = store.root / plan.name
    build_report(folder)
    study = Study(folder)
    assert study.score == "loss"
    assert len(study.tasks) == 2
    assert "Best mean loss" in (folder / "report.md").read_text()


def test_intervals_of_errors_do_not_reach_below_zero(
    store: Store, request_as_composed: Request
) -> None:
    plan = make_sweep(store, request_as_composed, tracked(3), seeds=2)
    for trial in plan.trials:
        store.commit(result_of(trial, 1.0 + trial.seed))
    assert Study(store.root / plan.name).summary("mse")["low"].tolist() == [0]
