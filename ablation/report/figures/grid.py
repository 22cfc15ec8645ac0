"""The mean of a metric over two numeric factors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ablation.report.figures import drawing
from ablation.report.figures.arms import numbers
from ablation.report.figures.drawing import FAINT, INK, SMALL, TEXT


def heat_map(trials: pd.DataFrame, x: str, y: str, axes: Axes, value: str = "accuracy") -> Axes:
    """Draw the mean of a metric over two numeric factors, in cells that also state it.

    trials: columns x, y and the value; a combination without a finite value stays blank.
    """
    title = f"Mean {drawing.word(value)} by {x} and {y}"
    points = trials.assign(value=numbers(trials, value)).dropna(subset=["value"])
    if points.empty:
        return drawing.empty(axes, title)
    cells = points.pivot_table(index=y, columns=x, values="value").sort_index().sort_index(axis=1)
    grid = cells.to_numpy(np.float64)
    low, high = np.nanmin(grid), np.nanmax(grid)
    slack = 0.0 if high > low else 1e-3
    look: dict[str, Any] = {"cmap": "Blues", "edgecolors": "white", "linewidth": 2}
    mesh = axes.pcolormesh(np.ma.masked_invalid(grid), vmin=low - slack, vmax=high + slack, **look)
    for (row, column), mean in np.ndenumerate(grid):
        ink = "white" if mean > low + 0.55 * (high - low) else INK
        size = min(TEXT, 48 / grid.shape[1] + 2)
        text = "no trial" if np.isnan(mean) else drawing.say(mean)
        drawing.write(axes, column + 0.5, row + 0.5, text, color=ink, fontsize=size, ha="center")
    axes.set_xticks(np.arange(grid.shape[1]) + 0.5, [f"{v:g}" for v in cells.columns])
    axes.set_yticks(np.arange(grid.shape[0]) + 0.5, [f"{v:g}" for v in cells.index])
    bar = axes.figure.colorbar(mesh, ax=axes, aspect=30, pad=0.02)
    bar.set_label(drawing.axis_label(value), fontsize=TEXT, color=INK)
    bar.ax.tick_params(labelsize=SMALL, length=0, labelcolor=FAINT)
    counts = points.groupby([x, y]).size()
    note = f"trials in a cell: {' to '.join(f'{c}' for c in sorted({counts.min(), counts.max()}))}"
    drawing.dress(axes, title, note, "", drawing.axis_label(x), drawing.axis_label(y)).tick_params(
        length=0
    )
    for spine in (*axes.spines.values(), *bar.ax.spines.values()):
        spine.set_visible(False)
    return axes
