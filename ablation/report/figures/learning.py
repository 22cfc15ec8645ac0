"""Learning curves."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from ablation.measures import measure_of
from ablation.report.figures import drawing
from ablation.report.figures.arms import PALETTE, Arms
from ablation.report.figures.lines import by_seed, draw_lines, name_extremes, note_others


def learning_curves(
    curves: pd.DataFrame, axes: Axes, value: str = "accuracy", arms: Arms = ()
) -> Axes:
    """Draw the mean curve per arm, the middle half of its seeds as a band, single seeds faintly.

    curves: `arm`, `seed`, `updates`, the value; more than seven arms are drawn as means alone,
    and of more than twelve only the best and the worst are named.
    """
    title = f"{drawing.word(value).capitalize()} during training"
    tables = by_seed(curves, "updates", value)
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
    sign = measure_of(value).sense
    named = name_extremes(
        {name: sign * float(t.mean(axis=1).iloc[-1]) for name, t in tables.items()}
    )
    draw_lines(axes, tables, named, [*arms, *curves["arm"]], few)
    note = "one seed" if seeds == 1 else f"line: mean of up to {seeds} seeds"
    note += "; band: middle half of the seeds; thin: single seeds" if few else ""
    note += note_others(tables, named) + scaled
    return drawing.dress(axes, title, note, "y", "updates (batches)", drawing.axis_label(value))
