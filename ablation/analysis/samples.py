"""Selects from the trials frame: finished trials, and each arm's values of a metric by seed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ablation.analysis.paired import Kind, Sample
from ablation.measures import measure_of


def varying_columns(trials: pd.DataFrame, columns: list[str]) -> list[str]:
    """The columns that hold more than one value (None and NaN count as the same value)."""
    return [name for name in columns if trials[name].nunique(dropna=False) > 1]


def finished_trials(trials: pd.DataFrame, *metrics: str) -> pd.DataFrame:
    """The trials with a result, done or diverged; raises ValueError if a metric is not a column."""
    for metric in metrics:
        if metric not in trials.columns:
            columns = ", ".join(map(str, trials.columns))
            raise ValueError(f"metric={metric!r}: no such column; choose one of {columns}")
    return trials[trials["status"].isin(["done", "diverged"])]


def kind_of(metric: str) -> Kind:
    """Which test suits the metric."""
    measure = measure_of(metric)
    if measure.limit:
        return "censored"
    return "deterministic" if measure.fixed else "mean"


def samples_of(trials: pd.DataFrame, metric: str) -> dict[str, Sample]:
    """Each arm's values of the metric, in the arms' order; all samples list the same seeds.

    Raises ValueError for an unknown metric and for two trials of one arm and seed.
    """
    rows = finished_trials(trials, metric)
    duplicates = rows[rows.duplicated(["arm", "seed"])]
    if len(duplicates):
        arm, seed = duplicates.iloc[0][["arm", "seed"]]
        raise ValueError(f"arm={arm!r} seed={seed}: more than one trial, one expected")
    arms = list(dict.fromkeys(trials["arm"]))
    seeds, row = np.unique(rows["seed"].to_numpy(), return_inverse=True)
    column = pd.Index(arms).get_indexer(pd.Index(rows["arm"]))
    values = np.full((len(seeds), len(arms)), np.nan)
    limits, finished = np.full(values.shape, np.inf), np.zeros(values.shape, bool)
    measured = rows[metric].to_numpy(float, na_value=np.nan)
    values[row, column] = np.where(np.isfinite(measured), measured, np.nan)
    finished[row, column] = True
    limit = measure_of(metric).limit
    if limit in trials.columns:
        # A diverged trial would never have reached the target, so it has no limit.
        bound = rows[limit].to_numpy(float, na_value=np.nan)
        no_limit = np.isnan(bound) | (rows["status"] == "diverged").to_numpy()
        limits[row, column] = np.where(no_limit, np.inf, bound)
    by_arm = zip(arms, values.T, limits.T, finished.T, strict=True)
    return {arm: Sample(*columns) for arm, *columns in by_arm}
