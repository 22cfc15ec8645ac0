"""Figures of what changes over updates or steps: a line an arm, as in `plots`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from ablation import drawing
from ablation.plots import MANY, PALE, PALETTE, Arms, numbers, styles

BEST, WORST = 5, 2  # curves that are named among many


def learning_curves(
    curves: pd.DataFrame, axes: Axes, value: str = "accuracy", arms: Arms = ()
) -> Axes:
    """Draw the mean curve per arm, the middle half of its seeds as a band, single seeds faintly.

    curves: `arm`, `seed`, `updates`, the value; more than seven arms are drawn as means alone,
    and of more than twelve only the best and the worst are named.
    """
    title, tables = f"{value.capitalize()} during training", _by_seed(curves, "updates", value)
    # A seed that has stopped stays where it was, or the mean would be of those still in training.
    tables = {arm: table.ffill() for arm, table in tables.items()}
    if not tables:
        return drawing.empty(axes, title)
    # Single seeds may leave the view; means and bands may not.
    drawn = [v for t in tables.values() for v in (t.mean(axis=1), t.quantile(0.25, axis=1))]
    scaled = drawing.scale(axes, "y", drawing.finite(*drawn), value)
    axes.set_xlim(0, max(t.index.max() for t in tables.values()))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    seeds = max(t.shape[1] for t in tables.values())
    few = len(tables) <= len(PALETTE) and seeds > 1
    sign = -1 if value == "loss" else 1
    named = _named({name: sign * float(t.mean(axis=1).iloc[-1]) for name, t in tables.items()})
    _lines(axes, tables, named, [*arms, *curves["arm"]], few)
    note = "one seed" if seeds == 1 else f"line: mean of up to {seeds} seeds"
    note += "; band: middle half of the seeds; thin: single seeds" if few else ""
    note += _others(tables, named) + scaled
    return drawing.dress(axes, title, note, "y", "updates (batches)", drawing.axis_label(value))


def accuracy_by_step(positions: pd.DataFrame, axes: Axes, arms: Arms = ()) -> Axes:
    """Draw mean accuracy by time step per arm, its ceiling dashed in the same colour.

    positions: `arm`, `seed`, `step` (from 1), `accuracy`, and where known `ceiling`.
    """
    title, tables = "Accuracy by time step", _by_seed(positions, "step", "accuracy")
    if not tables:
        return drawing.empty(axes, title)
    named = _named({name: float(table.mean().mean()) for name, table in tables.items()})
    style = styles([*arms, *positions["arm"]] if len(named) == len(tables) else named)
    limits = {a: t.mean(axis=1) for a, t in _by_seed(positions, "step", "ceiling").items()}
    limits = {a: limit for a, limit in limits.items() if a in named}
    means = [table.mean(axis=1) for table in tables.values()]
    scaled = drawing.scale(axes, "y", drawing.finite(*means, *limits.values()), "accuracy")
    for turn, (name, limit) in enumerate(limits.items()):
        # Arms often share a ceiling: each draws its own dashes of the common line.
        dashes = (4.0 * turn, (4.0, 4.0 * max(len(limits) - 1, 1)))
        axes.plot(limit.index, limit, ls=dashes, color=style[name][0], lw=1.3, clip_on=False)
    _lines(axes, tables, named, [*arms, *positions["arm"]], bands=False, lead=False)
    last = max(t.index.max() for t in tables.values())
    axes.set_xlim(0.9 - 0.01 * last, 0.1 + last)
    axes.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    note = "mean over seeds" + ("; dashed: ceiling of the arm" if limits else "")
    note += _others(tables, named) + scaled
    return drawing.dress(axes, title, note, "y", "time step", drawing.axis_label("accuracy"))


def _by_seed(frame: pd.DataFrame, x: str, value: str) -> dict[str, pd.DataFrame]:
    """Return a table per arm that has values, in order: index x, a column per seed."""
    held = frame.assign(value=numbers(frame, value)).dropna(subset=["value"])
    groups = held.groupby("arm", sort=False) if len(held) else ()
    return {str(a): g.pivot_table(index=x, columns="seed", values="value") for a, g in groups}


def _named(scores: dict[str, float]) -> list[str]:
    """Return the arms that a figure of curves names, in order: all, or of many the extremes."""
    ranked = sorted(scores, key=lambda arm: -scores[arm])
    kept = ranked if len(ranked) <= MANY else ranked[:BEST] + ranked[-WORST:]
    return [arm for arm in scores if arm in kept]


def _others(tables: dict[str, pd.DataFrame], named: list[str]) -> str:
    rest = len(tables) - len(named)
    return f"\nnamed: the {BEST} best and the {WORST} worst; grey: the other {rest}" if rest else ""


def _lines(
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
