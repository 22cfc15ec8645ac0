"""Checks claims, the statements made before a sweep, against its results."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from ablation.analysis.contrasts import Comparison, compare_planned
from ablation.analysis.sequential import Looks, in_looks
from ablation.spec import Claim


def check_claims(
    trials: pd.DataFrame,
    claims: Sequence[Claim],
    margin_of: Callable[[str, str], float],
    looks: Looks | None,
    alpha: float,
) -> pd.DataFrame:
    """One row per claim: the verdict on its two arms, and whether the claim holds.

    trials: the trials frame; without rows if nothing is trained yet.
    margin_of: the margin of a metric in the task of an arm, where the claim has none.
    looks: at these trials; None without trials.
    alpha: the chance of any false verdict among the claims. All claims are one family, whatever
    their metrics.

    Columns: says, claimed, metric, margin, arm, other, those of `contrasts.compare_arms`, and
    holds: "yes" if the verdict is the one claimed, "no" if it is another one, else "undecided".
    A claim of equivalence is refuted only if the whole interval lies beyond the margin; otherwise
    the difference may be too small to matter. Claims about arms without trials are undecided.
    """
    table = pd.DataFrame(
        [
            {
                "says": claim.says,
                "claimed": claim.verdict,
                "metric": metric,
                "margin": claim.margin or margin_of(metric, claim.arm),
                "arm": claim.arm,
                "other": claim.other,
            }
            for claim, metric in ((claim, claim.metric or "accuracy") for claim in claims)
        ]
    )
    if table.empty:
        return table
    arms = set(trials["arm"]) if len(trials) else set()
    have_trials = table["arm"].isin(arms) & table["other"].isin(arms)
    pairs = table.loc[have_trials, ["arm", "other", "metric", "margin"]]
    comparisons = [Comparison(*row) for row in pairs.itertuples(index=False)]

    def compare(then: pd.DataFrame, level: float, further: float) -> pd.DataFrame:
        return compare_planned(then, comparisons, level, further)

    verdicts = in_looks(trials, looks, compare, alpha) if looks else compare(trials, alpha, alpha)
    verdicts = verdicts.drop(columns=["arm", "other"])
    table = table.join(verdicts.set_index(pairs.index))
    table["verdict"] = table["verdict"].fillna("undecided")
    beyond = table["low"].gt(table["margin"]) | table["high"].lt(-table["margin"])
    beyond |= table[
        "difference"
    ].isna()  # a verdict without a difference: one arm never reaches the target
    different = table["verdict"].isin(["better", "worse"])
    refuted = table["verdict"].ne("undecided") & table["verdict"].ne(table["claimed"])
    refuted &= table["claimed"].ne("equivalent") | (different & beyond)
    table["holds"] = np.select(
        [table["verdict"] == table["claimed"], refuted], ["yes", "no"], "undecided"
    )
    return table
