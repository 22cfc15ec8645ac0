"""Accuracy, or the squared error of numbers, at each time step."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ablation.measures import measure_of
from ablation.report.figures import drawing
from ablation.report.figures.arms import Arms, styles
from ablation.report.figures.lines import by_seed, draw_lines, name_extremes, note_others


def metric_by_step(
    positions: pd.DataFrame, axes: Axes, arms: Arms = (), metric: str = "accuracy"
) -> Axes:
    """Draw the mean metric by time step per arm, the best possible dashed in the same colour.

    positions: `arm`, `seed`, `step` (from 1), the metric, and if present its bound (`ceiling`).
    """
    measure = measure_of(metric)
    title = f"{drawing.word(metric).capitalize()} by time step"
    tables = by_seed(positions, "step", metric)
    if not tables:
        return drawing.empty(axes, title)
    scores = {name: measure.sense * float(t.mean().mean()) for name, t in tables.items()}
    named = name_extremes(scores)
    style = styles([*arms, *positions["arm"]] if len(named) == len(tables) else named)
    limits = {a: t.mean(axis=1) for a, t in by_seed(positions, "step", measure.bound).items()}
    limits = {a: limit for a, limit in limits.items() if a in named}
    means = [table.mean(axis=1) for table in tables.values()]
    scaled = drawing.scale(axes, "y", drawing.finite(*means, *limits.values()), metric)
    for turn, (name, limit) in enumerate(limits.items()):
        # Arms often share a ceiling: each draws its own dashes of the common line.
        dashes = (4.0 * turn, (4.0, 4.0 * max(len(limits) - 1, 1)))
        axes.plot(limit.index, limit, ls=dashes, color=style[name][0], lw=1.3, clip_on=False)
    draw_lines(axes, tables, named, [*arms, *positions["arm"]], bands=False, lead=False)
    last = max(t.index.max() for t in tables.values())
    axes.set_xlim(0.9 - 0.01 * last, 0.1 + last)
    axes.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    note = "mean over seeds" + (f"; dashed: {measure.bound} of the arm" if limits else "")
    note += note_others(tables, named) + scaled
    return drawing.dress(axes, title, note, "y", "time step", drawing.axis_label(metric))
