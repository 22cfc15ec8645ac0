"""Adds seeds in rounds (seeds=auto) without raising the chance of a false verdict.

If one tests after 10, 15, 20, ... seeds and stops at the first significant difference, the chance
of a false verdict exceeds 5 %. We therefore divide the 5 % among the looks with the Pocock-type
spending function of Lan & DeMets (1983), alpha ln(1 + (e - 1) t), where t is the current share of
the maximum number of seeds. Each look uses only the alpha newly spent (a Bonferroni split over the
looks), with Holm's correction for the family of contrasts at that look. The parts add up to alpha
for any distribution and any dependence between the looks. Tests that use the correlation between
looks would have slightly more power, but would lose this property.

The O'Brien-Fleming spending function keeps nearly all of alpha for the last look: at 10 of 30 seeds
it spends 0.0007 and would hardly ever save a seed.

Decisions are final: a contrast keeps the verdict of the look that decided it. This needs no stored
state, because every look is recomputed from the trials.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from ablation.analysis.contrasts import FAILURE, GUESS, choose_family, compare_arms


@dataclass(frozen=True)
class Schedule:
    """How many seeds an arm has at each look: first, first + step, ..., and finally most.

    first: seeds of the first round; of ten, an arm that fails to train one in four times shows it.
    step: seeds added in each further round. most: the maximum number of seeds per arm.
    Raises ValueError unless 2 <= first <= most and step >= 1.
    """

    first: int = 10
    step: int = 5
    most: int = 30

    def __post_init__(self) -> None:
        if not (2 <= self.first <= self.most and self.step >= 1):
            raise ValueError(f"{self}: expected 2 <= first <= most and step >= 1")

    @property
    def looks(self) -> tuple[int, ...]:
        """The number of seeds per arm at each look."""
        return (*range(self.first, self.most, self.step), self.most)

    def alphas(self, alpha: float = 0.05) -> tuple[float, ...]:
        """The part of alpha that each look may spend; the parts add up to alpha."""
        spent = [alpha * math.log1p((math.e - 1) * seeds / self.most) for seeds in self.looks]
        return tuple(np.diff([0.0, *spent]).tolist())

    def done(self, trials: pd.DataFrame) -> int:
        """The number of looks that the trials have enough seeds for."""
        trained = trials.loc[trials["status"] != "pending", "seed"].nunique()
        return sum(seeds <= trained for seeds in self.looks)


class Round(NamedTuple):
    """The next round.

    alpha: the alpha of the last look.
    arms: labels of the arms that need more seeds, in order of appearance; empty if there are none.
    An arm that stopped earlier may be among them, so train all seeds that it lacks, up to `seeds`.
    seeds: how many seeds these arms should have.
    contrasts: the result of `compare_in_rounds`.
    """

    alpha: float
    arms: tuple[str, ...]
    seeds: int
    contrasts: pd.DataFrame


def compare_in_rounds(
    trials: pd.DataFrame,
    schedule: Schedule,
    metric: str = "accuracy",
    baseline: str | None = None,
    margin: float = 0.002,
    alpha: float = 0.05,
    looks: int | None = None,
) -> pd.DataFrame:
    """The contrasts of a sweep with seeds=auto, each with the verdict of the look that decided it.

    looks: the number of looks; None: as many as the trials have seeds for. Look k uses the first
    schedule.looks[k - 1] seeds in ascending order and ignores all others.
    The comparisons are those that `choose_family` makes at the last look.
    Columns: those of `compare_arms` at the alpha of the look, look (1, 2, ...: the one that decided
    the contrast, or the last one) and alpha (of that look). Raises ValueError as `compare_arms`
    does, and if `looks` is not between 1 and the number of looks in the schedule.
    """
    looks = schedule.done(trials) if looks is None else looks
    if not 1 <= looks <= len(schedule.looks):
        raise ValueError(f"looks={looks}: expected 1 to {len(schedule.looks)} ({schedule})")
    order = trials["seed"].rank(method="dense")

    def trials_at(look: int) -> pd.DataFrame:
        """The trials at this look: the same arms, with all later seeds pending."""
        included = order <= schedule.looks[look - 1]
        return trials.assign(status=trials["status"].where(included, "pending"))

    family = choose_family(trials_at(looks), metric, baseline)
    tables = []
    for look in range(1, looks + 1):
        level = schedule.alphas(alpha)[look - 1]
        table = compare_arms(trials_at(look), metric, family.baseline, margin, level, family.size)
        tables.append(table.assign(look=look, alpha=level))
    # Of each pair, keep the first look that decided it, or the last look if none did.
    rows = pd.concat(tables)
    rows["undecided"] = rows["verdict"] == "undecided"
    rows["order"] = np.where(rows["undecided"], -rows["look"], rows["look"])
    rows = rows.sort_values(["undecided", "order"], kind="stable").drop_duplicates(["arm", "other"])
    return rows.drop(columns=["undecided", "order"]).sort_index()


def plan_next_round(
    trials: pd.DataFrame,
    schedule: Schedule,
    metric: str = "accuracy",
    baseline: str | None = None,
    margin: float = 0.002,
    alpha: float = 0.05,
    looks: int | None = None,
) -> Round:
    """The arms with an undecided contrast after these looks, and how many seeds they need next.

    Arguments and errors as in `compare_in_rounds`.
    """
    looks = schedule.done(trials) if looks is None else looks
    table = compare_in_rounds(trials, schedule, metric, baseline, margin, alpha, looks)
    level = schedule.alphas(alpha)[looks - 1]
    if looks == len(schedule.looks):
        return Round(level, (), schedule.most, table)
    # More seeds do not help arms that only guess, nor a seed that failed to train.
    hopeless = table["withheld"].isin([GUESS, FAILURE])
    undecided = table[(table["verdict"] == "undecided") & ~hopeless]
    undecided_arms = set(undecided["arm"]) | set(undecided["other"])
    arms = tuple(arm for arm in dict.fromkeys(trials["arm"]) if arm in undecided_arms)
    return Round(level, arms, schedule.looks[looks], table)
