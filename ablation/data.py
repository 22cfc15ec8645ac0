"""What a problem hands to a model: sequences and their labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

PADDING = -(2.0**120)  # no number of a step that exists is like it, as a 0 would be


@dataclass(frozen=True)
class Sequences:
    """Labelled sequences of one split.

    x: (n, steps, features) float32, or (n, steps) int32 where the steps are symbols.
    y: (n, steps) int32 with one label a step, or (n,) int32 with one label a sequence.
    scored: (n, steps) bool, the steps whose label counts; None where all do.
    present: (n, steps) bool, the steps that exist (False is padding); None where all do.
    classes: number of labels, which are 0 .. classes - 1.
    symbols: size of the vocabulary of a symbolic x (symbol 0 is padding); 0 for a numeric x.
    """

    x: Array
    y: Array
    scored: Array | None = None
    present: Array | None = None
    classes: int = 2
    symbols: int = 0

    def __len__(self) -> int:
        return len(self.x)

    @property
    def per_step(self) -> bool:
        """Whether there is one label for each step (and not one for each sequence)."""
        return self.y.ndim == 2

    @property
    def weights(self) -> Array:
        """Weight of each label in loss and metrics: float32 of the shape of y, 0 or 1."""
        weights = np.ones(self.y.shape, np.float32)
        if self.per_step and self.scored is not None:
            weights *= self.scored
        if self.per_step and self.present is not None:
            weights *= self.present
        return weights

    def padded(self) -> Sequences:
        """These, with PADDING in all steps of a numeric x that do not exist, by which models know.

        Symbols stay as they are: there, 0 is padding.
        """
        if self.symbols or self.present is None:
            return self
        x = np.where(self.present[..., None], self.x, np.float32(PADDING))
        return replace(self, x=x)

    def first(self, n: int) -> Sequences:
        """The first n sequences, or all where there are fewer."""

        def cut(values: Array | None) -> Array | None:
            return None if values is None else values[:n]

        return replace(
            self,
            x=self.x[:n],
            y=self.y[:n],
            scored=cut(self.scored),
            present=cut(self.present),
        )


@dataclass(frozen=True)
class Dataset:
    """The two splits of one replicate: fresh training data, and the frozen test set."""

    train: Sequences
    test: Sequences


@dataclass(frozen=True)
class Ceiling:
    """The best that any model with one view of the input can reach, step by step.

    accuracy: (steps,) best expected accuracy at each step.
    loss: (steps,) least expected log loss at each step, in nats.
    exact: probability that a whole sequence is right under the per-step rule; None if unknown.
    error: standard error of the mean accuracy; 0 where the figure is exact.
    """

    accuracy: Array
    loss: Array
    exact: float | None = None
    error: float = 0.0
