"""Variance decomposition: how much each swept factor affects the metric, with seeds as blocks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]

COLUMNS = [
    "term",
    "kind",
    "df",
    "sum_squares",
    "share",
    "partial_eta2",
    "F",
    "p",
    "balanced",
]


def decomposition(
    trials: pd.DataFrame,
    factors: Sequence[str],
    metric: str = "accuracy",
    order: int = 2,
) -> pd.DataFrame:
    """Split the variance of the metric into seeds, factors, interactions and the residual.

    order: the largest number of factors in an interaction. Interactions of more factors stay in the
    residual, which makes the tests conservative.

    Sums of squares are of type II: what a term adds to all terms that do not contain it. They equal
    statsmodels' anova_lm(typ=2) if every cell is filled. In a balanced grid they add up to the
    total. None counts as a level; factors with a single level are left out. Empty cells are
    allowed (only bidirectional arms have a merge mode): the degrees of freedom are those that the
    filled cells determine, possibly 0.

    Columns: term ("seed", a factor, "factor:factor", "residual"), kind ("block", "factor",
    "interaction", "residual"), df, sum_squares, share (of the total), partial_eta2
    (sum / (sum + residual)), F and p (NaN without residual degrees of freedom), balanced. Where
    seeds divide the data for themselves, F of factors and interactions is divided by
    1 + seeds x overlap, as the square of a t value would be (`student.Pairs`).
    attrs["note"]: a sentence about what the table lacks, or ""; attrs["balanced"].
    No rows if no factor varies. Raises ValueError for an unknown factor or metric.
    """
    unknown = [name for name in (*factors, metric) if name not in trials.columns]
    if unknown:
        columns = ", ".join(map(str, trials.columns))
        raise ValueError(f"{unknown[0]!r}: no such column; choose one of {columns}")
    finished = trials[trials["status"].isin(["done", "diverged"])]
    measured = np.isfinite(finished[metric].to_numpy(float, na_value=np.nan))
    rows = finished[measured]
    levels = {  # None is a level
        name: pd.factorize(rows[name], use_na_sentinel=False)[0]
        for name in ("seed", *factors)
        if name in rows.columns
    }
    levels = {name: codes for name, codes in levels.items() if codes.max(initial=0) > 0}
    swept = [name for name in factors if name in levels]
    if not swept:
        empty = pd.DataFrame(columns=COLUMNS)
        empty.attrs |= {"balanced": True, "note": "no factor has more than one value"}
        return empty

    blocks = [("seed",)] if "seed" in levels else []
    terms = blocks + [
        term for size in range(1, order + 1) for term in itertools.combinations(swept, size)
    ]
    designs = {t: _indicators([levels[name] for name in t]) for t in terms if t not in blocks}
    values = rows[metric].to_numpy(float)
    values = values - values.mean()
    total = float(values @ values)

    def fit(fitted: Sequence[tuple[str, ...]]) -> tuple[float, int]:
        with_seed = any(term in blocks for term in fitted)
        seeds = levels["seed"] if with_seed else np.zeros(len(values), np.int64)
        return _residual([designs[term] for term in fitted if term not in blocks], values, seeds)

    residual, rank = fit(terms)
    residual_df = len(values) - rank
    balanced = _is_balanced(list(levels.values()))

    overlap = float(rows.get("test_to_train", pd.Series([0.0])).astype(float).fillna(0).max())
    inflated = 1 + overlap * len(np.unique(levels["seed"])) if "seed" in levels else 1.0
    table = []
    for term in terms:
        # Terms that contain this one are in neither fit; they would explain all that it explains.
        others = [other for other in terms if not set(term) <= set(other)]
        before, rank_before = fit(others)
        after, rank_after = fit([*others, term])
        df, squares = rank_after - rank_before, max(before - after, 0.0)
        kind = "block" if term in blocks else "factor" if len(term) == 1 else "interaction"
        scale = 1.0 if kind == "block" else inflated
        table.append(_row(":".join(term), kind, df, squares, total, residual, residual_df, scale))
    table.append(_row("residual", "residual", residual_df, residual, total, math.nan, 0))
    frame = pd.DataFrame(table).assign(balanced=balanced)[COLUMNS]
    frame.attrs["balanced"] = balanced
    frame.attrs["note"] = _note(levels, swept, balanced, frame, int((~measured).sum()))
    return frame


def _indicators(codes: list[NDArray[np.int64]]) -> Floats:
    """(rows, filled cells) of 0 and 1: the combination of codes in each row, one-hot."""
    _, cell = np.unique(np.stack(codes), axis=1, return_inverse=True)
    return np.asarray(np.eye(int(cell.max()) + 1)[cell.ravel()], np.float64)


def _residual(
    designs: list[Floats], values: Floats, blocks: NDArray[np.int64]
) -> tuple[float, int]:
    """The residual sum of squares of a fit of a mean a block and the designs, and its rank.

    The means are taken out first, of the designs too, which gives the same fit (Frisch & Waugh
    1933): hundreds of seeds are no hundreds of columns then.
    """
    table = np.hstack([values[:, None], *designs])
    count = np.bincount(blocks)
    sums = np.stack([np.bincount(blocks, column) for column in table.T], axis=1)
    table -= (sums / count[:, None])[blocks]
    values, design = table[:, 0], table[:, 1:]
    design[np.abs(design) < 1e-12] = 0.0  # rounding errors would count as columns
    # The indicators are linearly dependent; lstsq's minimum-norm solution does not mind.
    solution, _, rank, _ = np.linalg.lstsq(design, values, rcond=1e-10)
    residuals = values - design @ solution
    return float(residuals @ residuals), int(rank) + len(count)


def _row(
    term: str,
    kind: str,
    df: int,
    squares: float,
    total: float,
    residual: float,
    residual_df: int,
    inflated: float = 1.0,
) -> dict[str, object]:
    if squares <= 1e-20 * total:  # rounding error
        squares = 0.0
    f = p = math.nan
    if df and residual_df and residual > 1e-20 * total:
        f = (squares / df) / (residual / residual_df) / inflated
        p = float(special.fdtrc(df, residual_df, f))
    return {
        "term": term,
        "kind": kind,
        "df": df,
        "sum_squares": squares,
        "share": squares / total if total else math.nan,
        "partial_eta2": squares / (squares + residual) if squares + residual > 0 else math.nan,
        "F": f,
        "p": p,
    }


def _is_balanced(levels: list[NDArray[np.int64]]) -> bool:
    """Whether every combination of levels, including the seed, occurs equally often."""
    counts = np.unique(np.stack(levels), axis=1, return_counts=True)[1]
    cells = math.prod(int(codes.max()) + 1 for codes in levels)
    return len(counts) == cells and bool((counts == counts[0]).all())


def _note(
    levels: dict[str, NDArray[np.int64]],
    swept: list[str],
    balanced: bool,
    frame: pd.DataFrame,
    dropped: int,
) -> str:
    notes = []
    if dropped:
        notes.append(f"{dropped} finished trials have no value and are left out.")
    if not balanced:
        cells = math.prod(int(levels[name].max()) + 1 for name in swept)
        filled = np.unique(np.stack([levels[name] for name in swept]), axis=1).shape[1]
        unassigned = float(1 - frame["share"].sum())
        notes.append(
            f"The grid is unbalanced: {filled} of {cells} combinations have trials, or some have "
            "fewer seeds than others. Sums of squares are of type II and need not add up: "
            f"{unassigned:.1%} of the variance cannot be assigned to a single term."
        )
    inestimable = frame.loc[(frame["df"] == 0) & (frame["kind"] != "residual"), "term"]
    if len(inestimable):
        notes.append(f"This grid cannot estimate: {', '.join(inestimable)}.")
    return " ".join(notes)
