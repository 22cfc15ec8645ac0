"""Sequences and their labels, as a problem gives them to a model, and ceilings."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

TASKS = ("classes", "labels", "numbers")  # what can be predicted: the files of `tasks`
PADDING = -(2.0**120)  # marks padded steps: unlike 0, it does not occur in real data


@dataclass(frozen=True)
class Sequences:
    """Labelled sequences of the training or the test set.

    x: (n, steps, features) float32 if the steps are numbers, (n, steps) int32 if they are symbols.
    y: of classes int32, (n, steps) with one label per step, (n,) with one label per sequence. Of
    several labels at once int32, 0 or 1, and of numbers float, with one axis more: (n, steps,
    targets) or (n, targets). Numbers are in their own units.
    scored: (n, steps) bool, the steps whose label counts; None if all count.
    present: (n, steps) bool, False where a step is padding; None if there is no padding.
    task: what is predicted, "classes", "labels" (several at once) or "numbers"; see `tasks`.
    classes: number of classes; labels are 0 .. classes - 1. It means nothing for other tasks.
    mean, scale: (targets,) of numbers: models are trained on (y - mean) / scale; None: on y itself.
    symbols: vocabulary size of symbols, including the padding symbol 0; 0 if x is numeric.
    levels: if x is numeric, its last features may be codes of categories, whole numbers that stand
    for a learnt vector each; how many codes each of these features has (0 is padding).
    embedding: dimensions of the learnt vectors; None: as many as units.
    group: (n,) int, equal for sequences that must not be split into training and validation; None
    if there are no groups.
    """

    x: Array
    y: Array
    scored: Array | None = None
    present: Array | None = None
    task: str = "classes"
    classes: int = 2
    mean: Array | None = None
    scale: Array | None = None
    symbols: int = 0
    levels: tuple[int, ...] = ()
    embedding: int | None = None
    group: Array | None = None

    def __len__(self) -> int:
        return len(self.x)

    @property
    def per_step(self) -> bool:
        """Whether there is one label per step, rather than one per sequence."""
        return self.y.ndim == (2 if self.task == "classes" else 3)

    @property
    def lengths(self) -> Array:
        """Steps of each sequence without its padding: (n,) int."""
        present = self.x != 0 if self.symbols else self.present
        steps = self.x.shape[1]
        return np.full(len(self), steps) if present is None else present.sum(axis=1)

    @property
    def weights(self) -> Array:
        """Weight of each step or sequence in losses and metrics: 0 or 1, float32."""
        weights = np.ones(self.y.shape[: 1 + self.per_step], np.float32)
        if self.per_step and self.scored is not None:
            weights *= self.scored
        if self.per_step and self.present is not None:
            weights *= self.present
        return weights

    @property
    def targets(self) -> Array:
        """What a model's outputs are compared with in training: y with a last axis, scaled."""
        if self.task == "classes":
            return self.y[..., None]
        if self.mean is None or self.scale is None:
            return self.y.astype(np.float32)
        return np.asarray((self.y - self.mean) / self.scale, np.float32)

    def in_own_units(self, outputs: Array) -> Array:
        """The numbers that a model's outputs stand for, float64."""
        numbers = outputs.astype(np.float64)
        if self.mean is None or self.scale is None:
            return numbers
        return np.asarray(numbers * self.scale + self.mean)

    def padded(self) -> Sequences:
        """A copy whose padded steps hold PADDING, which is how models recognise them.

        Symbols are returned unchanged: symbol 0 is padding already.
        """
        if self.symbols or self.present is None:
            return self
        x = np.where(self.present[..., None], self.x, np.float32(PADDING))
        return replace(self, x=x)

    def first(self, n: int) -> Sequences:
        """The first n sequences, or all if there are fewer."""
        return self.take(slice(n))

    def take(self, rows: Array | slice) -> Sequences:
        """These sequences: their numbers, a bool for each, or a slice."""

        def cut(values: Array | None) -> Array | None:
            return None if values is None else values[rows]

        return replace(
            self,
            x=self.x[rows],
            y=self.y[rows],
            scored=cut(self.scored),
            present=cut(self.present),
            group=cut(self.group),
        )


@dataclass(frozen=True)
class Dataset:
    """The training set of one seed, and the test set, which mostly is the same for every seed.

    validation: what was held out of the training set, to be watched while training; None if nothing
    was.
    test_to_train: how many test sequences (or groups of them) the data has for each one of
    training, where each seed divides the data for itself; None where all seeds share a test set.
    """

    train: Sequences
    test: Sequences
    validation: Sequences | None = None
    test_to_train: float | None = None


def _nothing() -> Array:
    return np.empty(0)


@dataclass(frozen=True)
class Ceiling:
    """The best that any model can reach that sees one view of the input.

    accuracy: (steps,) the highest expected accuracy at each step; empty for numbers.
    loss: (steps,) the lowest expected log loss at each step, in nats; empty likewise.
    exact: probability that the rule that is best at each step gets a whole sequence right; None if
    unknown.
    error: standard error of the mean accuracy, or of the mean of mse; 0 if that is exact.
    mse: (steps,) where numbers are predicted, the lowest expected squared error at each step, in
    the units of y squared; with several targets, their mean. Empty for other tasks.
    """

    accuracy: Array = field(default_factory=_nothing)
    loss: Array = field(default_factory=_nothing)
    exact: float | None = None
    error: float = 0.0
    mse: Array = field(default_factory=_nothing)
