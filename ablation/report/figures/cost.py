"""Accuracy against what it costs."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ablation.analysis import pareto_front
from ablation.measures import measure_of
from ablation.report.figures import drawing
from ablation.report.figures.arms import MANY, PALE, Arms, numbers, styles
from ablation.report.figures.drawing import FAINT

Cost = Literal["parameters", "seconds", "updates"]


def cost_by_arm(
    trials: pd.DataFrame,
    axes: Axes,
    cost: Cost = "parameters",
    arms: Arms = (),
    metric: str = "accuracy",
) -> Axes:
    """Draw the mean metric against median cost per arm, with the front that no other arm beats.

    trials: `arm`, the metric, the cost, and where there are several a `task`, each with a front of
    its own; whiskers are the middle half of the seeds. Of many arms those off the front are grey,
    and of those on it the most accurate are named.
    """
    sense = measure_of(metric).sense
    title = f"{drawing.word(metric).capitalize()} against {drawing.word(cost)}"
    both = {"x": numbers(trials, cost), "y": numbers(trials, metric)}
    points = pd.DataFrame(
        {"arm": trials.get("arm"), "task": trials.get("task", 0), **both}
    ).dropna()
    if points.empty:
        return drawing.empty(axes, title)
    groups = points.groupby("arm", sort=False)
    arm = pd.DataFrame(
        {
            "x": groups["x"].median(),
            "y": groups["y"].mean(),
            "low": groups["y"].quantile(0.25),
            "high": groups["y"].quantile(0.75),
            "task": groups["task"].first(),
        }
    )
    scaled = drawing.scale(axes, "y", drawing.finite(arm[["y", "low", "high"]]), metric)
    # Costs a few parts in a thousand apart should look alike.
    x = arm["x"].to_numpy()
    room = () if np.ptp(x) > 0.3 * x.max() else (0.8 * x.max(), 1.1 * x.max())
    drawing.scale(axes, "x", drawing.finite(x, room), cost)
    tasks = [task for _, task in arm.groupby("task", sort=False)]
    fronts = [
        task[pareto_front(task["x"].to_numpy(), sense * task["y"].to_numpy())] for task in tasks
    ]
    for front in fronts:
        steps = front.sort_values(["x", "y"], ascending=[True, sense > 0])
        look: dict[str, Any] = {"color": FAINT, "lw": 1.1, "label": "Pareto front"}
        axes.step(steps["x"], steps["y"], where="post", **look)
    named, style = list(arm.index), styles([*arms, *trials["arm"]])
    if len(arm) > MANY:
        share = max(1, MANY // len(tasks))
        named = [name for front in fronts for name in (sense * front["y"]).nlargest(share).index]
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
        note += f"\nnamed: the best on the line; grey: the other {rest} arms"
    x_label, y_label = drawing.axis_label(cost), drawing.axis_label(metric)
    return drawing.dress(axes, title, note + scaled, "both", x_label, y_label)
