"""Which test sequences two arms differ on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ablation.storage import BySequence, TrialResult


def compare_sequences(arm: Sequence[TrialResult], other: Sequence[TrialResult]) -> pd.DataFrame:
    """The mean scores of two arms on each test sequence, those that differ most first.

    The mean is over the seeds that both arms have. Columns: those of `Study.sequences`. No rows if
    a result is older than these scores, or if the arms have other test sequences.
    """
    scores = {r.trial.seed: r.by_sequence for r in arm if r.by_sequence}
    others = {r.trial.seed: r.by_sequence for r in other if r.by_sequence}
    pairs = [(scores[seed], others[seed]) for seed in scores if seed in others]
    pairs = [pair for pair in pairs if _alike(*pair)]
    if not pairs:
        return pd.DataFrame()
    first = pairs[0][0]
    pairs = [pair for pair in pairs if _alike(pair[0], first)]
    counted = np.flatnonzero(first.labels)
    labels = first.labels[counted]
    means = [np.mean([scores.sums for scores in side], axis=0) for side in zip(*pairs, strict=True)]
    score, other_score = (mean[counted] / labels for mean in means)
    names = first.names
    table = pd.DataFrame(
        {
            "sequence": counted if names is None else np.array(names)[counted],
            "labels": labels,
            "seeds": len(pairs),
            "metric": "accuracy" if first.score == "hits" else "mse",
            "score": score,
            "other_score": other_score,
            "difference": score - other_score,
        }
    )
    return table.sort_values(
        "difference", key=abs, ascending=False, kind="stable", ignore_index=True
    )


def _alike(one: BySequence, other: BySequence) -> bool:
    """Whether they score the same sequences in the same way."""
    if one.score != other.score or one.sequences != other.sequences:
        return False
    return one.names == other.names and np.array_equal(one.labels, other.labels)
