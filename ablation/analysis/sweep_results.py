"""What a sweep has trained: its trials as tables, its arms, tasks and factors."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from ablation.analysis.age import check_age
from ablation.analysis.frames import Frames, load_frames
from ablation.analysis.margins import Margin, default_margin
from ablation.analysis.sequential import Looks, Schedule, trained_seeds
from ablation.errors import RequestError, suggest
from ablation.measures import METRICS, Measure, measure_of
from ablation.planning import (
    FIRST_ROUND,
    STEP,
    Look,
    Plan,
    earlier_looks,
    identity,
    load_plan,
    remember_looks,
)
from ablation.spec import TRAINING_COLUMNS, Arm, problem_name, varying
from ablation.storage import Store, TrialResult
from ablation.tasks import TASKS


class SweepResults:
    """The trials of one sweep and their results; `Study` asks questions of them.

    plan: one that is not stored yet; None: that of the folder.
    Raises RequestError if the folder holds no sweep.
    """

    def __init__(self, folder: Path, plan: Plan | None = None) -> None:
        self.plan: Plan = plan or load_plan(folder)
        self.store = Store(folder.parent)
        self.frames: Frames = load_frames(self.plan, self.store)
        self.trials = self.frames.trials
        if self.plan.report.population == "seeds":
            self.trials = self.trials.drop(columns="scores", errors="ignore")
        self.curves = self.frames.curves
        self.positions = self.frames.positions
        self._earlier = earlier_looks(folder.parent)
        self._folder = folder
        self._contrasts: dict[tuple[str, str | None, float | None], pd.DataFrame] = {}

    @property
    def metric(self) -> str:
        """What the sweep compares its arms by.

        Example:
            >>> study = ablation.load("directions")
            >>> study.metric
            'accuracy'
        """
        return self.plan.metric

    @cached_property
    def score(self) -> str:
        """The first metric of what is predicted: "accuracy", or "mse" of numbers.

        A sweep that predicts both has its own metric here.

        Example:
            >>> study = ablation.load("directions")
            >>> study.score
            'accuracy'
        """
        scores = {TASKS[result.task].METRIC for result in self.frames.results}
        return self.metric if len(scores) > 1 else next(iter(scores), "accuracy")

    @cached_property
    def own_metrics(self) -> list[str]:
        """The metrics of the user's own, by dotted name.

        Example:
            >>> study = ablation.load("directions")
            >>> study.own_metrics
            []
        """
        names = [name for arm in self.plan.labels for name in arm.training.metrics or ()]
        return list(dict.fromkeys(names))

    def measure(self, metric: str) -> Measure:
        """How a metric is named, formatted and compared in this sweep.

        Errors of numbers are in the unit of these numbers, and so is their margin: a hundredth of
        the mean squared error of always predicting the mean, or of its root.

        Example:
            >>> study = ablation.load("directions")
            >>> study.measure("accuracy").margin
            0.002
        """
        measure = measure_of(metric)
        if metric == "f1" and self.plan.report.positive:
            name = f"F1 of {self.plan.report.positive}"
            return replace(measure, name=name, label=name)
        if measure.unit is None or measure.margin is None:
            return measure
        column, power = measure.unit
        # Of one trial, so that the margin stays as it is while seeds are added.
        known = self.trials.reindex(columns=[column])[column].astype(float).dropna()
        unit = float(known.iloc[0]) ** power if len(known) and known.iloc[0] > 0 else 1.0
        margin = float(f"{measure.margin * unit:.2g}")
        digits = min(max(1 - math.floor(math.log10(margin)), 0), 9)
        return replace(measure, margin=margin, digits=digits, unit=None)

    def margin(self, metric: str | None = None, task: pd.DataFrame | None = None) -> float:
        """The difference that does not matter: `report.margin` if that is set for this metric.

        metric: None: the sweep's own. task: None: the first one of `tasks`; each has its own.

        Example:
            >>> study = ablation.load("directions")
            >>> study.margin("loss")
            0.005
        """
        return self.margin_of(metric, task).value

    def margin_of(self, metric: str | None = None, task: pd.DataFrame | None = None) -> Margin:
        """The margin of a task with its reason; arguments as of `margin`.

        Example:
            >>> study = ablation.load("merge_modes")
            >>> study.margin_of("loss").reason
            'the default of loss'
        """
        metric, asked = metric or self.metric, self.plan.report.margin
        if metric == self.metric and asked:
            return Margin(asked, "report.margin")
        margin = default_margin(self.tasks[0] if task is None else task, metric)
        if margin is None:
            raise RequestError(f"metric={metric}: {suggest(metric, METRICS)}")
        return margin

    @property
    def size(self) -> str:
        """How many arms, seeds and trials there are, in words.

        Example:
            >>> study = ablation.load("directions")
            >>> study.size
            '4 arms, 20 seeds each, 80 of 80 trials done'
        """
        seeds = self.trials["arm"].value_counts()
        fewest, most = int(seeds.min()), int(seeds.max())
        each = f"{most}" if fewest == most else f"{fewest} to {most}"
        done, trials = len(self.frames.results), len(self.trials)
        return (
            f"{len(self.arms)} arm{'s' * (len(self.arms) > 1)}, "
            f"{each} seed{'s' * (most > 1)} each, {done} of {trials} trials done"
        )

    @property
    def arms(self) -> list[str]:
        """The names of the arms, in the plan's order.

        Example:
            >>> study = ablation.load("directions")
            >>> study.arms
            ['forward', 'go_backwards', 'go_backwards_raw', 'bidirectional concat']
        """
        return list(dict.fromkeys(self.trials["arm"]))

    @property
    def tasks(self) -> list[pd.DataFrame]:
        """The trials of each task (a problem at one length). Arms are compared within a task.

        Example:
            >>> study = ablation.load("size_vs_length")
            >>> for task in study.tasks:
            ...     print(task["length"].iloc[0], task["arm"].nunique())
            10 4
            20 4
            40 4
            80 4
        """
        columns = [c for c in self.trials.columns if c == "length" or c.startswith("problem")]
        groups = self.trials.groupby(columns, sort=False, dropna=False)
        return [table for _, table in groups]

    @cached_property
    def factors(self) -> list[str]:
        """The columns of trials that were swept, that is, have more than one value.

        Example:
            >>> study = ablation.load("size_vs_length")
            >>> study.factors
            ['length', 'units']
        """
        columns = varying(self.plan.arms, self.plan.tuned)
        return [column for column in columns if column in self.trials]

    @cached_property
    def crossed(self) -> list[str]:
        """The swept factors without those that are determined by another factor.

        In a sweep over directions, for example, the direction determines whether there is a merge
        mode.

        Example:
            >>> study = ablation.load("directions")
            >>> study.crossed
            ['direction']
        """
        table = self.trials[self.factors].astype(str).drop_duplicates()

        def is_determined_by(name: str, other: str) -> bool:
            return bool(table.groupby(other)[name].nunique().max() == 1)

        crossed: list[str] = []
        for name in self.factors:
            determining = [o for o in self.factors if o != name and is_determined_by(name, o)]
            finer = [other for other in determining if not is_determined_by(other, name)]
            equivalent = [other for other in determining if other in crossed]
            if not equivalent and not finer:
                crossed.append(name)
        return crossed

    @property
    def schedule(self) -> Schedule | None:
        """The rounds of a sweep with seeds=auto; None for a fixed number of seeds.

        Example:
            >>> study = ablation.load("directions")
            >>> study.schedule is None
            True
        """
        most = self.plan.max_seeds
        return Schedule(first=min(FIRST_ROUND, most), step=STEP, most=most) if most else None

    def looks(self, trials: pd.DataFrame | None = None) -> Looks:
        """At how many seeds the arms of these trials were looked at, now and in earlier reports.

        trials: of one task, for example; None: of the sweep. Earlier reports count that had all of
        these arms and fewer seeds, of this sweep or another one in the same results folder.

        Example:
            >>> study = ablation.load("directions")
            >>> study.looks().seeds
            (20,)
        """
        trials = self.trials if trials is None else trials
        trained = trained_seeds(trials)
        if self.schedule:
            now = Looks(self.schedule.until(trained), self.schedule.most, rounds=True)
        else:
            now = Looks((max(trained, 1),), trials["seed"].nunique())
        arms = {self._identities[name] for name in trials["arm"].unique()}
        return all_looks(arms, now, self._earlier)

    @cached_property
    def _identities(self) -> dict[str, str]:
        return {name: identity(arm) for arm, name in self.plan.labels.items()}

    @cached_property
    def _results_by_arm(self) -> dict[str, list[TrialResult]]:
        # By id: a trial that was stored before an option came lacks it, and is the same trial.
        names = dict(zip(self.trials["id"], self.trials["arm"], strict=True))
        results: dict[str, list[TrialResult]] = {arm: [] for arm in self.arms}
        for result in self.frames.results:
            results[names[result.trial.id]].append(result)
        return results

    def _check_numeric(self, key: str, column: str) -> None:
        if column not in self.trials or not pd.api.types.is_numeric_dtype(self.trials[column]):
            numeric = self.trials.select_dtypes("number")
            raise RequestError(f"{key}={column}: {suggest(column, map(str, numeric))}")

    def _check_measured(self, metric: str) -> None:
        """Raise RequestError where results are older than a metric, or none has it."""
        possible = [*METRICS, *self.own_metrics]
        measured = [m for m in possible if m in self.trials and self.trials[m].notna().any()]
        check_age(metric, self._results_by_arm, self.store.trials, measured)
        if measured and metric not in measured and not measure_of(metric).limit:
            raise RequestError(
                f"report.metric={metric}: no result of {self.plan.name} has this metric; "
                f"{suggest(metric, measured)}"
            )


def remember_look(study: SweepResults) -> None:
    """Let this look count, as its verdicts are about to be shown; none without results."""
    if study.frames.results:
        looks, arms = study.looks(), study._identities.values()
        remember_looks(study._folder, arms, looks.seeds, looks.planned, looks.rounds)


def task_name(task: pd.DataFrame) -> str:
    """The name of a task, given its trials."""
    return f"{task_problem(task)}, length {task['length'].iloc[0]}"


def task_problem(task: pd.DataFrame) -> str:
    """The name of a task's problem; of a file, the file's."""
    path = task["problem.path"].iloc[0] if "problem.path" in task else None
    return problem_name(str(task["problem"].iloc[0]), path)


def factor_columns(trials: pd.DataFrame) -> list[str]:
    """The columns of a trials frame that hold options, not results."""
    options = {*Arm.model_fields, *TRAINING_COLUMNS}
    return [c for c in trials.columns if c in options or c.startswith(("problem.", "model."))]


def all_looks(arms: Collection[str], now: Looks, earlier: Iterable[Look]) -> Looks:
    """All looks at these arms: those made now, and earlier ones with at most as many seeds.

    An earlier look counts if it saw all of these arms, perhaps among others. The first one decides
    what was planned.
    """
    counted = [
        look for look in earlier if look.arms.issuperset(arms) and look.seeds <= now.seeds[-1]
    ]
    if not counted:
        return now
    first = min(counted, key=lambda look: look.seeds)
    seeds = {look.seeds for look in counted} | set(now.seeds)
    return Looks(tuple(sorted(seeds)), first.planned, first.rounds)
