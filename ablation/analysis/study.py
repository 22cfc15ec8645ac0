"""A sweep's results as an object to ask: tables and statistics."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import pandas as pd

from ablation.analysis.claims import check_claims
from ablation.analysis.contrasts import choose_family, compare_arms
from ablation.analysis.costs import pareto, reached
from ablation.analysis.frames import Frames, frames
from ablation.analysis.leaks import find_leaks
from ablation.analysis.samples import varying_columns
from ablation.analysis.sequential import Schedule, compare_in_rounds, plan_next_round
from ablation.analysis.summary import summarise
from ablation.analysis.variance import decomposition
from ablation.errors import RequestError, suggest
from ablation.measures import COSTS, MEASURES, METRICS
from ablation.planning import FIRST_ROUND, Plan, load_plan
from ablation.spec import Arm, ReportSettings, Training
from ablation.storage import Store

ALPHA = 0.05  # the chance of any false claim among the contrasts of one task


class Study:
    """The results of one sweep, as tables and statistics.

    trials: a row a planned trial: arm, seed, id, status ("done", "diverged", "failed", "pending"),
    what was asked for (direction, units, ...) and what was measured (accuracy, loss, ...; NaN where
    there is no result).
    curves: a row a point of a learning curve: arm, seed, updates, loss, accuracy.
    positions: a row a time step: arm, seed, step (from 1), accuracy, ceiling.
    plan: what was planned. Units are those of `ablation.measures`: accuracies are shares, losses
    nats a label, times seconds.

    Raises RequestError where the folder holds no sweep.
    """

    def __init__(self, folder: Path) -> None:
        self.plan: Plan = load_plan(folder)
        self.store = Store(folder.parent)
        self.frames: Frames = frames(self.plan, self.store)
        self.trials = self.frames.trials
        self.curves = self.frames.curves
        self.positions = self.frames.positions
        self._compared: dict[tuple[str, str | None, float], pd.DataFrame] = {}

    def __repr__(self) -> str:
        return f"<Study {self.plan.name}: {self.size}>"

    @property
    def size(self) -> str:
        """How many arms, seeds and trials there are, in words."""
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
        """The arms' names, in the order in which they were asked for."""
        return list(dict.fromkeys(self.trials["arm"]))

    @property
    def tasks(self) -> list[pd.DataFrame]:
        """The trials, apart by what had to be learnt: arms are compared on the same task only."""
        columns = [c for c in self.trials.columns if c == "length" or c.startswith("problem")]
        groups = self.trials.groupby(columns, sort=False, dropna=False)
        return [table for _, table in groups]

    def summary(self, metric: str = "accuracy") -> pd.DataFrame:
        """Each arm by itself, a row an arm.

        metric: a numeric column of trials. Columns: arm, n (seeds with a value), dropped, mean, sd,
        iqm (interquartile mean), low, high (95 % interval), interval (its method), min, max; for
        accuracy where they are known ceiling, majority, skill. Of updates_to_target: median and
        reached instead of mean. Raises ValueError for a column that there is not.

        Example:
            study.summary("loss")[["arm", "mean", "sd"]]
        """
        return summarise(self.trials, metric)

    def contrasts(
        self,
        metric: str | None = None,
        baseline: str | None = None,
        margin: float | None = None,
    ) -> pd.DataFrame:
        """Pairs of arms, each with its paired difference and verdict, a row a pair.

        metric, baseline, margin: as `report.metric`, `report.baseline`, `report.margin`; None: the
        sweep's own. Columns: arm, other, n (pairs of seeds), difference (arm less other, in the
        metric's unit), low, high (95 % interval), p, p_holm, improvement (chance that arm beats
        other), effect, p_equivalence, verdict ("better", "worse", "equivalent", "undecided"),
        more_seeds (that would decide it), possible, ... Holm corrects the verdicts within a task.
        Raises RequestError for a metric or a baseline that there is not.

        Example:
            study.contrasts("loss", baseline="forward")[["arm", "difference", "verdict"]]
        """
        report = self.plan.report
        metric = metric or report.metric
        if metric not in METRICS:
            raise RequestError(f"metric={metric}: {suggest(metric, METRICS)}")
        baseline = report.baseline if baseline is None else baseline
        if baseline is not None and baseline not in self.arms:
            raise RequestError(f"report.baseline={baseline}: {suggest(baseline, self.arms)}")
        self._check_measured(metric)
        margin = report.margin_of(metric) if margin is None else margin
        key = (metric, baseline, margin)
        if key not in self._compared:
            self._compared[key] = self._compare(*key)
        return self._compared[key].copy()

    def _check_measured(self, metric: str) -> None:
        measured = [m for m in METRICS if m in self.trials and self.trials[m].notna().any()]
        if measured and metric not in measured and not MEASURES[metric].limit:
            raise RequestError(
                f"report.metric={metric}: no result of {self.plan.name} has it, results older than "
                f"it never do; {suggest(metric, measured)}"
            )

    def _compare(self, metric: str, baseline: str | None, margin: float) -> pd.DataFrame:
        finished = [task for task in self.tasks if task["accuracy"].notna().any()]
        if baseline is not None:
            finished = [task for task in finished if baseline in set(task["arm"])]
        if self.schedule:
            schedule = self.schedule
            tables = [
                compare_in_rounds(
                    task, schedule, metric, baseline, margin, ALPHA, max(1, schedule.done(task))
                )
                for task in finished
            ]
        else:
            families = [choose_family(task, metric, baseline) for task in finished]
            tables = [
                compare_arms(task, metric, family.baseline, margin, ALPHA, family.size)
                for task, family in zip(finished, families, strict=True)
            ]
        return stacked(tables)

    def claims(self) -> pd.DataFrame:
        """The claims made in the preset, each with its verdict and whether it holds.

        Columns: says, claimed, metric, margin, arm, other, difference, low, high, verdict, holds
        ("yes", "no", "undecided"), and the others of `contrasts`. No rows without claims.

        Example:
            study.claims()[["says", "holds"]]
        """
        report = self.plan.report
        trials = self.trials if self.frames.results else self.trials.iloc[:0]
        # Seeds in rounds end when the contrasts are decided, so that any look may be the last.
        alpha = ALPHA / len(self.schedule.looks) if self.schedule else ALPHA
        return check_claims(trials, report.claims, report, alpha)

    def reached(self) -> pd.DataFrame:
        """Which arms reach the target accuracy, in how many seeds and at what cost, a row an arm.

        Of the tasks whose arms differ in size or training; of all where a target was asked for.
        Columns: arm, task, seeds (planned), n (ended), reached, low, high (95 % interval of the
        share), needed, reliable, parameters, seconds, updates, updates_to_target.
        """
        report, asked = self.plan.report, self.plan.report.target != ReportSettings().target
        sizes = ["layers", *Training.model_fields]
        sizes += ["units"] if self.plan.match == "units" else []  # else they only follow
        if not self.frames.results:
            return pd.DataFrame()
        tables = [
            reached(task, report.target, report.reached_by).assign(task=task_name(task))
            for task in self.tasks
            if task["accuracy"].notna().any()
            and (asked or report.reached_by or varying_columns(task, sizes))
        ]
        return stacked(tables)

    def pareto(self, cost: str = "parameters") -> pd.DataFrame:
        """The arms of each task that no other arm beats in both accuracy and cost.

        cost: "parameters", "seconds" or "updates". Columns: arm, cost (median), value (mean
        accuracy), task; cheapest first. No rows for tasks whose arms cost the same.
        Raises RequestError for another cost.
        """
        if cost not in COSTS:
            raise RequestError(f"cost={cost}: {suggest(cost, COSTS)}")
        tables = []
        for task in self.tasks if self.frames.results else []:
            if task["accuracy"].notna().any():
                middle = task.groupby("arm", sort=False)[cost].median().dropna()
                if middle.min() < (MEASURES[cost].cheaper or 1.0) * middle.max():
                    tables.append(pareto(task, cost).assign(task=task_name(task)))
        return stacked(tables)

    @property
    def schedule(self) -> Schedule | None:
        """The rounds of a sweep whose seeds are added where they are needed (seeds=auto)."""
        most = self.plan.max_seeds
        return Schedule(first=min(FIRST_ROUND, most), most=most) if most else None

    def next_round(self) -> dict[Arm, int]:
        """The arms in a contrast that is still undecided, and the seeds that they shall have."""
        if self.schedule is None:
            return {}
        self._check_measured(self.plan.report.metric)
        arms = {name: arm for arm, name in self.plan.labels.items()}
        report = self.plan.report
        wanted: dict[Arm, int] = {}
        for task in self.tasks:
            if task["arm"].nunique() > 1:
                told = plan_next_round(
                    task,
                    self.schedule,
                    report.metric,
                    report.baseline,
                    report.margin_of(report.metric),
                    ALPHA,
                )
                wanted |= {arms[name]: told.seeds for name in told.arms}
        return wanted

    def leaks(self) -> pd.DataFrame:
        """The arms whose accuracy is above their ceiling by more than chance: a bug, or a leak.

        Columns: arm, n, accuracy, ceiling, excess, error (one standard error).
        """
        size = min(trial.arm.problem.test_size for trial in self.plan.trials)
        return find_leaks(self.trials, size)

    @cached_property
    def factors(self) -> list[str]:
        """The columns of trials that were swept."""
        columns = factor_columns(self.trials)
        return varying_columns(self.trials, columns)

    @cached_property
    def crossed(self) -> list[str]:
        """The swept factors without those that follow from another one.

        In a sweep over directions, whether there is a merge mode follows from the direction.
        """
        table = self.trials[self.factors].astype(str).drop_duplicates()

        def follows(name: str, other: str) -> bool:
            return bool(table.groupby(other)[name].nunique().max() == 1)

        kept: list[str] = []
        for name in self.factors:
            later = [other for other in self.factors if other != name]
            mutual = [other for other in kept if follows(other, name) and follows(name, other)]
            finer = [o for o in later if follows(name, o) and not follows(o, name)]
            if not mutual and not finer:
                kept.append(name)
        return kept

    @cached_property
    def variance(self) -> pd.DataFrame:
        """How much of the variance of accuracy each swept factor explains, a row a term.

        Columns: term, kind, df, sum_squares, share (0 to 1), partial_eta2, F, p, balanced.
        """
        return decomposition(self.trials, self.crossed)


def stacked(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """The rows of all tables. One without rows has no types either, and would take the others'."""
    tables = [table for table in tables if len(table)] or tables[:1]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def task_name(task: pd.DataFrame) -> str:
    """What the trials of one task had to learn."""
    return f"{task['problem'].iloc[0]}, length {task['length'].iloc[0]}"


def factor_columns(trials: pd.DataFrame) -> list[str]:
    """The columns of a trials table that say what was asked for, and not what came out."""
    asked = Arm.model_fields.keys() | Training.model_fields.keys()
    return [c for c in trials.columns if c in asked or c.startswith("problem.")]
