"""Looks at growing data without raising the chance of a false verdict.

If one tests after 10, 15, 20, ... seeds and stops at the first significant difference, the chance
of a false verdict exceeds 5 %. All looks at a question therefore share the 5 %, whether the program
adds the seeds (seeds=auto) or a person does. How much has been spent by a look depends on its
number of seeds alone (`Looks.spent`; Lan & DeMets 1983), so that nobody needs to know in advance
when the looks will be. Each look may use only what is newly spent (a Bonferroni split over the
looks), with Holm's correction for the family of contrasts at that look. The parts add up to at most
alpha for any distribution, any number of looks and any dependence between them. Tests that use the
correlation between looks would have slightly more power, but would lose this property.

Nine tenths of alpha are for what was planned at the first look, one tenth is kept for whoever goes
on. Up to the plan's seeds, rounds spend by a Pocock-type function, so that a large difference stops
them early; a sweep that is interrupted spends by the third power of its share (Kim & DeMets 1987),
next to nothing.

Decisions are final: a contrast keeps the verdict of the look that decided it. Every look is
recomputed from the trials; only which looks there were is remembered (`planning.looks`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from ablation.analysis.contrasts import FAILURE, GUESS, choose_family, compare_arms

KEPT = 0.1  # of alpha, for looks with more seeds than were planned


@dataclass(frozen=True)
class Looks:
    """How many seeds an arm had at each look at a question, in ascending order.

    planned: the number of seeds that was planned at the first look. rounds: whether they were
    planned in rounds (seeds=auto).
    Raises ValueError unless there is a look and each has more seeds than the one before it.
    """

    seeds: tuple[int, ...]
    planned: int
    rounds: bool = False

    def __post_init__(self) -> None:
        if not self.seeds or list(self.seeds) != sorted(set(self.seeds)) or self.planned < 1:
            raise ValueError(f"{self}: expected at least one look, each with more seeds")

    def spent(self, seeds: float, alpha: float = 0.05) -> float:
        """The part of alpha that looks with up to so many seeds have spent together."""
        share = seeds / self.planned
        if share > 1:
            return alpha * (1 - KEPT / share**2)
        return alpha * (1 - KEPT) * (math.log1p((math.e - 1) * share) if self.rounds else share**3)

    def alphas(self, alpha: float = 0.05) -> tuple[float, ...]:
        """The part of alpha that each look may spend."""
        spent = [self.spent(seeds, alpha) for seeds in self.seeds]
        return tuple(np.diff([0.0, *spent]).tolist())

    def further(self, alpha: float = 0.05) -> float:
        """The part that a next look may spend: at the planned seeds, or at twice as many as now."""
        now = self.seeds[-1]
        return self.spent(max(2 * now, self.planned), alpha) - self.spent(now, alpha)


@dataclass(frozen=True)
class Schedule:
    """How many seeds an arm has at each look of seeds=auto: first, first + step, ..., most.

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

    def until(self, seeds: int) -> tuple[int, ...]:
        """The looks that so many seeds are enough for; an unfinished first round is one by itself.

        An unfinished later round is ignored.
        """
        return tuple(look for look in self.looks if look <= seeds) or (max(seeds, 1),)

    def after(self, seeds: int) -> int | None:
        """How many seeds the next look has; None after the last one."""
        return next((look for look in self.looks if look > seeds), None)


class Round(NamedTuple):
    """The next round.

    arms: labels of the arms that need more seeds, in order of appearance; empty if there are none.
    An arm that stopped earlier may be among them, so train all seeds that it lacks, up to `seeds`.
    seeds: how many seeds these arms should have.
    contrasts: the result of `compare_in_looks`.
    """

    arms: tuple[str, ...]
    seeds: int
    contrasts: pd.DataFrame


def trained_seeds(trials: pd.DataFrame) -> int:
    """How many seeds were tried in any arm."""
    return int(trials.loc[trials["status"] != "pending", "seed"].nunique())


def in_looks(
    trials: pd.DataFrame,
    looks: Looks,
    compare: Callable[[pd.DataFrame, float, float], pd.DataFrame],
    alpha: float = 0.05,
) -> pd.DataFrame:
    """The contrasts of all looks, each with the verdict of the look that decided it.

    compare: makes the contrasts, the same rows in each look, of the trials of this look (all
    others are pending), at a level, with advice for a next look at another level. A look with n
    seeds uses the first n seeds in ascending order.
    Columns: those of compare, look (how many seeds it had: of the one that decided the contrast, or
    of the last one) and alpha (of that look).
    """
    order = trials["seed"].rank(method="dense")
    tables = []
    for seeds, level in zip(looks.seeds, looks.alphas(alpha), strict=True):
        then = trials.assign(status=trials["status"].where(order <= seeds, "pending"))
        tables.append(compare(then, level, looks.further(alpha)).assign(look=seeds, alpha=level))
    # Of each row, keep the first look that decided it, or the last look if none did.
    rows = pd.concat(tables)
    undecided = rows["verdict"] == "undecided"
    rows = rows.assign(undecided=undecided, order=np.where(undecided, -rows["look"], rows["look"]))
    rows = rows.rename_axis("row").reset_index()
    rows = rows.sort_values(["undecided", "order"], kind="stable").drop_duplicates("row")
    return rows.set_index("row").sort_index().rename_axis(None).drop(columns=["undecided", "order"])


def compare_in_looks(
    trials: pd.DataFrame,
    looks: Looks,
    metric: str = "accuracy",
    baseline: str | None = None,
    margin: float = 0.002,
    alpha: float = 0.05,
) -> pd.DataFrame:
    """The contrasts of a sweep by `compare_arms`, each of the look that decided it (`in_looks`).

    The comparisons are those that `choose_family` makes at the last look. Raises ValueError as
    `compare_arms` does.
    """
    order = trials["seed"].rank(method="dense")
    last = trials.assign(status=trials["status"].where(order <= looks.seeds[-1], "pending"))
    family = choose_family(last, metric, baseline)

    def compare(then: pd.DataFrame, level: float, further: float) -> pd.DataFrame:
        return compare_arms(then, metric, family.baseline, margin, level, family.size, further)

    return in_looks(trials, looks, compare, alpha)


def plan_next_round(
    trials: pd.DataFrame,
    schedule: Schedule,
    looks: Looks,
    metric: str = "accuracy",
    baseline: str | None = None,
    margin: float = 0.002,
    alpha: float = 0.05,
) -> Round:
    """The arms with an undecided contrast after these looks, and how many seeds they need next.

    Errors as in `compare_in_looks`.
    """
    table = compare_in_looks(trials, looks, metric, baseline, margin, alpha)
    seeds = schedule.after(looks.seeds[-1])
    if seeds is None:
        return Round((), schedule.most, table)
    # More seeds do not help arms that only guess, nor a seed that failed to train.
    hopeless = table["withheld"].isin([GUESS, FAILURE])
    undecided = table[(table["verdict"] == "undecided") & ~hopeless]
    undecided_arms = set(undecided["arm"]) | set(undecided["other"])
    arms = tuple(arm for arm in dict.fromkeys(trials["arm"]) if arm in undecided_arms)
    return Round(arms, seeds, table)
