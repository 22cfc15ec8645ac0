"""How much of the future a forward arm needs: each lookahead against reading both directions."""

from __future__ import annotations

import pandas as pd

from ablation.analysis.contrasts import compare_arms
from ablation.analysis.sequential import Looks, in_looks
from ablation.analysis.summary import best_arm

GOOD_ENOUGH = ("equivalent", "better")


def compare_lookaheads(
    task: pd.DataFrame, looks: Looks, metric: str, margin: float, alpha: float = 0.05
) -> pd.DataFrame:
    """One row per lookahead of the forward arms of a task, against its best bidirectional arm.

    task: the trials of one task. Columns: lookahead, those of `sequential.in_looks`, and enough:
    whether this lookahead and all greater ones are equivalent or better. Holm's correction counts
    every pair of a lookahead and a bidirectional arm, because the data choose which of these is
    best. No rows if there are fewer than two lookaheads, if forward arms differ in more than
    that, or if there is no bidirectional arm.
    """
    if "lookahead" not in task:
        return pd.DataFrame()
    delayed = task[task["direction"].eq("forward") & task["lookahead"].notna()]
    both = task[task["direction"].eq("bidirectional")]
    arms = delayed.groupby("lookahead")["arm"].unique()
    if len(arms) < 2 or (arms.map(len) > 1).any() or not both[metric].notna().any():
        return pd.DataFrame()
    reference = best_arm(both, metric)
    compared = pd.concat([delayed, both[both["arm"] == reference]])
    family = len(arms) * both["arm"].nunique()

    def compare(then: pd.DataFrame, level: float, further: float) -> pd.DataFrame:
        return compare_arms(then, metric, reference, margin, level, family, further)

    table = in_looks(compared, looks, compare, alpha)
    lookaheads = delayed.drop_duplicates("arm").set_index("arm")["lookahead"]
    table.insert(0, "lookahead", table["arm"].map(lookaheads).astype(int))
    table = table.sort_values("lookahead", ignore_index=True)
    good = table["verdict"].isin(GOOD_ENOUGH)
    return table.assign(enough=good[::-1].cummin()[::-1])
