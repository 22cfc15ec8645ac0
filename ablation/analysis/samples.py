"""The trials frame, and each arm's values of one metric by seed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ablation.analysis.paired import Kind, Sample
from ablation.measures import measure_of


def varying_columns(trials: pd.DataFrame, columns: list[str]) -> list[str]:
    """Those of the columns that hold more than one value (None and NaN count as one value)."""
    return [name for name in columns if trials[name].nunique(dropna=False) > 1]


def finished_trials(trials: pd.DataFrame, *metrics: str) -> pd.DataFrame:
    """The trials that have metrics; raises ValueError where these are not among the columns."""
    for metric in metrics:
        if metric not in trials.columns:
            possible = ", ".join(map(str, trials.columns))
            raise ValueError(f"metric={metric!r}: no such column, possible: {possible}")
    return trials[trials["status"].isin(["done", "diverged"])]


def kind_of(metric: str) -> Kind:
    measure = measure_of(metric)
    if measure.limit:
        return "censored"
    return "deterministic" if measure.fixed else "mean"


def samples_of(trials: pd.DataFrame, metric: str) -> dict[str, Sample]:
    """The metric of each arm, in order, all over the same seeds."""
    rows = finished_trials(trials, metric)
    twice = rows[rows.duplicated(["arm", "seed"])]
    if len(twice):
        arm, seed = twice.iloc[0][["arm", "seed"]]
        raise ValueError(f"arm={arm!r} seed={seed}: more than one trial, one expected")
    arms = list(dict.fromkeys(trials["arm"]))
    seeds, row = np.unique(rows["seed"].to_numpy(), return_inverse=True)
    column = pd.Index(arms).get_indexer(pd.Index(rows["arm"]))
    values = np.full((len(seeds), len(arms)), np.nan)
    limits, ended = np.full(values.shape, np.inf), np.zeros(values.shape, bool)
    found = rows[metric].to_numpy(float, na_value=np.nan)
    values[row, column] = np.where(np.isfinite(found), found, np.nan)
    ended[row, column] = True
    limit = measure_of(metric).limit
    if limit in trials.columns:
        # A diverged trial would not have reached the target however long it was trained.
        bound = rows[limit].to_numpy(float, na_value=np.nan)
        open_end = np.isnan(bound) | (rows["status"] == "diverged").to_numpy()
        limits[row, column] = np.where(open_end, np.inf, bound)
    by_arm = zip(arms, values.T, limits.T, ended.T, strict=True)
    return {arm: Sample(*columns) for arm, *columns in by_arm}
