"""The order of arms that their ceilings imply, against the one that was observed.

On a problem whose answer is known this checks the program itself, and whether the arms were trained
long enough.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ablation.outcome import Rows
from ablation.study import Study

APART = 0.005  # of accuracy: ceilings that are closer imply no order that a sweep could show


def orders(study: Study) -> Rows:
    """A row a task whose ceilings differ: the order that they imply, the means, and whether so.

    An arm is expected ahead of every arm with a lower ceiling, and "as expected" says yes where
    each such pair has that verdict. Arms of one ceiling are joined by "=", and imply nothing.
    """
    by_accuracy = study.plan.report.metric == "accuracy"
    if not study.frames.results or "ceiling" not in study.trials or not by_accuracy:
        return []
    contrasts = study.contrasts()
    rows = []
    for task in study.tasks:
        arms = task.groupby("arm", sort=False)[["ceiling", "accuracy"]].mean().dropna()
        if len(arms) < 2 or np.ptp(arms["ceiling"]) <= APART:
            continue
        names = _short(list(arms.index))
        rows.append(
            {
                "problem": f"{task['problem'].iloc[0]}, length {task['length'].iloc[0]}",
                "expected": _levels(arms["ceiling"], names),
                "observed": ", ".join(
                    f"{names[str(arm)]} {mean:.4f}"
                    for arm, mean in arms["accuracy"].sort_values(ascending=False).items()
                ),
                "as expected": _agreement(arms["ceiling"], contrasts, names),
            }
        )
    return rows


def _levels(ceilings: pd.Series, names: dict[str, str]) -> str:
    ordered = ceilings.sort_values(ascending=False, kind="stable")
    text = ""
    before = None
    for arm, ceiling in ordered.items():
        if before is not None:
            text += " > " if before - ceiling > APART else " = "
        text += f"{names[str(arm)]} {ceiling:.4f}"
        before = ceiling
    return text


def _agreement(ceilings: pd.Series, contrasts: pd.DataFrame, names: dict[str, str]) -> str:
    wrong = []
    for row in contrasts.to_dict("records"):
        arm, other = row["arm"], row["other"]
        if arm not in ceilings or other not in ceilings:
            continue
        gap = ceilings[arm] - ceilings[other]
        if abs(gap) > APART and row["verdict"] != ("better" if gap > 0 else "worse"):
            first, second = (arm, other) if gap > 0 else (other, arm)
            wrong.append(f"{names[first]} is not shown to be better than {names[second]}")
    return "yes" if not wrong else f"no: {'; '.join(wrong)}"


def _short(arms: list[str]) -> dict[str, str]:
    """The arms' names without the words that all of them have."""
    words = [arm.split() for arm in arms]
    common = set(words[0]).intersection(*words[1:])
    return {
        arm: " ".join(word for word in parts if word not in common) or arm
        for arm, parts in zip(arms, words, strict=True)
    }
