"""Scores by functions of the user's own."""

from __future__ import annotations

from typing import Any

import numpy as np

from ablation.data import Array, Sequences
from ablation.errors import RequestError
from ablation.spec import Training
from ablation.training.directions import imported


def own_scores(training: Training, outputs: Array, data: Sequences) -> dict[str, float | None]:
    """What each function of training.metrics gives for the outputs; None if it is not finite.

    It is called with y, the predictions, and the weights (n, ...), 0 where nothing counts.
    Predictions are the probabilities of each class (n, ..., classes), of each label (n, ...,
    labels), or the numbers in their own units. Raises RequestError if it fails.
    """
    return {name: _score(name, outputs, data) for name in training.metrics or ()}


def check_metrics(training: Training) -> None:
    """Raise RequestError where a name in training.metrics is no function."""
    for name in training.metrics or ():
        if not callable(imported(name)):
            raise RequestError(f"training.metrics={name}: it is no function")


def _score(name: str, outputs: Array, data: Sequences) -> float | None:
    try:
        value: Any = imported(name)(data.y, _predictions(outputs, data), data.weights)
    except Exception as error:  # the user's code may raise anything
        words = f"{type(error).__name__}: {error}"
        raise RequestError(f"training.metrics={name}: {words}") from error
    if np.ndim(value) or not isinstance(value, int | float | np.number | np.ndarray):
        raise RequestError(f"training.metrics={name}: it gives {type(value).__name__}, no number")
    return float(value) if np.isfinite(value) else None


def _predictions(outputs: Array, data: Sequences) -> Array:
    if data.task == "numbers":
        return data.in_own_units(outputs)
    if data.task == "classes" and outputs.shape[-1] == 1:
        return np.concatenate([1 - outputs, outputs], axis=-1)
    return outputs
