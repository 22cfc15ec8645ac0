"""The order of arms that their ceilings imply, against the one that was observed.

On a problem whose answer is known this checks the program itself, and whether the arms were trained
long enough.
"""

from __future__ import annotations

from itertools import pairwise

import pandas as pd

from ablation.analysis import Study, task_name
from ablation.report.record import Rows

APART = 0.005  # of accuracy, and nats: bounds that are closer imply no order a sweep could show


def expected_orders(study: Study) -> Rows:
    """A row a task whose ceilings differ: the order that they imply, the means, and whether so.

    An arm is expected ahead of every arm with a lower ceiling of accuracy, if its least log loss is
    lower too: models are trained by log loss, and where that cannot tell two arms apart, training
    will not. "as expected" says yes where each such pair has that verdict.
    """
    by_accuracy = study.plan.report.metric == "accuracy"
    if not study.frames.results or "ceiling" not in study.trials or not by_accuracy:
        return []
    contrasts = study.contrasts()
    rows = []
    for task in study.tasks:
        columns = ["ceiling", "least_loss", "accuracy"]
        arms = task.groupby("arm", sort=False)[columns].mean().dropna()
        arms.index = arms.index.astype(str)
        arms = arms.sort_values("ceiling", ascending=False, kind="stable")
        implied = [
            (first, second)
            for first in arms.index
            for second in arms.index
            if arms["ceiling"][first] - arms["ceiling"][second] > APART
            and arms["least_loss"][second] - arms["least_loss"][first] > APART
        ]
        if not implied:
            continue
        names = _short(list(arms.index))
        shown = {
            (row["arm"], row["other"]) if row["verdict"] == "better" else (row["other"], row["arm"])
            for row in contrasts.to_dict("records")
            if row["verdict"] in ("better", "worse")
        }
        wrong = [
            f"{names[first]} is not shown to be better than {names[second]}"
            for first, second in implied
            if (first, second) not in shown
        ]
        means = arms["accuracy"].sort_values(ascending=False)
        rows.append(
            {
                "problem": task_name(task),
                "expected": _levels(arms["ceiling"], set(implied), names),
                "observed": ", ".join(f"{names[str(a)]} {mean:.4f}" for a, mean in means.items()),
                "as expected": f"no: {'; '.join(wrong)}" if wrong else "yes",
            }
        )
    return rows


def _levels(ceilings: pd.Series, implied: set[tuple[str, str]], names: dict[str, str]) -> str:
    """The arms by falling ceiling, with ">" where the order is implied and a comma elsewhere."""
    arms = [str(arm) for arm in ceilings.index]
    text = f"{names[arms[0]]} {ceilings.iloc[0]:.4f}"
    for before, arm in pairwise(arms):
        text += f"{' >' if (before, arm) in implied else ','} {names[arm]} {ceilings[arm]:.4f}"
    return text


def _short(arms: list[str]) -> dict[str, str]:
    """The arms' names without the words that all of them have."""
    words = [arm.split() for arm in arms]
    common = set(words[0]).intersection(*words[1:])
    return {
        arm: " ".join(word for word in parts if word not in common) or arm
        for arm, parts in zip(arms, words, strict=True)
    }
