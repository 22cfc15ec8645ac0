"""Ways of training the same model: each gives the programs that the one loop below drives."""

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

POINTS = 50  # of a learning curve
WATCHED = 250  # sequences of the test set that a learning curve is measured on; one batch


@dataclass(frozen=True)
class Programs:
    """A model's two operations, as an engine provides them.

    update(x, y, weights, n): take the first n of the stacked batches (updates, batch, ...) one
    after the other, an optimizer step each; returns their mean loss.
    predict(x): probabilities of exactly WATCHED sequences.
    compiled: whether XLA compiled them.
    """

    update: Callable[[Array, Array, Array, int], float]
    predict: Callable[[Array], Array]
    compiled: bool


@dataclass(frozen=True)
class History:
    """What training left beside the weights: the curve, the updates done, the seconds."""

    curve: Curve
    updates: int
    diverged: bool
    training: float
    evaluating: float


def train(programs: Programs, data: Dataset, training: Training, seed: int) -> History:
    """Train in about POINTS chunks of updates, and look at the test accuracy after each.

    Stops after the first chunk whose loss is not finite, or whose accuracy is that of
    training.stop_at. The loss is the one that is trained: balanced classes are in it.
    """
    chunk = math.ceil(training.updates / POINTS)
    watched = data.test.first(WATCHED)
    curve = Curve(updates=[], loss=[], accuracy=[])
    batches = batch_rows(training, seed)
    seconds, seconds_evaluating, loss = 0.0, 0.0, 0.0
    weights, y = label_weights(data.train, training), data.train.y
    for start in range(0, training.updates, chunk):
        rows = batches[start : start + chunk]
        n = len(rows)
        if n < chunk:  # a program is compiled for one shape: fill up, the rest is not looked at
            rows = np.concatenate([rows, np.repeat(rows[:1], chunk - n, axis=0)])
        began = time.perf_counter()
        loss = programs.update(data.train.x[rows], y[rows], weights[rows], n)
        between = time.perf_counter()
        accuracy = _accuracy(programs.predict(_fill(watched.x)), watched)
        seconds += between - began
        seconds_evaluating += time.perf_counter() - between
        curve.updates.append(start + n)
        curve.loss.append(float(f"{loss:.6g}") if math.isfinite(loss) else None)
        curve.accuracy.append(round(accuracy, 6))
        if not math.isfinite(loss) or _reached(curve, training.stop_at):
            break
    done = curve.updates[-1]
    return History(curve, done, not math.isfinite(loss), seconds, seconds_evaluating)


def predict(programs: Programs, data: Sequences) -> Array:
    """Probabilities (n, ...) of all sequences, in batches of the one compiled shape."""
    parts = [
        programs.predict(_fill(data.x[start : start + WATCHED]))
        for start in range(0, len(data), WATCHED)
    ]
    return np.concatenate(parts)[: len(data)]


def chunk_shape(training: Training) -> tuple[int, int]:
    """Updates a chunk, and sequences a batch: the leading shape of what `update` is given."""
    return math.ceil(training.updates / POINTS), training.batch_size


def batch_rows(training: Training, seed: int) -> Array:
    """Rows of each batch, (updates, batch_size), a new order every epoch."""
    rng = stream(seed, "order")
    size = training.sequences
    whole = size // training.batch_size * training.batch_size
    order = [rng.permutation(size)[:whole] for _ in range(training.epochs)]
    return np.concatenate(order).reshape(-1, training.batch_size)


def label_weights(data: Sequences, training: Training) -> Array:
    """Weight of each label in the training loss: float32 of the shape of y, with a mean of 1.

    That of a label that does not count is 0, and the mean is of the others.
    """
    weights = data.weights
    if training.class_weights is None:
        return weights
    counts = np.bincount(data.y.ravel(), weights.ravel(), data.classes)
    of_class = counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return np.asarray(weights * of_class[data.y], np.float32)


def _reached(curve: Curve, target: float | None) -> bool:
    return target is not None and curve.accuracy[-1] >= target


def _fill(x: Array) -> Array:
    missing = WATCHED - len(x)
    return np.concatenate([x, np.repeat(x[:1], missing, axis=0)]) if missing else x


def _accuracy(probabilities: Array, data: Sequences) -> float:
    right = predict_classes(probabilities[: len(data)]) == data.y
    return float((right * data.weights).sum() / data.weights.sum())
