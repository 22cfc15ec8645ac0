"""A figure of the report, and what all figures of a study start from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablation.analysis import Study
from ablation.measures import MEASURES
from ablation.report.figures.drawing import new_figure

WIDTH = 7.0  # inches


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


class Figures:
    """The figures of a study that answer one kind of question."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.arms = tuple(study.arms)

    @property
    def _has_ceiling(self) -> bool:
        trials, bound = self.study.trials, MEASURES[self.study.score].bound
        return bound in trials and bool(trials[bound].notna().any())

    def _axes(self, height: float = 4.2) -> Axes:
        return new_figure(WIDTH, height)[1]
