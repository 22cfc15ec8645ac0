"""Loads stored results as tables: trials, learning curves, accuracy by position."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ablation import problems
from ablation.analysis.pilots import failure_of, load_pilots
from ablation.analysis.populations import TestScores
from ablation.analysis.student import Floats
from ablation.measures import MEASURES
from ablation.planning import Plan
from ablation.spec import Arm
from ablation.storage import Bound, Curve, Store, TrialResult
from ablation.tasks import TASKS

KEY = ("arm", "seed")  # the columns that tell whose rows they are


@dataclass(frozen=True)
class Frames:
    """The results of a sweep.

    trials: one row per planned trial of the verdict. curves: one row per point of a learning curve.
    positions: one row per step of the sequences, with its accuracy or mean squared error.
    results: the stored results of the trials, in the plan's order. pilots: one row per planned
    pilot; none if nothing is tuned.
    """

    trials: pd.DataFrame
    curves: pd.DataFrame
    positions: pd.DataFrame
    results: list[TrialResult]
    pilots: pd.DataFrame


def updates_to(target: float, curve: Curve) -> float:
    """The number of updates at which the curve first reaches the target; NaN if it never does."""
    looks = zip(curve.updates, curve.accuracy, strict=True) if curve.accuracy else ()
    reached = [n for n, accuracy in looks if accuracy >= target]
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
    curves: dict[str, list[Any]] = {name: [] for name in (*KEY, *Curve.model_fields)}
    positions: list[_Positions] = []
    results: list[TrialResult] = []
    options = {arm: arm.flat() for arm in names}
    unknown = {tuned.arm for tuned in plan.undecided}
    for trial in plan.compared:
        key = {"arm": names[trial.arm], "seed": trial.seed}
        row = {**key, "id": trial.id, "status": "pending", **options[trial.arm]}
        # Until its arm has chosen, a trial is none that is planned, though it may be stored.
        result = None if trial.arm in unknown else store.read(trial.id)
        if result is None:
            row |= {} if trial.arm in unknown else failure_of(store, trial.id)
        else:
            results.append(result)
            # A report must not run the user's code, so those ceilings are stored in the result.
            is_own = problems.is_own(trial.arm.problem)
            bounds = result.ceilings if is_own else _bounds(trial.arm)
            metric = TASKS[result.task].METRIC
            if result.classes:
                row["f1"] = result.classes.f1_of(plan.report.positive)
            if result.test_to_train is not None:
                row["test_to_train"] = result.test_to_train
            limits = _best_and_guess(result, bounds, metric)
            guess = limits[MEASURES[metric].guess]
            room = _room(guess, bounds, metric)
            row |= limits | _measures(result, room)
            row["normalized"] = (row[metric] - guess) / room
            row["updates_to_target"] = updates_to(plan.report.goal, result.curve)
            nothing = [np.nan] * len(result.curve.updates)
            points = {name: getattr(result.curve, name) for name in Curve.model_fields}
            _append(curves, key, {name: values or nothing for name, values in points.items()})
            positions.append(_positions(key, result, bounds, metric))
        trials.append(row)
    order = pd.CategoricalDtype(list(names.values()), ordered=True)
    table = pd.DataFrame(trials)
    if "scores" in table and table["scores"].isna().all():
        table = table.drop(columns="scores")  # older results have none
    table = table.sort_values("arm", key=lambda arm: arm.astype(order).cat.codes, kind="stable")
    return Frames(
        table.reset_index(drop=True),
        pd.DataFrame(curves).drop(columns=_not_looked_at(results)),
        _stacked(positions),
        results,
        load_pilots(plan, store),
    )


def _append(table: dict[str, list[Any]], key: dict[str, Any], rows: dict[str, Any]) -> None:
    """Append rows, given as columns of equal length; all rows get the same key."""
    count = len(next(iter(rows.values())))
    for name, value in key.items():
        table[name] += [value] * count
    for name, values in rows.items():
        table[name] += list(values)


def _not_looked_at(results: list[TrialResult]) -> list[str]:
    """The columns of learning curves that no result fills."""
    metrics = {task.METRIC for task in TASKS.values()}
    looked_at = {TASKS[result.task].METRIC for result in results} or {"accuracy"}
    return [name for name in Curve.model_fields if name in metrics - looked_at]


def _best_and_guess(result: TrialResult, bounds: dict[str, Bound], metric: str) -> dict[str, float]:
    """The best that is possible of the metric, and what always answering the same scores."""
    measure, row = MEASURES[metric], {}
    if "ceiling" in bounds:
        row[measure.bound] = _mean(tuple(getattr(bounds["ceiling"], metric)))
        row[f"{measure.bound}_se"] = bounds["ceiling"].error
        row["least_loss"] = _mean(tuple(bounds["ceiling"].loss))
    measured = getattr(result, measure.guess)
    row[measure.guess] = math.nan if measured is None else measured
    if measure.guess in bounds:
        row[measure.guess] = _mean(tuple(getattr(bounds[measure.guess], metric)))
    return row


def _room(guess: float, bounds: dict[str, Bound], metric: str) -> float:
    """From what a guess scores to the best possible; to a perfect score if no ceiling is known.

    NaN where there is no room, or the guess is unknown.
    """
    best = 1.0 if MEASURES[metric].share else 0.0
    if "best" in bounds:
        best = _mean(tuple(getattr(bounds["best"], metric)))
    room = best - guess
    return room if abs(room) > 1e-9 else math.nan


class _Positions(NamedTuple):
    """A trial's metric at each step, and the best that is possible there; key: its arm and seed."""

    key: dict[str, Any]
    columns: dict[str, Floats]
    steps: int


def _positions(
    key: dict[str, Any], result: TrialResult, bounds: dict[str, Bound], metric: str
) -> _Positions:
    steps = getattr(result.metrics, f"{metric}_by_position")
    best = getattr(bounds["ceiling"], metric) if "ceiling" in bounds else []
    best = best if len(best) == len(steps) else [np.nan] * len(steps)
    columns = {metric: np.array(steps, float), MEASURES[metric].bound: np.array(best, float)}
    return _Positions(key, columns, len(steps))


def _stacked(positions: list[_Positions]) -> pd.DataFrame:
    """A row a step of each trial. One frame a trial would take a minute for 10,000."""
    filled = [trial for trial in positions if trial.steps]
    if not filled:
        return pd.DataFrame({"arm": [], "seed": []})
    steps = [trial.steps for trial in filled]
    table = {name: np.repeat([trial.key[name] for trial in filled], steps) for name in KEY}
    table["step"] = np.concatenate([np.arange(1, count + 1) for count in steps])
    for name in dict.fromkeys(name for trial in filled for name in trial.columns):
        missing = [np.full(count, np.nan) for count in steps]
        values = [t.columns.get(name, nan) for t, nan in zip(filled, missing, strict=True)]
        table[name] = np.concatenate(values)
    return pd.DataFrame(table)


@functools.cache
def _bounds(arm: Arm) -> dict[str, Bound]:
    return {name: Bound.of(ceiling) for name, ceiling in problems.bounds(arm).items()}


@functools.lru_cache(maxsize=1024)  # the bounds of an arm are the same in all its trials
def _mean(steps: tuple[float | None, ...]) -> float:
    values = np.array(steps, float)
    return float(np.nanmean(values)) if np.isfinite(values).any() else math.nan


def _measures(result: TrialResult, room: float) -> dict[str, Any]:
    """A trial's columns for the measures that a result holds, its probes and its origin."""
    seconds, origin = result.seconds, result.origin
    metric = TASKS[result.task].METRIC
    return {
        "status": result.status,
        **result.measured,
        **_test_sizes(result, room),
        f"{metric}_se": getattr(result.metrics, f"{metric}_error"),
        "train_loss": training_loss(result.curve, last=0.1),
        "train_loss_mean": training_loss(result.curve),
        **{f"probe_{name}": score for name, score in result.probes.items()},
        "seconds_compiling": seconds.compiling,
        "seconds_whole": seconds.whole,
        "peak_memory_mb": result.peak_memory_mb,
        "compiled": result.compiled,
        "device": origin.device,
        "commit": origin.commit,
        "dirty": origin.dirty,
        **{f"{name}_version": version for name, version in origin.versions.items()},
    }


def _test_sizes(result: TrialResult, room: float) -> dict[str, Any]:
    """The score of each test sequence, and how many sequences and labels there truly are.

    What was asked for, problem.test_size, is more than a file may hold. None and NaN where a
    result does not tell.
    """
    scores, problem = result.by_sequence, result.trial.arm.problem
    if scores:
        unpacked = TestScores(scores, room)
        return {
            "scores": unpacked,
            "test_sequences": scores.sequences,
            "test_labels": float(unpacked.labels.sum(dtype=float)),
        }
    return {
        "scores": None,
        "test_sequences": problem.test_size if problems.is_generated(problem) else math.nan,
        "test_labels": sum(result.classes.labels) if result.classes else math.nan,
    }
