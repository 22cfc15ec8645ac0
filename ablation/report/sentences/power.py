"""How small a difference data that are fixed could show, with these seeds and with any number."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from ablation import problems
from ablation.analysis import Study, task_name
from ablation.terminal import count


class Smallest(NamedTuple):
    """The difference that a task's seeds find with 80 % power, and the one that any number does.

    Medians over the pairs of arms; ever: NaN if unknown.
    """

    now: float
    ever: float
    seeds: int


def smallest(study: Study, task: pd.DataFrame) -> Smallest | None:
    """None where no arms are compared, or more test data are only a matter of asking for them."""
    arms = set(task["arm"])
    fixed = {a.problem for a, name in study.plan.labels.items() if name in arms}
    if all(map(problems.is_generated, fixed)) or not study.frames.results:
        return None
    contrasts = study.contrasts()
    if contrasts.empty:
        return None
    pairs = contrasts.loc[contrasts["arm"].isin(arms), ["detectable", "detectable_ever", "n"]]
    now, ever, seeds = pairs.astype(float).median()
    # The variance over sequences alone is known with few degrees of freedom, which may make more
    # seeds look worse than these.
    ever = min(ever, now)  # NaN stays
    return Smallest(float(now), float(ever), int(seeds)) if now > 0 else None


def too_small(study: Study) -> list[str]:
    """That the data are too few to show a difference as small as the margin, however many seeds."""
    measure, sentences = study.measure(study.metric), []
    for task in study.tasks:
        found, margin = smallest(study, task), study.margin(task=task)
        if found and found.ever > margin:
            where = f" of {task_name(task)}" if len(study.tasks) > 1 else ""
            sentences.append(
                f"The data{where} are too few for a margin of {margin:g}{_tested(task)}: "
                f"{count(found.seeds, 'seed')} find a difference of {measure.format(found.now)} "
                f"four times in five, and any number of seeds one of {measure.format(found.ever)}."
            )
    return sentences


def what_can_be_shown(study: Study) -> list[str]:
    """The smallest differences that the data can show, where `too_small` does not say it."""
    measure, sentences = study.measure(study.metric), []
    for task in study.tasks:
        found, margin = smallest(study, task), study.margin(task=task)
        if found and not found.ever > margin:
            where = f" on {task_name(task)}" if len(study.tasks) > 1 else ""
            limit = measure.format(found.ever)
            ever = f", and any number of seeds one of {limit}" if found.ever > 0 else ""
            sentences.append(
                f"{count(found.seeds, 'seed').capitalize()} find a difference of "
                f"{measure.format(found.now)} four times in five{where}{ever} (median of the rows)."
            )
    return sentences


def _tested(task: pd.DataFrame) -> str:
    """How many sequences a seed tests."""
    sizes = task.reindex(columns=["test_sequences"]).astype(float)["test_sequences"].dropna()
    return f" ({sizes.median():,.0f} test sequences a seed)" if len(sizes) else ""
