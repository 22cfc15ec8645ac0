"""What a model's probabilities are worth on a test set."""

from __future__ import annotations

from collections.abc import Callable

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
    scores = {
        "loss": loss if np.isfinite(loss) else None,
        "accuracy": accuracy,
        "accuracy_error": float(deviation.std() / np.sqrt(len(data))),
        "exact": float(((each == counted) & (counted > 0)).sum() / (counted > 0).sum()),
        "accuracy_by_position": _by_position(right, weights) if data.per_step else [],
    }
    further = {name: score(probabilities, data) for name, score in FURTHER.items()}
    known = {name: value if np.isfinite(value) else None for name, value in further.items()}
    return Metrics.model_validate(scores | known)


def balanced_accuracy(probabilities: Array, data: Sequences) -> float:
    """Mean over the classes that have labels of the share of these that are right."""
    labels, _, hits = _by_class(predict_classes(probabilities), data)
    return float((hits[labels > 0] / labels[labels > 0]).mean())


def macro_f1(probabilities: Array, data: Sequences) -> float:
    """Mean over the classes that have labels or answers of F1, 2 hits / (labels + answers)."""
    labels, given, hits = _by_class(predict_classes(probabilities), data)
    both = labels + given
    return float((2 * hits[both > 0] / both[both > 0]).mean())


def brier(probabilities: Array, data: Sequences) -> float:
    """Mean over the labels of the squared distance of the probabilities from the label.

    From 0 to 2, summed over the classes (Brier 1950); with two classes twice what scikit-learn's
    brier_score_loss gives by default.
    """
    each = probabilities.astype(np.float64)
    if each.shape[-1] == 1:
        each = np.concatenate([1 - each, each], axis=-1)
    squares = ((each - np.eye(each.shape[-1])[data.y]) ** 2).sum(axis=-1)
    return float((squares * data.weights).sum() / data.weights.sum())


# What is measured beside the fields of Metrics; each has a row in `measures` too. Each takes the
# probabilities (n, ..., outputs); what is not finite is stored as None.
FURTHER: dict[str, Callable[[Array, Sequences], float]] = {
    "balanced_accuracy": balanced_accuracy,
    "macro_f1": macro_f1,
    "brier": brier,
}


def _by_class(answers: Array, data: Sequences) -> tuple[Array, Array, Array]:
    """Of each class: its labels, the answers that name it, and those of them that are right."""
    weights = data.weights.ravel()
    labels, given, hits = (
        np.bincount(classes.ravel(), counted, data.classes)
        for classes, counted in (
            (data.y, weights),
            (answers, weights),
            (data.y, weights * (answers == data.y).ravel()),
        )
    )
    return labels, given, hits


def _by_position(right: Array, weights: Array) -> list[float | None]:
    counted = weights.sum(0)
    return [float(hits / n) if n else None for hits, n in zip(right.sum(0), counted, strict=True)]
