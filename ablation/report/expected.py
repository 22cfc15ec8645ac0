"""The order of arms that their ceilings imply, against the one that was observed.

On a problem whose answer is known this checks the program itself, and whether the arms were trained
long enough.
"""

from __future__ import annotations

from itertools import pairwise, permutations

import pandas as pd

from ablation.analysis import Study, task_name
from ablation.report.cells import Column, Table

APART = 0.005  # of accuracy, and nats: bounds that are closer imply no order a sweep could show

COLUMNS = ("expected", "observed", "as expected")

Order = tuple[str, str]  # two arms, the better one first


def expected_table(study: Study) -> Table | None:
    """A row a task whose ceilings differ: the order that they imply, the means, and whether so.

    An arm is expected ahead of every arm with a lower ceiling of accuracy, if its least log loss is
    lower too: models are trained by log loss, and where that cannot tell two arms apart, training
    will not. "as expected" says yes where each such pair has that verdict.
    """
    by_accuracy = study.plan.report.metric == "accuracy"
    if not study.frames.results or "ceiling" not in study.trials or not by_accuracy:
        return None
    verdicts = _verdicts(study)
    rows = []
    for task in study.tasks:
        arms = task.groupby("arm", sort=False)[["ceiling", "least_loss", "accuracy"]].mean()
        arms = arms.dropna()
        arms.index = arms.index.astype(str)
        arms = arms.sort_values("ceiling", ascending=False, kind="stable")
        implied = _implied(arms)
        if not implied:
            continue
        names = _short(list(arms.index))
        missing = [
            f"{names[first]} is not shown to be better than {names[second]}"
            for first, second in implied
            if (first, second) not in verdicts
        ]
        means = arms["accuracy"].sort_values(ascending=False)
        rows.append(
            (
                task_name(task),
                _levels(arms["ceiling"], set(implied), names),
                ", ".join(f"{names[str(arm)]} {mean:.4f}" for arm, mean in means.items()),
                f"no: {'; '.join(missing)}" if missing else "yes",
            )
        )
    columns = (Column("problem"), *(Column(name, "long") for name in COLUMNS))
    return Table(columns, tuple(rows)) if rows else None


def _verdicts(study: Study) -> set[Order]:
    """The pairs of arms of which one is better for sure."""
    pairs = study.contrasts().reindex(columns=["arm", "other", "verdict"])
    better, worse = (pairs[pairs["verdict"] == verdict] for verdict in ("better", "worse"))
    return {*zip(better["arm"], better["other"], strict=True)} | {
        *zip(worse["other"], worse["arm"], strict=True)
    }


def _implied(arms: pd.DataFrame) -> list[Order]:
    ceiling, loss = arms["ceiling"], arms["least_loss"]
    return [
        (first, second)
        for first, second in permutations(arms.index, 2)
        if ceiling[first] - ceiling[second] > APART and loss[second] - loss[first] > APART
    ]


def _levels(ceilings: pd.Series, implied: set[Order], names: dict[str, str]) -> str:
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
