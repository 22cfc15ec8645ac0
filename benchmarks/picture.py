"""Draws the README's picture of speed from the latest tables: python -m benchmarks.picture.

Left: milliseconds per update on one core. Right: seconds per trial of a whole sweep on all cores.
Bars are medians of the rounds, whiskers their range.
"""

from __future__ import annotations

import json
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ablation.report import save
from benchmarks.record import RESULTS

OURS, OTHERS, FLOOR = "#2a6f97", "#b8bcc2", "#e3c27a"
NAMES = {  # for rows that are too long for the picture, or refer to the row before
    "plain Keras script, model.fit": "plain Keras, model.fit",
    "the same with jit_compile=True": "plain Keras, jit_compile=True",
    "products and activations alone, NumPy": "products + activations, NumPy",
    "products and activations alone, PyTorch": "products + activations, PyTorch",
}
PANELS = (
    ("update", "ms per update", "One update, one core (ms)"),
    ("sweep", "s per trial", "A trial of a sweep, all included (s)"),
)


def main() -> None:
    """Draw benchmarks/results/speed.png and .svg."""
    figure = Figure(figsize=(10, 3.4), layout="constrained", facecolor="white")
    for axes, (name, unit, title) in zip(figure.subplots(1, 2), PANELS, strict=True):
        latest = max(RESULTS.glob(f"*-{name}.json"))
        _bars(axes, json.loads(latest.read_text())["rows"], unit, title)
    for path in save(figure, RESULTS, "speed"):
        print(path)


def _bars(axes: Axes, rows: list[dict[str, Any]], unit: str, title: str) -> None:
    rows = sorted(rows, key=lambda row: float(row[unit]), reverse=True)
    names = [NAMES.get(row["what"], row["what"]) for row in rows]
    values = [float(row[unit]) for row in rows]
    spread = [[row[unit] - row["least"] for row in rows], [row["most"] - row[unit] for row in rows]]
    colours = [_colour(row["what"]) for row in rows]
    axes.barh(names, values, color=colours, xerr=spread, error_kw={"ecolor": "#555", "lw": 1})
    for place, row in enumerate(rows):
        axes.annotate(
            f"{row[unit]:.2f}" if row[unit] < 1 else f"{row[unit]:.1f}",
            (row["most"], place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    axes.set_title(title, loc="left", fontsize=10)
    axes.margins(x=0.12)
    axes.tick_params(axis="y", length=0, labelsize=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _colour(name: str) -> str:
    if name.startswith("ablation") and "engine=fit" not in name:
        return OURS
    return FLOOR if name.startswith("products") else OTHERS


if __name__ == "__main__":
    main()
