"""What is watched while training, when it stops, and which weights it keeps."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from ablation import problems
from ablation.data import Array, Dataset, Sequences
from ablation.spec import Trial
from ablation.tasks import TASKS
from ablation.training.engines import fit, xla
from ablation.training.loop import PREDICTION_BATCH, History, Programs, batch_rows, train
from ablation.training.models import build_model
from ablation.training.rates import learning_rate
from ablation.training.trial import train_model
from tests.helpers import make_trial

evaluate = TASKS["classes"].evaluate

# 72 of 90 sequences are trained on. With so high a rate they are learnt by heart, and the loss on
# the others rises again.
OVERFITTING = {
    "sequences": 90,
    "epochs": 60,
    "batch_size": 9,
    "learning_rate": 0.05,
    "validation": 0.2,
    "patience": 3,
}


def prepare(**training: Any) -> tuple[Trial, Dataset]:
    trial = make_trial(units=8, cell="simple_rnn", training={**OVERFITTING, **training})
    options = trial.arm.training
    return trial, problems.load(
        trial.arm.problem, trial.arm.length, options.sequences, trial.seed, options.validation
    )


def uncompiled(model: keras.Model, data: Sequences, training: Any) -> Programs:
    return xla._programs(model, data, training, compiled=False)


def trained(trial: Trial, data: Dataset, engine: Any = uncompiled) -> tuple[keras.Model, History]:
    model = build_model(trial, data.train)
    programs = engine(model, data.train, trial.arm.training)
    return model, train(programs, data, trial.arm.training, trial.seed)


def assert_same_weights(one: keras.Model, other: keras.Model, atol: float = 0.0) -> None:
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=atol)


def test_both_engines_stop_at_the_same_update_with_the_same_weights() -> None:
    trial, data = prepare()
    model, history = trained(trial, data, fit.programs)
    compiled = train_model(trial)
    result = compiled.result
    assert result.compiled
    assert history.updates == result.updates < trial.arm.training.updates
    assert history.kept == result.kept is not None
    assert result.kept < result.updates
    assert history.curve.updates == result.curve.updates
    assert_same_weights(model, compiled.model, atol=1e-4)
    # What is scored are the weights that were kept.
    scored = evaluate(np.asarray(compiled.model(data.test.x)), data.test)
    assert result.metrics.loss == pytest.approx(scored.loss, rel=1e-5)


def test_training_stops_after_so_many_looks_and_keeps_the_weights_of_the_lowest_loss() -> None:
    trial, data = prepare()
    model, history = trained(trial, data)
    losses = [np.inf if loss is None else loss for loss in history.curve.validation_loss]
    best = int(np.argmin(losses))
    assert len(losses) == len(history.curve.updates) == best + 1 + 3
    assert history.kept == history.curve.updates[best] < history.updates
    assert data.validation is not None
    now = evaluate(np.asarray(model(data.validation.x)), data.validation)
    assert now.loss == pytest.approx(losses[best], rel=1e-5)
    assert now.accuracy == pytest.approx(history.curve.accuracy[best], abs=1e-6)


def test_more_patience_trains_on_and_none_trains_to_the_end() -> None:
    model, history = trained(*prepare())
    patient, longer = trained(*prepare(patience=4))
    assert longer.updates > history.updates
    last, full = trained(*prepare(patience=None))
    assert full.updates == full.curve.updates[-1] == 480
    assert full.kept is None
    points = len(history.curve.updates)
    assert full.curve.validation_loss[:points] == history.curve.validation_loss
    if longer.kept == history.kept:
        assert_same_weights(model, patient)
    with pytest.raises(AssertionError):
        assert_same_weights(model, last)


def test_nothing_of_the_test_set_is_looked_at_if_there_is_a_validation_set() -> None:
    trial, data = prepare(stop_at=0.97)
    model, history = trained(trial, data)
    rubbish = replace(data.test, x=data.test.x * np.nan, y=1 - data.test.y)
    again, same = trained(trial, replace(data, test=rubbish))
    assert (same.curve, same.updates, same.kept) == (history.curve, history.updates, history.kept)
    assert_same_weights(model, again)


def test_stop_at_watches_the_whole_validation_set() -> None:
    trial, data = prepare(patience=None, stop_at=0.9, sequences=1800, epochs=5, learning_rate=0.01)
    model, history = trained(trial, data)
    assert data.validation is not None
    assert len(data.validation) > PREDICTION_BATCH
    now = evaluate(np.asarray(model(data.validation.x)), data.validation).accuracy
    assert now is not None
    assert now == pytest.approx(history.curve.accuracy[-1], abs=1e-6)
    assert now >= 0.9 > max(history.curve.accuracy[:-1])


def test_a_diverged_trial_keeps_no_weights() -> None:
    trial, data = prepare(learning_rate=3e38)
    model, history = trained(trial, data)
    assert history.diverged
    assert history.kept is None
    assert not all(np.isfinite(weights).all() for weights in model.get_weights())


def rows_of(data: Sequences) -> set[bytes]:
    return {row.tobytes() for row in data.x}


def test_the_validation_set_depends_on_the_seed_alone() -> None:
    problem = make_trial().arm.problem
    whole = problems.load(problem, 4, 50, seed=1)
    data = problems.load(problem, 4, 50, seed=1, validation=0.3)
    assert whole.validation is None
    assert data.validation is not None
    assert (len(data.train), len(data.validation)) == (35, 15)
    assert rows_of(data.train) | rows_of(data.validation) == rows_of(whole.train)
    assert not rows_of(data.train) & rows_of(data.validation)
    np.testing.assert_array_equal(data.test.x, whole.test.x)
    again = problems.load(problem, 4, 50, seed=1, validation=0.3).validation
    assert again is not None
    np.testing.assert_array_equal(again.x, data.validation.x)


def test_all_seeds_make_the_same_number_of_updates_whatever_the_size_of_their_groups() -> None:
    options = {"sequences": 50, "epochs": 3, "validation": 0.2}
    sizes = (3, 25, 40, 49)
    for size, batches in itertools.product(sizes, (None, "by_length")):
        training = make_trial(training={**options, "batches": batches}).arm.training
        assert training.updates == 12
        rows = batch_rows(training, np.arange(size), seed=0)
        assert rows.shape == (12, 10)
        assert rows.max() < size
        counts = np.bincount(rows.ravel(), minlength=size)
        assert counts.max() - counts.min() <= 3  # an epoch leaves out less than a batch


def rates(**training: Any) -> Array:
    """The learning rate of each of 40 updates."""
    options = make_trial(training={"sequences": 400, "learning_rate": 0.5, **training})
    rate = learning_rate(options.arm.training)
    if isinstance(rate, float):
        return np.full(40, rate)
    return np.array([float(rate(tf.constant(step))) for step in range(40)])


@pytest.mark.parametrize("schedule", [None, "linear", "cosine"])
def test_warmup_rises_to_the_rate_and_the_schedule_takes_the_rest(schedule: str | None) -> None:
    warm = rates(schedule=schedule, warmup=0.25)
    np.testing.assert_allclose(warm[:10], 0.5 * np.arange(1, 11) / 11, rtol=1e-6)
    assert warm[10] == pytest.approx(0.5) == warm.max()
    rest = rates(schedule=schedule, sequences=300)[:30]  # a trial of only 30 updates
    np.testing.assert_allclose(warm[10:], rest, rtol=1e-6, atol=1e-7)


def test_weight_decay_is_that_of_keras() -> None:
    sgd = {"sequences": 10, "optimizer": "sgd", "learning_rate": 0.1}
    models = {}
    for decay in (None, 0.0, 0.5):
        trial = make_trial(training={**sgd, "weight_decay": decay})
        data = problems.load(trial.arm.problem, 4, 10, 0)
        models[decay], _ = trained(trial, data)
    start = build_model(make_trial(), data.train)
    assert_same_weights(models[None], models[0.0], atol=1e-7)
    for first, plain, decayed in zip(
        start.get_weights(), models[None].get_weights(), models[0.5].get_weights(), strict=True
    ):
        np.testing.assert_allclose(decayed, plain - 0.1 * 0.5 * first, atol=1e-6)


def test_adamw_keeps_the_weight_decay_of_keras() -> None:
    for given, decay in ((None, 0.004), (0.0, 0.0), (0.1, 0.1)):
        trial = make_trial(training={"optimizer": "adamw", "weight_decay": given})
        data = problems.sample(trial.arm.problem, 4)
        assert build_model(trial, data).optimizer.weight_decay == decay
