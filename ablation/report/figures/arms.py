"""Colours, markers and heights that all figures of a report share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from ablation.report.figures.drawing import Numbers, Styles

Arms = Sequence[str]

# Okabe & Ito's colour-blind-safe set without its yellow, which white paper swallows.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#AA4499", "#E69F00", "#56B4E9", "#4D4D4D")
MANY = 12  # arms; of more, lines and points of most are grey, and the telling ones are named
PALE = "#BBBBBB"


def height_of(rows: int) -> float:
    """Return the inches that suit a figure of so many rows (arms, contrasts or terms)."""
    return 1.2 + 0.46 * max(rows, 2)


def colours(arms: Iterable[str]) -> dict[str, str]:
    """Return a colour per arm in order of first appearance; from the eighth on they repeat."""
    return {arm: PALETTE[i % len(PALETTE)] for i, arm in enumerate(dict.fromkeys(arms))}


def styles(arms: Iterable[str]) -> Styles:
    """Return colour, marker and line of each arm; 49 arms differ in one of the first two."""
    own = enumerate(colours(arms).items())
    lines = ("-", "--", "-.", ":")
    return {a: (c, "osD^vPX"[(i + i // 7) % 7], lines[i // 7 % 4]) for i, (a, c) in own}


def numbers(frame: pd.DataFrame, key: str) -> Numbers:
    """Return a column as float64; what is absent or infinite is NaN."""
    column = frame[key] if key in frame else pd.Series(np.nan, frame.index)
    values: Numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, copy=True)
    values[~np.isfinite(values)] = np.nan
    return values
