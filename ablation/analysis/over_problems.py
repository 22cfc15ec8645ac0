"""The questions about what holds over several problems."""

from __future__ import annotations

from functools import cached_property

import pandas as pd

from ablation.analysis.across import (
    LEAST_PROBLEMS,
    common_variants,
    compare_variants,
    rank_variants,
)
from ablation.analysis.sweep_results import SweepResults, task_problem
from ablation.spec import label_variants


class OverProblems(SweepResults):
    """How arms compare in general, where several problems have them; part of `Study`."""

    @cached_property
    def across(self) -> pd.DataFrame:
        """How the variants do over all problems, one row per variant, the best first.

        A variant is what arms of several problems have in common, such as "bidirectional sum". No
        rows unless at least three problems have two variants in common. Columns: variant, problems,
        mean (normalized score: 0 is a guess, 1 the best possible), iqm, iqm_low, iqm_high
        (interquartile mean over all runs with its 95 % interval), rank (mean rank; 1 is best),
        best, best_low, best_high (probability to be the best on a new problem).

        Example:
            >>> study = ablation.load("five_problems")
            >>> study.across[["variant", "problems", "mean", "rank"]].round(2)
                            variant  problems  mean  rank
            0  bidirectional concat         6  0.81  1.17
            1               forward         6  0.38  2.17
            2          go_backwards         6  0.35  2.67
        """
        return rank_variants(self._problems) if len(self._problems) else pd.DataFrame()

    @property
    def normalized(self) -> pd.DataFrame:
        """The mean normalized score of each variant on each problem; empty where `across` is.

        Example:
            >>> study = ablation.load("five_problems")
            >>> study.normalized[["balance", "brackets"]].round(2)
            problem               balance  brackets
            variant
            bidirectional concat     0.95      1.00
            forward                  0.35      0.57
            go_backwards             0.42      0.57
        """
        if self.across.empty:
            return pd.DataFrame()
        cells = self._problems.groupby(["variant", "problem"], sort=False)["normalized"].mean()
        columns = list(dict.fromkeys(self._problems["problem"]))
        return cells.unstack().reindex(index=self.across["variant"], columns=columns)

    def across_contrasts(self, margin: float | None = None) -> pd.DataFrame:
        """The variants against each other, paired by problem, one row per pair.

        margin: in normalized score; None: that of the measure. Columns: variant, other, problems,
        difference, low, high (Hodges-Lehmann estimate with its 95 % interval), p (Wilcoxon's signed
        ranks), p_holm, more, same, less (probability that on a new problem the first is better by
        more than the margin, within it, or worse), verdict. No rows where `across` has none.

        Example:
            >>> study = ablation.load("five_problems")
            >>> study.across_contrasts()[["variant", "other", "p", "verdict"]].round(3)
                    variant                 other      p    verdict
            0       forward          go_backwards  0.562  undecided
            1       forward  bidirectional concat  0.062  undecided
            2  go_backwards  bidirectional concat  0.031  undecided
        """
        if self._problems.empty:
            return pd.DataFrame()
        margin = self.margin("normalized") if margin is None else margin
        return compare_variants(self._problems, margin)

    @cached_property
    def _problems(self) -> pd.DataFrame:
        """The problems frame of `analysis.across`; empty where nothing is said across problems."""
        if "normalized" not in self.trials:
            return pd.DataFrame()
        variants = label_variants(self.plan.labels, self.plan.tuned)
        names = {label: variants[arm] for arm, label in self.plan.labels.items()}
        problems = {a: task_problem(task) for task in self.tasks for a in task["arm"].unique()}
        columns = ["arm", "seed", "normalized", "test_to_train"]
        frame = self.trials[[name for name in columns if name in self.trials]].assign(
            variant=self.trials["arm"].map(names), problem=self.trials["arm"].map(problems)
        )
        frame = common_variants(frame)
        return frame if frame["problem"].nunique() >= LEAST_PROBLEMS else pd.DataFrame()
