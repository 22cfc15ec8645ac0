"""The training loop: it runs an engine's programs chunk by chunk."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from ablation.data import Array, Dataset, Sequences
from ablation.seeding import stream
from ablation.spec import Training
from ablation.storage import Curve
from ablation.tasks import task_of
from ablation.training.losses import mean_loss

CURVE_POINTS = 50  # chunks of updates, one point of the learning curve each
PREDICTION_BATCH = 250  # sequences per call of `predict`; the learning curve uses the first batch


@dataclass(frozen=True)
class Programs:
    """A model and its two operations, provided by an engine.

    update(x, y, weights, n): run one optimizer step on each of the first n batches and return the
    mean loss. x, y and weights are stacked batches of shape (updates, batch, ...); y has a last
    axis, as the outputs have.
    predict(x): outputs of exactly PREDICTION_BATCH sequences.
    compiled: whether XLA compiled both.
    """

    model: keras.Model
    update: Callable[[Array, Array, Array, int], float]
    predict: Callable[[Array], Array]
    compiled: bool


@dataclass(frozen=True)
class History:
    """What training recorded.

    updates: the number of updates that were run. kept: the one that the model's weights are of, if
    training.patience chose it. diverged: whether the loss became infinite or NaN.
    training, evaluating: wall-clock seconds.
    """

    curve: Curve
    updates: int
    kept: int | None
    diverged: bool
    training: float
    evaluating: float


def train(programs: Programs, data: Dataset, training: Training, seed: int) -> History:
    """Train in about CURVE_POINTS chunks of updates and look at the model after each.

    A look measures the task's own metric and the loss on the validation set, or, where there is
    none, the metric on the first test sequences. The curve's training loss includes any class
    weights, the loss on the validation set does not.

    Training stops after the first chunk whose loss is not finite or whose accuracy has reached
    training.stop_at, or if the last training.patience looks have not lowered the validation loss.
    With patience, the model ends with the weights of the lowest one, unless it has diverged.
    """
    chunk = math.ceil(training.updates / CURVE_POINTS)
    watched = data.test.first(PREDICTION_BATCH) if data.validation is None else data.validation
    task, watched_loss = task_of(watched), mean_loss(training, watched)
    curve = Curve(updates=[], loss=[], accuracy=[], mse=[], validation_loss=[])
    looks: list[float | None] = getattr(curve, task.METRIC)
    batches = batch_rows(training, data.train.lengths, seed)
    seconds, seconds_evaluating, loss = 0.0, 0.0, 0.0
    kept, best_weights = None, None
    weights, y = label_weights(data.train, training), data.train.targets
    for start in range(0, training.updates, chunk):
        rows = batches[start : start + chunk]
        n = len(rows)
        if n < chunk:  # programs are compiled for full chunks; rows beyond n are ignored
            rows = np.concatenate([rows, np.repeat(rows[:1], chunk - n, axis=0)])
        update_start = time.perf_counter()
        loss = programs.update(data.train.x[rows], y[rows], weights[rows], n)
        evaluation_start = time.perf_counter()
        outputs = predict(programs, watched)
        curve.updates.append(start + n)
        curve.loss.append(_rounded(loss))
        look = task.look(outputs, watched)
        looks.append(round(look, 6) if task.METRIC == "accuracy" else _rounded(look))
        if data.validation is not None:
            curve.validation_loss.append(_rounded(watched_loss(outputs, watched)))
        if training.patience and _looks_since_lowest(curve) == 0:
            kept, best_weights = start + n, programs.model.get_weights()
        seconds += evaluation_start - update_start
        seconds_evaluating += time.perf_counter() - evaluation_start
        if _is_over(curve, training):
            break
    diverged = not math.isfinite(loss)
    if diverged:
        kept = None
    elif best_weights is not None:
        programs.model.set_weights(best_weights)
    return History(curve, curve.updates[-1], kept, diverged, seconds, seconds_evaluating)


def predict(programs: Programs, data: Sequences) -> Array:
    """Outputs (n, ...) of all sequences, predicted in batches of PREDICTION_BATCH.

    Sequences of about the same length are predicted together: the work follows the longest one.
    """
    order = np.argsort(data.lengths, kind="stable")
    batches = [
        programs.predict(_fill(data.x[order[start : start + PREDICTION_BATCH]]))
        for start in range(0, len(data), PREDICTION_BATCH)
    ]
    return np.concatenate(batches)[np.argsort(order)]


def chunk_shape(training: Training) -> tuple[int, int]:
    """Updates per chunk and sequences per batch: the leading axes of the arguments of `update`."""
    return math.ceil(training.updates / CURVE_POINTS), training.batch_size


def batch_rows(training: Training, lengths: Array, seed: int) -> Array:
    """Training sequences of each batch: (updates, batch_size) rows of lengths, (n,).

    They are shuffled every epoch. If training.batches is "by_length", the batches are then made
    of neighbours in length, and are shuffled in their turn. The number of updates is the same for
    all seeds of an arm. Where whole groups are held out, n is not, and the last epoch is cut short
    or another one begun.
    """
    rng = stream(seed, "order")
    size, batch = len(lengths), training.batch_size
    needed = training.updates * batch
    full_batches = max(size // batch, 1) * batch
    order: list[Array] = []
    while sum(map(len, order)) < needed:
        rows = rng.permutation(size)[:full_batches]
        if training.batches == "by_length":
            rows = rows[np.argsort(lengths[rows], kind="stable")]
            rows = rng.permutation(rows.reshape(-1, min(batch, size))).ravel()
        order.append(rows)
    return np.concatenate(order)[:needed].reshape(-1, batch)


def label_weights(data: Sequences, training: Training) -> Array:
    """Weight of each label in the training loss: float32, one a step or a sequence.

    A label that does not count has weight 0. The weights of all others have mean 1.
    """
    weights = data.weights
    if training.class_weights is None:
        return weights
    counts = np.bincount(data.y.ravel(), weights.ravel(), data.classes)
    class_weights = counts.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return np.asarray(weights * class_weights[data.y], np.float32)


def _rounded(loss: float) -> float | None:
    return float(f"{loss:.6g}") if math.isfinite(loss) else None


def _looks_since_lowest(curve: Curve) -> int:
    """Looks after the first one with the lowest validation loss; one that is None is infinite."""
    losses = [math.inf if loss is None else loss for loss in curve.validation_loss]
    return len(losses) - 1 - losses.index(min(losses))


def _is_over(curve: Curve, training: Training) -> bool:
    """Whether training ends with the last look at the model."""
    target, patience = training.stop_at, training.patience
    return (
        curve.loss[-1] is None
        or (target is not None and curve.accuracy[-1] >= target)
        or (patience is not None and _looks_since_lowest(curve) >= patience)
    )


def _fill(x: Array) -> Array:
    """Repeat the first sequence until there are PREDICTION_BATCH of them."""
    missing = PREDICTION_BATCH - len(x)
    return np.concatenate([x, np.repeat(x[:1], missing, axis=0)]) if missing else x
