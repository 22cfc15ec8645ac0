"""How figures look: axes, scales and labels in the house style.

Nothing here knows an arm from a seed or reads a frame; `plots` decides what is drawn.
"""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Callable, Sequence
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator
from numpy.typing import NDArray
from PIL import Image

from ablation.measures import measure_of

Numbers = NDArray[np.float64]
Grid = Literal["", "x", "y", "both"]
Styles = dict[str, tuple[str, str, str]]  # by name: colour, marker, line

INK, FAINT, GRID = "#222222", "#666666", "#E4E4E4"
TEXT, SMALL = 9.0, 8.0  # points
FACTORS = {
    "length": "length (steps)",
    "lookahead": "lookahead (steps)",
    "units": "units (count)",
}


def new_figure(width: float = 7.0, height: float = 4.0) -> tuple[Figure, Axes]:
    """Return an empty figure of one panel in the house style; width and height in inches."""
    made = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    return made, made.add_subplot(axes_class=ShownAxes)


class ShownAxes(Axes):
    """Axes that Jupyter shows as their figure, which no window and no pyplot knows of."""

    def _repr_png_(self) -> bytes:
        figure, picture = self.get_figure(root=True), BytesIO()
        assert figure is not None  # it was made with one
        figure.savefig(picture, format="png")
        return picture.getvalue()


def save(figure: Figure, folder: Path, name: str) -> tuple[Path, Path]:
    """Write name.png (150 dpi) and name.svg, same bytes for the same data; return both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    png, svg = folder / f"{name}.png", folder / f"{name}.svg"
    # A user's own matplotlibrc must not reach a published figure.
    fixed: dict[Any, Any] = {"font.family": "sans-serif", "font.sans-serif": "DejaVu Sans"}
    fixed |= {"savefig.bbox": None, "svg.fonttype": "path", "svg.hashsalt": "ablation"}
    fixed |= {"figure.autolayout": False, "figure.constrained_layout.use": False}
    with mpl.rc_context(fixed), warnings.catch_warnings():
        # A script that the font lacks is drawn as boxes, which is no reason to stop a report.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        for old in (png, svg):  # a link would be written through, wherever it leads
            old.unlink(missing_ok=True)
        picture = BytesIO()
        figure.savefig(picture, format="png", dpi=150)
        # A figure has few colours: as a palette it looks the same and takes a third of the space.
        with Image.open(picture) as drawn:
            drawn.convert("RGB").quantize(256, Image.Quantize.FASTOCTREE).save(png)
        figure.set_layout_engine(None)  # its parts have their places; "none" would draw twice
        figure.savefig(svg, metadata={"Date": None})
    return png, svg


def axis_label(key: str) -> str:
    """Return the axis label of a metric or factor: what it is called, and its unit."""
    return FACTORS.get(key) or measure_of(key).label


def word(key: str) -> str:
    """Return what a metric or factor is called."""
    return axis_label(key).partition(" (")[0]


def say(value: float) -> str:
    """Return a metric's value in words."""
    if np.isnan(value):
        return "no value"
    if abs(value) < 10:
        return f"{value:.4f}"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:,.4g}"


def finite(*values: Any) -> Numbers:
    """Return what is finite in all of these, in one row."""
    flat: Numbers = np.concatenate([np.ravel(np.asarray(v, np.float64)) for v in values])
    numbers: Numbers = flat[np.isfinite(flat)]
    return numbers


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
    worst = errors.max()
    floor = max(np.quantile(errors[errors > 1e-9], 0.05) / 2, worst / 100)
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


def scale(
    axes: Axes,
    which: Literal["x", "y"],
    values: Numbers,
    metric: str = "",
    breaks: bool = False,
    room: float = 0.11,
) -> str:
    """Scale an axis so that near values stay apart: linear, cut at gaps, log, or log of errors.

    room: share of a horizontal axis that a tick's label takes.
    Return what the note must add, for nothing else shows that an axis is one of errors.
    """
    rate = measure_of(metric).share
    values = np.minimum(values, 1) if rate else values  # an interval may reach beyond what can be
    parts = _segments(values) if breaks else [(values.min(), values.max())]
    errors = 1 - values[values < 1 - 1e-9]
    note = ""
    if rate and len(parts) == 1 and errors.size and errors.max() > 10 * np.quantile(errors, 0.1):
        view, note = _error_view(values), "\naxis: logarithm of the errors"
    elif metric and not rate and 0 < 5 * values.min() < values.max():
        view = _log_view(values)
    else:
        view = _linear_view(parts, top=1 if rate else np.inf)
    axis = axes.xaxis if which == "x" else axes.yaxis
    functions = (view.forward, view.inverse)
    (axes.set_xscale if which == "x" else axes.set_yscale)("function", functions=functions)
    (axes.set_xlim if which == "x" else axes.set_ylim)(view.low, view.high)
    room = (room if which == "x" else 0.06) * np.ptp(view.forward(np.array([view.low, view.high])))
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
    return note


def key(axes: Axes, tips: dict[str, tuple[float, float]], style: Styles, lead: bool) -> None:
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
            # Within the axes it must not be taken for a part of the curve.
            axes.add_artist(
                Line2D([start, 1.01], [level, level], lw=0.7, ls=":", alpha=0.6, **look)
            )
            axes.add_artist(Line2D([1.01, 1.04], [level, place], lw=0.7, **look))
        handle: dict[str, Any] = {"marker": marker, "markevery": [1], "ms": 5, "ls": line or "none"}
        axes.add_artist(Line2D([1.04, 1.06, 1.08], [place] * 3, lw=1.7, **handle, **look))
        write(axes, 1.09, place, text, transform=axes.transAxes, linespacing=1.1)


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
        text = label = own if crowded and own else label
        folded = textwrap.wrap(text, width) or [text]
        while len(folded) > lines:
            half = (len(text) - 2) // 2
            text = f"{label[:half]}…{label[-half:]}"
            folded = textwrap.wrap(text, width)
        wrapped.append("\n".join(folded))
    return wrapped


def _points_high(axes: Axes) -> float:
    """Return the height of the axes before layout, which is near enough to count lines of text."""
    root = axes.get_figure(root=True)
    return axes.get_position().height * (root.get_figheight() if root else 4.0) * 72


def rows(axes: Axes, names: Sequence[str], drop: bool = False) -> None:
    """Label the rows of a chart, the first on top."""
    lines = max(1, min(3, int(_points_high(axes) / len(names) / TEXT / 1.25)))
    labels = _wrap(names, lines, 30 if lines > 1 else 36, drop)
    axes.set_yticks(range(len(names)), labels, parse_math=False)
    axes.set_ylim(len(names) - 0.4, -0.6)


def write(axes: Axes, x: float, y: float, text: str, **look: Any) -> None:
    """Write a text as it stands: labels are the user's, and their $ is a $."""
    usual: dict[str, Any] = {"color": INK, "fontsize": SMALL, "va": "center"}
    axes.text(x, y, text, **(usual | look), parse_math=False)


def dress(axes: Axes, title: str, note: str, grid: Grid, x: str = "", y: str = "") -> Axes:
    """Apply the house look: a title to the left, a note below it, few lines."""
    pad = 20 + 11 * note.count("\n") if note else 8
    axes.set_title(title, loc="left", fontsize=11, color=INK, pad=pad, parse_math=False)
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


def empty(axes: Axes, title: str) -> Axes:
    """Say that there is nothing to draw yet."""
    axes.set_axis_off()
    axes.set_title(title, loc="left", fontsize=11, color=INK, parse_math=False)
    write(axes, 0.5, 0.5, "no results yet", transform=axes.transAxes, color=FAINT, ha="center")
    return axes
