"""The learning rate over the updates of a trial: it may rise first, and fall to zero in the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops
from keras.optimizers import schedules

from ablation.spec import Training, share_of

Tensor = Any


def learning_rate(training: Training) -> float | schedules.LearningRateSchedule:
    """The rate of each update; a plain number where all are the same.

    Of w updates of warm-up, the first has 1 / (w + 1) of the rate, the second 2 / (w + 1), ...
    """
    rate, updates = training.learning_rate, training.updates
    warmup = share_of(updates, training.warmup) if training.warmup and updates > 1 else 0
    if training.schedule is not None:
        return SCHEDULES[training.schedule](rate, warmup, updates - warmup)
    if warmup:  # Keras calls it a decay whichever way it goes
        return schedules.PolynomialDecay(rate / (warmup + 1), warmup, end_learning_rate=rate)
    return rate


class PolynomialDecay(schedules.PolynomialDecay):
    """A linear fall to zero after a linear rise; what is saved is Keras's own, without the rise."""

    __module__ = "keras.optimizers.schedules"

    def __init__(self, rate: float, warmup: int, fall: int) -> None:
        super().__init__(rate, fall, end_learning_rate=0.0)
        self.warmup = warmup

    def __call__(self, step: Tensor) -> Tensor:
        step = ops.cast(step, "float32")
        rising = self.initial_learning_rate * (step + 1) / (self.warmup + 1)
        return ops.minimum(rising, super().__call__(ops.maximum(step - self.warmup, 0.0)))


def _linear(rate: float, warmup: int, fall: int) -> schedules.LearningRateSchedule:
    if warmup:
        return PolynomialDecay(rate, warmup, fall)
    return schedules.PolynomialDecay(rate, fall, end_learning_rate=0.0)


def _cosine(rate: float, warmup: int, fall: int) -> schedules.LearningRateSchedule:
    if warmup:
        start = rate / (warmup + 1)
        return schedules.CosineDecay(start, fall, warmup_target=rate, warmup_steps=warmup)
    return schedules.CosineDecay(rate, fall)


SCHEDULES: dict[str, Callable[[float, int, int], schedules.LearningRateSchedule]] = {
    "linear": _linear,
    "cosine": _cosine,
}
