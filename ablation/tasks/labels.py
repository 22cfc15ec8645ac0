"""Several labels at once, each 0 or 1: a sigmoid each, trained by their mean log loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ablation.data import Array, Sequences
from ablation.storage import BySequence, Classes, Metrics
from ablation.tasks import classes
from ablation.tasks.classes import EPSILON
from ablation.tasks.means import by_position, error, finite, mean
from ablation.tasks.probabilities import auc, average_precision

WHAT = "several labels at once"
METRIC = "accuracy"


def head(data: Sequences) -> tuple[int, str]:
    """A probability a label."""
    return data.y.shape[-1], "sigmoid"


def answers(outputs: Array, data: Sequences) -> Array:
    """The labels that are more probable than not."""
    return np.asarray(outputs > 0.5, np.int32)


def look(outputs: Array, data: Sequences) -> float:
    """The accuracy: the share of the labels, 0 or 1, that are right."""
    return mean(_right(outputs, data), data.weights.astype(np.float64))


def log_loss(outputs: Array, data: Sequences) -> float:
    """Mean log loss of a label, in nats; it may be NaN."""
    of_label = np.where(data.y == 1, outputs, 1 - outputs).astype(np.float64)
    losses = -np.log(np.clip(of_label, EPSILON, 1 - EPSILON)).mean(axis=-1)
    return mean(losses, data.weights.astype(np.float64))


LOSSES: Mapping[str, Callable[[Array, Sequences], float]] = {"crossentropy": log_loss}


def evaluate(
    outputs: Array, data: Sequences, loss: Callable[[Array, Sequences], float] = log_loss
) -> Metrics:
    """Score probabilities of shape (n, ..., labels); exact: all labels of a sequence are right."""
    weights = data.weights.astype(np.float64)
    right = _right(outputs, data)
    scores = {
        "loss": finite(loss(outputs, data)),
        "accuracy": mean(right, weights),
        "accuracy_error": error(right, weights),
        "exact": classes.exact(right == 1, weights),
        "accuracy_by_position": by_position(right, weights),
    }
    further = {name: finite(of(outputs, data)) for name, of in FURTHER_METRICS.items()}
    return Metrics.model_validate(scores | further)


def macro_f1(outputs: Array, data: Sequences) -> float:
    """Mean F1 of the ones over the labels that are ever 1 or predicted to be; NaN if none is."""
    ones, predicted, hits = _counts(answers(outputs, data), data)
    total = ones + predicted
    return float((2 * hits[total > 0] / total[total > 0]).mean()) if total.any() else float("nan")


FURTHER_METRICS: Mapping[str, Callable[[Array, Sequences], float]] = {
    "macro_f1": macro_f1,
    "auc": auc,
    "average_precision": average_precision,
}
SCORES: Sequence[str] = ("accuracy", "exact", *FURTHER_METRICS, "loss")
COUNTED: Sequence[str] = ("f1",)


def details(answers: Array, data: Sequences, names: Sequence[str]) -> dict[str, Any]:
    """How often each label is 1, is predicted to be, and both."""
    ones, predicted, hits = (counts.astype(int).tolist() for counts in _counts(answers, data))
    return {
        "classes": Classes(
            names=list(names), labels=ones, predictions=predicted, hits=hits, confusion=[]
        )
    }


def by_sequence(answers: Array, data: Sequences, names: Sequence[str] | None = None) -> BySequence:
    """How many of the labels, 0 or 1, of each sequence are right; names: of the sequences."""
    weights = np.broadcast_to(data.weights[..., None], data.y.shape)
    return BySequence.of("hits", answers == data.y, weights, data.group, names)


def baseline(train: Sequences, test: Sequences) -> dict[str, float]:
    """What always answering the more frequent value of each label scores."""
    ones, _, _ = _counts(train.y, train)
    usual = 2 * ones > train.weights.sum()
    weights = test.weights.astype(np.float64)
    return {"majority": mean((test.y == usual).mean(axis=-1), weights)}


def _right(outputs: Array, data: Sequences) -> Array:
    """(n, ...): share of the labels of a step or sequence that are right."""
    return np.asarray((answers(outputs, data) == data.y).mean(axis=-1))


def _counts(answers: Array, data: Sequences) -> tuple[Array, Array, Array]:
    """Of each label (labels,): its ones, the predicted ones, and the hits."""
    counted = data.weights > 0
    y, predicted = data.y[counted], answers[counted]
    return y.sum(axis=0), predicted.sum(axis=0), (y * predicted).sum(axis=0)
