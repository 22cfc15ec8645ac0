"""`Study`: the results of a sweep as tables and statistics."""

from __future__ import annotations

from functools import cached_property

import pandas as pd

from ablation.analysis.claims import check_claims
from ablation.analysis.costs import count_reached, pareto
from ablation.analysis.details import Details
from ablation.analysis.forecast import forecast
from ablation.analysis.leaks import find_leaks
from ablation.analysis.lookahead import compare_lookaheads
from ablation.analysis.over_problems import OverProblems
from ablation.analysis.pilots import setting_effects, summarise_settings
from ablation.analysis.samples import finished_trials, varying_columns
from ablation.analysis.sequential import KEPT, compare_in_looks, plan_next_round, trained_seeds
from ablation.analysis.summary import summarise
from ablation.analysis.sweep_results import task_name
from ablation.analysis.variance import decomposition
from ablation.errors import RequestError, suggest
from ablation.measures import COSTS, MEASURES, METRICS
from ablation.spec import LESSON_TARGET, TRAINING_COLUMNS, Arm

ALPHA = 0.05  # the chance of any false verdict among the contrasts of one task


class Study(Details, OverProblems):
    """The results of one sweep, as tables and statistics.

    trials: one row per planned trial: arm, seed, id, status ("done", "diverged", "failed",
    "pending"), the options (direction, units, ...) and the measures (accuracy, loss, ...; NaN
    without a result).
    curves: one row per point of a learning curve: arm, seed, updates, loss, accuracy, and
    validation_loss (NaN without a validation set).
    positions: one row per step of the sequences: arm, seed, step (from 1), accuracy, ceiling.
    Where numbers are predicted, mse stands in place of accuracy, and floor in place of ceiling.
    plan: the sweep's plan.
    Units are those of `ablation.measures`: accuracies are shares, losses are in nats per label,
    times in seconds.

    Raises RequestError if the folder holds no sweep.
    """

    def __repr__(self) -> str:
        return f"<Study {self.plan.name}: {self.size}>"

    def summary(self, metric: str | None = None) -> pd.DataFrame:
        """Each arm's mean over its seeds, one row per arm.

        metric: a numeric column of trials; None: accuracy, or mse of numbers. Columns: arm, n
        (seeds with a value), dropped, mean, sd, iqm (interquartile mean), low, high (95 %
        interval), interval (its method), min, max; for accuracy also ceiling, majority and skill,
        for mse floor, constant and skill, as far as known. updates_to_target has median and
        reached instead of mean. No rows without results. Raises RequestError for a column that is
        unknown or not numeric.

        Example:
            >>> study = ablation.load("directions")
            >>> study.summary("loss")[["arm", "n", "mean", "low", "high"]].round(3)
                                arm   n   mean    low   high
            0               forward  20  0.024  0.022  0.026
            1          go_backwards  20  0.217  0.216  0.217
            2      go_backwards_raw  20  0.212  0.210  0.215
            3  bidirectional concat  20  0.025  0.023  0.027
        """
        if not self.frames.results:
            return pd.DataFrame()
        metric = metric or self.score
        self._check_numeric("metric", metric)
        return summarise(self.trials, metric)

    def contrasts(
        self,
        metric: str | None = None,
        baseline: str | None = None,
        margin: float | None = None,
    ) -> pd.DataFrame:
        """Paired differences between arms with verdicts, one row per pair.

        metric, baseline, margin: as `report.metric`, `report.baseline`, `report.margin`; None: the
        sweep's setting. Columns: arm, other, n (pairs of seeds), difference (arm minus other, in
        the metric's unit), low, high (95 % interval), p, p_holm, improvement (chance that arm beats
        other), effect, p_equivalence, verdict ("better", "worse", "equivalent", "undecided"),
        more_seeds (that would decide the pair), possible, ... Holm's correction is applied within
        each task. Raises RequestError for an unknown metric or baseline.

        Example:
            >>> study = ablation.load("directions")
            >>> table = study.contrasts("loss", baseline="forward")
            >>> table[["arm", "difference", "verdict"]].round(3)
                                arm  difference     verdict
            0          go_backwards       0.192       worse
            1      go_backwards_raw       0.188       worse
            2  bidirectional concat       0.001  equivalent
        """
        report = self.plan.report
        metric = metric or self.metric
        possible = [*METRICS, *self.own_metrics]
        if metric not in possible:
            raise RequestError(f"metric={metric}: {suggest(metric, possible)}")
        baseline = report.baseline if baseline is None else baseline
        if baseline is not None and baseline not in self.arms:
            raise RequestError(f"report.baseline={baseline}: {suggest(baseline, self.arms)}")
        self._check_measured(metric)
        key = (metric, baseline, margin)
        if key not in self._contrasts:
            self._contrasts[key] = self._compare(*key)
        return self._contrasts[key].copy()

    def _compare(self, metric: str, baseline: str | None, margin: float | None) -> pd.DataFrame:
        if not self.frames.results:
            return pd.DataFrame()
        finished = [task for task in self.tasks if len(finished_trials(task))]
        if baseline is not None:
            finished = [task for task in finished if baseline in set(task["arm"])]
        tables = []
        for task in finished:
            within = self.margin(metric, task) if margin is None else margin
            table = compare_in_looks(task, self.looks(task), metric, baseline, within, ALPHA)
            tables.append(table.assign(margin=within))
        return stack_tables(tables)

    def claims(self) -> pd.DataFrame:
        """The claims of the preset, each with its verdict and whether it holds.

        Columns: says, claimed, metric, margin, arm, other, difference, low, high, verdict, holds
        ("yes", "no", "undecided"), and the remaining columns of `contrasts`. No rows without
        claims.

        Example:
            >>> study = ablation.load("article_2017")
            >>> study.claims()[["arm", "other", "claimed", "holds"]].head(3)
                                arm             other     claimed holds
            0               forward  go_backwards_raw  equivalent    no
            1  bidirectional concat           forward      better   yes
            2  bidirectional concat  go_backwards_raw      better   yes
        """
        report = self.plan.report
        trials = self.trials if self.frames.results else self.trials.iloc[:0]
        looks = self.looks(trials) if len(trials) else None
        return check_claims(trials, report.claims, self._margin_of_claim, looks, ALPHA)

    def _margin_of_claim(self, metric: str, arm: str) -> float:
        tasks = (task for task in self.tasks if arm in set(task["arm"]))
        return self.margin(metric, next(tasks, None))

    def reached(self) -> pd.DataFrame:
        """Which arms reach the target accuracy, in how many seeds and at what cost.

        One row per arm, for tasks whose arms differ in size or training; for all tasks if the sweep
        sets a target. The target of the lesson is asked of its own problem only.
        Columns: arm, task, seeds (planned), n (finished), reached, low, high (95 % interval of the
        share), needed, reliable, parameters, seconds, updates, updates_to_target.

        Example:
            >>> study = ablation.load("size_vs_length")
            >>> study.reached()[["arm", "reached", "n", "parameters"]].head(2)
                              arm  reached   n  parameters
            0   length=10 units=5       10  10       291.0
            1  length=10 units=10       10  10       981.0
        """
        report = self.plan.report
        # Plans of older versions hold the lesson's target where none was set.
        target_is_set = report.goal != LESSON_TARGET or report.reached_by
        sizes = ["layers", *TRAINING_COLUMNS]
        # With match=parameters, units follow from the other options.
        sizes += ["units"] if self.plan.match == "units" else []
        sizes = [column for column in sizes if column in self.factors]  # others are tuned
        if not self.frames.results:
            return pd.DataFrame()

        def asked(task: pd.DataFrame) -> bool:
            return report.target is not None or set(task["problem"]) == {"cumsum"}

        tables = [
            count_reached(task, report.goal, report.reached_by).assign(task=task_name(task))
            for task in self.tasks
            if task["accuracy"].notna().any()
            and (target_is_set or (asked(task) and varying_columns(task, sizes)))
        ]
        return stack_tables(tables)

    def lookahead(self) -> pd.DataFrame:
        """How much of the future a forward arm needs to do as well as reading both directions.

        One row per lookahead of each task, against the task's best bidirectional arm by the
        sweep's metric. Columns: lookahead (steps), task, those of `contrasts`, and enough: whether
        this lookahead and all greater ones are equivalent or better. No rows if fewer than two
        lookaheads were trained, or no bidirectional arm.

        Example:
            >>> study = ablation.load("lookahead")
            >>> study.lookahead()[["lookahead", "difference", "verdict", "enough"]].head(3).round(3)
               lookahead  difference verdict  enough
            0          0      -0.044   worse   False
            1          1      -0.018   worse   False
            2          2      -0.007   worse   False
        """
        tables = [
            compare_lookaheads(
                task, self.looks(task), self.metric, self.margin(task=task), ALPHA
            ).assign(task=task_name(task), margin=self.margin(task=task))
            for task in (self.tasks if self.frames.results else [])
        ]
        return stack_tables([table for table in tables if len(table)])

    def tuning(self) -> pd.DataFrame:
        """How each setting of each arm did in its pilots, on validation data; no rows untuned.

        One row per arm and setting. Columns: arm, the keys that are tuned, n (pilots with a score),
        lost (pilots that failed or diverged), metric, score (mean), error (its standard error),
        behind (how much better the chosen setting is, paired by seed), behind_error, chosen, at_end
        (the keys whose chosen value is the lowest or highest of its list).

        Example:
            >>> study = ablation.load("directions")
            >>> study.tuning().empty  # nothing was tuned
            True
        """
        return summarise_settings(self.plan, self.frames.pilots)

    def setting_effects(self) -> pd.DataFrame:
        """How much of each difference at one setting comes from the setting; no rows untuned.

        One row per pair of `contrasts`, on the pilots' validation data. Columns: arm, other,
        setting (which both have), n (pilots), shared (arm minus other with this setting), own (each
        with the setting that it chose), from_setting (shared minus own), error (standard error).

        Example:
            >>> study = ablation.load("directions")
            >>> study.setting_effects().empty  # nothing was tuned
            True
        """
        if self.plan.tuning is None or not self.frames.results:
            return pd.DataFrame()
        pairs = self.contrasts().reindex(columns=["arm", "other"])
        return setting_effects(
            self.plan, self.frames.pilots, zip(pairs["arm"], pairs["other"], strict=True)
        )

    def pareto(self, cost: str = "parameters") -> pd.DataFrame:
        """The arms of each task that no other arm beats in both accuracy and cost.

        cost: "parameters", "seconds" or "updates". Columns: arm, cost (median), value (mean
        accuracy, or of numbers the squared error), task; cheapest first. Tasks whose arms all cost
        the same have no rows. Raises RequestError for any other cost.

        Example:
            >>> study = ablation.load("directions")
            >>> study.pareto("seconds")[["arm", "value"]].round(3)
                        arm  value
            0  go_backwards  0.905
            1       forward  0.991
        """
        if cost not in COSTS:
            raise RequestError(f"cost={cost}: {suggest(cost, COSTS)}")
        tables = []
        for task in self.tasks if self.frames.results else []:
            if task[self.score].notna().any():
                medians = task.groupby("arm", sort=False)[cost].median().dropna()
                if medians.min() < (MEASURES[cost].cheaper or 1.0) * medians.max():
                    tables.append(pareto(task, cost, self.score).assign(task=task_name(task)))
        return stack_tables(tables)

    def next_round(self) -> dict[Arm, int]:
        """The arms with an undecided contrast, and how many seeds each should have.

        Empty without seeds=auto.

        Example:
            >>> study = ablation.load("directions")
            >>> study.next_round()
            {}
        """
        if self.schedule is None:
            return {}
        self._check_measured(self.metric)
        arms = {name: arm for arm, name in self.plan.labels.items()}
        seeds: dict[Arm, int] = {}
        for task in self.tasks:
            if task["arm"].nunique() > 1:
                next_round = plan_next_round(
                    task,
                    self.schedule,
                    self.looks(task),
                    self.metric,
                    self.plan.report.baseline,
                    self.margin(task=task),
                    ALPHA,
                )
                seeds |= {arms[name]: next_round.seeds for name in next_round.arms}
        return seeds

    def seeds_needed(self) -> pd.DataFrame:
        """How many seeds a difference of the margin needs, by the spread of the trials so far.

        Columns: task, margin, spread (standard deviation of paired differences, the median over
        the pairs) and seeds (an arm; 80 % power at a first look). No rows where it is unknown.

        Example:
            >>> study = ablation.load("directions")
            >>> study.seeds_needed().columns.tolist()
            ['task', 'margin', 'spread', 'seeds']
        """
        rows = []
        for task in self.tasks if self.frames.results else []:
            margin, trained = self.margin(task=task), trained_seeds(task)
            level = ALPHA * (1 - KEPT)
            found = forecast(task, self.metric, self.plan.report.baseline, margin, level)
            if found and trained > 1:
                rows.append((task_name(task), margin, found.spread, found.seeds))
        return pd.DataFrame(rows, columns=["task", "margin", "spread", "seeds"])

    def leaks(self) -> pd.DataFrame:
        """The arms that are better than their ceiling by more than chance: a bug or a leak.

        Columns: arm, n, accuracy, ceiling, excess, error (one standard error); of numbers mse and
        floor in place of accuracy and ceiling.

        Example:
            >>> study = ablation.load("directions")
            >>> study.leaks().empty
            True
        """
        asked = min(trial.arm.problem.test_size for trial in self.plan.trials)
        known = self.trials.reindex(columns=["test_sequences"]).astype(float).min().fillna(asked)
        return find_leaks(self.trials, int(known.iloc[0]), self.score)

    @cached_property
    def variance(self) -> pd.DataFrame:
        """How much of the variance of accuracy each swept factor explains, one row per term.

        Columns: term, kind, df, sum_squares, share (0 to 1), partial_eta2, F, p, balanced.

        Example:
            >>> study = ablation.load("size_vs_length")
            >>> study.variance[["term", "kind", "share"]].round(3)
                       term         kind  share
            0          seed        block  0.072
            1        length       factor  0.159
            2         units       factor  0.249
            3  length:units  interaction  0.026
            4      residual     residual  0.494
        """
        return decomposition(self.trials, self.crossed, self.score)


def stack_tables(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """The rows of all tables."""
    # Columns of a table without rows have no types and would change those of the others.
    tables = [table for table in tables if len(table)] or tables[:1]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
