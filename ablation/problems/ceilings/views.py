"""Views: the input steps that a model has read before it predicts each label."""

from __future__ import annotations

import numpy as np

from ablation.data import Array
from ablation.spec import DIRECTIONS, Direction


def visible_steps(length: int, lookahead: int = 0) -> dict[str, Array]:
    """For each view, (length, length) bool: row t marks the input steps visible at output t.

    "majority" sees no input, only the number of the step. Each other view is that of a direction;
    lookahead: steps more that a direction has read that can wait for them.
    """
    views = {
        name: _visible_to(direction, length, lookahead if direction.waits else 0)
        for name, direction in DIRECTIONS.items()
    }
    return {"majority": np.zeros((length, length), bool), **views}


def _visible_to(direction: Direction, length: int, lookahead: int) -> Array:
    past = np.tri(length, dtype=bool)
    forward = np.tri(length, k=lookahead, dtype=bool)
    # If it is not aligned, output t of the backward layer has read the last t + 1 steps.
    backward = past.T if direction.aligned else past[:, ::-1]
    read = {"forward": forward, "backward": backward}
    return np.asarray(np.any([read[way] for way in direction.ways], axis=0))
