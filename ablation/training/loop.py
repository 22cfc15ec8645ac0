"""The training loop: it runs an engine's programs chunk by chunk."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ablation.data import Array, Dataset, Sequences
from ablation.seeding import stream
from ablation.spec import Training
from ablation.storage import Curve
from ablation.training.scores import predict_classes

CURVE_POINTS = 50  # chunks of updates, one point of the learning curve each
PREDICTION_BATCH = 250  # sequences per call of `predict`; the learning curve uses the first batch


@dataclass(frozen=True)
class Programs:
    """A model's two operations, provided by an engine.

    update(x, y, weights, n): run one optimizer step on each of the first n batches and return the
    mean loss. x, y and weights are stacked batches of shape (updates, batch, ...).
    predict(x): probabilities of exactly PREDICTION_BATCH sequences.
    compiled: whether XLA compiled both.
    """

    update: Callable[[Array, Array, Array, int], float]
    predict: Callable[[Array], Array]
    compiled: bool


@dataclass(frozen=True)
class History:
    """What training recorded.

    updates: the number of updates that were run. diverged: whether the loss became infinite or NaN.
    training, evaluating: wall-clock seconds.
    """

    curve: Curve
    updates: int
    diverged: bool
    training: float
    evaluating: float


def train(programs: Programs, data: Dataset, training: Training, seed: int) -> History:
    """Train in about CURVE_POINTS chunks of updates and measure the test accuracy after each.

    Training stops after the first chunk whose loss is not finite or whose accuracy has reached
    training.stop_at. The curve records the training loss, including any class weights.
    """
    chunk = math.ceil(training.updates / CURVE_POINTS)
    test_batch = data.test.first(PREDICTION_BATCH)
    curve = Curve(updates=[], loss=[], accuracy=[])
    batches = batch_rows(training, seed)
    seconds, seconds_evaluating, loss = 0.0, 0.0, 0.0
    weights, y = label_weights(data.train, training), data.train.y
    for start in range(0, training.updates, chunk):
        rows = batches[start : start + chunk]
        n = len(rows)
        if n < chunk:  # programs are compiled for full chunks; rows beyond n are ignored
            rows = np.concatenate([rows, np.repeat(rows[:1], chunk - n, axis=0)])
        update_start = time.perf_counter()
        loss = programs.update(data.train.x[rows], y[rows], weights[rows], n)
        evaluation_start = time.perf_counter()
        accuracy = _accuracy(programs.predict(_fill(test_batch.x)), test_batch)
        seconds += evaluation_start - update_start
        seconds_evaluating += time.perf_counter() - evaluation_start
        curve.updates.append(start + n)
        curve.loss.append(float(f"{loss:.6g}") if math.isfinite(loss) else None)
        curve.accuracy.append(round(accuracy, 6))
        if not math.isfinite(loss) or _reached_target(curve, training.stop_at):
            break
    diverged = not math.isfinite(loss)
    return History(curve, curve.updates[-1], diverged, seconds, seconds_evaluating)


def predict(programs: Programs, data: Sequences) -> Array:
    """Probabilities (n, ...) of all sequences, predicted in batches of PREDICTION_BATCH."""
    batches = [
        programs.predict(_fill(data.x[start : start + PREDICTION_BATCH]))
        for start in range(0, len(data), PREDICTION_BATCH)
    ]
    return np.concatenate(batches)[: len(data)]


def chunk_shape(training: Training) -> tuple[int, int]:
    """Updates per chunk and sequences per batch: the leading axes of the arguments of `update`."""
    return math.ceil(training.updates / CURVE_POINTS), training.batch_size


def batch_rows(training: Training, seed: int) -> Array:
    """Training sequences of each batch: (updates, batch_size) indices, shuffled every epoch."""
    rng = stream(seed, "order")
    size = training.sequences
    full_batches = size // training.batch_size * training.batch_size
    order = [rng.permutation(size)[:full_batches] for _ in range(training.epochs)]
    return np.concatenate(order).reshape(-1, training.batch_size)


def label_weights(data: Sequences, training: Training) -> Array:
    """Weight of each label in the training loss: float32, the shape of y.

    A label that does not count has weight 0. The weights of all others have mean 1.
    """
    weights = data.weights
    if training.class_weights is None:
        return weights
    counts = np.bincount(data.y.ravel(), weights.ravel(), data.classes)
    class_weights = counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return np.asarray(weights * class_weights[data.y], np.float32)


def _reached_target(curve: Curve, target: float | None) -> bool:
    return target is not None and curve.accuracy[-1] >= target


def _fill(x: Array) -> Array:
    """Repeat the first sequence until there are PREDICTION_BATCH of them."""
    missing = PREDICTION_BATCH - len(x)
    return np.concatenate([x, np.repeat(x[:1], missing, axis=0)]) if missing else x


def _accuracy(probabilities: Array, data: Sequences) -> float:
    correct = predict_classes(probabilities[: len(data)]) == data.y
    return float((correct * data.weights).sum() / data.weights.sum())
