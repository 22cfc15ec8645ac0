"""What training makes small: a loss of Keras or of the user's own, and its mean over outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from ablation.data import Array, Sequences
from ablation.errors import RequestError
from ablation.spec import LOSSES, Training
from ablation.tasks import Loss, task_of
from ablation.training.directions import imported


class OwnLoss(keras.losses.Loss):
    """The loss of the user's function of (y_true, y_pred), which gives one value a step."""

    def __init__(self, name: str) -> None:
        super().__init__(name="own_loss")
        self.dotted = name
        self.function: Callable[[Any, Any], Any] = imported(name)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        losses = self.function(y_true, y_pred)
        if tuple(losses.shape) != tuple(y_pred.shape[:-1]):
            raise RequestError(
                f"training.loss={self.dotted}: of outputs {tuple(y_pred.shape)} it gives "
                f"{tuple(losses.shape)}; one loss a step or sequence is needed, "
                f"{tuple(y_pred.shape[:-1])}"
            )
        return losses

    def get_config(self) -> dict[str, Any]:
        return {"name": self.dotted}


def keras_loss(training: Training, data: Sequences) -> keras.losses.Loss:
    """The loss that a model for this data is compiled with."""
    name = _name(training, data)
    if name not in LOSSES:
        return OwnLoss(name)
    losses = {
        "crossentropy": keras.losses.BinaryCrossentropy
        if task_of(data).head(data)[1] == "sigmoid"
        else keras.losses.SparseCategoricalCrossentropy,
        "mse": keras.losses.MeanSquaredError,
        "mae": keras.losses.MeanAbsoluteError,
        "huber": keras.losses.Huber,
    }
    return losses[name]()


def mean_loss(training: Training, data: Sequences) -> Loss:
    """The same as a function of outputs and data: its mean over what counts, without weights."""
    name = _name(training, data)
    if name in LOSSES:
        return task_of(data).LOSSES[name]
    own = OwnLoss(name)

    def loss(outputs: Array, data: Sequences) -> float:
        losses = own.call(ops.convert_to_tensor(data.targets), ops.convert_to_tensor(outputs))
        weights = data.weights.astype(np.float64)
        return float((np.asarray(losses) * weights).sum() / weights.sum())

    return loss


def without_own_loss(model: keras.Model) -> keras.Model:
    """The model; where its loss is the user's own, which a file cannot name, without a loss."""
    if isinstance(model.loss, OwnLoss):
        model.compile(optimizer=model.optimizer)
    return model


def _name(training: Training, data: Sequences) -> str:
    return training.loss or next(iter(task_of(data).LOSSES))
