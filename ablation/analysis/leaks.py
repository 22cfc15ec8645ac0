"""Finds arms that are better than the best possible."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ablation.analysis.samples import finished_trials
from ablation.measures import measure_of

LEAK_ERRORS = 4.0  # standard errors; about one false alarm in 30,000 arms


def find_leaks(trials: pd.DataFrame, test_sequences: int, metric: str = "accuracy") -> pd.DataFrame:
    """The arms whose mean accuracy is above their ceiling by more than four standard errors.

    metric: another one that has a bound, such as "mse", which must not be below its floor.

    No model can do that without a bug or a leak. All seeds share one test set, so more seeds do not
    make the error smaller. The labels of a sequence are not independent, so the sampling unit is
    the sequence. The standard error is the column `accuracy_se` where it has a value, else
    sqrt(c (1 - c) / test_sequences) for the ceiling c, which is the largest possible under any
    dependence within a sequence. `ceiling_se`, if there is such a column, is added in quadrature.
    Columns: arm, n, the metric, its bound ("ceiling"), excess, error (one standard error).
    """
    measure = measure_of(metric)
    bound, error, bound_error = measure.bound, f"{metric}_se", f"{measure.bound}_se"
    columns = ["arm", "n", metric, bound, "excess", "error"]
    if not bound or bound not in trials.columns:
        return pd.DataFrame(columns=columns)
    rows = finished_trials(trials, metric)
    numbers = rows.reindex(columns=[metric, bound, error, bound_error])
    complete = numbers.astype(float).dropna(subset=[metric, bound])
    arms = complete.groupby(rows["arm"], sort=False)
    table = arms.mean()
    table["n"] = arms.size()
    table["excess"] = measure.sense * (table[metric] - table[bound])
    if measure.share:
        largest = np.sqrt((table[bound] * (1 - table[bound])).clip(0) / test_sequences)
        table[error] = table[error].fillna(largest)
    table["error"] = np.hypot(table[error], table[bound_error].fillna(0))
    # At a ceiling of 1 the error is 0, but a mean of ones may round to 1 + 1e-16.
    above = table["excess"] > np.maximum(LEAK_ERRORS * table["error"], 1e-9)
    return table.loc[above].reset_index()[columns]
