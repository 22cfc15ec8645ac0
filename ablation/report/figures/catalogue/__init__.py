"""Which figures a study has, and each of them on its own."""

from __future__ import annotations

from functools import cached_property

from ablation.report.figures.catalogue.comparisons import Comparisons
from ablation.report.figures.catalogue.over_time import OverTime
from ablation.report.figures.catalogue.picture import Drawn, Picture
from ablation.report.figures.catalogue.tradeoffs import Tradeoffs
from ablation.report.figures.drawing import new_figure

__all__ = ["Drawn", "Gallery", "Picture"]


class Gallery(Comparisons, OverTime, Tradeoffs):
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
            *self._over_problems(),
            *self._by_lookahead(),
            *self._compared(),
            *self._over_time(),
            *self._by_cost(),
            *self._by_factor(),
        ]
