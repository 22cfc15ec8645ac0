"""The tables of a report, whose numbers are those of the study."""

from __future__ import annotations

import pytest

from ablation.analysis import Study
from ablation.measures import MEASURES
from ablation.report.cells import Table
from ablation.report.sentences import answer
from ablation.report.tables import (
    claims_table,
    contrasts_table,
    front_table,
    summary_table,
    target_table,
)
from ablation.spec import ReportSettings, Request, Trial
from ablation.storage import Classes, Store
from ablation.tasks import TASKS, comparable
from tests.helpers import make_result, make_sweep, make_trial

CLAIM = {
    "says": "more is better",
    "arm": "units=5",
    "other": "units=3",
    "metric": "train_loss",
    "verdict": "equivalent",
    "margin": 0.05,
}

ANY_CLASSES = [key for key in comparable("classes") if key != "segment_f1"]  # which needs tags


def texts(table: Table | None) -> list[dict[str, str]]:
    assert table is not None
    return table.texts()


def study_of(store: Store, base: Request, **report: object) -> Study:
    """Three sizes: of eight seeds, all of the largest and the even ones of the middle reach .98."""
    settings = ReportSettings.model_validate(report)
    trials = [make_trial(units=units) for units in (3, 4, 5)]
    plan = make_sweep(store, base, *trials, seeds=8, report=settings)
    for trial in plan.trials:
        least = {3: 0.5, 4: 0.97 + 0.015 * (trial.seed % 2 == 0), 5: 0.99}
        store.commit(make_result(trial, least[trial.arm.units]))
    return Study(store.root / "study")


def test_arms_that_reach_the_target_are_listed(store: Store, request_as_composed: Request) -> None:
    rows = texts(target_table(study_of(store, request_as_composed)))
    assert [(row["arm"], row["reached"], row["reliable"]) for row in rows] == [
        ("units=5", "8 of 8", "yes"),
        ("units=4", "4 of 8", "no"),
    ]
    assert rows[0]["parameters"] == "69"
    assert rows[1]["95 % interval"] == "0.22–0.78"
    assert rows[0]["updates to target"] == "4"
    loose = texts(target_table(study_of(store, request_as_composed, reached_by=4)))
    assert [row["arm"] for row in loose if row["reliable"] == "yes"] == ["units=4", "units=5"]


def test_each_claim_is_a_row(store: Store, request_as_composed: Request) -> None:
    (row,) = texts(claims_table(study_of(store, request_as_composed, claims=[CLAIM])))
    assert (row["claim"], row["claimed"], row["verdict"], row["holds"]) == (
        "more is better",
        "equivalent",
        "equivalent",
        "yes",
    )
    assert (row["of"], row["margin"]) == ("training loss at the end", "0.05")
    assert (row["difference"], row["95 % interval"]) == ("+0.0000", "0.0000 to 0.0000")


def test_the_front_says_of_which_cost(store: Store, request_as_composed: Request) -> None:
    rows = texts(front_table(study_of(store, request_as_composed)))
    assert [(row["arm"], row["parameters"]) for row in rows] == [
        ("units=3", "67"),
        ("units=4", "68"),
        ("units=5", "69"),
    ]
    assert {row["on the front of"] for row in rows} == {"parameters"}
    assert "seconds" not in rows[0]  # all take as long


def test_by_what_arms_are_compared_is_in_the_summary(
    store: Store, request_as_composed: Request
) -> None:
    row = texts(summary_table(study_of(store, request_as_composed, metric="train_loss")))[0]
    assert row["training loss at the end"] == "0.5000"
    row = texts(summary_table(study_of(store, request_as_composed, metric="updates_to_target")))[-1]
    assert row["median updates to target"] == "4"
    assert row["95 % interval"] == "4 to 4"
    plain = texts(summary_table(study_of(store, request_as_composed)))[0]
    assert not any("training" in key or "median" in key for key in plain)


@pytest.mark.parametrize("metric", ANY_CLASSES)
def test_what_arms_are_compared_by_comes_first_and_once(
    metric: str, store: Store, request_as_composed: Request
) -> None:
    study = study_of(store, request_as_composed, metric=metric)
    task = TASKS["classes"]
    measured = {"accuracy", "exact", "loss"}
    scores = dict.fromkeys({*task.SCORES, *task.COUNTED} - measured, 0.5)
    study.trials = study.trials.assign(**scores)
    table = summary_table(study)
    assert table is not None
    names = [column.name for column in table.columns]
    assert len({*names}) == len(names)
    assert names[:2] == ["arm", "seeds"]
    assert MEASURES[metric].name in f"median {names[2]}"
    assert names[3] == "95 % interval"
    assert metric == "accuracy" or names[4] == "accuracy"
    first = [column.name for column in table.columns if column.brief]
    assert first[:4] == names[:4]
    assert "accuracy" in first


def test_the_majority_is_a_column_beside_accuracy(
    store: Store, request_as_composed: Request
) -> None:
    problem = {"name": "stress", "test_size": 60}  # nobody knows its ceiling
    trial = Trial.model_validate(make_trial().model_dump() | {"problem": problem})
    plan = make_sweep(store, request_as_composed, trial, seeds=2)
    store.commit(make_result(plan.trials[0], 0.9))
    (row,) = texts(summary_table(Study(store.root / plan.name)))
    assert "majority" not in row  # results of an older version
    store.commit(make_result(plan.trials[1], 0.9, majority=0.875))
    table = summary_table(Study(store.root / plan.name))
    (row,) = texts(table)
    assert row["majority"] == "0.8750"
    assert table is not None
    (row,) = table.texts(brief=True)
    assert [*row][2:5] == ["accuracy", "95 % interval", "majority"]


def test_spans_have_a_column_where_classes_are_tags(
    store: Store, request_as_composed: Request
) -> None:
    plan = make_sweep(store, request_as_composed, make_trial(), seeds=2)
    spans = Classes(names=["x"], labels=[4], predictions=[4], hits=[3], confusion=[])
    for trial in plan.trials:
        store.commit(make_result(trial, segments=spans))
    (row,) = texts(summary_table(Study(store.root / plan.name)))
    assert row["segment F1"] == "0.7500"


ALIASES = {"loss": "log loss", "seconds": "seconds", "parameters": "parameters"}


@pytest.mark.parametrize("metric", ANY_CLASSES)
def test_every_metric_goes_from_the_result_to_the_report(
    metric: str, store: Store, request_as_composed: Request
) -> None:
    """A row in `measures` is enough: the frame, the sentences and both tables have it."""
    measure = MEASURES[metric]
    settings = ReportSettings(metric=metric)
    trials = [make_trial(units=units) for units in (3, 4)]
    plan = make_sweep(store, request_as_composed, *trials, seeds=3, report=settings)
    for trial in plan.trials:
        result = make_result(trial, 0.99)
        field = measure.source.removeprefix("metrics.")
        if metric in TASKS["classes"].COUNTED:
            right = trial.arm.units + trial.seed
            table = [[right, 10 - right], [10 - right, right]]
            counts = Classes(
                labels=[10, 10], predictions=[10, 10], hits=[right] * 2, confusion=table
            )
            result = make_result(trial, 0.99, classes=counts, segments=counts)
        elif field != measure.source:  # a score
            changes = {field: 0.9 + 0.01 * trial.arm.units - 0.001 * trial.seed}
            result = make_result(trial, 0.99, metrics=result.metrics.model_copy(update=changes))
        store.commit(result)
    study = Study(store.root / "study")
    assert study.trials[metric].notna().all()
    assert len(texts(contrasts_table(study))) == 1
    names = {f"{measure.typical} {measure.name}", measure.name, ALIASES.get(metric, measure.name)}
    row = texts(summary_table(study))[0]
    (column,) = names & row.keys()
    value = study.summary(metric)[measure.typical][0]
    assert float(row[column].replace(",", "")) == pytest.approx(value, abs=0.05)
    assert f"est {measure.typical} {measure.name}: " in " ".join(answer(study))


def test_without_results_there_are_no_tables(store: Store, request_as_composed: Request) -> None:
    make_sweep(store, request_as_composed, make_trial(units=3), make_trial(units=5))
    study = Study(store.root / "study")
    for table in (target_table, claims_table, front_table, summary_table, contrasts_table):
        assert table(study) is None


def test_scores_by_class_are_shown_where_they_say_something_else(
    store: Store, request_as_composed: Request
) -> None:
    plan = make_sweep(store, request_as_composed, make_trial(), make_trial(units=4))
    for trial in plan.trials:
        result = make_result(trial, accuracy=0.9)
        balanced = 0.897 if trial.arm.units == 3 else 0.8
        scores = {"balanced_accuracy": balanced, "macro_f1": 0.75}
        store.commit(make_result(trial, metrics=result.metrics.model_copy(update=scores)))
    study = Study(store.root / plan.name)
    rows = texts(summary_table(study))
    assert [row["balanced accuracy"] for row in rows] == ["0.8970", "0.8000"]
    assert [row["macro F1"] for row in rows] == ["0.7500"] * 2
    study.trials["balanced_accuracy"] = 0.897  # within 0.005 of accuracy: not worth a column
    assert not {"balanced accuracy", "macro F1"} & texts(summary_table(study))[0].keys()
