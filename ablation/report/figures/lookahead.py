"""A metric over the lookahead of forward arms, beside arms that read both directions."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ablation.measures import measure_of
from ablation.report.figures import drawing
from ablation.report.figures.arms import PALETTE, numbers

FORWARD, BOTH = PALETTE[:2]


def metric_by_lookahead(task: pd.DataFrame, axes: Axes, metric: str, reference: str) -> Axes:
    """Draw each seed of the forward arms, their mean, and the reference arm as a band.

    task: `arm`, `direction`, `lookahead`, `seed`, the metric, and if present its bound (`ceiling`).
    The band is the range of the reference's seeds.
    """
    measure, title = measure_of(metric), "How much future is enough"
    values = task.assign(value=numbers(task, metric)).dropna(subset=["value"])
    delayed = values[values["direction"].eq("forward") & values["lookahead"].notna()]
    both = values[values["arm"].eq(reference)]["value"]
    if delayed.empty or both.empty:
        return drawing.empty(axes, title)
    limits = pd.Series(dtype=float)
    bound = measure.bound
    if bound in delayed:
        limits = delayed.dropna(subset=[bound]).groupby("lookahead")[bound].mean()
    scaled = drawing.scale(axes, "y", drawing.finite(delayed["value"], both, limits), metric)
    axes.axhspan(both.min(), both.max(), color=BOTH, alpha=0.15, lw=0)
    axes.axhline(both.mean(), color=BOTH, lw=1.5)
    means = delayed.groupby("lookahead")["value"].mean()
    places = np.arange(len(means))  # lookaheads are often 0, 1, 2, 4, 8: equally far apart
    at = dict(zip(means.index, places, strict=True))
    axes.plot(delayed["lookahead"].map(at), delayed["value"], ".", color=FORWARD, ms=4, alpha=0.4)
    axes.plot(places, means, "o-", color=FORWARD, lw=1.7, ms=5)
    if len(limits):
        axes.plot(limits.index.map(at), limits, "--", color=FORWARD, lw=1.2, clip_on=False)
    axes.set_xticks(places, [f"{lookahead:g}" for lookahead in means.index])
    note = f"points: seeds; line: their mean; band: {reference}, its mean and seeds"
    note += (f"; dashed: {bound}" if len(limits) else "") + scaled
    label = drawing.axis_label(metric)
    return drawing.dress(axes, title, note, "y", "lookahead (steps)", label or measure.name)
