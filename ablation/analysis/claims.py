"""Statements made before a sweep, checked against its results."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ablation.analysis.contrasts import Comparison, compare_planned
from ablation.spec import Claim, ReportSettings


def check_claims(
    trials: pd.DataFrame, claims: Sequence[Claim], report: ReportSettings, alpha: float
) -> pd.DataFrame:
    """A row a claim, with the verdict on its two arms and whether it holds.

    trials: the trials frame, or one without rows where nothing is trained yet. alpha: the chance of
    any false verdict among the claims, which are one family whatever their metrics.

    Columns: says, claimed, metric, margin, arm, other, those of `contrasts.compare_arms`, and
    holds: "yes" where the verdict is the one claimed, "no" where it is another one, else
    "undecided". An equivalence is refuted only where the interval lies beyond the margin: less may
    still be too little to matter. A claim about arms that have no trials yet is undecided.
    """
    table = pd.DataFrame(
        [
            {
                "says": claim.says,
                "claimed": claim.verdict,
                "metric": claim.metric,
                "margin": claim.margin or report.margin_of(claim.metric),
                "arm": claim.arm,
                "other": claim.other,
            }
            for claim in claims
        ]
    )
    if table.empty:
        return table
    arms = set(trials["arm"]) if len(trials) else set()
    known = table["arm"].isin(arms) & table["other"].isin(arms)
    asked = table.loc[known, ["arm", "other", "metric", "margin"]]
    comparisons = [Comparison(*row) for row in asked.itertuples(index=False)]
    verdicts = compare_planned(trials, comparisons, alpha).drop(columns=["arm", "other"])
    table = table.join(verdicts.set_index(asked.index))
    table["verdict"] = table["verdict"].fillna("undecided")
    beyond = table["low"].gt(table["margin"]) | table["high"].lt(-table["margin"])
    beyond |= table["difference"].isna()  # decided without a figure: one arm never gets there
    differ = table["verdict"].isin(["better", "worse"])
    refuted = table["verdict"].ne("undecided") & table["verdict"].ne(table["claimed"])
    refuted &= table["claimed"].ne("equivalent") | (differ & beyond)
    table["holds"] = np.select(
        [table["verdict"] == table["claimed"], refuted], ["yes", "no"], "undecided"
    )
    return table
