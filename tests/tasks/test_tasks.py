"""What holds for every task."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import ablation.tasks
from ablation import data as data_module
from ablation.data import Sequences
from ablation.measures import MEASURES, METRICS
from ablation.spec import LOSSES
from ablation.storage import Metrics, TrialResult
from ablation.tasks import TASKS, comparable, task_of

X = np.zeros((6, 4, 1), np.float32)
BITS = np.random.default_rng(0).integers(0, 2, (6, 4, 2), np.int32)
EXAMPLES = {
    "classes": Sequences(X, BITS[..., 0]),
    "labels": Sequences(X, BITS, task="labels"),
    "numbers": Sequences(X, BITS + 0.5, task="numbers"),
}


def test_every_task_is_a_file_and_named_where_tensorflow_and_pandas_are_not_loaded() -> None:
    assert set(TASKS) == set(data_module.TASKS) == set(EXAMPLES)
    folder = Path(str(ablation.tasks.__file__)).parent
    assert {path.stem for path in folder.glob("*.py")} >= set(TASKS)
    assert {name for task in TASKS.values() for name in task.LOSSES} == set(LOSSES)


def test_every_metric_has_a_row_in_measures_and_every_row_a_metric() -> None:
    sources = [measure.source for measure in MEASURES.values()]
    wanted = {s.removeprefix("metrics.") for s in sources if s.startswith("metrics.")}
    scores = {name for task in TASKS.values() for name in task.SCORES}
    assert wanted == scores
    assert all(set(task.FURTHER_METRICS) <= {*task.SCORES} for task in TASKS.values())
    assert scores <= set(METRICS)
    counted = {name for task in TASKS.values() for name in task.COUNTED}
    assert counted <= set(METRICS) - scores


@pytest.mark.parametrize("name", TASKS)
def test_a_task_gives_what_it_says(name: str) -> None:
    task, data = TASKS[name], EXAMPLES[name]
    assert task_of(data) is task
    width, activation = task.head(data)
    assert activation in ("sigmoid", "softmax", "linear")
    outputs = np.full((*data.weights.shape, width), 0.4, np.float32)
    assert task.answers(outputs, data).shape == data.y.shape
    metrics = task.evaluate(outputs, data)
    assert isinstance(metrics, Metrics)
    measured = {key: getattr(metrics, key, None) for key in MEASURES}
    assert {key for key, value in measured.items() if value is not None} == set(task.SCORES)
    assert measured[task.METRIC] == pytest.approx(task.look(outputs, data))
    assert len(getattr(metrics, f"{task.METRIC}_by_position")) == 4
    assert comparable(name)[: len(task.SCORES)] == list(task.SCORES)
    assert set(task.COUNTED) <= set(comparable(name))
    foreign = {key for other in TASKS.values() for key in (*other.SCORES, *other.COUNTED)}
    assert set(comparable(name)) & foreign == {*task.SCORES, *task.COUNTED}
    measure = MEASURES[task.METRIC]
    assert set(task.baseline(data, data)) == {measure.guess}
    details = task.details(task.answers(outputs, data), data, ["a", "b"])
    assert set(details) <= set(TrialResult.model_fields)


@pytest.mark.parametrize("name", TASKS)
def test_what_does_not_count_changes_no_score(name: str) -> None:
    task, data = TASKS[name], EXAMPLES[name]
    rng, width = np.random.default_rng(1), task.head(data)[0]
    outputs = rng.random((*data.weights.shape, width)).astype(np.float32)
    scored = rng.random(data.weights.shape) < 0.5
    data = replace(data, scored=scored)
    other = np.where(scored[..., None], outputs, 1 - outputs)
    assert task.evaluate(outputs, data) == task.evaluate(other, data)
    assert task.details(task.answers(outputs, data), data, []) == task.details(
        task.answers(other, data), data, []
    )
    for loss in task.LOSSES.values():
        assert loss(outputs, data) == pytest.approx(loss(other, data))


@pytest.mark.parametrize("name", TASKS)
def test_outputs_that_are_not_finite_have_no_loss(name: str) -> None:
    task, data = TASKS[name], EXAMPLES[name]
    outputs = np.full((*data.weights.shape, task.head(data)[0]), np.nan, np.float32)
    assert task.evaluate(outputs, data).loss is None
