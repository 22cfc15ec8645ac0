"""Which seeds failed to train: far below the arm's other seeds, or no better than guessing.

Such seeds make a second hump. A mean over both humps says little, and a few seeds without a failure
say little about how often there is one: see `unseen_share`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ablation.analysis.student import Floats

FAR = 10  # robust standard deviations below the arm's median
MARGINS = 5  # and so many margins, so that a spread of nearly nothing makes no failures
LEAST_SEEDS = 3  # of two seeds, nobody knows which one is the rule


def failed_seeds(
    values: Floats, sense: int, margin: float, guess: float | Floats, chance: float = 0.0
) -> NDArray[np.bool_]:
    """Which of an arm's seeds failed to train, (seeds,).

    values: NaN is never a failure here. guess: what a guess scores, also (seeds,); NaN if unknown.
    chance: by how much a value may differ from a guess by the choice of test sequences, where each
    seed has its own.
    A seed fails if it is further than ten robust standard deviations and five margins on the wrong
    side of the median, or within a margin of a guess while another seed is ten margins beyond it;
    chance has to be exceeded in both cases.
    """
    scores = sense * values
    known = np.isfinite(scores)
    failed = np.zeros(len(scores), bool)
    if known.sum() < LEAST_SEEDS:
        return failed
    below = np.median(scores[known]) - scores
    spread = 1.4826 * np.median(np.abs(below[known]))
    failed |= known & (below > np.maximum(FAR * spread, MARGINS * margin + chance))
    beyond = scores - sense * guess
    known &= np.isfinite(beyond)
    if known.any() and beyond[known].max() > 2 * MARGINS * margin + chance:
        failed |= known & (beyond <= margin)
    return failed


def unseen_share(seeds: int, alpha: float = 0.05) -> float:
    """The largest share of failing seeds that so many seeds without a failure do not exclude."""
    return float(1 - alpha ** (1 / seeds)) if seeds else 1.0
