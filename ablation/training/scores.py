"""What a model's probabilities are worth on a test set."""

from __future__ import annotations

import numpy as np

from ablation.data import Array, Sequences
from ablation.storage import Metrics

EPSILON = 1e-7  # Keras clips probabilities here before it takes the logarithm


def predict_classes(probabilities: Array) -> Array:
    """The most probable label: (n, ...) int32 from (n, ..., 1) or (n, ..., classes)."""
    if probabilities.shape[-1] == 1:
        return np.asarray(probabilities[..., 0] > 0.5, np.int32)
    return np.asarray(probabilities.argmax(-1), np.int32)


def evaluate(probabilities: Array, data: Sequences) -> Metrics:
    """Score probabilities (n, ..., outputs) against the labels that count."""
    weights = data.weights.astype(np.float64)  # float32 sums would round the accuracy
    answers = predict_classes(probabilities)
    right = (answers == data.y) * weights
    if probabilities.shape[-1] == 1:
        chosen = np.where(data.y == 1, probabilities[..., 0], 1 - probabilities[..., 0])
    else:
        chosen = np.take_along_axis(probabilities, data.y[..., None], -1)[..., 0]
    losses = -np.log(np.clip(chosen.astype(np.float64), EPSILON, 1 - EPSILON))
    loss = float((losses * weights).sum() / weights.sum())
    accuracy = float(right.sum() / weights.sum())
    each = right.reshape(len(data), -1).sum(1)
    counted = weights.reshape(len(data), -1).sum(1)
    # Steps of one sequence depend on each other: the sequence is the sampling unit.
    deviation = (each - accuracy * counted) / counted.mean()
    recall, f1 = _by_class(answers, data)
    return Metrics(
        loss=loss if np.isfinite(loss) else None,
        accuracy=accuracy,
        accuracy_error=float(deviation.std() / np.sqrt(len(data))),
        exact=float(((each == counted) & (counted > 0)).sum() / (counted > 0).sum()),
        balanced_accuracy=float(recall.mean()),
        macro_f1=float(f1.mean()),
        accuracy_by_position=_by_position(right, weights) if data.per_step else [],
    )


def _by_class(answers: Array, data: Sequences) -> tuple[Array, Array]:
    """Recall of each class that has labels, and F1 of each that has labels or answers."""
    weights = data.weights.ravel()
    labels, given, hits = (
        np.bincount(classes.ravel(), counted, data.classes)
        for classes, counted in (
            (data.y, weights),
            (answers, weights),
            (data.y, weights * (answers == data.y).ravel()),
        )
    )
    both = labels + given  # F1 is 2 hits / (labels + answers)
    return hits[labels > 0] / labels[labels > 0], 2 * hits[both > 0] / both[both > 0]


def _by_position(right: Array, weights: Array) -> list[float | None]:
    counted = weights.sum(0)
    return [float(hits / n) if n else None for hits, n in zip(right.sum(0), counted, strict=True)]
