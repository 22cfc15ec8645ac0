"""Arms that are better than their view of the input allows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ablation.analysis.samples import finished_trials

LEAK_ERRORS = 4.0  # standard errors: a false alarm once in 30,000 arms


def find_leaks(trials: pd.DataFrame, test_sequences: int) -> pd.DataFrame:
    """The arms whose mean accuracy is above their ceiling by more than four standard errors.

    No model can do that without a bug or a leak. All seeds share the frozen test set, so that the
    error does not shrink with the seeds, and the labels of a sequence depend on each other, so that
    only whole sequences count: the standard error is `accuracy_se` where that column has it (over
    test sequences), else sqrt(c (1 - c) / test_sequences) for the ceiling c, which is the largest
    that any dependence within a sequence allows. `ceiling_se`, where present, is added to it.
    Columns: arm, n, accuracy, ceiling, excess, error (one standard error). No rows: no alarm.
    """
    columns = ["arm", "n", "accuracy", "ceiling", "excess", "error"]
    if "ceiling" not in trials.columns:
        return pd.DataFrame(columns=columns)
    rows = finished_trials(trials, "accuracy")
    numbers = rows.reindex(columns=["accuracy", "ceiling", "accuracy_se", "ceiling_se"])
    known = numbers.astype(float).dropna(subset=["accuracy", "ceiling"])
    arms = known.groupby(rows["arm"], sort=False)
    table = arms.mean()
    table["n"] = arms.size()
    widest = np.sqrt((table["ceiling"] * (1 - table["ceiling"])).clip(0) / test_sequences)
    table["excess"] = table["accuracy"] - table["ceiling"]
    table["error"] = np.hypot(table["accuracy_se"].fillna(widest), table["ceiling_se"].fillna(0))
    # A ceiling of 1 has no sampling error, and a mean of ones may still be 1 + 1e-16.
    above = table["excess"] > np.maximum(LEAK_ERRORS * table["error"], 1e-9)
    return table.loc[above].reset_index()[columns]
