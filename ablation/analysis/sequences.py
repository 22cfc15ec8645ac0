"""Which test sequences two arms differ on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ablation.storage import BySequence, TrialResult


def compare_sequences(arm: Sequence[TrialResult], other: Sequence[TrialResult]) -> pd.DataFrame:
    """The mean scores of two arms on each test sequence, those that differ most first.

    The mean is over the seeds that both arms have and that tested the sequence: all of them, but
    where each seed divides the data for itself. Columns: those of `Study.sequences`. No rows if
    a result is older than these scores, if the arms have other test sequences, or if sequences of
    seeds that divide the data for themselves have no names to know them by.
    """
    scores = {r.trial.seed: r.by_sequence for r in arm if r.by_sequence}
    others = {r.trial.seed: r.by_sequence for r in other if r.by_sequence}
    pairs = [(scores[seed], others[seed]) for seed in scores if seed in others]
    pairs = [pair for pair in pairs if _alike(*pair)]
    divided = any(r.test_to_train is not None for r in (*arm, *other))
    if not divided:
        pairs = [pair for pair in pairs if _alike(pair[0], pairs[0][0])]
    if not pairs or (divided and any(one.names is None for one, _ in pairs)):
        return pd.DataFrame()
    rows = pd.concat([_scored(*pair) for pair in pairs])
    table = rows.groupby("sequence", sort=False).agg(
        labels=("labels", "first"),
        seeds=("score", "size"),
        score=("score", "mean"),
        other_score=("other_score", "mean"),
    )
    table = table.reset_index()
    table.insert(3, "metric", "accuracy" if pairs[0][0].score == "hits" else "mse")
    table["difference"] = table["score"] - table["other_score"]
    return table.sort_values(
        "difference", key=abs, ascending=False, kind="stable", ignore_index=True
    )


def _scored(one: BySequence, other: BySequence) -> pd.DataFrame:
    """What the two arms of a seed score on each of its test sequences that has labels."""
    counted = np.flatnonzero(one.labels)
    labels = one.labels[counted]
    return pd.DataFrame(
        {
            "sequence": counted if one.names is None else np.array(one.names)[counted],
            "labels": labels,
            "score": one.sums[counted] / labels,
            "other_score": other.sums[counted] / labels,
        }
    )


def _alike(one: BySequence, other: BySequence) -> bool:
    """Whether they score the same sequences in the same way."""
    if one.score != other.score or one.sequences != other.sequences:
        return False
    return one.names == other.names and np.array_equal(one.labels, other.labels)
