"""Numbers: a linear head, trained on scaled targets, and scored in the targets' own units."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ablation.data import Array, Sequences
from ablation.storage import BySequence, Metrics, Targets
from ablation.tasks.means import by_position, error, finite, mean

WHAT = "numbers"
METRIC = "mse"


def head(data: Sequences) -> tuple[int, str]:
    """A number a target."""
    return data.y.shape[-1], "linear"


def answers(outputs: Array, data: Sequences) -> Array:
    """The numbers in their own units."""
    return data.in_own_units(outputs)


def look(outputs: Array, data: Sequences) -> float:
    """The mean squared error."""
    return mse(outputs, data)


def _squared(size: Array) -> Array:
    return size**2


def _huber(size: Array) -> Array:
    return np.asarray(np.where(size <= 1, 0.5 * size**2, size - 0.5))


def _loss(of_size: Callable[[Array], Array]) -> Callable[[Array, Sequences], float]:
    """The mean of what is made of each scaled error's size, over targets and what counts."""

    def loss(outputs: Array, data: Sequences) -> float:
        sizes = np.abs(outputs.astype(np.float64) - data.targets)
        return mean(of_size(sizes).mean(axis=-1), data.weights.astype(np.float64))

    return loss


# As Keras has them; Huber's is squared up to an error of 1, which is one standard deviation.
LOSSES: Mapping[str, Callable[[Array, Sequences], float]] = {
    "mse": _loss(_squared),
    "mae": _loss(np.asarray),
    "huber": _loss(_huber),
}


def evaluate(
    outputs: Array, data: Sequences, loss: Callable[[Array, Sequences], float] = LOSSES["mse"]
) -> Metrics:
    """Score outputs of shape (n, ..., targets); loss: of the scaled targets."""
    weights = data.weights.astype(np.float64)
    squares = (_errors(answers(outputs, data), data) ** 2).mean(axis=-1)
    scores = {
        "loss": finite(loss(outputs, data)),
        "mse_error": finite(error(squares, weights)),
        "mse_by_position": by_position(squares, weights),
    }
    further = {name: finite(of(outputs, data)) for name, of in FURTHER_METRICS.items()}
    return Metrics.model_validate(scores | further)


def mse(outputs: Array, data: Sequences) -> float:
    """Mean squared error in the squared units of the targets, their mean if there are several."""
    return float(_of_each(answers(outputs, data), data)["mse"].mean())


def mae(outputs: Array, data: Sequences) -> float:
    """Mean absolute error in the units of the targets, their mean if there are several."""
    return float(_of_each(answers(outputs, data), data)["mae"].mean())


def r2(outputs: Array, data: Sequences) -> float:
    """R2 as scikit-learn's r2_score has it, the mean over the targets.

    1 - (squared errors) / (squared errors of predicting the mean of these very data). A target that
    is constant in them scores 1 if it is met exactly, else 0.
    """
    return float(_of_each(answers(outputs, data), data)["r2"].mean())


FURTHER_METRICS: Mapping[str, Callable[[Array, Sequences], float]] = {
    "mse": mse,
    "mae": mae,
    "r2": r2,
}
SCORES: Sequence[str] = (*FURTHER_METRICS, "loss")
COUNTED: Sequence[str] = ()


def details(answers: Array, data: Sequences, names: Sequence[str]) -> dict[str, Any]:
    """The scores of each target."""
    scores = {
        name: [finite(value) for value in values.tolist()]
        for name, values in _of_each(answers, data).items()
    }
    return {"targets": Targets(names=list(names), **scores)}


def by_sequence(answers: Array, data: Sequences, names: Sequence[str] | None = None) -> BySequence:
    """The summed squared error of each sequence, the mean over its targets; names: of these."""
    squares = (_errors(answers, data) ** 2).mean(axis=-1)
    return BySequence.of("squared_error", squares, data.weights, data.group, names)


def baseline(train: Sequences, test: Sequences) -> dict[str, float]:
    """The mean squared error of always answering the training set's mean."""
    usual = train.y[train.weights > 0].mean(axis=0, dtype=np.float64)
    errors = (test.y - usual)[test.weights > 0]
    return {"constant": float((errors**2).mean())}


def _errors(numbers: Array, data: Sequences) -> Array:
    return np.asarray(numbers - data.y.astype(np.float64))


def _of_each(numbers: Array, data: Sequences) -> dict[str, Array]:
    """The scores of each target, (targets,) by name."""
    counted = data.weights > 0
    errors, y = _errors(numbers, data)[counted], data.y[counted].astype(np.float64)
    squares = (errors**2).sum(axis=0)
    spread = ((y - y.mean(axis=0)) ** 2).sum(axis=0)
    share = np.divide(squares, spread, where=spread > 0, out=np.ones_like(squares))
    return {
        "mse": squares / len(y),
        "mae": np.abs(errors).mean(axis=0),
        "r2": np.where(squares == 0, 1.0, 1 - share),
    }
