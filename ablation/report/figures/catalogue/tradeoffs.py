"""What accuracy costs, and which factor it depends on."""

from __future__ import annotations

from functools import partial

import pandas as pd
from matplotlib.axes import Axes

from ablation.analysis import task_name
from ablation.errors import RequestError, suggest
from ablation.measures import MEASURES
from ablation.report.figures.arms import height_of
from ablation.report.figures.catalogue.picture import WIDTH, Figures, Picture
from ablation.report.figures.cost import Cost, cost_by_arm
from ablation.report.figures.grid import heat_map
from ablation.report.figures.variance import variance_shares


class Tradeoffs(Figures):
    """Accuracy against each cost, over two factors, and the variance by factor."""

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
        return heat_map(self.study.trials, x, y, axes or self._axes(4.5), self.study.score)

    def variance(self, axes: Axes | None = None) -> Axes:
        """Draw the share (in %) of the variance of accuracy that each factor explains.

        Example:
            >>> study = ablation.load("size_vs_length")
            >>> axes = study.plot.variance()
            >>> axes.get_xlabel()
            'share of the variance (%)'
        """
        table = self.study.variance
        axes = axes or self._axes(height_of(len(table)))
        return variance_shares(table, axes, self.study.score)

    @property
    def _score(self) -> str:
        return MEASURES[self.study.score].name

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
                f"{self._score.capitalize()} against {cost}",
                f"{self._score.capitalize()} against {words[cost]}. The line joins the arms that "
                "no other arm beats in both.",
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
            title = f"Mean {self._score} over {x} and {y}"
            size = (WIDTH, 4.5)
            pictures.append(
                Picture("grid", "factors", title, f"{title}.", size, partial(self.grid, x, y))
            )
        if len(factors) > 1:
            pictures.append(
                Picture(
                    "variance",
                    "factors",
                    f"Variance of {self._score} by factor",
                    f"The share of the variance of {self._score} that each factor, each "
                    "interaction of two factors and the seed explain; the residual is what none of "
                    "them explains.",
                    (WIDTH, height_of(len(factors) + 2)),
                    self.variance,
                )
            )
        return pictures

    def _cost(self, cost: Cost, axes: Axes | None) -> Axes:
        tasks = {arm: task_name(task) for task in self.study.tasks for arm in set(task["arm"])}
        trials = self.study.trials.assign(task=self.study.trials["arm"].map(tasks))
        return cost_by_arm(trials, axes or self._axes(), cost, self.arms, self.study.score)
