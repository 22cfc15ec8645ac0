"""What a study warns of: leaks, arms that only guess, seeds that fail, a test part too small."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from ablation.analysis import Study, label_step, task_name
from ablation.measures import Measure
from ablation.report.sentences.words import between, listed
from ablation.terminal import count


def alarms(study: Study) -> list[str]:
    """What must not be: arms better than their view of the input allows."""
    score = study.score
    leaks = study.leaks().to_dict("records")
    return [_alarm(leak, score, study.measure(score)) for leak in leaks]


def _alarm(leak: Mapping[Hashable, Any], score: str, measure: Measure) -> str:
    far = measure.format(leak["excess"])
    if leak["error"]:
        far = f"{leak['excess'] / leak['error']:.0f} standard errors"
    value, best = (measure.format(leak[name]) for name in (score, measure.bound))
    return (
        f"LEAK? {leak['arm']}: {measure.name} {value} is "
        f"{'above' if measure.sense > 0 else 'below'} its {measure.bound} {best} by {far}. No "
        "model can do that without a bug, or labels in its input."
    )


def none_beats_guessing(study: Study, guessing: Mapping[str, float], task: pd.DataFrame) -> str:
    measure, by_score = study.measure(study.score), study.metric == study.score
    where = f" on {task_name(task)}" if len(study.tasks) > 1 else ""
    of_numbers = measure.guess == "constant"
    usual = "the mean, mean squared error" if of_numbers else "the most frequent class"
    factors = " or ".join(factor.rpartition(".")[2].replace("_", " ") for factor in study.factors)
    nothing = f": nothing can be said of {factors}" if task["arm"].nunique() > 1 and factors else ""
    return (
        f"No arm{'' if by_score else f'’s {measure.name}'} beats guessing{where} (always {usual}: "
        f"{between(measure, guessing)}){nothing if by_score else ''}."
    )


def some_guess(study: Study, guessing: Mapping[str, float]) -> str:
    measure = study.measure(study.score)
    beyond, usual = "above", "the most frequent class"
    if measure.guess == "constant":
        beyond, usual = "below", "the training set's mean"
    return (
        f"{measure.name.capitalize()} not shown to be {beyond} that of always predicting {usual} "
        f"({between(measure, guessing)}): {listed(guessing)}."
    )


def failures(study: Study, task: pd.DataFrame) -> list[str]:
    """Arms of which some seeds failed to train: this is an answer of its own."""
    rows = study.summary(study.metric).query("failed > 0 and arm in @task.arm")
    return [
        f"{row['arm']} trains in {row['n'] + row['dropped'] - row['failed']} of "
        f"{count(row['n'] + row['dropped'], 'seed')}: the others ended far below these."
        for row in rows.to_dict("records")
    ]


def coarse(study: Study) -> list[str]:
    """That a margin is finer than the test part can show."""
    measure, sentences = study.measure(study.metric), []
    for task in study.tasks:
        margin, step = study.margin(task=task), label_step(task, study.metric)
        where = f" on {task_name(task)}" if len(study.tasks) > 1 else ""
        if task["arm"].nunique() > 1 and margin < step:
            sentences.append(
                f"No two arms can be called equivalent within {margin:g}{where}: one test label of "
                f"{1 / step:,.0f} is {measure.name} {measure.format(step)}."
            )
    return sentences
