"""Accuracy at each time step."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from ablation.report.figures import drawing
from ablation.report.figures.arms import Arms, styles
from ablation.report.figures.lines import by_seed, draw_lines, name_extremes, note_others


def accuracy_by_step(positions: pd.DataFrame, axes: Axes, arms: Arms = ()) -> Axes:
    """Draw mean accuracy by time step per arm, its ceiling dashed in the same colour.

    positions: `arm`, `seed`, `step` (from 1), `accuracy`, and if present `ceiling`.
    """
    title, tables = "Accuracy by time step", by_seed(positions, "step", "accuracy")
    if not tables:
        return drawing.empty(axes, title)
    named = name_extremes({name: float(table.mean().mean()) for name, table in tables.items()})
    style = styles([*arms, *positions["arm"]] if len(named) == len(tables) else named)
    limits = {a: t.mean(axis=1) for a, t in by_seed(positions, "step", "ceiling").items()}
    limits = {a: limit for a, limit in limits.items() if a in named}
    means = [table.mean(axis=1) for table in tables.values()]
    scaled = drawing.scale(axes, "y", drawing.finite(*means, *limits.values()), "accuracy")
    for turn, (name, limit) in enumerate(limits.items()):
        # Arms often share a ceiling: each draws its own dashes of the common line.
        dashes = (4.0 * turn, (4.0, 4.0 * max(len(limits) - 1, 1)))
        axes.plot(limit.index, limit, ls=dashes, color=style[name][0], lw=1.3, clip_on=False)
    draw_lines(axes, tables, named, [*arms, *positions["arm"]], bands=False, lead=False)
    last = max(t.index.max() for t in tables.values())
    axes.set_xlim(0.9 - 0.01 * last, 0.1 + last)
    axes.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    note = "mean over seeds" + ("; dashed: ceiling of the arm" if limits else "")
    note += note_others(tables, named) + scaled
    return drawing.dress(axes, title, note, "y", "time step", drawing.axis_label("accuracy"))
