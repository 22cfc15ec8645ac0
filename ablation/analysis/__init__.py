"""Results as tables, statistics and verdicts. Sentences and figures are made in `report`."""

from __future__ import annotations

from ablation.analysis.across import compare_variants, interquartile_mean, problems_needed
from ablation.analysis.contrasts import Comparison, compare_arms, compare_planned
from ablation.analysis.costs import cheapest_equivalent, pareto_front
from ablation.analysis.failures import unseen_share
from ablation.analysis.margins import Margin
from ablation.analysis.samples import finished_trials, label_step
from ablation.analysis.study import Study
from ablation.analysis.summary import best_arm, guessing_arms
from ablation.analysis.sweep_results import factor_columns, remember_look, task_name

__all__ = [
    "Comparison",
    "Margin",
    "Study",
    "best_arm",
    "cheapest_equivalent",
    "compare_arms",
    "compare_planned",
    "compare_variants",
    "factor_columns",
    "finished_trials",
    "guessing_arms",
    "interquartile_mean",
    "label_step",
    "pareto_front",
    "problems_needed",
    "remember_look",
    "task_name",
    "unseen_share",
]
