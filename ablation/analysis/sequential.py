"""Seeds in rounds: which arms need more of them, without mistaking repeated looks for evidence.

Who tests after 10, 15, 20, ... seeds and stops at the first significant difference makes more than
5 % of false claims. Here the 5 % are spent in parts, one at each look, by the spending function of
Lan & DeMets (1983) of the Pocock type, alpha ln(1 + (e - 1) t), where t is the share of the seeds
that an arm may have at most. A look may use what is newly spent (a Bonferroni split over the
looks), with the correction for the family of contrasts at that look. The parts add up to alpha,
whatever the distribution and however the looks depend on each other; tests that use the
correlation of the looks would gain a little power and lose that.

The O'Brien-Fleming type of the same function keeps nearly all for the last look: at 10 of 30 seeds
it spends .0007, less than the smallest p that ten pairs can have. It would never save a seed.

A decision is final: a contrast keeps the verdict of the look that decided it. Nothing is stored for
that; every look is repeated from the trials.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from ablation.analysis.contrasts import choose_family, compare_arms


@dataclass(frozen=True)
class Schedule:
    """How many seeds an arm has at each look: first, first + step, ... and at last most.

    first: seeds of the first round; with 10, it can tell apart all pairs of up to five arms.
    step: seeds of each further round. most: seeds that no arm exceeds.
    """

    first: int = 10
    step: int = 5
    most: int = 30

    def __post_init__(self) -> None:
        if not (2 <= self.first <= self.most and self.step >= 1):
            raise ValueError(f"{self}: expected 2 <= first <= most and step >= 1")

    @property
    def looks(self) -> tuple[int, ...]:
        """Seeds an arm at each look."""
        return (*range(self.first, self.most, self.step), self.most)

    def alphas(self, alpha: float = 0.05) -> tuple[float, ...]:
        """What each look may spend; their sum is alpha."""
        spent = [alpha * math.log1p((math.e - 1) * seeds / self.most) for seeds in self.looks]
        return tuple(np.diff([0.0, *spent]).tolist())

    def done(self, trials: pd.DataFrame) -> int:
        """Looks whose seeds have all been started: how many the trials allow."""
        ended = trials.loc[trials["status"] != "pending", "seed"].nunique()
        return sum(seeds <= ended for seeds in self.looks)


class Round(NamedTuple):
    """What a look decides: its alpha, the arms to extend, and how many seeds they shall have.

    arms: labels in order of appearance, empty where nothing is left to do. An arm that had stopped
    may be named again, so train every seed that it lacks, up to `seeds`.
    contrasts: as of `contrasts`.
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
    """The contrasts of an adaptive sweep, each with the verdict of the look that decided it.

    looks: how many looks were made, by default those for which the trials have seeds. Look k sees
    the first schedule.looks[k - 1] seeds in ascending order, whatever else is there.
    The comparisons are those of `stats.family`, as the last look sees it.
    Columns: those of `stats.contrasts`, at the alpha of their look, and look (1, 2, ...; that of
    the decision, the last where undecided) and alpha (of that look). Raises ValueError as it does,
    and where there are not enough looks or too many.
    """
    looks = schedule.done(trials) if looks is None else looks
    if not 1 <= looks <= len(schedule.looks):
        raise ValueError(f"looks={looks}: expected 1 to {len(schedule.looks)} ({schedule})")
    order = trials["seed"].rank(method="dense")

    def seen(look: int) -> pd.DataFrame:
        """The trials as this look sees them: the same arms, later seeds not yet trained."""
        inside = order <= schedule.looks[look - 1]
        return trials.assign(status=trials["status"].where(inside, "pending"))

    planned = choose_family(seen(looks), metric, baseline)
    tables = []
    for look in range(1, looks + 1):
        level = schedule.alphas(alpha)[look - 1]
        table = compare_arms(seen(look), metric, planned.baseline, margin, level, planned.size)
        tables.append(table.assign(look=look, alpha=level))
    # The first decided row of each pair, else its last.
    every = pd.concat(tables)
    every["open"] = every["verdict"] == "undecided"
    every["place"] = np.where(every["open"], -every["look"], every["look"])
    chosen = every.sort_values(["open", "place"], kind="stable").drop_duplicates(["arm", "other"])
    return chosen.drop(columns=["open", "place"]).sort_index()


def plan_next_round(
    trials: pd.DataFrame,
    schedule: Schedule,
    metric: str = "accuracy",
    baseline: str | None = None,
    margin: float = 0.002,
    alpha: float = 0.05,
    looks: int | None = None,
) -> Round:
    """The arms that stand in an undecided contrast after the looks made, and their next seeds.

    Arguments and errors as of `contrasts`.
    """
    looks = schedule.done(trials) if looks is None else looks
    table = compare_in_rounds(trials, schedule, metric, baseline, margin, alpha, looks)
    level = schedule.alphas(alpha)[looks - 1]
    if looks == len(schedule.looks):
        return Round(level, (), schedule.most, table)
    unclear = table[table["verdict"] == "undecided"]
    named = set(unclear["arm"]) | set(unclear["other"])
    arms = tuple(arm for arm in dict.fromkeys(trials["arm"]) if arm in named)
    return Round(level, arms, schedule.looks[looks], table)
