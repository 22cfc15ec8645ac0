"""Summarises each arm: its mean or median over the seeds, with an interval."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy import special

from ablation.analysis.ranks import finite, median_interval, widened
from ablation.analysis.samples import finished_trials, overlaps, samples_of
from ablation.analysis.student import Floats
from ablation.measures import measure_of


def summarise(trials: pd.DataFrame, metric: str = "accuracy") -> pd.DataFrame:
    """One row per arm: the distribution of the metric over its seeds.

    Columns: arm, n (trials with a value), dropped (finished trials without one), failed (trials
    that failed to train, see `failures`), mean, sd,
    iqm (interquartile mean; Agarwal et al. 2021), low and high (95 % interval), interval (its
    method), min, max. Where each seed divides the data for itself, the interval is wider by sqrt(1
    + n x overlap), see `student.Pairs`. The method is "t" ( Student's t: with few seeds it covers
    the mean in nearly 95 % of cases, a bootstrap in far fewer: docs/statistics.md), "constant" if
    all values are the same, so that nothing says how far they would spread, and "none" for n < 2.
    For accuracy, as far as some trials have them, also ceiling and majority, and with both
    skill = (mean - majority) / (ceiling - majority), NaN if the ceiling equals the majority. For
    the mean squared error likewise floor, constant and skill.
    For a censored metric: arm, n, dropped, reached (share of trials), median, low, high, interval
    ("order": from order statistics, scipy.stats.quantile_test; "none" below six seeds), min, max.
    "Not reached" counts as the worst value; NaN means that the figure is "not reached".
    Raises ValueError for an unknown metric and for two trials of one arm and seed.
    """
    samples = samples_of(trials, metric)
    description = describe_censored if measure_of(metric).limit else describe
    table = pd.DataFrame(
        [
            {"arm": arm}
            | description(sample.values[sample.finished], sample.overlap)
            | {"failed": int(sample.failed.sum())}
            for arm, sample in samples.items()
        ]
    )
    measure = measure_of(metric)
    if measure.share and len(table):
        table[["low", "high"]] = table[["low", "high"]].clip(0, 1)
    if measure.unit and len(table):  # an error is never below 0
        table[["low", "high"]] = table[["low", "high"]].clip(0)
    if measure.bound:
        names = [measure.bound, measure.guess]
        bounds = trials.reindex(columns=names).astype(float)
        bounds = bounds.groupby(trials["arm"]).mean().reindex(list(samples))
        known = [name for name in names if bounds[name].notna().any()]
        table = table.assign(**{name: bounds[name].to_numpy(float) for name in known})
        if len(known) == 2:
            span = table[measure.bound] - table[measure.guess]
            skill = (table["mean"] - table[measure.guess]) / span.where(span * measure.sense > 0)
            table = table.assign(skill=skill)
    return table


def guessing_arms(trials: pd.DataFrame, metric: str = "accuracy") -> dict[str, float]:
    """The arms whose accuracy is not shown to be above their majority, with that majority.

    metric: "mse" asks the same of the mean squared error and that of always predicting the mean.

    Shown is it by a mean that lies above by more than its error: that of a 95 % interval over the
    seeds, and 1.96 standard errors over the test sequences, added in quadrature. Where each seed
    has its own test sequences and majority, it is the interval of their mean difference over the
    seeds. Arms without a known majority are left out.
    """
    guess, sense = measure_of(metric).guess, measure_of(metric).sense
    table = summarise(trials, metric) if guess in trials else pd.DataFrame()
    if guess not in table:
        return {}
    rows = finished_trials(trials)
    finished = rows.reindex(columns=["arm", f"{metric}_se"])
    errors = finished.groupby("arm", sort=False)[f"{metric}_se"].mean().reindex(table["arm"])
    sequences = 1.96 * np.nan_to_num(errors.to_numpy(float, na_value=0.0))
    seeds = (table["high"] - table["mean"] if sense < 0 else table["mean"] - table["low"]).fillna(0)
    worst = table["mean"] - sense * np.hypot(seeds, sequences)
    divided = np.array(overlaps(rows, list(table["arm"]))) > 0
    if divided.any():
        beyond = rows[metric].astype(float) - rows[guess].astype(float)
        gaps = summarise(rows.assign(beyond=beyond), "beyond").set_index("arm")
        gaps = gaps.reindex(table["arm"]).reset_index()
        least = (gaps["high"] if sense < 0 else gaps["low"]).fillna(gaps["mean"])
        worst = worst.mask(divided, table[guess] + least)
    # All seeds may score the majority, of which the mean is off by a rounding error.
    better = sense * (worst - table[guess]) > 1e-9 * table[guess].abs().clip(1)
    guesses = table[guess].notna() & table["mean"].notna() & ~better
    return dict(table.loc[guesses, ["arm", guess]].itertuples(index=False))


def best_arm(trials: pd.DataFrame, metric: str = "accuracy") -> str:
    """The arm with the best mean; for a censored metric the best median, then the largest share.

    If arms tie, the first one wins. Raises ValueError if no arm has a value.
    """
    scores: dict[str, tuple[float, float]] = {}
    for arm, sample in samples_of(trials, metric).items():
        values = sample.values[sample.finished]
        reached = values[np.isfinite(values)]
        if measure_of(metric).limit and len(values):
            median = float(np.median(np.where(np.isnan(values), np.inf, values)))
            scores[arm] = (median, -len(reached) / len(values))
        elif len(reached):
            scores[arm] = (-measure_of(metric).sense * float(reached.mean()), 0.0)
    if not scores:
        raise ValueError(f"metric={metric!r}: no finished trial has a value")
    return min(scores, key=lambda arm: scores[arm])


def describe(values: Floats, overlap: float = 0.0) -> dict[str, Any]:
    """The summary of one arm's values, (n,); NaN is a missing value.

    overlap: as in `student.Pairs`.
    """
    present = values[np.isfinite(values)]
    n = len(present)
    row: dict[str, Any] = {"n": n, "dropped": len(values) - n}
    row |= dict.fromkeys(["mean", "sd", "iqm", "low", "high"], math.nan)
    row |= {"interval": "none", "min": math.nan, "max": math.nan}
    if n:
        row |= {"mean": present.mean(), "iqm": _middle(present).mean()}
        row |= {"min": present.min(), "max": present.max()}
    if n > 1:
        row["sd"] = 0.0 if np.ptp(present) == 0 else present.std(ddof=1)
        half = special.stdtrit(n - 1, 0.975) * row["sd"] * math.sqrt(1 / n + overlap)
        row |= {"low": row["mean"] - half, "high": row["mean"] + half}
        row["interval"] = "t" if half else "constant"
    return row


def _middle(values: Floats) -> Floats:
    """The values without the lowest and the highest quarter of them, rounded down."""
    cut = len(values) // 4
    return np.sort(values)[cut : len(values) - cut]


def describe_censored(values: Floats, overlap: float = 0.0) -> dict[str, Any]:
    """The summary of one arm's values, (n,), of a censored metric; NaN is "not reached".

    overlap: as in `student.Pairs`.
    """
    reached = np.isfinite(values)
    row: dict[str, Any] = {"n": len(values), "dropped": 0, "reached": math.nan}
    row |= dict.fromkeys(["median", "low", "high"], math.nan) | {"interval": "none"}
    row |= {"min": math.nan, "max": math.nan}
    if len(values):
        ordered = np.where(reached, values, np.inf)
        row["reached"] = reached.mean()
        row["median"], row["low"], row["high"] = median_interval(
            ordered, widened(0.05, len(values), overlap)
        )
        row["interval"] = "order" if len(values) > 5 else "none"
        row |= {"min": finite(ordered.min()), "max": finite(ordered.max())}
    return row
