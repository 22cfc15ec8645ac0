"""Scores a model's predicted probabilities on a test set."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ablation.data import Array, Sequences
from ablation.storage import MOST_CONFUSED, BySequence, Classes, Metrics

EPSILON = 1e-7  # Keras clips probabilities to EPSILON .. 1 - EPSILON before taking the logarithm


def predict_classes(probabilities: Array) -> Array:
    """The most probable class: (n, ...) int32 from (n, ..., 1) or (n, ..., classes)."""
    if probabilities.shape[-1] == 1:
        return np.asarray(probabilities[..., 0] > 0.5, np.int32)
    return np.asarray(probabilities.argmax(-1), np.int32)


def log_loss(probabilities: Array, data: Sequences) -> float:
    """Mean log loss, in nats, of the labels that count; it may be infinite or NaN."""
    weights = data.weights.astype(np.float64)
    if probabilities.shape[-1] == 1:
        of_label = np.where(data.y == 1, probabilities[..., 0], 1 - probabilities[..., 0])
    else:
        of_label = np.take_along_axis(probabilities, data.y[..., None], -1)[..., 0]
    losses = -np.log(np.clip(of_label.astype(np.float64), EPSILON, 1 - EPSILON))
    return float((losses * weights).sum() / weights.sum())


def evaluate(probabilities: Array, data: Sequences) -> Metrics:
    """Score probabilities of shape (n, ..., outputs) on the labels that count."""
    weights = data.weights.astype(np.float64)  # summing in float32 would round the accuracy
    predictions = predict_classes(probabilities)
    correct = (predictions == data.y) * weights
    loss = log_loss(probabilities, data)
    accuracy = float(correct.sum() / weights.sum())
    hits = correct.reshape(len(data), -1).sum(1)  # per sequence
    labels = weights.reshape(len(data), -1).sum(1)
    # The steps of a sequence are not independent, so the sampling unit is the sequence.
    deviation = (hits - accuracy * labels) / labels.mean()
    scores = {
        "loss": loss if np.isfinite(loss) else None,
        "accuracy": accuracy,
        "accuracy_error": float(deviation.std() / np.sqrt(len(data))),
        "exact": float(((hits == labels) & (labels > 0)).sum() / (labels > 0).sum()),
        "accuracy_by_position": _accuracy_by_position(correct, weights) if data.per_step else [],
    }
    further = {name: score(probabilities, data) for name, score in FURTHER_METRICS.items()}
    finite = {name: value if np.isfinite(value) else None for name, value in further.items()}
    return Metrics.model_validate(scores | finite)


def balanced_accuracy(probabilities: Array, data: Sequences) -> float:
    """Mean recall over the classes that occur among the labels."""
    labels, _, hits = _counts_by_class(predict_classes(probabilities), data)
    return float((hits[labels > 0] / labels[labels > 0]).mean())


def macro_f1(probabilities: Array, data: Sequences) -> float:
    """Mean F1 over the classes that occur among the labels or the predictions.

    The F1 of a class is 2 * hits / (labels + predictions).
    """
    labels, predicted, hits = _counts_by_class(predict_classes(probabilities), data)
    total = labels + predicted
    return float((2 * hits[total > 0] / total[total > 0]).mean())


def brier(probabilities: Array, data: Sequences) -> float:
    """Brier score: mean squared distance between the probabilities and the one-hot label.

    Summed over the classes, so it lies between 0 and 2 (Brier 1950). With two classes it is twice
    the default result of scikit-learn's brier_score_loss.
    """
    per_class = probabilities.astype(np.float64)
    if per_class.shape[-1] == 1:
        per_class = np.concatenate([1 - per_class, per_class], axis=-1)
    squares = ((per_class - np.eye(per_class.shape[-1])[data.y]) ** 2).sum(axis=-1)
    return float((squares * data.weights).sum() / data.weights.sum())


# Metrics that are not fields of `storage.Metrics`. Each also has a row in `measures`. A function
# takes the probabilities (n, ..., outputs); a value that is not finite is stored as None.
FURTHER_METRICS: dict[str, Callable[[Array, Sequences], float]] = {
    "balanced_accuracy": balanced_accuracy,
    "macro_f1": macro_f1,
    "brier": brier,
}


def count_classes(predictions: Array, data: Sequences, names: Sequence[str] = ()) -> Classes:
    """How often each class is a label, is predicted, and is taken for each other class.

    predictions: int, the shape of the labels. names: of the classes, none if unknown.
    """
    labels, predicted, hits = _counts_by_class(predictions, data)
    confusion: list[list[int]] = []
    if data.classes <= MOST_CONFUSED:
        counted = data.weights > 0
        pairs = data.y[counted].astype(np.int64) * data.classes + predictions[counted]
        confusion = np.bincount(pairs, minlength=data.classes**2).reshape(data.classes, -1).tolist()
    return Classes(
        names=list(names),
        labels=labels.astype(int).tolist(),
        predictions=predicted.astype(int).tolist(),
        hits=hits.astype(int).tolist(),
        confusion=confusion,
    )


def score_sequences(
    predictions: Array, data: Sequences, names: Sequence[str] | None = None
) -> BySequence:
    """How many labels of each sequence are right.

    predictions: int, the shape of the labels. names: of the sequences, None if they have none.
    """
    return BySequence.of("hits", predictions == data.y, data.weights, data.group, names)


def majority(train: Sequences, test: Sequences) -> float:
    """Accuracy on the test set of always predicting the training set's most frequent class."""
    counts = np.bincount(train.y.ravel(), train.weights.ravel(), train.classes)
    weights = test.weights.astype(np.float64)
    return float(((test.y == counts.argmax()) * weights).sum() / weights.sum())


def _counts_by_class(predictions: Array, data: Sequences) -> tuple[Array, Array, Array]:
    """For each class: its labels, its predictions and its correct predictions, each (classes,)."""
    weights = data.weights.ravel()
    labels, predicted, hits = (
        np.bincount(classes.ravel(), class_weights, data.classes)
        for classes, class_weights in (
            (data.y, weights),
            (predictions, weights),
            (data.y, weights * (predictions == data.y).ravel()),
        )
    )
    return labels, predicted, hits


def _accuracy_by_position(correct: Array, weights: Array) -> list[float | None]:
    labels = weights.sum(0)
    return [float(hits / n) if n else None for hits, n in zip(correct.sum(0), labels, strict=True)]
