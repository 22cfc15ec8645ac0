"""The arms against each other."""

from __future__ import annotations

from functools import partial

import pandas as pd
from matplotlib.axes import Axes

from ablation.analysis import task_name
from ablation.errors import RequestError, suggest
from ablation.measures import MEASURES
from ablation.report.figures.accuracy import accuracy_by_arm
from ablation.report.figures.across import variants_by_problem
from ablation.report.figures.arms import height_of
from ablation.report.figures.catalogue.picture import WIDTH, Figures, Picture
from ablation.report.figures.forest import forest
from ablation.report.figures.lookahead import metric_by_lookahead

POINTS = "every point is a seed; the bar below the points is the mean with its 95 % t interval."


class Comparisons(Figures):
    """The metric of each arm, the differences, and how much of the future is enough."""

    def accuracy(self, axes: Axes | None = None, metric: str | None = None) -> Axes:
        """Draw a metric of each arm: one point per seed, and the mean with its 95 % interval.

        metric: a numeric column of the study's trials; None: the accuracy, or the mean squared
        error of numbers. For these the best possible and what always answering the same scores are
        drawn too, if known. Raises RequestError for any other column.

        Example:
            >>> study = ablation.load("directions")
            >>> axes = study.plot.accuracy(metric="loss")
            >>> axes.get_xlabel()
            'loss (mean per label)'
        """
        metric = metric or self.study.score
        summary = self.study.summary(metric)
        axes = axes or self._axes(height_of(len(self.arms)))
        return accuracy_by_arm(self.study.trials, summary, axes, metric, self.arms)

    def contrasts(self, axes: Axes | None = None) -> Axes:
        """Draw the paired difference of each contrast with its interval, in the metric's unit.

        The metric and the margin, shown as a band, are those of the sweep.

        Example:
            >>> study = ablation.load("directions")
            >>> axes = study.plot.contrasts()
            >>> axes.get_xlabel()
            'difference in accuracy (first arm minus second)'
        """
        table = self.study.contrasts()
        axes = axes or self._axes(height_of(len(table)))
        return forest(table, axes, self.study.metric)

    def across(self, axes: Axes | None = None) -> Axes:
        """Draw the normalized score of each variant on each problem.

        Raises RequestError where problems have no variants in common.

        Example:
            >>> study = ablation.load("five_problems")
            >>> axes = study.plot.across()
            >>> axes.get_title(loc="left")
            'Normalized score of each variant on each problem'
        """
        means = self.study.normalized
        if means.empty:
            raise RequestError("this study has no variants that several problems share")
        return variants_by_problem(means, axes or self._axes(height_of(len(means) + 2)))

    def lookahead(self, axes: Axes | None = None, task: str | None = None) -> Axes:
        """Draw the sweep's metric over the lookahead of the forward arms of one task.

        The band is the best bidirectional arm. task: its name, as in `study.lookahead()`; None: the
        first. Raises RequestError if there is no such comparison.

        Example:
            >>> study = ablation.load("lookahead")
            >>> axes = study.plot.lookahead(task="stress, length 20")
            >>> axes.get_xlabel()
            'lookahead (steps)'
        """
        table = self.study.lookahead()
        names = list(dict.fromkeys(table["task"])) if len(table) else []
        name = task or next(iter(names), "")
        if not names:
            raise RequestError("lookahead was not swept in this study")
        if name not in names:
            raise RequestError(f"task={name}: {suggest(name, names)}")
        reference = str(table.loc[table["task"] == name, "other"].iloc[0])
        (trials,) = (trials for trials in self.study.tasks if task_name(trials) == name)
        metric = self.study.metric
        return metric_by_lookahead(trials, axes or self._axes(), metric, reference)

    def _over_problems(self) -> list[Picture]:
        means = self.study.normalized
        if means.empty:
            return []
        return [
            Picture(
                "across",
                "across",
                "Normalized score of each variant on each problem",
                "Rows are variants, the best on top; columns are problems.",
                (WIDTH, height_of(len(means) + 2)),
                self.across,
            )
        ]

    def _by_lookahead(self) -> list[Picture]:
        table = self.study.lookahead()
        tasks = list(dict.fromkeys(table["task"])) if len(table) else []
        return [
            Picture(
                "lookahead" if len(tasks) == 1 else f"lookahead-{k}",
                "lookahead",
                f"How much future is enough on {task}",
                "The forward arms by the steps of the future that they have read when they answer. "
                "The band shows the seeds of the best arm that reads both directions.",
                (WIDTH, 4.0),
                partial(self.lookahead, task=task),
            )
            for k, task in enumerate(tasks, 1)
        ]

    def _compared(self) -> list[Picture]:
        """The arms against each other: the differences, and what they are differences of."""
        study = self.study
        arms, metric, score = height_of(len(self.arms)), study.metric, study.score
        measure = study.measure(metric)
        pictures = []
        contrasts = study.contrasts() if len(self.arms) > 1 else pd.DataFrame()
        if len(contrasts):
            pictures.append(
                Picture(
                    "contrasts",
                    "contrasts",
                    f"Paired differences in {measure.name}",
                    "Each row is the first arm minus the second, paired by seed: right of zero, "
                    "the first has more. Differences inside the shaded band "
                    f"{_within(contrasts)}are too small to matter. The colour is the "
                    "verdict, which also allows for the number of rows.",
                    (WIDTH, height_of(len(contrasts))),
                    self.contrasts,
                )
            )
        if metric != score and not measure.limit and not measure.fixed:
            pictures.append(
                Picture(
                    "compared",
                    "contrasts",
                    f"{measure.title.capitalize()} of each arm",
                    f"{measure.title.capitalize()}: {POINTS}",
                    (WIDTH, arms),
                    partial(self.accuracy, metric=metric),
                )
            )
        bound = MEASURES[score].bound or "ceiling"
        ceiling = (
            f" What lies between an arm and its {bound} can still be learnt; an arm clearly beyond "
            f"its {bound} has a bug."
        )
        pictures.append(
            Picture(
                "accuracy",
                "accuracy",
                f"{MEASURES[score].title.capitalize()} of each arm on the test set",
                POINTS.capitalize() + (ceiling if self._has_ceiling else ""),
                (WIDTH, arms),
                self.accuracy,
            )
        )
        return pictures


def _within(contrasts: pd.DataFrame) -> str:
    """Half the width of the band, where all rows have the same."""
    margins = contrasts["margin"].unique()
    return f"(±{margins[0]:g}) " if len(margins) == 1 else ""
