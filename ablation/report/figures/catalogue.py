"""Which figures a study has, and each of them on its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from statistics import median

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablation.analysis import Study, task_name
from ablation.errors import RequestError, suggest
from ablation.measures import MEASURES
from ablation.report.figures.accuracy import accuracy_by_arm
from ablation.report.figures.arms import height_of
from ablation.report.figures.cost import Cost, cost_by_arm
from ablation.report.figures.drawing import new_figure
from ablation.report.figures.forest import forest
from ablation.report.figures.grid import heat_map
from ablation.report.figures.learning import learning_curves
from ablation.report.figures.lookahead import metric_by_lookahead
from ablation.report.figures.steps import accuracy_by_step
from ablation.report.figures.variance import variance_shares

WIDTH = 7.0  # inches
CURVES = ("accuracy", "loss")
LOSSES = {"loss", "train_loss", "train_loss_mean"}
POINTS = "every point is a seed; the bar below the points is the mean with its 95 % interval."


@dataclass(frozen=True)
class Picture:
    """A figure of the report.

    name: of its files. section: the id of the report's section that shows it. title: what it is, in
    a few words. caption: how to read it. size: in inches.
    """

    name: str
    section: str
    title: str
    caption: str
    size: tuple[float, float]
    draw: Callable[[Axes | None], Axes]


Drawn = tuple[Picture, Figure]


class Gallery:
    """The figures of a study.

    Each method draws one and returns its matplotlib Axes. It draws on the axes it is given, or on
    new ones; a notebook shows those as a picture.

    Example:
        >>> study = ablation.load("directions")
        >>> from matplotlib.figure import Figure
        >>> figure = Figure(figsize=(9, 4), layout="constrained")
        >>> left, right = figure.subplots(1, 2)
        >>> axes = study.plot.learning(left)
        >>> axes = study.plot.steps(right)
        >>> figure.savefig("both.png")
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self.arms = tuple(study.arms)

    def accuracy(self, axes: Axes | None = None, metric: str = "accuracy") -> Axes:
        """Draw a metric of each arm: one point per seed, and the mean with its 95 % interval.

        metric: a numeric column of the study's trials. For accuracy the ceiling and the share of
        the most frequent class are drawn too, if known. Raises RequestError for any other column.

        Example:
            >>> study = ablation.load("directions")
            >>> axes = study.plot.accuracy(metric="loss")
            >>> axes.get_xlabel()
            'loss (nats per label)'
        """
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
        report = self.study.plan.report
        return forest(table, axes, report.margin_of(report.metric), report.metric)

    def learning(self, axes: Axes | None = None, value: str = "accuracy") -> Axes:
        """Draw the learning curves: accuracy (a share) or loss (nats per label) over the updates.

        value: "accuracy" or "loss". Raises RequestError for any other value.

        Example:
            >>> study = ablation.load("directions")
            >>> axes = study.plot.learning(value="loss")
            >>> axes.get_ylabel()
            'loss (nats per label)'
        """
        if value not in CURVES:
            raise RequestError(f"value={value}: {suggest(value, CURVES)}")
        return learning_curves(self.study.curves, axes or self._axes(), value, self.arms)

    def steps(self, axes: Axes | None = None) -> Axes:
        """Draw the accuracy at each time step, and its ceiling if known.

        Example:
            >>> study = ablation.load("directions")
            >>> axes = study.plot.steps()
            >>> axes.get_xlabel()
            'time step'
        """
        return accuracy_by_step(self.study.positions, axes or self._axes(), self.arms)

    def grid(self, x: str, y: str, axes: Axes | None = None) -> Axes:
        """Draw the mean accuracy as a map over two numeric factors.

        x, y: numeric columns of the study's trials. Raises RequestError for any other column.

        Example:
            >>> study = ablation.load("size_vs_length")
            >>> axes = study.plot.grid("units", "length")
            >>> axes.get_ylabel()
            'length (steps)'
        """
        numeric = self.study.trials.select_dtypes("number")
        for name, factor in (("x", x), ("y", y)):
            if factor not in numeric:
                raise RequestError(f"{name}={factor}: {suggest(factor, map(str, numeric))}")
        return heat_map(self.study.trials, x, y, axes or self._axes(4.5))

    def parameters(self, axes: Axes | None = None) -> Axes:
        """Draw the mean accuracy of each arm against its number of parameters.

        Example:
            >>> study = ablation.load("size_vs_length")
            >>> axes = study.plot.parameters()
            >>> axes.get_xlabel()
            'parameters (count)'
        """
        return self._cost("parameters", axes)

    def seconds(self, axes: Axes | None = None) -> Axes:
        """Draw the mean accuracy of each arm against its seconds of training.

        Example:
            >>> study = ablation.load("directions")
            >>> axes = study.plot.seconds()
            >>> axes.get_xlabel()
            'training time (s)'
        """
        return self._cost("seconds", axes)

    def updates(self, axes: Axes | None = None) -> Axes:
        """Draw the mean accuracy of each arm against its number of updates.

        Example:
            >>> study = ablation.load("directions")
            >>> axes = study.plot.updates()
            >>> axes.get_xlabel()
            'updates (batches)'
        """
        return self._cost("updates", axes)

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
        metric = self.study.plan.report.metric
        return metric_by_lookahead(trials, axes or self._axes(), metric, reference)

    def variance(self, axes: Axes | None = None) -> Axes:
        """Draw the share (in %) of the variance of accuracy that each factor explains.

        Example:
            >>> study = ablation.load("size_vs_length")
            >>> axes = study.plot.variance()
            >>> axes.get_xlabel()
            'share of the variance (%)'
        """
        table = self.study.variance
        return variance_shares(table, axes or self._axes(height_of(len(table))))

    @cached_property
    def drawn(self) -> list[Drawn]:
        """The pictures of the report, each with its matplotlib Figure.

        Example:
            >>> study = ablation.load("directions")
            >>> picture, figure = study.plot.drawn[0]
            >>> figure.savefig(f"{picture.name}.png")
        """
        drawn = []
        for picture in self.pictures():
            figure, axes = new_figure(*picture.size)
            picture.draw(axes)
            drawn.append((picture, figure))
        return drawn

    def pictures(self) -> list[Picture]:
        """The pictures that the report shows of these results, in its order.

        Example:
            >>> study = ablation.load("directions")
            >>> [picture.name for picture in study.plot.pictures()]
            ['contrasts', 'accuracy', 'learning', 'steps', 'parameters', 'seconds']
        """
        return [
            *self._by_lookahead(),
            *self._compared(),
            *self._over_time(),
            *self._by_cost(),
            *self._by_factor(),
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
        report, arms = study.plan.report, height_of(len(self.arms))
        metric, measure = report.metric, MEASURES[report.metric]
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
                    f"(±{report.margin_of(metric):g}) are too small to matter. The colour is the "
                    "verdict, which also allows for the number of rows.",
                    (WIDTH, height_of(len(contrasts))),
                    self.contrasts,
                )
            )
        if metric != "accuracy" and not measure.limit and not measure.fixed:
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
        ceiling = (
            " What lies between an arm and its ceiling can still be learnt; an arm clearly beyond "
            "its ceiling has a bug."
        )
        pictures.append(
            Picture(
                "accuracy",
                "accuracy",
                "Accuracy of each arm on the test set",
                POINTS.capitalize() + (ceiling if self._has_ceiling else ""),
                (WIDTH, arms),
                self.accuracy,
            )
        )
        return pictures

    def _over_time(self) -> list[Picture]:
        """While training, and from step to step of a sequence."""
        study = self.study
        pictures = [
            Picture(
                "learning",
                "learning",
                "Accuracy while training",
                f"Accuracy on {self._watched} while training: the mean and the middle half of "
                "the seeds. A curve that still climbs at its right end has not been trained to its "
                f"limit.{self._kept}",
                (WIDTH, 4.0),
                self.learning,
            )
        ]
        report = study.plan.report
        if LOSSES & {report.metric, *(claim.metric for claim in report.claims)}:
            pictures.append(
                Picture(
                    "loss",
                    "learning",
                    "Loss while training",
                    "Training loss, the mean since the point before: the mean and the middle half "
                    "of the seeds.",
                    (WIDTH, 4.0),
                    partial(self.learning, value="loss"),
                )
            )
        if len(study.positions):
            ceiling = " An arm makes its errors where it drops below its dashed ceiling."
            pictures.append(
                Picture(
                    "steps",
                    "steps",
                    "Accuracy at each time step",
                    "Accuracy at each time step, from the first to the last."
                    + (ceiling if self._has_ceiling else ""),
                    (WIDTH, 4.0),
                    self.steps,
                )
            )
        return pictures

    def _by_cost(self) -> list[Picture]:
        words = {
            "parameters": "the number of parameters",
            "seconds": "the seconds of training",
            "updates": "the number of updates",
        }
        draw = {"parameters": self.parameters, "seconds": self.seconds, "updates": self.updates}
        shown = ["parameters", "seconds"]
        shown += ["updates"] if len(self.study.pareto("updates")) else []
        return [
            Picture(
                cost,
                "cost",
                f"Accuracy against {cost}",
                f"Accuracy against {words[cost]}. The line joins the arms that no other arm beats "
                "in both.",
                (WIDTH, 4.2),
                draw[cost],
            )
            for cost in shown
        ]

    def _by_factor(self) -> list[Picture]:
        study = self.study
        factors = study.crossed
        pictures = []
        numeric = [f for f in factors if pd.api.types.is_numeric_dtype(study.trials[f])]
        if len(numeric) == 2:
            x, y = numeric
            title = f"Mean accuracy over {x} and {y}"
            size = (WIDTH, 4.5)
            pictures.append(
                Picture("grid", "factors", title, f"{title}.", size, partial(self.grid, x, y))
            )
        if len(factors) > 1:
            pictures.append(
                Picture(
                    "variance",
                    "factors",
                    "Variance of accuracy by factor",
                    "The share of the variance of accuracy that each factor, each interaction of "
                    "two factors and the seed explain; the residual is what none of them explains.",
                    (WIDTH, height_of(len(factors) + 2)),
                    self.variance,
                )
            )
        return pictures

    @property
    def _has_ceiling(self) -> bool:
        trials = self.study.trials
        return "ceiling" in trials and bool(trials["ceiling"].notna().any())

    @property
    def _watched(self) -> str:
        """What the learning curves are measured on."""
        test, validation = "the first part of the test set", "the validation set"
        shares = [arm.training.validation for arm in self.study.plan.labels]
        if None not in shares:
            return validation
        return f"{validation}, or {test} in arms without one," if any(shares) else test

    @property
    def _kept(self) -> str:
        """Which weights training.patience has kept."""
        chosen = [result for result in self.study.frames.results if result.kept]
        if not chosen:
            return ""
        kept, run = (median(getattr(r, name) for r in chosen) for name in ("kept", "updates"))
        return (
            " With patience, a model has the weights of its lowest validation loss: in the median "
            f"those after {kept:,.0f} updates, of {run:,.0f} that were run."
        )

    def _cost(self, cost: Cost, axes: Axes | None) -> Axes:
        tasks = {arm: task_name(task) for task in self.study.tasks for arm in set(task["arm"])}
        trials = self.study.trials.assign(task=self.study.trials["arm"].map(tasks))
        return cost_by_arm(trials, axes or self._axes(), cost, self.arms)

    def _axes(self, height: float = 4.2) -> Axes:
        return new_figure(WIDTH, height)[1]
