"""One arm by itself: its mean or median over the seeds, with an interval."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from scipy import stats

from ablation.paired import Floats, finite, median_interval


def describe(values: Floats) -> dict[str, Any]:
    """The summary of one arm's values."""
    known = values[np.isfinite(values)]
    n = len(known)
    row: dict[str, Any] = {"n": n, "dropped": len(values) - n}
    row |= dict.fromkeys(["mean", "sd", "iqm", "low", "high"], math.nan)
    row |= {"interval": "none", "min": math.nan, "max": math.nan}
    if n:
        row |= {"mean": known.mean(), "iqm": stats.trim_mean(known, 0.25)}
        row |= {"min": known.min(), "max": known.max()}
    if n > 1:
        row["sd"] = known.std(ddof=1)
        row["low"], row["high"], row["interval"] = _bootstrap(known)
    return row


def _bootstrap(values: Floats) -> tuple[float, float, str]:
    """95 % interval of the mean of two values or more, and its method."""
    # The acceleration of BCa is a skewness: undefined for one distinct value, arbitrary for two.
    methods = ["BCa", "percentile"] if len(np.unique(values)) > 2 else ["percentile"]
    for method in methods:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = stats.bootstrap(
                (values,),
                np.mean,
                n_resamples=2000,
                method=method,
                rng=np.random.default_rng(0),
            ).confidence_interval
        if np.isfinite(found.low) and np.isfinite(found.high):
            return float(found.low), float(found.high), method
    return math.nan, math.nan, "none"


def describe_censored(values: Floats) -> dict[str, Any]:
    """The summary of one arm's values where NaN is "not reached"."""
    reached = np.isfinite(values)
    row: dict[str, Any] = {"n": len(values), "dropped": 0, "reached": math.nan}
    row |= dict.fromkeys(["median", "low", "high"], math.nan) | {"interval": "none"}
    row |= {"min": math.nan, "max": math.nan}
    if len(values):
        ordered = np.where(reached, values, np.inf)
        row["reached"] = reached.mean()
        row["median"], row["low"], row["high"] = median_interval(ordered, 0.05)
        row["interval"] = "order" if len(values) > 5 else "none"
        row |= {"min": finite(ordered.min()), "max": finite(ordered.max())}
    return row
