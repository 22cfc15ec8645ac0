"""Every seed of every arm, with means, intervals and ceilings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ablation.measures import measure_of
from ablation.report.figures import drawing
from ablation.report.figures.arms import Arms, numbers, styles
from ablation.report.figures.drawing import INK


def accuracy_by_arm(
    trials: pd.DataFrame,
    summary: pd.DataFrame,
    axes: Axes,
    metric: str = "accuracy",
    arms: Arms = (),
) -> Axes:
    """Draw a row per arm: each seed a point, below them the mean and its t interval, also as text.

    trials: `arm`, `seed`, the metric; if present also `status`, its bound (`ceiling`) and guess.
    summary: `arm`, `mean`, `low`, `high` of the same metric; an arm it lacks has no interval.
    """
    title = f"{drawing.word(metric).capitalize()} by arm"
    table = pd.DataFrame({"arm": trials.get("arm"), "value": numbers(trials, metric)})
    if not table["value"].notna().any():
        return drawing.empty(axes, title)
    bound, guess = measure_of(metric).bound, measure_of(metric).guess
    table["ceiling"], table["majority"] = numbers(trials, bound), numbers(trials, guess)
    table["status"] = trials.get("status", "without a value")
    # Golden-ratio steps keep neighbours apart without chance, alike in each arm.
    seeds = np.searchsorted(np.unique(trials["seed"]), trials["seed"])
    table["up"] = 0.42 * ((0.618034 * seeds) % 1) - 0.32
    bounds = np.column_stack([numbers(summary, key) for key in ("mean", "low", "high")])
    intervals = dict(zip(summary.get("arm", ()), bounds, strict=True))
    shown, base = (
        drawing.finite(table["value"], table["ceiling"], bounds),
        table["majority"].dropna(),
    )
    # A baseline far below every arm would flatten them; then only the note states it.
    reach = 0.35 * np.ptp(shown)
    near = base[(base > shown.min() - reach) & (base < shown.max() + reach)]
    scaled = drawing.scale(axes, "x", drawing.finite(shown, near), metric, breaks=True)
    style = styles([*arms, *trials["arm"]])
    for row, (name, group) in enumerate(table.groupby("arm", sort=False)):
        colour, marker, _ = style[str(name)]
        look: dict[str, Any] = {"color": colour, "marker": marker, "alpha": 0.65, "linewidths": 0}
        axes.scatter(group["value"], row + group["up"], 20, zorder=3, **look)
        mean, low, high = intervals.get(name, (group["value"].mean(), np.nan, np.nan))
        axes.plot([low, high], [row + 0.26] * 2, color=colour, lw=2.5, solid_capstyle="butt")
        axes.plot([mean], [row + 0.26], "|", color=INK, ms=9, mew=1.8, zorder=5)
        for level, line in ((group["ceiling"].mean(), "-"), (group["majority"].mean(), ":")):
            axes.plot([level] * 2, [row - 0.4, row + 0.42], line, color=INK, lw=1.1, zorder=4)
        label = drawing.say(mean)
        if np.isfinite(low + high):
            label += f"  [{drawing.say(low)}, {drawing.say(high)}]"
        if group["value"].isna().any():
            lost = group.loc[group["value"].isna(), "status"]
            ended = set(lost) - set(table.loc[table["value"].notna(), "status"])
            label += f"\n{len(lost)} {ended.pop() if len(ended) == 1 else 'without a value'}"
        drawing.write(axes, 1.02, row, label, transform=axes.get_yaxis_transform())
    note = "points: seeds; bar: mean with 95 % t interval"
    note += f"; solid line: {bound}" if table["ceiling"].notna().any() else ""
    note += f"; dotted: {guess}" if len(near) else ""
    if len(base) and not len(near):
        value = f"{base.mean():.3f}" if measure_of(metric).share else drawing.say(base.mean())
        note += f"; {guess} {value}, outside the view"
    drawing.rows(axes, list(dict.fromkeys(table["arm"])), drop=True)
    return drawing.dress(axes, title, note + scaled, "x", drawing.axis_label(metric))
