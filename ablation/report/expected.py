"""The order of arms that their ceilings imply, against the one that was observed.

On a problem whose answer is known this checks the program itself, and whether the arms were trained
long enough.
"""

from __future__ import annotations

from itertools import pairwise, permutations

import pandas as pd

from ablation.analysis import Comparison, Study, compare_planned, task_name
from ablation.measures import Measure
from ablation.report.cells import Column, Table
from ablation.report.sentences.words import short_names

APART = 0.005  # of accuracy, and nats: bounds that are closer imply no order a sweep could show

COLUMNS = ("expected", "observed", "as expected")

Order = tuple[str, str]  # two arms, the better one first


def expected_table(study: Study) -> Table | None:
    """A row a task whose ceilings differ: the order that they imply, the means, and whether so.

    An arm is expected ahead of every arm with a lower ceiling of accuracy, if its least log loss is
    lower too: models are trained by log loss, and where that cannot tell two arms apart, training
    will not. Where numbers are predicted, it is expected ahead of every arm whose floor is higher
    by more than the margin. "as expected" says yes where each such pair has that verdict.
    """
    score = study.score
    measure = study.measure(score)
    if not study.frames.results or study.metric != score or measure.bound not in study.trials:
        return None
    rows = []
    for task in study.tasks:
        columns = [measure.bound, score, *(["least_loss"] if measure.share else [])]
        arms = task.groupby("arm", sort=False)[columns].mean().dropna()
        arms.index = arms.index.astype(str)
        arms = arms.sort_values(measure.bound, ascending=measure.sense < 0, kind="stable")
        implied = _implied(arms, measure, study.margin(task=task))
        if not implied:
            continue
        shown = _shown(study, task, implied)
        names = short_names(list(arms.index))
        missing = [
            f"{names[first]} is not shown to be better than {names[second]}"
            for first, second in implied
            if (first, second) not in shown
        ]
        means = arms[score].sort_values(ascending=measure.sense < 0)
        observed = [f"{names[str(arm)]} {measure.format(mean)}" for arm, mean in means.items()]
        rows.append(
            (
                task_name(task),
                _levels(arms[measure.bound].map(measure.format), set(implied), names),
                ", ".join(observed),
                f"no: {'; '.join(missing)}" if missing else "yes",
            )
        )
    heads = (Column("problem"), *(Column(name, "long") for name in COLUMNS))
    return Table(heads, tuple(rows)) if rows else None


def _shown(study: Study, task: pd.DataFrame, implied: list[Order]) -> set[Order]:
    """Those of the implied pairs whose first arm is better for sure.

    The bounds name these pairs before any training, so they are a family of their own. The report's
    contrasts may not have them: of many arms it compares all with the best one only.
    """
    metric, margin = study.score, study.margin(task=task)
    planned = [Comparison(first, second, metric, margin) for first, second in implied]
    table = compare_planned(study.trials, planned)
    better = table[table["verdict"] == "better"]
    return {*zip(better["arm"], better["other"], strict=True)}


def _implied(arms: pd.DataFrame, measure: Measure, margin: float) -> list[Order]:
    best, pairs = measure.sense * arms[measure.bound], permutations(arms.index, 2)
    if not measure.share:  # of numbers: trained by the very error that is compared
        return [(a, b) for a, b in pairs if best[a] - best[b] > margin]
    loss = arms["least_loss"]
    return [(a, b) for a, b in pairs if best[a] - best[b] > APART and loss[b] - loss[a] > APART]


def _levels(bounds: pd.Series, implied: set[Order], names: dict[str, str]) -> str:
    """The arms, the best bound first, with ">" where the order is implied and a comma elsewhere."""
    arms = [str(arm) for arm in bounds.index]
    text = f"{names[arms[0]]} {bounds.iloc[0]}"
    for before, arm in pairwise(arms):
        text += f"{' >' if (before, arm) in implied else ','} {names[arm]} {bounds[arm]}"
    return text
