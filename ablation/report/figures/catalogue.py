"""Which figures a study has, and each of them on its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablation.analysis import Study, task_name
from ablation.measures import MEASURES
from ablation.report.figures.accuracy import accuracy_by_arm
from ablation.report.figures.arms import height_of
from ablation.report.figures.cost import Cost, cost_by_arm
from ablation.report.figures.drawing import new_figure
from ablation.report.figures.forest import forest
from ablation.report.figures.grid import heat_map
from ablation.report.figures.learning import learning_curves
from ablation.report.figures.steps import accuracy_by_step
from ablation.report.figures.variance import variance_shares


@dataclass(frozen=True)
class Picture:
    """A figure of the report: file name, caption, size in inches, and what draws it."""

    name: str
    caption: str
    size: tuple[float, float]
    draw: Callable[[Axes | None], Axes]


Drawn = tuple[Picture, Figure]


class Gallery:
    """A study's figures; each method draws on the axes given, or on a new figure's."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.arms = tuple(study.arms)

    def accuracy(self, axes: Axes | None = None, metric: str = "accuracy") -> Axes:
        """A row an arm: every seed a point, the mean with its interval, ceiling, majority."""
        axes = axes or self._axes(height_of(len(self.arms)))
        summary = self.study.summary(metric)
        return accuracy_by_arm(self.study.trials, summary, axes, metric, self.arms)

    def contrasts(self, axes: Axes | None = None) -> Axes:
        """The difference of each pair of arms, on the band within which it does not matter."""
        table = self.study.contrasts()
        axes = axes or self._axes(height_of(len(table)))
        report = self.study.plan.report
        return forest(table, axes, report.margin_of(report.metric), report.metric)

    def learning(self, axes: Axes | None = None, value: str = "accuracy") -> Axes:
        """Accuracy or loss over the updates."""
        return learning_curves(self.study.curves, axes or self._axes(), value, self.arms)

    def steps(self, axes: Axes | None = None) -> Axes:
        """Accuracy at each time step, with its ceiling."""
        return accuracy_by_step(self.study.positions, axes or self._axes(), self.arms)

    def grid(self, x: str, y: str, axes: Axes | None = None) -> Axes:
        """Mean accuracy over two numeric factors."""
        return heat_map(self.study.trials, x, y, axes or self._axes(4.5))

    def parameters(self, axes: Axes | None = None) -> Axes:
        """Accuracy against the number of parameters."""
        return self._cost("parameters", axes)

    def seconds(self, axes: Axes | None = None) -> Axes:
        """Accuracy against the seconds of training."""
        return self._cost("seconds", axes)

    def updates(self, axes: Axes | None = None) -> Axes:
        """Accuracy against the number of updates."""
        return self._cost("updates", axes)

    def variance(self, axes: Axes | None = None) -> Axes:
        """The share of the variance of accuracy that each factor explains."""
        table = self.study.variance
        return variance_shares(table, axes or self._axes(height_of(len(table))))

    @cached_property
    def drawn(self) -> list[Drawn]:
        """Each of the pictures with its figure."""
        made = []
        for picture in self.pictures():
            panel, axes = new_figure(*picture.size)
            picture.draw(axes)
            made.append((picture, panel))
        return made

    def pictures(self) -> list[Picture]:
        """The figures that these results allow, in the report's order."""
        study = self.study
        arms = height_of(len(self.arms))
        listed = [
            Picture(
                "accuracy",
                "Accuracy on the test set: every seed a point, the mean with its 95 % interval.",
                (7.0, arms),
                self.accuracy,
            )
        ]
        contrasts = study.contrasts() if len(self.arms) > 1 else pd.DataFrame()
        if len(contrasts):
            listed.append(
                Picture(
                    "contrasts",
                    "Paired differences with their 95 % intervals; within the band they do not "
                    "matter.",
                    (7.0, height_of(len(contrasts))),
                    self.contrasts,
                )
            )
        metric = study.plan.report.metric
        measure = MEASURES[metric]
        if metric != "accuracy" and not measure.limit and not measure.fixed:
            listed.append(
                Picture(
                    "compared",
                    f"{measure.title.capitalize()}: every seed a point, the mean with its "
                    "95 % interval.",
                    (7.0, arms),
                    partial(self.accuracy, metric=metric),
                )
            )
        listed.append(
            Picture(
                "learning",
                "Accuracy on part of the test set while training: the mean and the middle half of "
                "the seeds.",
                (7.0, 4.0),
                self.learning,
            )
        )
        asked = {metric, *(claim.metric for claim in study.plan.report.claims)}
        if asked & {"loss", "train_loss", "train_loss_mean"}:
            listed.append(
                Picture(
                    "loss",
                    "Training loss, the mean since the point before: the mean and the middle half "
                    "of the seeds.",
                    (7.0, 4.0),
                    partial(self.learning, value="loss"),
                )
            )
        if len(study.positions):
            listed.append(Picture("steps", "Accuracy at each time step.", (7.0, 4.0), self.steps))
        numeric = [
            name for name in study.crossed if pd.api.types.is_numeric_dtype(study.trials[name])
        ]
        if len(numeric) == 2:
            x, y = numeric
            listed.append(
                Picture(
                    "grid",
                    f"Mean accuracy over {x} and {y}.",
                    (7.0, 4.5),
                    partial(self.grid, x, y),
                )
            )
        if len(study.crossed) > 1:
            listed.append(
                Picture(
                    "variance",
                    "How much of the variance of accuracy each factor explains.",
                    (7.0, height_of(len(study.crossed) + 2)),
                    self.variance,
                )
            )
        listed += [
            Picture(
                "parameters",
                "Accuracy against the number of parameters; the line joins what nothing beats.",
                (7.0, 4.2),
                self.parameters,
            ),
            Picture(
                "seconds",
                "Accuracy against the seconds of training; the line joins what nothing beats.",
                (7.0, 4.2),
                self.seconds,
            ),
        ]
        if len(study.pareto("updates")):
            listed.append(
                Picture(
                    "updates",
                    "Accuracy against the number of updates; the line joins what nothing beats.",
                    (7.0, 4.2),
                    self.updates,
                )
            )
        return listed

    def _cost(self, cost: Cost, axes: Axes | None) -> Axes:
        tasks = {arm: task_name(task) for task in self.study.tasks for arm in set(task["arm"])}
        trials = self.study.trials.assign(task=self.study.trials["arm"].map(tasks))
        return cost_by_arm(trials, axes or self._axes(), cost, self.arms)

    def _axes(self, height: float = 4.2) -> Axes:
        return new_figure(7.0, height)[1]
