"""Selects from the trials frame: finished trials, and each arm's values of a metric by seed."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ablation.analysis.failures import failed_seeds
from ablation.analysis.paired import Kind, Sample
from ablation.analysis.student import Floats
from ablation.measures import measure_of

CHANCE = 6  # standard errors over test sequences by which seeds differ that all train


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
    diverged = np.zeros(values.shape, bool)
    diverged[row, column] = (rows["status"] == "diverged").to_numpy()
    overlap = overlaps(rows, arms)
    guesses, chance = _guesses(rows, arms, metric), np.zeros(len(arms))
    if any(overlap) and measure_of(metric).guess in rows:
        by_seed = np.full(values.shape, np.nan)
        by_seed[row, column] = rows[measure_of(metric).guess].to_numpy(float, na_value=np.nan)
        divided = np.array(overlap) > 0
        guesses = np.where(divided, by_seed, guesses)
        chance = np.where(divided, CHANCE * _test_errors(rows, arms, metric), 0.0)
    failed = diverged | _failed(values, metric, guesses, chance)
    scores = np.full(values.shape, None, object)
    shared = "scores" in rows and not any(overlap)  # else each seed has other test sequences
    if shared:
        scores[row, column] = rows["scores"].where(rows["scores"].notna(), None).to_numpy(object)
    by_arm = zip(arms, values.T, limits.T, finished.T, failed.T, strict=True)
    return {
        arm: Sample(*columns)._replace(
            scores=tuple(scores[:, place]) if shared else (), overlap=overlap[place]
        )
        for place, (arm, *columns) in enumerate(by_arm)
    }


def overlaps(rows: pd.DataFrame, arms: list[str]) -> list[float]:
    """Of each arm, as in `student.Pairs`; 0 where all seeds share a test part.

    It is the mean of the column test_to_train, if there is one.
    """
    if "test_to_train" not in rows:
        return [0.0] * len(arms)
    means = rows["test_to_train"].astype(float).groupby(rows["arm"]).mean()
    return [float(mean) for mean in means.reindex(arms).fillna(0.0)]


def _failed(values: Floats, metric: str, guesses: Floats, chance: Floats) -> NDArray[np.bool_]:
    """Which trials failed to train, (seeds, arms), as their values tell.

    guesses: (arms,) or (seeds, arms). chance: (arms,), see `failures.failed_seeds`.
    """
    measure = measure_of(metric)
    if measure.limit or measure.fixed or measure.cheaper:  # no score
        return np.zeros(values.shape, bool)
    # The margin of an error of numbers is a share of what a guess scores.
    guesses = np.broadcast_to(guesses, values.shape)
    units = np.ones(values.shape[1])
    if measure.unit and len(values):
        units = np.nan_to_num(guesses).mean(axis=0)
    columns = [
        failed_seeds(arm, measure.sense, (measure.margin or 0.0) * unit, guess, apart)
        for arm, guess, unit, apart in zip(values.T, guesses.T, units, chance, strict=True)
    ]
    return np.column_stack(columns) if columns else np.zeros(values.shape, bool)


def _guesses(rows: pd.DataFrame, arms: list[str], metric: str) -> Floats:
    """What a guess scores on the task of each arm, (arms,); NaN where that is unknown."""
    guess = measure_of(metric).guess
    if guess not in rows:
        return np.full(len(arms), np.nan)
    means = rows[guess].astype(float).groupby(rows["arm"]).mean()
    return np.array(means.reindex(arms), np.float64)


def _test_errors(rows: pd.DataFrame, arms: list[str], metric: str) -> Floats:
    """The standard error of a value over test sequences, (arms,); 0 where it is unknown."""
    errors = rows.reindex(columns=[f"{metric}_se"]).astype(float)[f"{metric}_se"]
    means = errors.groupby(rows["arm"]).mean().reindex(arms)
    return np.nan_to_num(np.array(means, np.float64))


def label_step(trials: pd.DataFrame, metric: str) -> float:
    """The least by which a share of the test part can change, as one label decides; NaN if unknown.

    It needs the sizes of the test part, the columns test_sequences and test_labels. A metric that
    is not a share of labels has no such step: 0.
    """
    if not measure_of(metric).share:
        return 0.0
    sizes = trials.reindex(columns=["test_sequences", "test_labels"]).astype(float).min()
    count = sizes["test_sequences"]
    if metric != "exact" and sizes["test_labels"] > 0:
        count = sizes["test_labels"]
    return 1 / float(count) if count > 0 else math.nan


def rounding_step(trials: pd.DataFrame, metric: str) -> float:
    """The step between the metric's possible values, for `student.rounding_variance`; 0 if none.

    Where nothing tells it, it is the least difference between any two values of the frame.
    """
    step = label_step(trials, metric)
    if math.isfinite(step):
        return step
    values = trials[metric].to_numpy(float, na_value=np.nan)
    gaps = np.diff(np.unique(values[np.isfinite(values)]))
    return float(gaps[gaps > 1e-12].min(initial=1.0)) if (gaps > 1e-12).any() else 0.0
