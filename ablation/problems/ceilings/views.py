"""Which values of the input a model has seen when it has to answer at each step."""

from __future__ import annotations

import numpy as np

from ablation.data import Array


def seen(length: int) -> dict[str, Array]:
    """For each view, a (length, length) bool array: row t marks the values seen at output t.

    "majority" has seen nothing but the clock. "go_backwards_raw" is the literal Keras layer, whose
    output t comes after its first t + 1 inputs, counted from the end of the sequence.
    """
    forward = np.tri(length, dtype=bool)
    return {
        "majority": np.zeros_like(forward),
        "forward": forward,
        "go_backwards": forward.T,
        "go_backwards_raw": forward[:, ::-1],
        "bidirectional": np.ones_like(forward),
    }
