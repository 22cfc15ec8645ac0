"""Figures of a report: pure functions from a DataFrame and an Axes to that Axes.

Colours go by the order in which arms first appear in column `arm`; pass `arms`, all arms of the
report in order, wherever a frame may lack some of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ablation import drawing
from ablation.costs import pareto_front
from ablation.drawing import FAINT, INK, SMALL, TEXT, Numbers, Styles
from ablation.drawing import figure as figure
from ablation.drawing import save as save

Arms = Sequence[str]
Cost = Literal["parameters", "seconds", "updates"]

# Okabe & Ito's colour-blind-safe set without its yellow, which white paper swallows.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#AA4499", "#E69F00", "#56B4E9", "#4D4D4D")
VERDICTS = {
    "better": (PALETTE[0], "^"),
    "worse": (PALETTE[1], "v"),
    "equivalent": (PALETTE[2], "o"),
}
UNDECIDED = ("#777777", "D")
MANY = 12  # arms; of more, lines and points of most are grey, and the telling ones are named
PALE = "#BBBBBB"
WIDE = 60  # letters that the name of a row has room for


def height_of(rows: int) -> float:
    """Return the inches that suit a figure of so many rows (arms, contrasts or terms)."""
    return 1.2 + 0.46 * max(rows, 2)


def colours(arms: Iterable[str]) -> dict[str, str]:
    """Return a colour per arm in order of first appearance; from the eighth on they repeat."""
    return {arm: PALETTE[i % len(PALETTE)] for i, arm in enumerate(dict.fromkeys(arms))}


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
    title = f"{drawing.word(metric).capitalize()} by arm"
    held = pd.DataFrame({"arm": trials.get("arm"), "value": numbers(trials, metric)})
    if not held["value"].notna().any():
        return drawing.empty(axes, title)
    for key in ("ceiling", "majority"):
        held[key] = numbers(trials, key if metric == "accuracy" else "")
    held["status"] = trials.get("status", "without a value")
    # Golden-ratio steps keep neighbours apart without chance, alike in each arm.
    seeds = np.searchsorted(np.unique(trials["seed"]), trials["seed"])
    held["up"] = 0.42 * ((0.618034 * seeds) % 1) - 0.32
    bounds = np.column_stack([numbers(summary, key) for key in ("mean", "low", "high")])
    known = dict(zip(summary.get("arm", ()), bounds, strict=True))
    shown, base = drawing.finite(held["value"], held["ceiling"], bounds), held["majority"].dropna()
    # A baseline far below every arm would flatten them; then only the note states it.
    reach = 0.35 * np.ptp(shown)
    near = base[(base > shown.min() - reach) & (base < shown.max() + reach)]
    scaled = drawing.scale(axes, "x", drawing.finite(shown, near), metric, breaks=True)
    style = styles([*arms, *trials["arm"]])
    for row, (name, mine) in enumerate(held.groupby("arm", sort=False)):
        colour, marker, _ = style[str(name)]
        look: dict[str, Any] = {"color": colour, "marker": marker, "alpha": 0.65, "linewidths": 0}
        axes.scatter(mine["value"], row + mine["up"], 20, zorder=3, **look)
        mean, low, high = known.get(name, (mine["value"].mean(), np.nan, np.nan))
        axes.plot([low, high], [row + 0.26] * 2, color=colour, lw=2.5, solid_capstyle="butt")
        axes.plot([mean], [row + 0.26], "|", color=INK, ms=9, mew=1.8, zorder=5)
        for level, line in ((mine["ceiling"].mean(), "-"), (mine["majority"].mean(), ":")):
            axes.plot([level] * 2, [row - 0.4, row + 0.42], line, color=INK, lw=1.1, zorder=4)
        said = drawing.say(mean)
        if np.isfinite(low + high):
            said += f"  [{drawing.say(low)}, {drawing.say(high)}]"
        if mine["value"].isna().any():
            lost = mine.loc[mine["value"].isna(), "status"]
            ended = set(lost) - set(held.loc[held["value"].notna(), "status"])
            said += f"\n{len(lost)} {ended.pop() if len(ended) == 1 else 'without a value'}"
        drawing.write(axes, 1.02, row, said, transform=axes.get_yaxis_transform())
    note = "points: seeds; bar: mean with interval"
    note += "; solid line: ceiling" if held["ceiling"].notna().any() else ""
    note += "; dotted: majority" if len(near) else ""
    if len(base) and not len(near):
        note += f"; majority {base.mean():.3f}, outside the view"
    drawing.rows(axes, list(dict.fromkeys(held["arm"])), drop=True)
    return drawing.dress(axes, title, note + scaled, "x", drawing.axis_label(metric))


def heat_map(trials: pd.DataFrame, x: str, y: str, axes: Axes, value: str = "accuracy") -> Axes:
    """Draw the mean of a metric over two numeric factors, in cells that also state it.

    trials: columns x, y and the value; a combination without a finite value stays blank.
    """
    title = f"Mean {drawing.word(value)} by {x} and {y}"
    held = trials.assign(value=numbers(trials, value)).dropna(subset=["value"])
    if held.empty:
        return drawing.empty(axes, title)
    cells = held.pivot_table(index=y, columns=x, values="value").sort_index().sort_index(axis=1)
    grid = cells.to_numpy(np.float64)
    low, high = np.nanmin(grid), np.nanmax(grid)
    slack = 0.0 if high > low else 1e-3
    look: dict[str, Any] = {"cmap": "Blues", "edgecolors": "white", "linewidth": 2}
    mesh = axes.pcolormesh(np.ma.masked_invalid(grid), vmin=low - slack, vmax=high + slack, **look)
    for (row, column), mean in np.ndenumerate(grid):
        ink = "white" if mean > low + 0.55 * (high - low) else INK
        size = min(TEXT, 48 / grid.shape[1] + 2)
        text = "no trial" if np.isnan(mean) else drawing.say(mean)
        drawing.write(axes, column + 0.5, row + 0.5, text, color=ink, fontsize=size, ha="center")
    axes.set_xticks(np.arange(grid.shape[1]) + 0.5, [f"{v:g}" for v in cells.columns])
    axes.set_yticks(np.arange(grid.shape[0]) + 0.5, [f"{v:g}" for v in cells.index])
    bar = axes.figure.colorbar(mesh, ax=axes, aspect=30, pad=0.02)
    bar.set_label(drawing.axis_label(value), fontsize=TEXT, color=INK)
    bar.ax.tick_params(labelsize=SMALL, length=0, labelcolor=FAINT)
    counts = held.groupby([x, y]).size()
    note = f"trials in a cell: {' to '.join(f'{c}' for c in sorted({counts.min(), counts.max()}))}"
    drawing.dress(axes, title, note, "", drawing.axis_label(x), drawing.axis_label(y)).tick_params(
        length=0
    )
    for spine in (*axes.spines.values(), *bar.ax.spines.values()):
        spine.set_visible(False)
    return axes


def cost(
    trials: pd.DataFrame,
    axes: Axes,
    cost: Cost = "parameters",
    arms: Arms = (),
) -> Axes:
    """Draw mean accuracy against median cost per arm, with the front that no other arm beats.

    trials: `arm`, `accuracy`, the cost, and where there are several a `task`, each with a front of
    its own; whiskers are the middle half of the seeds. Of many arms those off the front are grey,
    and of those on it the most accurate are named.
    """
    title = f"Accuracy against {drawing.word(cost)}"
    both = {"x": numbers(trials, cost), "y": numbers(trials, "accuracy")}
    held = pd.DataFrame({"arm": trials.get("arm"), "task": trials.get("task", 0), **both}).dropna()
    if held.empty:
        return drawing.empty(axes, title)
    groups = held.groupby("arm", sort=False)
    arm = pd.DataFrame(
        {
            "x": groups["x"].median(),
            "y": groups["y"].mean(),
            "low": groups["y"].quantile(0.25),
            "high": groups["y"].quantile(0.75),
            "task": groups["task"].first(),
        }
    )
    scaled = drawing.scale(axes, "y", drawing.finite(arm[["y", "low", "high"]]), "accuracy")
    # Costs a few parts in a thousand apart should look alike.
    x = arm["x"].to_numpy()
    room = () if np.ptp(x) > 0.3 * x.max() else (0.8 * x.max(), 1.1 * x.max())
    drawing.scale(axes, "x", drawing.finite(x, room), cost)
    tasks = [task for _, task in arm.groupby("task", sort=False)]
    fronts = [task[pareto_front(task["x"].to_numpy(), task["y"].to_numpy())] for task in tasks]
    for front in fronts:
        steps = front.sort_values(["x", "y"])
        look: dict[str, Any] = {"color": FAINT, "lw": 1.1, "label": "Pareto front"}
        axes.step(steps["x"], steps["y"], where="post", **look)
    named, style = list(arm.index), styles([*arms, *trials["arm"]])
    if len(arm) > MANY:
        share = max(1, MANY // len(tasks))
        named = [name for front in fronts for name in front["y"].nlargest(share).index]
        style = styles(named)
    for name, row in arm.iterrows():
        colour, marker, _ = style.get(str(name), (PALE, "o", ""))
        at, size = (4, 7.5) if name in named else (3, 4.5)
        axes.plot([row["x"]] * 2, [row["low"], row["high"]], color=colour, lw=1, alpha=0.6)
        axes.plot(
            [row["x"]], [row["y"]], marker, color=colour, ms=size, mec="white", mew=0.7, zorder=at
        )
    tips = {name: (arm["x"][name], arm["y"][name]) for name in named}
    drawing.key(axes, tips, {name: (*style[name][:2], "") for name in tips}, lead=False)
    note = "points: means; whiskers: middle half of the seeds; line: nothing is cheaper and better"
    if len(named) < len(arm):
        rest = len(arm) - len(named)
        note += f"\nnamed: the most accurate on the line; grey: the other {rest} arms"
    x_label, y_label = drawing.axis_label(cost), drawing.axis_label("accuracy")
    return drawing.dress(axes, title, note + scaled, "both", x_label, y_label)


def forest(contrasts: pd.DataFrame, axes: Axes, margin: float, metric: str = "accuracy") -> Axes:
    """Draw each paired difference with its interval on the band of equivalence.

    contrasts: `arm`, `other`, `difference` (arm less other, of the metric), `low`, `high`,
    `verdict`, `p_holm`. margin: half the width of the band.
    """
    title = f"Difference in {drawing.word(metric)} between arms"
    keys = ("difference", "low", "high", "p_holm")
    points = np.column_stack([numbers(contrasts, key) for key in keys])
    if not np.isfinite(points[:, 0]).any():
        return drawing.empty(axes, title)
    drawing.scale(
        axes,
        "x",
        drawing.finite(points[:, :3], [-1.5 * margin, 0, 1.5 * margin]),
        breaks=True,
        room=0.17,
    )
    axes.axvspan(-margin, margin, color=VERDICTS["equivalent"][0], alpha=0.1, lw=0)
    axes.axvline(0, color=FAINT, lw=0.8)
    for row, verdict in enumerate(contrasts["verdict"]):
        middle, low, high, p = points[row]
        colour, marker = VERDICTS.get(verdict, UNDECIDED)
        axes.plot([low, high], [row, row], color=colour, lw=2, solid_capstyle="butt")
        axes.plot([middle], [row], marker, color=colour, ms=7, mec="white", mew=0.7, zorder=4)
        chance = "" if np.isnan(p) else "  p < 0.001" if p < 0.001 else f"  p = {p:.3f}"
        drawing.write(
            axes, 1.02, row, verdict + chance, color=colour, transform=axes.get_yaxis_transform()
        )
    others = set(contrasts["other"])
    common = others.pop() if len(others) == 1 and len(contrasts) > 1 else None
    less = f"\nagainst {common}" if common else " (first arm less second)"
    pairs = zip(contrasts["arm"], contrasts["other"], strict=True)
    drawing.rows(axes, [arm if common else _pair(arm, other) for arm, other in pairs])
    note = f"bars: intervals; shaded: equivalent within ±{margin:g}; p after Holm"
    return drawing.dress(axes, title, note, "x", f"difference in {drawing.word(metric)}{less}")


def variance(decomposition: pd.DataFrame, axes: Axes) -> Axes:
    """Draw the share of the variance of accuracy that each factor or interaction explains.

    decomposition: `term`, `share` (0 to 1); a missing share stays without a bar.
    """
    title = "What the variance in accuracy comes from"
    shares = 100 * numbers(decomposition, "share")
    if not np.isfinite(shares).any():
        return drawing.empty(axes, title)
    axes.barh(np.arange(len(shares)), np.nan_to_num(shares), height=0.55, color=PALETTE[0])
    for row, share in enumerate(shares):
        text = "unknown" if np.isnan(share) else "< 0.1 %" if 0 < share < 0.1 else f"{share:.1f} %"
        axes.annotate(
            text, (np.nan_to_num(share), row), (5, 0), textcoords="offset points", va="center"
        ).set(color=INK, fontsize=SMALL)
    axes.set_xlim(min(0, np.nanmin(shares)), 1.1 * max(np.nanmax(shares), 1))
    drawing.rows(axes, list(decomposition["term"]))
    return drawing.dress(axes, title, "", "x", "share of the variance (%)")


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


def _pair(arm: str, other: str) -> str:
    """Return the name of a difference; of long names what both arms have is said once."""
    text = f"{arm} \N{MINUS SIGN} {other}"
    both = [word for word in arm.split() if word in other.split()]
    apart = [" ".join(w for w in name.split() if w not in both) for name in (arm, other)]
    if len(text) <= WIDE or not both or not all(apart):
        return text
    return f"{' '.join(both)}: {apart[0]} \N{MINUS SIGN} {apart[1]}"
