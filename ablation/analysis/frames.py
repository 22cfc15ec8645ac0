"""Loads stored results as tables: trials, learning curves, accuracy by position."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ablation import problems
from ablation.planning import Plan
from ablation.spec import Arm
from ablation.storage import Bound, Curve, Store, TrialResult


@dataclass(frozen=True)
class Frames:
    """The results of a sweep.

    trials: one row per planned trial. curves: one row per point of a learning curve.
    positions: one row per step of the sequences, with its accuracy.
    results: the stored results, in the plan's order.
    """

    trials: pd.DataFrame
    curves: pd.DataFrame
    positions: pd.DataFrame
    results: list[TrialResult]


def updates_to(target: float, curve: Curve) -> float:
    """The number of updates at which the curve first reaches the target; NaN if it never does."""
    reached = [n for n, a in zip(curve.updates, curve.accuracy, strict=True) if a >= target]
    return float(reached[0]) if reached else math.nan


def training_loss(curve: Curve, last: float = 1.0) -> float:
    """Mean training loss, in nats, over the last share of the updates; NaN if it was not finite."""
    ends = np.array(curve.updates, float)
    begins = np.concatenate([[0.0], ends[:-1]])
    updates = (ends - np.maximum(begins, ends[-1] * (1 - last))).clip(0)  # counted per chunk
    losses = np.array(curve.loss, float)[updates > 0]
    return float(np.average(losses, weights=updates[updates > 0]))


def load_frames(plan: Plan, store: Store) -> Frames:
    """Read the results of the plan's trials; a trial without a result still has a row."""
    names = plan.labels
    trials: list[dict[str, Any]] = []
    curves: dict[str, list[Any]] = {name: [] for name in ("arm", "seed", *Curve.model_fields)}
    positions: dict[str, list[Any]] = {
        name: [] for name in ("arm", "seed", "step", "accuracy", "ceiling")
    }
    results: list[TrialResult] = []
    for entry in plan.entries:
        trial = entry.trial
        key = {"arm": names[trial.arm], "seed": trial.seed}
        row = {**key, "id": entry.id, "status": "pending", **trial.arm.flat()}
        result = store.read(entry.id)
        if result is None:
            attempt = store.last_attempt(entry.id)
            if attempt:
                row |= {"status": "failed", "why": f"{attempt.kind}: {attempt.message}"}
        else:
            results.append(result)
            # A report must not run the user's code, so those ceilings are stored in the result.
            is_own = problems.is_own(trial.arm.problem)
            bounds = result.ceilings if is_own else _bounds(trial.arm)
            row |= _measures(result) | {
                name: _mean(bound.accuracy) for name, bound in bounds.items()
            }
            row.setdefault("majority", math.nan if result.majority is None else result.majority)
            row["updates_to_target"] = updates_to(plan.report.target, result.curve)
            if "ceiling" in bounds:
                row["ceiling_se"] = bounds["ceiling"].error
                row["least_loss"] = _mean(bounds["ceiling"].loss)
            nothing = [np.nan] * len(result.curve.updates)
            points = result.curve.model_dump().items()
            _append(curves, key, {name: values or nothing for name, values in points})
            steps = result.metrics.accuracy_by_position
            ceiling = bounds["ceiling"].accuracy if "ceiling" in bounds else []
            if steps:
                ceiling = ceiling if len(ceiling) == len(steps) else [np.nan] * len(steps)
                numbers = range(1, len(steps) + 1)
                _append(positions, key, {"step": numbers, "accuracy": steps, "ceiling": ceiling})
        trials.append(row)
    order = pd.CategoricalDtype(list(names.values()), ordered=True)
    table = pd.DataFrame(trials)
    table = table.sort_values("arm", key=lambda arm: arm.astype(order).cat.codes, kind="stable")
    return Frames(
        table.reset_index(drop=True),
        pd.DataFrame(curves),
        pd.DataFrame(positions),
        results,
    )


def _append(table: dict[str, list[Any]], key: dict[str, Any], rows: dict[str, Any]) -> None:
    """Append rows, given as columns of equal length; all rows get the same key."""
    count = len(next(iter(rows.values())))
    for name, value in key.items():
        table[name] += [value] * count
    for name, values in rows.items():
        table[name] += list(values)


@functools.cache
def _bounds(arm: Arm) -> dict[str, Bound]:
    return {name: Bound.of(ceiling) for name, ceiling in problems.bounds(arm).items()}


def _mean(steps: list[float | None]) -> float:
    values = np.array(steps, float)
    return float(np.nanmean(values)) if np.isfinite(values).any() else math.nan


def _measures(result: TrialResult) -> dict[str, Any]:
    """A trial's columns for the measures that a result holds, its probes and its origin."""
    seconds, origin = result.seconds, result.origin
    return {
        "status": result.status,
        **result.measured,
        "accuracy_se": result.metrics.accuracy_error,
        "train_loss": training_loss(result.curve, last=0.1),
        "train_loss_mean": training_loss(result.curve),
        **{f"probe_{name}": accuracy for name, accuracy in result.probes.items()},
        "seconds_compiling": seconds.compiling,
        "seconds_whole": seconds.whole,
        "peak_memory_mb": result.peak_memory_mb,
        "compiled": result.compiled,
        "device": origin.device,
        "commit": origin.commit,
        "dirty": origin.dirty,
        **{f"{name}_version": version for name, version in origin.versions.items()},
    }
