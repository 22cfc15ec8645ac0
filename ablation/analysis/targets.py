"""How well each arm predicts each of several numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ablation.storage import TrialResult

SCORES = ("mse", "mae", "r2")


def score_targets(results: Mapping[str, Sequence[TrialResult]]) -> pd.DataFrame:
    """The mean scores of each number over the seeds, one row per arm and number.

    results: of each arm. Columns: those of `Study.targets`.
    """
    rows = []
    for arm, of_arm in results.items():
        found = [result.targets for result in of_arm if result.targets]
        if not found:
            continue
        scores = {name: np.array([getattr(t, name) for t in found], float) for name in SCORES}
        names = found[0].names or [str(number) for number in range(len(found[0].mse))]
        means = {name: values.mean(axis=0) for name, values in scores.items()}
        rows.append(pd.DataFrame({"arm": arm, "seeds": len(found), "target": names} | means))
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()
