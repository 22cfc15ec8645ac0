"""Which factor of a grid the metric depends on: variance decomposition with seeds as blocks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

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
    """The variance of the metric over seeds, factors, interactions up to the order, and the rest.

    Sums of squares are of type II: of a term, what it adds to all terms that do not contain it
    (statsmodels' anova_lm(typ=2) gives the same where every cell is filled). In a balanced grid
    they are exact and add up to the whole. Levels are data, None is a level; factors with one level
    are left out. A grid with empty cells (a merge mode exists in one direction only) is no error:
    the degrees of freedom are those that the filled cells can tell apart, 0 where there are none.

    Columns: term ("seed", a factor, "factor:factor", "residual"), kind ("block", "factor",
    "interaction", "residual"), df, sum_squares, share (of the whole), partial_eta2
    (sum / (sum + residual)), F and p (NaN where nothing is left to test against), balanced.
    attrs["note"] says in words what is missing, empty where nothing is; attrs["balanced"].
    Interactions beyond the order are in the residual, which makes the tests conservative.
    No rows where no factor varies. Raises ValueError for an unknown factor or metric.
    """
    unknown = [name for name in (*factors, metric) if name not in trials.columns]
    if unknown:
        possible = ", ".join(map(str, trials.columns))
        raise ValueError(f"{unknown[0]!r}: no such column, possible: {possible}")
    ended = trials[trials["status"].isin(["done", "diverged"])]
    measured = np.isfinite(ended[metric].to_numpy(float, na_value=np.nan))
    rows = ended[measured]
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
    designs = {term: _indicators([levels[name] for name in term]) for term in terms}
    values = rows[metric].to_numpy(float)
    values = values - values.mean()
    total = float(values @ values)
    rest, rank = _residual(list(designs.values()), values)
    rest_df = len(values) - rank
    balanced = _is_balanced(list(levels.values()))

    table = []
    for term in terms:
        without = [design for other, design in designs.items() if not set(term) <= set(other)]
        # What contains the term stays out of both fits, or nothing would be left for the term.
        before, rank_before = _residual(without, values)
        after, rank_after = _residual([*without, designs[term]], values)
        df, squares = rank_after - rank_before, max(before - after, 0.0)
        kind = "block" if term in blocks else "factor" if len(term) == 1 else "interaction"
        table.append(_row(":".join(term), kind, df, squares, total, rest, rest_df))
    table.append(_row("residual", "residual", rest_df, rest, total, math.nan, 0))
    frame = pd.DataFrame(table).assign(balanced=balanced)[COLUMNS]
    frame.attrs["balanced"] = balanced
    frame.attrs["note"] = _note(levels, swept, balanced, frame, int((~measured).sum()))
    return frame


def _indicators(codes: list[NDArray[np.int64]]) -> Floats:
    """(rows, filled cells) of 0 and 1: which combination of the codes a row has."""
    _, cell = np.unique(np.stack(codes), axis=1, return_inverse=True)
    return np.asarray(np.eye(int(cell.max()) + 1)[cell.ravel()], np.float64)


def _residual(designs: list[Floats], values: Floats) -> tuple[float, int]:
    """Sum of squares that the mean and the designs together leave over, and their rank."""
    design = np.hstack([np.ones((len(values), 1)), *designs])
    # Only the span counts: the solution of least norm makes the over-full indicators harmless.
    solution, _, rank, _ = np.linalg.lstsq(design, values, rcond=1e-10)
    left = values - design @ solution
    return float(left @ left), int(rank)


def _row(
    term: str,
    kind: str,
    df: int,
    squares: float,
    total: float,
    rest: float,
    rest_df: int,
) -> dict[str, object]:
    if squares <= 1e-20 * total:  # rounding
        squares = 0.0
    f = p = math.nan
    if df and rest_df and rest > 1e-20 * total:
        f = (squares / df) / (rest / rest_df)
        p = float(stats.f.sf(f, df, rest_df))
    return {
        "term": term,
        "kind": kind,
        "df": df,
        "sum_squares": squares,
        "share": squares / total if total else math.nan,
        "partial_eta2": squares / (squares + rest) if squares + rest > 0 else math.nan,
        "F": f,
        "p": p,
    }


def _is_balanced(levels: list[NDArray[np.int64]]) -> bool:
    """Whether every combination of levels (of the seed too) occurs equally often."""
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
        notes.append(f"{dropped} finished trials without a value are left out.")
    if not balanced:
        cells = math.prod(int(levels[name].max()) + 1 for name in swept)
        filled = np.unique(np.stack([levels[name] for name in swept]), axis=1).shape[1]
        apart = float(1 - frame["share"].sum())
        notes.append(
            f"The grid is unbalanced: {filled} of {cells} combinations have trials, or some have "
            "fewer seeds than others. Sums of squares are of type II and need not add up: "
            f"{apart:.1%} of the variance cannot be given to one term."
        )
    lost = frame.loc[(frame["df"] == 0) & (frame["kind"] != "residual"), "term"]
    if len(lost):
        notes.append(f"Nothing in this grid can tell apart: {', '.join(lost)}.")
    return " ".join(notes)
