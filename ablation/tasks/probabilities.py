"""Scores of predicted probabilities: how well they rank, and how far they can be trusted.

All take the probabilities (n, ..., outputs) and the data. With two classes the positive one is the
second, as in scikit-learn; with more, each class in turn is held against the rest, and the result
is the mean over the classes that occur among the labels. Of several labels at once it is the mean
over those that are both 0 and 1 somewhere. NaN where there is none such, or more than MOST_RANKED.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ablation.data import Array, Sequences

BINS = 15  # of the calibration error, of equal width
MOST_RANKED = 50  # classes; each is a sort of all labels


def auc(probabilities: Array, data: Sequences) -> float:
    """Area under the ROC curve: the chance that a positive ranks above a negative; ties are half.

    With several classes: scikit-learn's roc_auc_score with multi_class="ovr", average="macro".
    """
    return _mean_of_classes(_auc, probabilities, data)


def average_precision(probabilities: Array, data: Sequences) -> float:
    """Area under the steps of precision over recall, as scikit-learn's average_precision_score."""
    return _mean_of_classes(_average_precision, probabilities, data)


def calibration_error(probabilities: Array, data: Sequences) -> float:
    """Expected calibration error: how far the confidence is from the share that is right.

    Predictions are sorted by confidence, the probability of the predicted class, into BINS bins of
    equal width between 0 and 1. The error is the mean distance between a bin's mean confidence and
    its accuracy, weighted by its predictions (Guo et al. 2017).
    """
    counted = data.weights > 0
    of_class, y = by_class(probabilities)[counted], data.y[counted]
    confidence = of_class.max(axis=-1)
    if not np.isfinite(confidence).all():
        return float("nan")
    right = of_class.argmax(axis=-1) == y
    bins = np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], confidence)
    excess = np.bincount(bins, confidence - right, BINS)
    return float(np.abs(excess).sum() / len(y))


def _mean_of_classes(
    score: Callable[[Array, Array], float], probabilities: Array, data: Sequences
) -> float:
    """The mean score of each class against the rest, of two classes of the second alone."""
    counted = data.weights > 0
    of_label, y = probabilities[counted], data.y[counted]
    if not np.isfinite(of_label).all() or of_label.shape[-1] > MOST_RANKED:
        return float("nan")
    if data.task == "labels":
        positives = [column == 1 for column in y.T]
    else:
        positives = [y == k for k in ([1] if data.classes == 2 else range(data.classes))]
    # The last outputs, because of two classes there may be one alone.
    columns = of_label.T[-len(positives) :]
    pairs = [
        (column, positive)
        for column, positive in zip(columns, positives, strict=True)
        if positive.any() and not positive.all()
    ]
    return float(np.mean([score(*pair) for pair in pairs])) if pairs else float("nan")


def _auc(scores: Array, positive: Array) -> float:
    hits, alarms = _counts_down(scores, positive)
    return float(np.trapezoid(hits, alarms) / (hits[-1] * alarms[-1]))


def _average_precision(scores: Array, positive: Array) -> float:
    hits, alarms = _counts_down(scores, positive)
    precision = hits[1:] / (hits[1:] + alarms[1:])
    return float((np.diff(hits) * precision).sum() / hits[-1])


def _counts_down(scores: Array, positive: Array) -> tuple[Array, Array]:
    """Positives and negatives at or above each score, from none of them to all."""
    order = np.argsort(scores)[::-1]
    ordered = scores[order]
    last = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)  # of each score
    hits = np.cumsum(positive[order], dtype=np.float64)[last]
    return np.append(0, hits), np.append(0, last + 1 - hits)


def by_class(probabilities: Array) -> Array:
    """A probability a class, also of two classes with one output; float64."""
    of_class = probabilities.astype(np.float64)
    if of_class.shape[-1] == 1:
        return np.concatenate([1 - of_class, of_class], axis=-1)
    return of_class
