"""Figures of a report: pure functions from a DataFrame and an Axes to that Axes.

Colours go by the order in which arms first appear in column `arm`; pass `arms`, all arms of the
report in order, wherever a frame may lack some of them.
"""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator, StrMethodFormatter
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Arms = Sequence[str]
Grid = Literal["", "x", "y", "both"]
Styles = dict[str, tuple[str, str, str]]

# Okabe & Ito's colour-blind-safe set without its yellow, which white paper swallows.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#AA4499", "#E69F00", "#56B4E9", "#4D4D4D")
VERDICTS = {
    "better": (PALETTE[0], "^"),
    "worse": (PALETTE[1], "v"),
    "equivalent": (PALETTE[2], "o"),
}
UNDECIDED = ("#777777", "D")
INK, FAINT, GRID = "#222222", "#666666", "#E4E4E4"
TEXT, SMALL = 9.0, 8.0  # points
RATES = ("accuracy", "exact")  # metrics that end at 1
WORDS = {
    "accuracy": "accuracy (share of labels right)",
    "exact": "sequences exactly right (share)",
    "loss": "loss (nats per label)",
    "seconds": "training time (s)",
    "parameters": "parameters (count)",
    "length": "length (steps)",
    "units": "units (count)",
}


def figure(width: float = 7.0, height: float = 4.0) -> tuple[Figure, Axes]:
    """Return an empty figure of one panel in the house style; width and height in inches."""
    made = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    return made, made.add_subplot()


def height_of(rows: int) -> float:
    """Return the inches that suit a figure of so many rows (arms, contrasts or terms)."""
    return 1.2 + 0.46 * max(rows, 2)


def save(figure: Figure, folder: Path, name: str) -> tuple[Path, Path]:
    """Write name.png (150 dpi) and name.svg, same bytes for the same data; return both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    png, svg = folder / f"{name}.png", folder / f"{name}.svg"
    # A user's own matplotlibrc must not reach a published figure.
    fixed: dict[Any, Any] = {"font.family": "sans-serif", "font.sans-serif": "DejaVu Sans"}
    fixed |= {"savefig.bbox": None, "svg.fonttype": "path", "svg.hashsalt": "ablation"}
    with mpl.rc_context(fixed), warnings.catch_warnings():
        # A script that the font lacks is drawn as boxes, which is no reason to stop a report.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure.savefig(png, dpi=150)
        figure.savefig(svg, metadata={"Date": None})
    return png, svg


def colours(arms: Iterable[str]) -> dict[str, str]:
    """Return a colour per arm in order of first appearance; from the eighth on they repeat."""
    return {arm: PALETTE[i % len(PALETTE)] for i, arm in enumerate(dict.fromkeys(arms))}


def pareto_front(cost: Numbers, value: Numbers) -> NDArray[np.bool_]:
    """Return which of n points no other beats: less cost is better, more value is better.

    A point is beaten by one no worse in both and better in one. NaN is never on the front.
    """
    no_worse = (cost[None] <= cost[:, None]) & (value[None] >= value[:, None])
    better = (cost[None] < cost[:, None]) | (value[None] > value[:, None])
    return ~(no_worse & better).any(axis=1) & np.isfinite(cost + value)


def accuracy_by_arm(
    trials: pd.DataFrame,
    summary: pd.DataFrame,
    axes: Axes,
    metric: str = "accuracy",
    arms: Arms = (),
) -> Axes:
    """Draw a row per arm: each seed a point, below them the mean and its interval, also as text.

    trials: `arm`, `seed`, the metric, and where known `status`, `ceiling`, `majority` of accuracy.
    summary: `arm`, `mean`, `low`, `high` of the same metric; an arm it lacks has no interval.
    """
    title = f"{_word(metric).capitalize()} by arm"
    held = pd.DataFrame({"arm": trials.get("arm"), "value": _numbers(trials, metric)})
    if not held["value"].notna().any():
        return _empty(axes, title)
    for key in ("ceiling", "majority"):
        held[key] = _numbers(trials, key if metric == "accuracy" else "")
    held["status"] = trials.get("status", "without a value")
    # Golden-ratio steps keep neighbours apart without chance, alike in each arm.
    seeds = np.searchsorted(np.unique(trials["seed"]), trials["seed"])
    held["up"] = 0.42 * ((0.618034 * seeds) % 1) - 0.32
    bounds = np.column_stack([_numbers(summary, key) for key in ("mean", "low", "high")])
    known = dict(zip(summary.get("arm", ()), bounds, strict=True))
    shown, base = _finite(held["value"], held["ceiling"], bounds), held["majority"].dropna()
    # A baseline far below every arm would flatten them; then only the note states it.
    reach = 0.35 * np.ptp(shown)
    near = base[(base > shown.min() - reach) & (base < shown.max() + reach)]
    _scale(axes, "x", _finite(shown, near), metric, breaks=True)
    style = _styles(trials, arms)
    for row, (name, mine) in enumerate(held.groupby("arm", sort=False)):
        colour, marker, _ = style[str(name)]
        look: dict[str, Any] = {"color": colour, "marker": marker, "alpha": 0.65, "linewidths": 0}
        axes.scatter(mine["value"], row + mine["up"], 20, zorder=3, **look)
        mean, low, high = known.get(name, (mine["value"].mean(), np.nan, np.nan))
        axes.plot([low, high], [row + 0.26] * 2, color=colour, lw=2.5, solid_capstyle="butt")
        axes.plot([mean], [row + 0.26], "|", color=INK, ms=9, mew=1.8, zorder=5)
        for level, line in ((mine["ceiling"].mean(), "-"), (mine["majority"].mean(), ":")):
            axes.plot([level] * 2, [row - 0.4, row + 0.42], line, color=INK, lw=1.1, zorder=4)
        said = _say(mean) + (f"  [{_say(low)}, {_say(high)}]" if np.isfinite(low + high) else "")
        if mine["value"].isna().any():
            lost = mine.loc[mine["value"].isna(), "status"]
            ended = set(lost) - set(held.loc[held["value"].notna(), "status"])
            said += f"\n{len(lost)} {ended.pop() if len(ended) == 1 else 'without a value'}"
        _text(axes, 1.02, row, said, transform=axes.get_yaxis_transform())
    note = "points: seeds; bar: mean with interval"
    note += "; solid line: ceiling" if held["ceiling"].notna().any() else ""
    note += "; dotted: majority" if len(near) else ""
    if len(base) and not len(near):
        note += f"; majority {base.mean():.3f}, outside the view"
    _rows(axes, list(dict.fromkeys(held["arm"])), drop=True)
    return _dress(axes, title, note, "x", WORDS.get(metric, metric))


def learning_curves(
    curves: pd.DataFrame, axes: Axes, value: str = "accuracy", arms: Arms = ()
) -> Axes:
    """Draw the mean curve per arm, the middle half of its seeds as a band, single seeds faintly.

    curves: `arm`, `seed`, `updates`, the value; more than seven arms are drawn as means alone.
    """
    title, tables = f"{value.capitalize()} during training", _by_seed(curves, "updates", value)
    if not tables:
        return _empty(axes, title)
    # Single seeds may leave the view; means and bands may not.
    drawn = [v for t in tables.values() for v in (t.mean(axis=1), t.quantile(0.25, axis=1))]
    _scale(axes, "y", _finite(*drawn), value)
    axes.set_xlim(0, max(t.index.max() for t in tables.values()))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    seeds = max(t.shape[1] for t in tables.values())
    few = len(tables) <= len(PALETTE) and seeds > 1
    _lines(axes, tables, _styles(curves, arms), few)
    note = "one seed" if seeds == 1 else f"line: mean of up to {seeds} seeds"
    note += "; band: middle half of the seeds; thin: single seeds" if few else ""
    return _dress(axes, title, note, "y", "updates (batches)", WORDS.get(value, value))


def accuracy_by_step(positions: pd.DataFrame, axes: Axes, arms: Arms = ()) -> Axes:
    """Draw mean accuracy by time step per arm, its ceiling dashed in the same colour.

    positions: `arm`, `seed`, `step` (from 1), `accuracy`, and where known `ceiling`.
    """
    title, tables = "Accuracy by time step", _by_seed(positions, "step", "accuracy")
    if not tables:
        return _empty(axes, title)
    style = _styles(positions, arms)
    limits = {a: t.mean(axis=1) for a, t in _by_seed(positions, "step", "ceiling").items()}
    means = [table.mean(axis=1) for table in tables.values()]
    _scale(axes, "y", _finite(*means, *limits.values()), "accuracy")
    for turn, (name, limit) in enumerate(limits.items()):
        # Arms often share a ceiling: each draws its own dashes of the common line.
        dashes = (4.0 * turn, (4.0, 4.0 * max(len(limits) - 1, 1)))
        axes.plot(limit.index, limit, ls=dashes, color=style[name][0], lw=1.3, clip_on=False)
    _lines(axes, tables, style, bands=False, lead=False)
    last = max(t.index.max() for t in tables.values())
    axes.set_xlim(0.9 - 0.01 * last, 0.1 + last)
    axes.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    note = "mean over seeds" + ("; dashed: ceiling of the arm" if limits else "")
    return _dress(axes, title, note, "y", "time step", WORDS["accuracy"])


def heat_map(trials: pd.DataFrame, x: str, y: str, axes: Axes, value: str = "accuracy") -> Axes:
    """Draw the mean of a metric over two numeric factors, in cells that also state it.

    trials: columns x, y and the value; a combination without a finite value stays blank.
    """
    title = f"Mean {_word(value)} by {x} and {y}"
    held = trials.assign(value=_numbers(trials, value)).dropna(subset=["value"])
    if held.empty:
        return _empty(axes, title)
    cells = held.pivot_table(index=y, columns=x, values="value").sort_index().sort_index(axis=1)
    grid = cells.to_numpy(np.float64)
    low, high = np.nanmin(grid), np.nanmax(grid)
    slack = 0.0 if high > low else 1e-3
    look: dict[str, Any] = {"cmap": "Blues", "edgecolors": "white", "linewidth": 2}
    mesh = axes.pcolormesh(np.ma.masked_invalid(grid), vmin=low - slack, vmax=high + slack, **look)
    for (row, column), mean in np.ndenumerate(grid):
        ink = "white" if mean > low + 0.55 * (high - low) else INK
        size = min(TEXT, 48 / grid.shape[1] + 2)
        text = "no trial" if np.isnan(mean) else _say(mean)
        _text(axes, column + 0.5, row + 0.5, text, color=ink, fontsize=size, ha="center")
    axes.set_xticks(np.arange(grid.shape[1]) + 0.5, [f"{v:g}" for v in cells.columns])
    axes.set_yticks(np.arange(grid.shape[0]) + 0.5, [f"{v:g}" for v in cells.index])
    bar = axes.figure.colorbar(mesh, ax=axes, aspect=30, pad=0.02)
    bar.set_label(WORDS.get(value, value), fontsize=TEXT, color=INK)
    bar.ax.tick_params(labelsize=SMALL, length=0, labelcolor=FAINT)
    counts = held.groupby([x, y]).size()
    note = f"trials in a cell: {' to '.join(f'{c}' for c in sorted({counts.min(), counts.max()}))}"
    _dress(axes, title, note, "", WORDS.get(x, x), WORDS.get(y, y)).tick_params(length=0)
    for spine in (*axes.spines.values(), *bar.ax.spines.values()):
        spine.set_visible(False)
    return axes


def cost(
    trials: pd.DataFrame,
    axes: Axes,
    cost: Literal["parameters", "seconds"] = "parameters",
    arms: Arms = (),
) -> Axes:
    """Draw mean accuracy against mean cost per arm, with the front that no other arm beats.

    trials: `arm`, `accuracy` and the cost; whiskers are the middle half of the seeds.
    """
    title = f"Accuracy against {_word(cost)}"
    both = {"x": _numbers(trials, cost), "y": _numbers(trials, "accuracy")}
    held = pd.DataFrame({"arm": trials.get("arm"), **both}).dropna()
    if held.empty:
        return _empty(axes, title)
    style, groups = _styles(trials, arms), held.groupby("arm", sort=False)
    means, low, high = groups.mean(), groups["y"].quantile(0.25), groups["y"].quantile(0.75)
    x, y = means["x"].to_numpy(), means["y"].to_numpy()
    _scale(axes, "y", _finite(y, low, high), "accuracy")
    # Costs a few parts in a thousand apart should look alike.
    room = () if np.ptp(x) > 0.3 * x.max() else (0.8 * x.max(), 1.1 * x.max())
    _scale(axes, "x", _finite(x, room), cost)
    best = np.flatnonzero(pareto_front(x, y))
    best = best[np.lexsort((y[best], x[best]))]
    axes.step(x[best], y[best], where="post", color=FAINT, lw=1.1, label="Pareto front")
    for i, name in enumerate(means.index):
        colour, marker, _ = style[name]
        axes.plot([x[i]] * 2, [low[name], high[name]], color=colour, lw=1, alpha=0.6)
        axes.plot([x[i]], [y[i]], marker, color=colour, ms=7.5, mec="white", mew=0.7, zorder=4)
    tips = {name: (x[i], y[i]) for i, name in enumerate(means.index)}
    _key(axes, tips, {name: (*style[name][:2], "") for name in tips}, lead=False)
    note = "points: means; whiskers: middle half of the seeds; grey: nothing is cheaper and better"
    return _dress(axes, title, note, "both", WORDS[cost], WORDS["accuracy"])


def forest(contrasts: pd.DataFrame, axes: Axes, margin: float) -> Axes:
    """Draw each paired difference with its interval on the band of equivalence.

    contrasts: `arm`, `other`, `difference` (arm less other, of accuracy), `low`, `high`,
    `verdict`, `p_holm`. margin: half the width of the band.
    """
    title = "Difference in accuracy between arms"
    keys = ("difference", "low", "high", "p_holm")
    points = np.column_stack([_numbers(contrasts, key) for key in keys])
    if not np.isfinite(points[:, 0]).any():
        return _empty(axes, title)
    _scale(axes, "x", _finite(points[:, :3], [-1.5 * margin, 0, 1.5 * margin]), breaks=True)
    axes.axvspan(-margin, margin, color=VERDICTS["equivalent"][0], alpha=0.1, lw=0)
    axes.axvline(0, color=FAINT, lw=0.8)
    for row, verdict in enumerate(contrasts["verdict"]):
        middle, low, high, p = points[row]
        colour, marker = VERDICTS.get(verdict, UNDECIDED)
        axes.plot([low, high], [row, row], color=colour, lw=2, solid_capstyle="butt")
        axes.plot([middle], [row], marker, color=colour, ms=7, mec="white", mew=0.7, zorder=4)
        chance = "" if np.isnan(p) else "  p < 0.001" if p < 0.001 else f"  p = {p:.3f}"
        _text(axes, 1.02, row, verdict + chance, color=colour, transform=axes.get_yaxis_transform())
    pairs = zip(contrasts["arm"], contrasts["other"], strict=True)
    _rows(axes, [f"{arm} \N{MINUS SIGN} {other}" for arm, other in pairs])
    note = f"bars: intervals; shaded: equivalent within ±{margin:g}; p after Holm"
    return _dress(axes, title, note, "x", "difference in accuracy (first arm less second)")


def variance(decomposition: pd.DataFrame, axes: Axes) -> Axes:
    """Draw the share of the variance of accuracy that each factor or interaction explains.

    decomposition: `term`, `share` (0 to 1); a missing share stays without a bar.
    """
    title = "What the variance in accuracy comes from"
    shares = 100 * _numbers(decomposition, "share")
    if not np.isfinite(shares).any():
        return _empty(axes, title)
    axes.barh(np.arange(len(shares)), np.nan_to_num(shares), height=0.55, color=PALETTE[0])
    for row, share in enumerate(shares):
        text = "unknown" if np.isnan(share) else "< 0.1 %" if 0 < share < 0.1 else f"{share:.1f} %"
        axes.annotate(
            text, (np.nan_to_num(share), row), (5, 0), textcoords="offset points", va="center"
        ).set(color=INK, fontsize=SMALL)
    axes.set_xlim(min(0, np.nanmin(shares)), 1.1 * max(np.nanmax(shares), 1))
    _rows(axes, list(decomposition["term"]))
    return _dress(axes, title, "", "x", "share of the variance (%)")


def _styles(frame: pd.DataFrame, arms: Arms) -> Styles:
    """Return colour, marker and line of each arm; 49 arms differ in one of the first two."""
    own = enumerate(colours([*arms, *frame["arm"]]).items())
    lines = ("-", "--", "-.", ":")
    return {a: (c, "osD^vPX"[(i + i // 7) % 7], lines[i // 7 % 4]) for i, (a, c) in own}


def _numbers(frame: pd.DataFrame, key: str) -> Numbers:
    """Return a column as float64; what is absent or infinite is NaN."""
    column = frame[key] if key in frame else pd.Series(np.nan, frame.index)
    values: Numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, copy=True)
    values[~np.isfinite(values)] = np.nan
    return values


def _finite(*values: Any) -> Numbers:
    flat: Numbers = np.concatenate([np.ravel(np.asarray(v, np.float64)) for v in values])
    kept: Numbers = flat[np.isfinite(flat)]
    return kept


def _by_seed(frame: pd.DataFrame, x: str, value: str) -> dict[str, pd.DataFrame]:
    """Return a table per arm that has values, in order: index x, a column per seed."""
    held = frame.assign(value=_numbers(frame, value)).dropna(subset=["value"])
    groups = held.groupby("arm", sort=False) if len(held) else ()
    return {str(a): g.pivot_table(index=x, columns="seed", values="value") for a, g in groups}


def _word(key: str) -> str:
    return WORDS.get(key, key).partition(" (")[0]


def _say(value: float) -> str:
    return "no value" if np.isnan(value) else f"{value:.4f}" if abs(value) < 10 else f"{value:,.4g}"


def _segments(values: Numbers) -> list[tuple[float, float]]:
    """Return the stretches of the number line that hold values, parted at one or two wide gaps."""
    ordered = np.unique(values)
    gaps = np.diff(ordered)
    for count in (2, 1) if ordered.size >= 6 else ():
        cuts = np.sort(np.argsort(gaps)[-count:])
        rest = gaps.sum() - gaps[cuts].sum()
        # Below 2 % of the whole, a zoom would show rounding as if it were structure.
        if 0.02 * gaps.sum() < rest < gaps[cuts].min() / 1.5:
            return [(p[0], p[-1]) for p in np.split(ordered, cuts + 1)]
    return [(ordered[0], ordered[-1])]


class _View(NamedTuple):
    """What an axis shows: ends, tick places by priority, their format, and a map to paper."""

    low: float
    high: float
    ticks: list[float]
    form: str
    forward: Callable[[Any], Any]
    inverse: Callable[[Any], Any]


def _error_view(values: Numbers) -> _View:
    """Return a logarithmic view of the errors 1 - value, which still holds the value 1."""
    errors = 1 - values
    worst, floor = (
        errors.max(),
        max(np.quantile(errors[errors > 1e-9], 0.05) / 2, errors.max() / 100),
    )
    return _View(
        low=1 - 1.12 * worst,
        high=1 + floor / 6 - 0.85 * errors.min(),
        ticks=[1, 0.9, 0.99, 0.999, 0.5, 0.95, 0.995, 0.8, 0.98, 0.7, 0.97, 0.998, 0.6, 0.96, 0],
        form="{:g}",
        forward=lambda v: -np.log10(np.maximum(1 + floor - np.asarray(v), floor / 9)),
        inverse=lambda p: 1 + floor - 10 ** -np.asarray(p),
    )


def _log_view(values: Numbers) -> _View:
    low, high = values.min() / 1.2, values.max() * 1.2
    return _View(
        low,
        high,
        ticks=[m * 10.0**e for m in (1, 3, 2, 5) for e in range(-9, 12)],
        form="{:,g}",
        forward=lambda v: np.log10(np.maximum(v, low / 9)),
        inverse=lambda p: 10 ** np.asarray(p),
    )


def _linear_view(parts: list[tuple[float, float]], top: float) -> _View:
    """Return a linear view of the parts, all in one scale, the gaps between them cut short."""
    visible = sum(b - a for a, b in parts) or max(abs(parts[0][0]) * 0.02, 1e-3)
    edges = np.array(parts) + 0.05 * visible * np.array([-1, 1])
    step = np.diff(MaxNLocator(8, steps=[1, 2, 5, 10]).tick_values(0, visible))[0]
    ticks = [t for a, b in edges for t in np.arange(np.ceil(a / step), b / step) * step]
    # The map goes on beyond the ends, because artists may.
    knots = np.array([edges[0, 0] - visible, *edges.ravel(), edges[-1, 1] + visible])
    widths = np.diff(knots)
    widths[2:-2:2] = 0.06 * visible
    places = np.cumsum([0, *widths])
    return _View(
        low=edges[0, 0],
        high=edges[-1, 1],
        ticks=sorted((t for t in ticks if t < top + step / 9), key=lambda t: len(f"{abs(t):.9g}")),
        form=f"{{:,.{max(0, int(np.ceil(-np.log10(step) - 1e-9)))}f}}",
        forward=lambda v: np.interp(v, knots, places),
        inverse=lambda p: np.interp(p, places, knots),
    )


def _scale(
    axes: Axes, which: Literal["x", "y"], values: Numbers, metric: str = "", breaks: bool = False
) -> None:
    """Scale an axis so that near values stay apart: linear, cut at gaps, log, or log of errors."""
    rate = metric in RATES
    values = np.minimum(values, 1) if rate else values  # an interval may reach beyond what can be
    parts = _segments(values) if breaks else [(values.min(), values.max())]
    errors = 1 - values[values < 1 - 1e-9]
    if rate and len(parts) == 1 and errors.size and errors.max() > 10 * np.quantile(errors, 0.1):
        view = _error_view(values)
    elif metric and not rate and 0 < 5 * values.min() < values.max():
        view = _log_view(values)
    else:
        view = _linear_view(parts, top=1 if rate else np.inf)
    axis = axes.xaxis if which == "x" else axes.yaxis
    functions = (view.forward, view.inverse)
    (axes.set_xscale if which == "x" else axes.set_yscale)("function", functions=functions)
    (axes.set_xlim if which == "x" else axes.set_ylim)(view.low, view.high)
    room = (0.11 if which == "x" else 0.06) * np.ptp(view.forward(np.array([view.low, view.high])))
    ticks: list[float] = []
    for tick in (t for t in view.ticks if view.low <= t <= view.high):
        if not ticks or np.abs(view.forward(np.array(ticks)) - view.forward(tick)).min() > room:
            ticks.append(tick)
    labels = [view.form.format(round(tick, 12) + 0.0) for tick in ticks]  # no negative zero
    axis.set_ticks(ticks, labels=[label.replace("-", "\N{MINUS SIGN}") for label in labels])
    axis.set_minor_locator(NullLocator())
    pad = 0.05 * sum(b - a for a, b in parts)
    for (_, left), (right, _) in pairwise(parts):
        blank = axes.axvspan if which == "x" else axes.axhspan
        blank(left + pad, right - pad, fc="#F1F1F1", hatch="////", ec="white", lw=0, zorder=2.1)


def _lines(
    axes: Axes, tables: dict[str, pd.DataFrame], style: Styles, bands: bool, lead: bool = True
) -> None:
    """Draw the mean line of each table, with band and single seeds where asked, and its name."""
    tips = {}
    for i, (name, table) in enumerate(tables.items()):
        colour, marker, line = style[name]
        x, mean = table.index.to_numpy(np.float64), table.mean(axis=1).to_numpy()
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
    _key(axes, tips, style, lead)


def _key(axes: Axes, tips: dict[str, tuple[float, float]], style: Styles, lead: bool) -> None:
    """Name arms right of the axes, each near the height of its tip, without overlaps."""
    inner = axes.transScale + axes.transLimits
    spots = {name: inner.transform(tip) for name, tip in tips.items()}
    order = sorted(spots, key=lambda name: float(spots[name][1]))
    high = _points_high(axes)
    lines = max(1, min(3, int(high / len(order) / SMALL / 1.35)))
    texts = _wrap(order, lines, 26 if lines > 1 else 40, drop=True)
    sizes = np.array([(t.count("\n") + 1.3) * SMALL * 1.25 for t in texts]) / high
    places = _spread(np.clip([spots[name][1] for name in order], 0, 1), sizes)
    for name, text, place in zip(order, texts, places, strict=True):
        colour, marker, line = style[name]
        look: dict[str, Any] = {"transform": axes.transAxes, "clip_on": False, "color": colour}
        if lead:
            start, level = spots[name]
            axes.add_artist(Line2D([start, 1.01, 1.04], [level, level, place], lw=0.7, **look))
        handle: dict[str, Any] = {"marker": marker, "markevery": [1], "ms": 5, "ls": line or "none"}
        axes.add_artist(Line2D([1.04, 1.06, 1.08], [place] * 3, lw=1.7, **handle, **look))
        _text(axes, 1.09, place, text, transform=axes.transAxes, linespacing=1.1)


def _spread(aims: Numbers, sizes: Numbers) -> Numbers:
    """Return centres in 0..1 nearest to the ascending aims whose intervals do not overlap."""
    # Less the sizes below each, "no overlap" is "not descending": isotonic regression by pooling.
    sizes = sizes / max(1.0, sizes.sum())
    below = np.cumsum(sizes) - sizes / 2
    pools: list[Numbers] = []
    for aim in aims - below:
        pool = np.array([aim])
        while pools and pools[-1].mean() > pool.mean():
            pool = np.concatenate([pools.pop(), pool])
        pools.append(pool)
    moved = np.concatenate([np.full(pool.size, pool.mean()) for pool in pools])
    centres: Numbers = np.clip(moved, 0, 1 - sizes.sum()) + below
    return centres


def _wrap(labels: Sequence[str], lines: int, width: int, drop: bool) -> list[str]:
    """Return labels in so many lines: too long ones lose shared words if drop, then the middle."""
    wrapped = []
    shared = set.intersection(*(set(label.split()) for label in labels))
    crowded = drop and max(map(len, labels)) > width * lines
    for label in labels:
        own = " ".join(word for word in label.split() if word not in shared)
        kept = label = own if crowded and own else label
        folded = textwrap.wrap(kept, width) or [kept]
        while len(folded) > lines:
            half = (len(kept) - 2) // 2
            kept = f"{label[:half]}…{label[-half:]}"
            folded = textwrap.wrap(kept, width)
        wrapped.append("\n".join(folded))
    return wrapped


def _points_high(axes: Axes) -> float:
    """Return the height of the axes before layout, which is near enough to count lines of text."""
    root = axes.get_figure(root=True)
    return axes.get_position().height * (root.get_figheight() if root else 4.0) * 72


def _rows(axes: Axes, names: Sequence[str], drop: bool = False) -> None:
    """Label the rows of a chart, the first on top."""
    lines = max(1, min(3, int(_points_high(axes) / len(names) / TEXT / 1.25)))
    labels = _wrap(names, lines, 30 if lines > 1 else 36, drop)
    axes.set_yticks(range(len(names)), labels, parse_math=False)
    axes.set_ylim(len(names) - 0.4, -0.6)


def _text(axes: Axes, x: float, y: float, text: str, **look: Any) -> None:
    """Write a text as it stands: labels are the user's, and their $ is a $."""
    usual: dict[str, Any] = {"color": INK, "fontsize": SMALL, "va": "center"}
    axes.text(x, y, text, **(usual | look), parse_math=False)


def _dress(axes: Axes, title: str, note: str, grid: Grid, x: str = "", y: str = "") -> Axes:
    """Apply the house look: a title to the left, a note below it, few lines."""
    axes.set_title(
        title, loc="left", fontsize=11, color=INK, pad=20 if note else 8, parse_math=False
    )
    where: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
    axes.annotate(note, (0, 1), (0, 6), fontsize=SMALL, color=FAINT, **where).set_in_layout(False)
    axes.set_xlabel(x, fontsize=TEXT, color=INK, parse_math=False)
    axes.set_ylabel(y, fontsize=TEXT, color=INK, parse_math=False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color("#BBBBBB")
    axes.tick_params(labelsize=TEXT, labelcolor=INK, color="#BBBBBB", length=3)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(axis=grid, color=GRID, lw=0.7)
    return axes


def _empty(axes: Axes, title: str) -> Axes:
    axes.set_axis_off()
    axes.set_title(title, loc="left", fontsize=11, color=INK, parse_math=False)
    _text(axes, 0.5, 0.5, "no results yet", transform=axes.transAxes, color=FAINT, ha="center")
    return axes
