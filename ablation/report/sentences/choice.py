"""Which arm to take: the best, or a cheaper one that is as good."""

from __future__ import annotations

import math
from typing import NamedTuple

import pandas as pd

from ablation.analysis import Study, best_arm, cheapest_equivalent, finished_trials, guessing_arms
from ablation.measures import MEASURES
from ablation.report.sentences.comparison import OPPOSITE, opponents_of
from ablation.report.sentences.words import amount_of


def recommended(study: Study) -> list[str]:
    """The arm of each task that the answer says to take: the best, or a cheaper one as good.

    Where one has fewer parameters and another is faster, it is the smaller one. Tasks without a
    result are left out.
    """
    return [_taken(study, task, pairs_of(study, task)) for task in _finished(study)]


class Take(NamedTuple):
    """The arm of a task to take, and how it did against the runner-up.

    Where no arm beats guessing, arm is "". Against an arm that is equivalent and dearer, or where
    there is a baseline, other is the best of the others that it was compared with.
    """

    task: pd.DataFrame
    arm: str
    other: str
    difference: float
    verdict: str
    more_seeds: float


def takes(study: Study) -> list[Take]:
    """What to take of each task that compares arms."""
    chosen = []
    for task in _finished(study):
        if task["arm"].nunique() == 1:
            continue
        guessing = guessing_arms(task, study.score).keys()
        if study.metric == study.score and set(finished_trials(task)["arm"]) <= guessing:
            chosen.append(Take(task, "", "", math.nan, "", math.nan))
            continue
        pairs = pairs_of(study, task)
        arm = _taken(study, task, pairs)
        opponents = [o for o in opponents_of(arm, pairs) if pd.notna(o.difference)]
        sense = study.measure(study.metric).sense
        # An opponent's difference is its own score minus the arm's.
        other = max(opponents, key=lambda o: sense * o.difference, default=None)
        if other is None:
            chosen.append(Take(task, arm, "", math.nan, "undecided", math.nan))
        else:
            verdict = OPPOSITE.get(other.verdict, other.verdict)
            chosen.append(Take(task, arm, other.arm, -other.difference, verdict, other.more_seeds))
    return chosen


def pairs_of(study: Study, task: pd.DataFrame) -> pd.DataFrame:
    """The contrasts of a task's arms."""
    contrasts = study.contrasts()
    return contrasts[contrasts["arm"].isin(task["arm"])] if len(contrasts) else contrasts


def _finished(study: Study) -> list[pd.DataFrame]:
    """The tasks with a result that has the metric; older ones may lack it."""
    tasks = study.tasks if study.frames.results else []
    if study.measure(study.metric).limit:  # a missing value is "not reached"
        return [task for task in tasks if len(finished_trials(task))]
    return [task for task in tasks if finished_trials(task)[study.metric].notna().any()]


def _taken(study: Study, task: pd.DataFrame, pairs: pd.DataFrame) -> str:
    decided = len(pairs) > 0 and pairs["possible"].any()
    cheaper = _cheaper(study, task, pairs) if decided else None
    return cheaper[0].arm if cheaper else best_arm(task, study.metric)


class Cheaper(NamedTuple):
    """An arm that is as good as the best and costs less, and the two costs."""

    arm: str
    cost: str
    amount: float
    instead: float


def choice(study: Study, task: pd.DataFrame, pairs: pd.DataFrame) -> list[str]:
    """Which of the best arm and its equivalents to take, by parameters and by seconds."""
    best, cheaper = best_arm(task, study.metric), _cheaper(study, task, pairs)
    if cheaper is None:
        return [_alone_at_the_top(best, task["arm"].nunique(), pairs)]
    return [
        f"As good as {best} and cheaper: {arm} ({amount_of(cost, amount)} instead of "
        f"{amount_of(cost, instead).split()[0]})."
        for arm, cost, amount, instead in cheaper
    ] or [f"Take {best}: no arm that is as good is cheaper."]


def _cheaper(study: Study, task: pd.DataFrame, pairs: pd.DataFrame) -> list[Cheaper] | None:
    """The cheapest arm by parameters and the one by seconds; None if no arm is as good.

    An arm that may be no better than predicting the most frequent class is not as good.
    """
    guessing, metric = guessing_arms(task, study.score).keys(), study.metric
    best = best_arm(task, metric)
    # With a baseline the best arm's other pairs are not among those compared.
    compared = pairs if study.plan.report.baseline is None else None
    found = []
    for cost in ("parameters", "seconds"):
        if cost == metric:
            continue
        level = study.looks(task).alphas()[-1]
        arms = cheapest_equivalent(task, cost, metric, study.margin(task=task), level, compared)
        arms = arms[(arms["arm"] == best) | ~arms["arm"].isin(guessing)]
        if len(arms) == 1:
            return None
        costs, cheapest = arms.set_index("arm")["cost"], arms["arm"].iloc[0]
        if costs[cheapest] < costs[best] * (MEASURES[cost].cheaper or 1.0):
            found.append(Cheaper(cheapest, cost, costs[cheapest], costs[best]))
    return found


def _alone_at_the_top(best: str, arms: int, pairs: pd.DataFrame) -> str:
    opponents = opponents_of(best, pairs)
    verdicts = [opponent.verdict for opponent in opponents]
    undecided = verdicts.count("undecided")
    if undecided == 1 == len(opponents):
        return f"Provisional: take {best}; its comparison with {opponents[0].arm} is undecided."
    if undecided == len(verdicts):
        return f"Provisional: take {best}; all {undecided} comparisons are still undecided."
    if undecided:
        open_ones = f"{undecided} of {len(verdicts)} comparisons"
        are = "is" if undecided == 1 else "are"
        return f"Provisional: take {best}; {open_ones} {are} still undecided."
    if verdicts.count("worse") == len(opponents) == arms - 1:
        return f"Take {best}: every other arm is worse."
    return f"Take {best}: no other arm was shown to be as good."
