"""The recurrent layers that an arm can have: a row a direction, a merge mode and a cell.

Nothing here loads Keras: a row names Keras's layer, and `training.models` builds with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from ablation.data import Array

Way = Literal["forward", "backward"]


@dataclass(frozen=True)
class Direction:
    """Which ways a layer reads the sequence.

    ways: one, or both, whose outputs are then merged. aligned: whether the outputs of the backward
    way are turned round, so that each stands beside its label; Keras's bare layer leaves them
    latest step first.
    """

    ways: tuple[Way, ...]
    aligned: bool = True

    @property
    def merges(self) -> bool:
        """Whether there are two outputs to merge."""
        return len(self.ways) == 2

    @property
    def waits(self) -> bool:
        """Whether its answers can be delayed until some steps of the future are read."""
        return self.ways == ("forward",)


@dataclass(frozen=True)
class Merge:
    """How the outputs of both ways become one.

    layer: Keras's. twin: the same in NumPy, of two arrays (..., units). additive: whether a linear
    head adds up what the two ways say. width: of the output, in units.
    """

    layer: str
    twin: Callable[[Array, Array], Array]
    additive: bool = True
    width: int = 1


@dataclass(frozen=True)
class Cell:
    """A recurrent cell: Keras's layer, its gates, the biases of each gate.

    options: further arguments of the layer.
    """

    layer: str
    gates: int
    biases: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)


DIRECTIONS = {
    "forward": Direction(("forward",)),
    "go_backwards": Direction(("backward",)),
    "go_backwards_raw": Direction(("backward",), aligned=False),
    "bidirectional": Direction(("forward", "backward")),
    "bidirectional_raw": Direction(("forward", "backward"), aligned=False),
}
MERGES = {
    "concat": Merge("Concatenate", lambda a, b: np.concatenate([a, b], axis=-1), width=2),
    "sum": Merge("Add", lambda a, b: a + b),
    "mul": Merge("Multiply", lambda a, b: a * b, additive=False),
    "ave": Merge("Average", lambda a, b: (a + b) / 2),
}
_PLAIN = {"use_cudnn": False}  # the same loop on every device
CELLS = {
    "lstm": Cell("LSTM", gates=4, options=_PLAIN),
    # Keras's resets after the product: two biases a gate.
    "gru": Cell("GRU", gates=3, biases=2, options=_PLAIN),
    "simple_rnn": Cell("SimpleRNN", gates=1),
}
