"""One contract for both engines: the same trial ends in the same weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ablation import engines, problems
from ablation.config import Trial
from ablation.data import Array, Dataset
from ablation.engines import Programs, fit, xla
from ablation.models import build_model
from tests.helpers import make_trial

# 57 updates in chunks of 2: the last chunk is not full, and the second epoch starts inside one.
TRAINING = {"sequences": 195, "epochs": 3, "batch_size": 10}


def prepare(**changes: Any) -> tuple[Trial, Dataset]:
    trial = make_trial(**{"training": TRAINING, **changes})
    return trial, problems.load(trial.problem, trial.length, trial.training.sequences, trial.seed)


def weights_after(engine: Any, trial: Trial, data: Dataset) -> tuple[list[Array], engines.History]:
    model = build_model(trial, data.train)
    programs = engine(model, data.train, trial.training)
    history = engines.train(programs, data, trial.training, trial.seed)
    return model.get_weights(), history


@pytest.mark.parametrize(
    "changes",
    [
        {"direction": "bidirectional", "merge_mode": "mul"},
        {"direction": "go_backwards", "cell": "gru"},
    ],
)
def test_both_engines_end_in_the_same_weights(changes: dict[str, Any]) -> None:
    trial, data = prepare(**changes)
    compiled, one = weights_after(xla.programs, trial, data)
    plain, other = weights_after(fit.programs, trial, data)
    start = build_model(trial, data.train).get_weights()
    assert max(np.abs(a - b).max() for a, b in zip(start, compiled, strict=True)) > 0.01
    for a, b in zip(compiled, plain, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)
    assert one.updates == other.updates == one.curve.updates[-1] == 57
    np.testing.assert_allclose(one.curve.loss, other.curve.loss, rtol=1e-4)  # type: ignore[arg-type]
    assert one.curve.accuracy == other.curve.accuracy


def test_the_uncompiled_loop_is_the_same_loop() -> None:
    trial, data = prepare(cell="simple_rnn")

    def uncompiled(model: Any, train: Any, training: Any) -> Programs:
        return xla._programs(model, train, training, compiled=False)

    plain, _ = weights_after(fit.programs, trial, data)
    loop, _ = weights_after(uncompiled, trial, data)
    for a, b in zip(plain, loop, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_batches_are_new_each_epoch_and_the_same_for_each_arm() -> None:
    training = make_trial(training=TRAINING).training
    rows = engines._batches(195, training, seed=4)
    assert rows.shape == (57, 10)
    first, second = rows[:19].ravel(), rows[19:38].ravel()
    assert len(set(first)) == 190  # no sequence twice in an epoch
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(rows, engines._batches(195, training, seed=4))
    assert not np.array_equal(rows, engines._batches(195, training, seed=5))


def test_prediction_covers_every_sequence_once() -> None:
    trial, data = prepare()
    model = build_model(trial, data.train)
    seen: list[int] = []

    def predict(x: Array) -> Array:
        seen.append(len(x))
        return np.asarray(model(x))

    programs = Programs(lambda x, y, w, n: 0.0, predict, compiled=False)
    many = problems.load(trial.problem.model_copy(update={"test_size": 601}), 4, 10, 0).test
    probabilities = engines.predict(programs, many)
    assert probabilities.shape == (601, 4, 1)
    assert set(seen) == {engines.WATCHED}
    np.testing.assert_allclose(probabilities, np.asarray(model(many.x)), atol=1e-6)
