"""A line an arm, with its seeds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from ablation.report.figures import drawing
from ablation.report.figures.arms import MANY, PALE, Arms, numbers, styles

BEST, WORST = 5, 2  # curves that are named among many


def by_seed(frame: pd.DataFrame, x: str, value: str) -> dict[str, pd.DataFrame]:
    """Return a table per arm that has values, in order: index x, a column per seed."""
    points = frame.assign(value=numbers(frame, value)).dropna(subset=["value"])
    groups = points.groupby("arm", sort=False) if len(points) else ()
    return {str(a): g.pivot_table(index=x, columns="seed", values="value") for a, g in groups}


def name_extremes(scores: dict[str, float]) -> list[str]:
    """Return the arms that a figure of curves names, in order: all, or of many the extremes."""
    ranked = sorted(scores, key=lambda arm: -scores[arm])
    extremes = ranked if len(ranked) <= MANY else ranked[:BEST] + ranked[-WORST:]
    return [arm for arm in scores if arm in extremes]


def note_others(tables: dict[str, pd.DataFrame], named: list[str]) -> str:
    rest = len(tables) - len(named)
    return f"\nnamed: the {BEST} best and the {WORST} worst; grey: the other {rest}" if rest else ""


def draw_lines(
    axes: Axes,
    tables: dict[str, pd.DataFrame],
    named: list[str],
    arms: Arms,
    bands: bool,
    lead: bool = True,
) -> None:
    """Draw the mean line of each table, with band and single seeds where asked.

    arms: all of the report, whose colours the named ones have; those among many have their own.
    """
    style, tips = styles(arms if len(named) == len(tables) else named), {}
    for i, (name, table) in enumerate(tables.items()):
        x, mean = table.index.to_numpy(np.float64), table.mean(axis=1).to_numpy()
        if name not in named:
            axes.plot(x, mean, color=PALE, lw=0.7, zorder=2)
            continue
        colour, marker, line = style[name]
        if bands:
            seeds = [np.column_stack([x, table[seed]]) for seed in table]
            single = LineCollection(seeds, colors=colour, lw=0.5, alpha=0.16)
            axes.add_collection(single, autolim=False)
            low, high = table.quantile(0.25, axis=1), table.quantile(0.75, axis=1)
            axes.fill_between(x, low, high, color=colour, alpha=0.16, lw=0)
        # Markers start at different points, so that one of a close curve does not hide another's.
        every = 1 if len(x) <= 12 else (i % 5, len(x) // 7)
        look: dict[str, Any] = {"marker": marker, "ms": 4.5, "markevery": every, "zorder": 3}
        axes.plot(x, mean, line, color=colour, lw=1.7, **look)
        tips[name] = (x[-1], mean[-1] if lead else mean.mean())
    drawing.key(axes, tips, style, lead)
