"""What the variance of accuracy comes from."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ablation.report.figures import drawing
from ablation.report.figures.arms import PALETTE, numbers
from ablation.report.figures.drawing import INK, SMALL


def variance_shares(decomposition: pd.DataFrame, axes: Axes, metric: str = "accuracy") -> Axes:
    """Draw the share of the variance of the metric that each factor or interaction explains.

    decomposition: `term`, `share` (0 to 1); a missing share stays without a bar.
    """
    title = f"What the variance in {drawing.word(metric)} comes from"
    shares = 100 * numbers(decomposition, "share")
    if not np.isfinite(shares).any():
        return drawing.empty(axes, title)
    axes.barh(np.arange(len(shares)), np.nan_to_num(shares), height=0.55, color=PALETTE[0])
    for row, share in enumerate(shares):
        text = "unknown" if np.isnan(share) else "< 0.1 %" if 0 < share < 0.1 else f"{share:.1f} %"
        axes.annotate(
            text, (np.nan_to_num(share), row), (5, 0), textcoords="offset points", va="center"
        ).set(color=INK, fontsize=SMALL)
    axes.set_xlim(min(0, np.nanmin(shares)), 1.1 * max(np.nanmax(shares), 1))
    drawing.rows(axes, list(decomposition["term"]))
    return drawing.dress(axes, title, "", "x", "share of the variance (%)")
