"""Finds arms whose accuracy is above their ceiling."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ablation.analysis.samples import finished_trials

LEAK_ERRORS = 4.0  # standard errors; about one false alarm in 30,000 arms


def find_leaks(trials: pd.DataFrame, test_sequences: int) -> pd.DataFrame:
    """The arms whose mean accuracy is above their ceiling by more than four standard errors.

    No model can do that without a bug or a leak. All seeds share one test set, so more seeds do not
    make the error smaller. The labels of a sequence are not independent, so the sampling unit is
    the sequence. The standard error is the column `accuracy_se` where it has a value, else
    sqrt(c (1 - c) / test_sequences) for the ceiling c, which is the largest possible under any
    dependence within a sequence. `ceiling_se`, if there is such a column, is added in quadrature.
    Columns: arm, n, accuracy, ceiling, excess, error (one standard error).
    """
    columns = ["arm", "n", "accuracy", "ceiling", "excess", "error"]
    if "ceiling" not in trials.columns:
        return pd.DataFrame(columns=columns)
    rows = finished_trials(trials, "accuracy")
    numbers = rows.reindex(columns=["accuracy", "ceiling", "accuracy_se", "ceiling_se"])
    complete = numbers.astype(float).dropna(subset=["accuracy", "ceiling"])
    arms = complete.groupby(rows["arm"], sort=False)
    table = arms.mean()
    table["n"] = arms.size()
    largest_error = np.sqrt((table["ceiling"] * (1 - table["ceiling"])).clip(0) / test_sequences)
    table["excess"] = table["accuracy"] - table["ceiling"]
    table["error"] = np.hypot(
        table["accuracy_se"].fillna(largest_error), table["ceiling_se"].fillna(0)
    )
    # At a ceiling of 1 the error is 0, but a mean of ones may round to 1 + 1e-16.
    above = table["excess"] > np.maximum(LEAK_ERRORS * table["error"], 1e-9)
    return table.loc[above].reset_index()[columns]
