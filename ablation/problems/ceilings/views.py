"""Views: the input steps that a model has read before it predicts each label."""

from __future__ import annotations

import numpy as np

from ablation.data import Array


def visible_steps(length: int) -> dict[str, Array]:
    """For each view, (length, length) bool: row t marks the input steps visible at output t.

    "majority" sees no input, only the number of the step. "go_backwards_raw" is Keras's backward
    layer as it is: its output t has read the last t + 1 steps.
    """
    forward = np.tri(length, dtype=bool)
    return {
        "majority": np.zeros_like(forward),
        "forward": forward,
        "go_backwards": forward.T,
        "go_backwards_raw": forward[:, ::-1],
        "bidirectional": np.ones_like(forward),
    }
