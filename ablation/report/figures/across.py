"""How the variants do on each of several problems."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ablation.report.figures import drawing
from ablation.report.figures.drawing import INK, TEXT

FAR = 0.25  # behind the best; what is further is as dark


def variants_by_problem(means: pd.DataFrame, axes: Axes) -> Axes:
    """Draw each variant's normalized score on each problem, darker the further it is behind.

    means: a row a variant, a column a problem; a missing score stays blank.
    """
    title = "Normalized score of each variant on each problem"
    if means.empty:
        return drawing.empty(axes, title)
    grid = means.to_numpy(np.float64)
    behind = np.nanmax(grid, axis=0) - grid
    look: dict[str, Any] = {"cmap": "Oranges", "edgecolors": "white", "linewidth": 2}
    edges = [np.arange(count + 1) - 0.5 for count in grid.shape[::-1]]
    axes.pcolormesh(*edges, np.ma.masked_invalid(behind), vmin=0, vmax=FAR, **look)
    size = min(TEXT, 84 / grid.shape[1] + 1)
    for (row, column), score in np.ndenumerate(grid):
        gap = behind[row, column]
        text = "" if np.isnan(score) else f"{round(score, 2) + 0.0:.2f}"
        ink, weight = "white" if gap > 0.6 * FAR else INK, "bold" if gap < 0.005 else "normal"
        look = {"color": ink, "fontsize": size, "ha": "center", "fontweight": weight}
        drawing.write(axes, column, row, text, **look)
    drawing.rows(axes, [str(name) for name in means.index])
    axes.set_ylim(grid.shape[0] - 0.5, -0.5)
    names = [str(name) for name in means.columns]
    axes.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
    note = "0: a guess, 1: the best possible; bold: the best; darker: further behind it"
    drawing.dress(axes, title, note, "").tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return axes
