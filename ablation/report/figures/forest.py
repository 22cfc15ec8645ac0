"""Paired differences on the band within which they do not matter."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ablation.report.figures import drawing
from ablation.report.figures.arms import PALETTE, numbers
from ablation.report.figures.drawing import FAINT

VERDICTS = {
    "better": (PALETTE[0], "^"),
    "worse": (PALETTE[1], "v"),
    "equivalent": (PALETTE[2], "o"),
}
UNDECIDED = ("#777777", "D")
WIDE = 60  # letters that the name of a row has room for


def forest(contrasts: pd.DataFrame, axes: Axes, metric: str = "accuracy") -> Axes:
    """Draw each paired difference with its interval on the band of equivalence.

    contrasts: `arm`, `other`, `difference` (arm less other, of the metric), `low`, `high`,
    `verdict`, `p_holm`, `margin` (half the width of the band).
    """
    title = f"Difference in {drawing.word(metric)} between arms"
    keys = ("difference", "low", "high", "p_holm")
    points = np.column_stack([numbers(contrasts, key) for key in keys])
    if not np.isfinite(points[:, 0]).any():
        return drawing.empty(axes, title)
    margins = numbers(contrasts, "margin")
    margin = margins.max()
    drawing.scale(
        axes,
        "x",
        drawing.finite(points[:, :3], [-1.5 * margin, 0, 1.5 * margin]),
        breaks=True,
        room=0.17,
    )
    green = VERDICTS["equivalent"][0]
    if margins.min() == margin:
        axes.axvspan(-margin, margin, color=green, alpha=0.1, lw=0)
    else:  # each task has its own
        for row, half in enumerate(margins):
            axes.fill_betweenx([row - 0.5, row + 0.5], -half, half, color=green, alpha=0.1, lw=0)
    axes.axvline(0, color=FAINT, lw=0.8)
    for row, verdict in enumerate(contrasts["verdict"]):
        middle, low, high, p = points[row]
        colour, marker = VERDICTS.get(verdict, UNDECIDED)
        axes.plot([low, high], [row, row], color=colour, lw=2, solid_capstyle="butt")
        axes.plot([middle], [row], marker, color=colour, ms=7, mec="white", mew=0.7, zorder=4)
        chance = "" if np.isnan(p) else "  p < 0.001" if p < 0.001 else f"  p = {p:.3f}"
        drawing.write(
            axes, 1.02, row, verdict + chance, color=colour, transform=axes.get_yaxis_transform()
        )
    others = set(contrasts["other"])
    common = others.pop() if len(others) == 1 and len(contrasts) > 1 else None
    less = f"\nagainst {common}" if common else " (first arm minus second)"
    pairs = zip(contrasts["arm"], contrasts["other"], strict=True)
    drawing.rows(axes, [arm if common else pair_name(arm, other) for arm, other in pairs])
    within = f" within ±{margin:g}" if margins.min() == margin else ""
    note = f"bars: 95 % t intervals; shaded: equivalent{within}; p after Holm"
    return drawing.dress(axes, title, note, "x", f"difference in {drawing.word(metric)}{less}")


def pair_name(arm: str, other: str) -> str:
    """Return the name of a difference; of long names what both arms have is said once."""
    text = f"{arm} \N{MINUS SIGN} {other}"
    both = [word for word in arm.split() if word in other.split()]
    apart = [" ".join(w for w in name.split() if w not in both) for name in (arm, other)]
    if len(text) <= WIDE or not both or not all(apart):
        return text
    return f"{' '.join(both)}: {apart[0]} \N{MINUS SIGN} {apart[1]}"
