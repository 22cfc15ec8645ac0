"""One class of several: a sigmoid for two, a softmax for more, trained by log loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ablation.data import Array, Sequences
from ablation.storage import MOST_CONFUSED, BySequence, Classes, Metrics
from ablation.tasks.means import by_position, error, finite, mean
from ablation.tasks.probabilities import auc, average_precision, by_class, calibration_error
from ablation.tasks.segments import are_tags, count_segments

WHAT = "classes"
METRIC = "accuracy"
EPSILON = 1e-7  # Keras clips probabilities to EPSILON .. 1 - EPSILON before taking the logarithm


def head(data: Sequences) -> tuple[int, str]:
    """One probability for two classes, else one a class."""
    return (1, "sigmoid") if data.classes == 2 else (data.classes, "softmax")


def answers(outputs: Array, data: Sequences) -> Array:
    """The most probable class."""
    return predict_classes(outputs)


def look(outputs: Array, data: Sequences) -> float:
    """The accuracy."""
    correct = predict_classes(outputs) == data.y
    return float((correct * data.weights).sum() / data.weights.sum())


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


LOSSES: Mapping[str, Callable[[Array, Sequences], float]] = {"crossentropy": log_loss}


def evaluate(
    probabilities: Array, data: Sequences, loss: Callable[[Array, Sequences], float] = log_loss
) -> Metrics:
    """Score probabilities of shape (n, ..., outputs) on the labels that count."""
    weights = data.weights.astype(np.float64)  # summing in float32 would round the accuracy
    predictions = predict_classes(probabilities)
    correct = predictions == data.y
    scores = {
        "loss": finite(loss(probabilities, data)),
        "accuracy": mean(correct, weights),
        "accuracy_error": error(correct, weights),
        "exact": exact(correct, weights),
        "accuracy_by_position": by_position(correct, weights),
    }
    further = {name: finite(of(probabilities, data)) for name, of in FURTHER_METRICS.items()}
    return Metrics.model_validate(scores | further)


def exact(correct: Array, weights: Array) -> float:
    """Share of the sequences with a label that counts in which all of these are right."""
    hits = (correct * weights).reshape(len(correct), -1).sum(1)
    labels = weights.reshape(len(correct), -1).sum(1)
    return float(((hits == labels) & (labels > 0)).sum() / (labels > 0).sum())


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
    per_class = by_class(probabilities)
    squares = ((per_class - np.eye(per_class.shape[-1])[data.y]) ** 2).sum(axis=-1)
    return float((squares * data.weights).sum() / data.weights.sum())


FURTHER_METRICS: Mapping[str, Callable[[Array, Sequences], float]] = {
    "balanced_accuracy": balanced_accuracy,
    "macro_f1": macro_f1,
    "auc": auc,
    "average_precision": average_precision,
    "brier": brier,
    "calibration_error": calibration_error,
}
SCORES: Sequence[str] = ("accuracy", "exact", *FURTHER_METRICS, "loss")
COUNTED: Sequence[str] = ("f1", "mcc", "segment_f1")


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


def by_sequence(answers: Array, data: Sequences, names: Sequence[str] | None = None) -> BySequence:
    """How many labels of each sequence are right; names: of the sequences."""
    return BySequence.of("hits", answers == data.y, data.weights, data.group, names)


def details(answers: Array, data: Sequences, names: Sequence[str]) -> dict[str, Any]:
    """The counts of the classes, and of the spans that they mark if they are tags."""
    counts = {"classes": count_classes(answers, data, names)}
    if data.per_step and are_tags(names):
        counts["segments"] = count_segments(answers, data, names)
    return counts


def baseline(train: Sequences, test: Sequences) -> dict[str, float]:
    """What always answering the most frequent class scores."""
    return {"majority": majority(train, test)}


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
