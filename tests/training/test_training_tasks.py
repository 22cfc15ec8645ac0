"""Labels and numbers are trained by both engines alike, with losses and scores of one's own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from ablation.data import Dataset, Sequences
from ablation.errors import RequestError
from ablation.spec import Trial
from ablation.tasks import TASKS, task_of
from ablation.training.engines import fit, xla
from ablation.training.loop import History, Programs, predict, train
from ablation.training.losses import OwnLoss, mean_loss, without_own_loss
from ablation.training.metrics import check_metrics, own_scores
from ablation.training.models import build_model
from ablation.training.probes import halves_of, probe
from tests.helpers import make_trial

OPTIONS = {"sequences": 40, "epochs": 5, "batch_size": 8, "learning_rate": 0.05, "validation": 0.2}
OWN = """
import numpy as np
from keras import ops

def squared(y_true, y_pred):
    return ops.mean((y_true - y_pred) ** 2, axis=-1)

def squared_of_labels(y_true, y_pred):
    return ops.mean((ops.cast(y_true, y_pred.dtype) - y_pred) ** 2, axis=-1)

def of_all(y_true, y_pred):
    return ops.mean(ops.cast(y_true, y_pred.dtype) - y_pred)

def mean_of(labels, predictions, weights):
    assert weights.shape == labels.shape[: weights.ndim]
    return (predictions[..., -1] * weights).sum() / weights.sum()

def fails(labels, predictions, weights):
    raise ValueError("no")

def text(labels, predictions, weights):
    return "good"

def infinite(labels, predictions, weights):
    return np.inf

nothing = None
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "own_scores.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("own_scores", None)


def make(task: str, per_step: bool = True) -> Dataset:
    """Sequences whose running sum, or what follows from it, is to be predicted."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4, 1)).astype(np.float32)
    sums = np.cumsum(x.astype(np.float64), axis=1)
    y: Any = 300 + 40 * np.concatenate([sums, x], axis=-1)
    if task == "labels":
        y = np.concatenate([sums > 0, x > 0], axis=-1).astype(np.int32)
    if task == "classes":
        y = (sums[..., 0] > 0).astype(np.int32)
    scored = rng.random((60, 4)) < 0.8 if per_step else None
    data = Sequences(x, y if per_step else y[:, -1], scored, task=task)
    if task == "numbers":
        data = replace(data, mean=np.array([300.0, 300]), scale=np.array([60.0, 40]))
    return Dataset(data.take(slice(0, 32)), data.take(slice(40, 60)), data.take(slice(32, 40)))


def trained(
    data: Dataset, engine: Any, **training: Any
) -> tuple[keras.Model, History, Programs, Trial]:
    trial = make_trial(cell="simple_rnn", training={**OPTIONS, **training})
    model = build_model(trial, data.train)
    if engine is xla.programs:
        programs = xla._programs(model, data.train, trial.arm.training, compiled=False)
    else:
        programs = engine(model, data.train, trial.arm.training)
    return model, train(programs, data, trial.arm.training, trial.seed), programs, trial


@pytest.mark.parametrize(
    ("task", "per_step", "loss"),
    [
        ("labels", True, None),
        ("labels", False, None),
        ("numbers", True, None),
        ("numbers", False, "mae"),
        ("numbers", True, "huber"),
    ],
)
def test_both_engines_end_in_the_same_weights(task: str, per_step: bool, loss: str | None) -> None:
    data = make(task, per_step)
    training = {"loss": loss, "patience": 2}
    model, history, programs, trial = trained(data, xla.programs, **training)
    same, again, *_ = trained(data, fit.programs, **training)
    for a, b in zip(model.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
    assert history.kept == again.kept
    metric = task_of(data.train).METRIC
    looks = getattr(history.curve, metric)
    assert looks == pytest.approx(getattr(again.curve, metric), rel=1e-3)
    assert history.curve.validation_loss == pytest.approx(again.curve.validation_loss, rel=1e-3)
    assert data.validation is not None
    outputs = predict(programs, data.validation)
    now = mean_loss(trial.arm.training, data.validation)(outputs, data.validation)
    assert now == pytest.approx(min(v for v in history.curve.validation_loss if v), rel=1e-4)
    assert min(looks) < max(looks)


@pytest.mark.parametrize("task", TASKS)
def test_keras_trains_on_the_loss_that_is_measured(task: str) -> None:
    """Of data without padding they are the same number."""
    data = replace(make(task).train, scored=None)
    for name in TASKS[task].LOSSES:
        trial = make_trial(training={**OPTIONS, "loss": name})
        model = build_model(trial, data)
        outputs = np.asarray(model(data.x))
        keras_says = float(model.loss(data.targets, outputs, sample_weight=data.weights))
        measured = mean_loss(trial.arm.training, data)(outputs, data)
        assert keras_says == pytest.approx(measured, rel=1e-5)


@pytest.mark.parametrize("task", TASKS)
def test_the_intact_probe_is_the_score_of_the_model(task: str) -> None:
    data = make(task).test
    model = build_model(make_trial(direction="bidirectional"), data)
    scores = probe(halves_of(model, True), model, "concat", data)
    outputs = np.asarray(model(data.x))
    metric = TASKS[task].METRIC
    assert scores["intact"] == pytest.approx(getattr(TASKS[task].evaluate(outputs, data), metric))


@pytest.mark.usefixtures("own")
def test_a_loss_of_ones_own_trains_as_the_one_that_it_equals() -> None:
    data = make("numbers")
    model, history, *_ = trained(data, xla.programs, loss="mse")
    same, again, *_ = trained(data, xla.programs, loss="own_scores.squared")
    for a, b in zip(model.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert history.curve.validation_loss == pytest.approx(again.curve.validation_loss, rel=1e-5)
    assert isinstance(same.loss, OwnLoss)
    assert "OwnLoss" in same.to_json()
    assert "OwnLoss" not in without_own_loss(same).to_json()
    assert "MeanSquaredError" in without_own_loss(model).to_json()


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("task", TASKS)
def test_a_loss_of_ones_own_is_one_value_a_step(task: str) -> None:
    data = make(task).train
    outputs = np.full((*data.weights.shape, TASKS[task].head(data)[0]), 0.5, np.float32)
    training = make_trial(training={"loss": "own_scores.squared_of_labels"}).arm.training
    assert mean_loss(training, data)(outputs, data) > 0
    wrong = make_trial(training={"loss": "own_scores.of_all"}).arm.training
    said = r"^training\.loss=own_scores\.of_all: of outputs .* it gives \(\); one loss a step"
    with pytest.raises(RequestError, match=said):
        mean_loss(wrong, data)(outputs, data)


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("task", TASKS)
def test_a_score_of_ones_own_gets_probabilities_or_numbers_in_their_own_units(task: str) -> None:
    data = make(task).test
    training = make_trial(training={"metrics": ["own_scores.mean_of"]}).arm.training
    outputs = np.full((*data.weights.shape, TASKS[task].head(data)[0]), 0.25, np.float32)
    expected = 300 + 40 * 0.25 if task == "numbers" else 0.25
    assert own_scores(training, outputs, data) == {"own_scores.mean_of": pytest.approx(expected)}


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fails", r"^training\.metrics=own_scores\.fails: ValueError: no$"),
        ("text", r"^training\.metrics=own_scores\.text: it gives str, no number$"),
    ],
)
def test_what_is_wrong_with_a_score_is_one_line(name: str, said: str) -> None:
    data = make("numbers").test
    training = make_trial(training={"metrics": [f"own_scores.{name}"]}).arm.training
    with pytest.raises(RequestError, match=said):
        own_scores(training, data.targets, data)


@pytest.mark.usefixtures("own")
def test_a_score_may_be_infinite_and_has_to_be_a_function() -> None:
    data = make("numbers").test
    training = make_trial(training={"metrics": ["own_scores.infinite"]}).arm.training
    assert own_scores(training, data.targets, data) == {"own_scores.infinite": None}
    check_metrics(training)
    wrong = make_trial(training={"metrics": ["own_scores.nothing"]}).arm.training
    with pytest.raises(RequestError, match=r"own_scores\.nothing: it is no function"):
        check_metrics(wrong)
