"""The import graph as a picture: boxes on floors, and lines that do not cross the boxes.

All arrows to one room share a line on their way down. So each line ends at one box, and on the
floors that it passes it has its own position between the boxes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, PathPatch
from matplotlib.path import Path as Curve
from scipy.optimize import isotonic_regression

from tests.imports import Files, Graph, How, floors, modules, rooms, short, sizes
from tests.imports.words import counted, summary

STEP, HIGH = 1.3, 0.5  # inches: from floor to floor, and of a box
LETTER, GAP, LANE = 0.085, 0.3, 0.13  # inches: of a name, between two boxes, between two lines
INK, FAINT, BAND, RED = "#222222", "#777777", "#F6F6F3", "#D0021B"
COLOURS = (
    *("#3B6FA0", "#2E8B57", "#B5762A", "#7B5BA6", "#2FA3B8", "#8A8A2E"),
    *("#B0507F", "#6B7280", "#5AA02C", "#4A55C0", "#8C6239", "#D48BB0"),
)
DASHES: dict[How, Any] = {How.LOAD: "solid", How.LATE: (0, (4, 2)), How.TYPING: (0, (1, 1.5))}
MEANING = {How.LOAD: "import", How.LATE: "in a function", How.TYPING: "for types alone"}
FIXED: dict[Any, Any] = {  # whatever the user's matplotlibrc says
    "font.family": "sans-serif",
    "font.sans-serif": "DejaVu Sans",
    "savefig.bbox": None,
    "svg.fonttype": "path",
    "svg.hashsalt": "imports",
}


class Spot(NamedTuple):
    """A position on a floor: the box of a room, or a point where a line passes through."""

    floor: int
    room: str
    box: bool


Lines = Mapping[tuple[Spot, Spot], How]  # from a spot to one on the floor below or the same floor
Inches = Mapping[Spot, float]


def draw(files: Files, path: Path) -> None:
    """Draw a program as .svg or .png; the same files give the same bytes."""
    graph = modules(files)
    arrows, size = rooms(graph), sizes(files)
    boxes = {name: Spot(floor, name, True) for name, floor in floors(arrows).items()}
    lines = segments(arrows, boxes)
    spots = {*boxes.values(), *(spot for line in lines for spot in line)}
    notes = {
        spot: f"{counted(size[name][0], 'file')}, {counted(size[name][1], 'line')}"
        for name, spot in boxes.items()
    }
    widths = {s: LETTER * max(len(short(s.room)), 12) + 0.2 if s.box else LANE for s in spots}
    middles = placed(widths, lines)
    left = min(middles[s] - widths[s] / 2 for s in spots) - 1
    right = max(middles[s] + widths[s] / 2 for s in spots) + 0.4
    top = max(spot.floor for spot in spots)
    with mpl.rc_context(FIXED):
        figure = Figure(figsize=(right - left, STEP * top + 0.4), facecolor="white")
        axes = figure.add_axes((0, 0, 1, 1), xlim=(left, right), ylim=(0.8, STEP * top + 1.2))
        axes.axis("off")
        for floor in range(1, top + 1):
            y = STEP * floor
            axes.axhspan(y - 0.75 * HIGH, y + 0.75 * HIGH, color=BAND, linewidth=0, zorder=0)
            axes.text(left + 0.2, y, f"floor {floor}", color=FAINT, size=9, va="center")
        _draw_lines(axes, lines, middles, widths)
        for spot, note in notes.items():
            _draw_box(axes, spot, middles[spot], widths[spot], note)
        axes.text(left + 0.2, STEP * top + 0.9, summary(graph), color=INK, size=10, va="center")
        _draw_key(axes, lines, (left + 0.2, STEP * top + 0.65))
        metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
        figure.savefig(path, dpi=120, metadata=metadata)


def segments(arrows: Graph, boxes: Mapping[str, Spot]) -> Lines:
    """The lines from floor to floor; if arrows share a line, the lowest How counts."""
    lines: dict[tuple[Spot, Spot], How] = {}
    for name, targets in arrows.items():
        for target, how in targets.items():
            spot, end = boxes[name], boxes[target]
            while spot != end:
                floor = max(spot.floor - 1, end.floor)  # a circle's boxes are on one floor
                following = end if floor == end.floor else Spot(floor, target, False)
                lines[spot, following] = min(how, lines.get((spot, following), how))
                spot = following
    return lines


def placed(widths: Inches, lines: Lines) -> Inches:
    """The centres of the spots: near those that their lines lead to, without overlaps."""
    above, below, beside = (defaultdict[Spot, list[Spot]](list) for _ in range(3))
    for start, end in sorted(lines):
        level = start.floor == end.floor
        (beside if level else below)[start].append(end)
        (beside if level else above)[end].append(start)
    rows = [
        [spot for spot in sorted(widths) if spot.floor == floor]
        for floor in sorted({spot.floor for spot in widths})
    ]
    middles: dict[Spot, float] = {}
    for row in rows:
        middles |= _apart(row, range(len(row)), widths)
    best, shortest = middles, np.inf
    # Taking the spots above, below, and both in turn finds an order and straightens the lines. It
    # does not converge, so the turn with the shortest lines is kept.
    for turn in range(300):
        sides = ((above, beside), (below, beside), (above, below, beside))[turn % 3]
        for row in rows if turn % 3 else reversed(rows):
            near = [[middles[n] for side in sides for n in side[spot]] for spot in row]
            wanted = [float(np.mean(n or [middles[s]])) for n, s in zip(near, row, strict=True)]
            middles = middles | _apart(row, wanted, widths)
        length = sum((middles[a] - middles[b]) ** 2 for a, b in lines)
        if length < shortest:
            best, shortest = middles, length
    return best


def _apart(row: Iterable[Spot], wanted: Iterable[float], widths: Inches) -> dict[Spot, float]:
    """The centres nearest to the wanted ones without overlaps, by least squares."""
    places, order = zip(*sorted(zip(wanted, row, strict=True)), strict=True)
    room = np.array([widths[spot] + GAP * spot.box for spot in order])
    offsets = np.cumsum(room) - room / 2
    middles = isotonic_regression(places - offsets).x + offsets
    return dict(zip(order, map(float, middles), strict=True))


def _draw_lines(axes: Axes, lines: Lines, middles: Inches, widths: Inches) -> None:
    boxes = sorted((s for s in middles if s.box), key=lambda s: (s.floor, middles[s]))
    colours = {spot.room: COLOURS[k % len(COLOURS)] for k, spot in enumerate(boxes)}
    leaving = defaultdict(list)
    for start, end in lines:
        if start.floor == end.floor:
            _draw_bow(axes, middles[start], middles[end], start.floor, lines[start, end])
        else:
            leaving[start].append(end)
    for start, ends in leaving.items():
        ends.sort(key=lambda spot: middles[spot])
        step = min(LANE, (widths[start] - 0.2) / len(ends)) if start.box else 0
        for k, end in enumerate(ends):
            x, to = middles[start] + step * (k - (len(ends) - 1) / 2), middles[end]
            y, below = STEP * start.floor - HIGH / 2, STEP * end.floor + HIGH / 2
            half, low = (y + below) / 2, below if end.box else below - HIGH
            points = [(x, y), (x, half), (to, half), (to, below), (to, low)]
            codes = [Curve.MOVETO, *[Curve.CURVE4] * 3, Curve.LINETO]
            colour = colours[end.room]
            curve = PathPatch(Curve(points, codes), fill=False, linewidth=1, alpha=0.8, zorder=1)
            curve.set(edgecolor=colour, linestyle=DASHES[lines[start, end]])
            axes.add_patch(curve)
            if end.box:
                axes.plot([to], [below + 0.04], marker="v", markersize=5, color=colour, zorder=2)


def _draw_bow(axes: Axes, x: float, to: float, floor: int, how: How) -> None:
    """Draw an arrow of a circle, below its floor to the right and above it to the left."""
    y = STEP * floor + HIGH / 2 * (1 if to < x else -1)
    bend = min(0.4, 0.6 / abs(to - x))  # does not reach the next floor, however far it goes
    style = f"arc3,rad={bend}"
    bow = FancyArrowPatch((x, y), (to, y), connectionstyle=style, arrowstyle="-|>")
    bow.set(mutation_scale=11, color=RED, linewidth=1.5, linestyle=DASHES[how], zorder=4)
    axes.add_patch(bow)


def _draw_box(axes: Axes, spot: Spot, x: float, width: float, note: str) -> None:
    y, pad = STEP * spot.floor, 0.06
    corner = x - width / 2 + pad, y - HIGH / 2 + pad
    box = FancyBboxPatch(corner, width - 2 * pad, HIGH - 2 * pad, boxstyle=f"round,pad={pad}")
    box.set(facecolor="white", edgecolor=INK, linewidth=0.9, zorder=3)
    axes.add_patch(box)
    for text, up, size, colour in ((short(spot.room), 0.08, 9, INK), (note, -0.12, 6.5, FAINT)):
        axes.text(x, y + up, text, size=size, color=colour, ha="center", va="center", zorder=3)


def _draw_key(axes: Axes, lines: Lines, start: tuple[float, float]) -> None:
    """Draw the key of the kinds of lines that occur."""
    found = {MEANING[how]: (DASHES[how], FAINT) for how in sorted(set(lines.values()))}
    if any(upper.floor == lower.floor for upper, lower in lines):
        found["in a circle"] = "solid", RED
    samples = [Line2D([], [], linestyle=d, color=c, label=word) for word, (d, c) in found.items()]
    place: dict[str, Any] = {"bbox_to_anchor": start, "bbox_transform": axes.transData}
    look = {"frameon": False, "fontsize": 8, "borderpad": 0, "borderaxespad": 0}
    axes.legend(handles=samples, loc="center left", ncols=len(samples), **place, **look)
