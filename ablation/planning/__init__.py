"""Turns requests into checked, unique, ordered trials, and estimates how long they will take."""

from __future__ import annotations

from ablation.planning.estimate import expected_seconds, training_seconds
from ablation.planning.looks import LOOKS, Look, earlier_looks, identity, remember_looks
from ablation.planning.messages import GROUPS, unknown_key
from ablation.planning.overview import describe_question, show_plan
from ablation.planning.parameters import (
    count_parameters,
    countable,
    match_parameters,
    parameters_for,
)
from ablation.planning.parse import parse
from ablation.planning.pins import check_unchanged, code_of, files_of, pinned
from ablation.planning.plan import (
    FIRST_ROUND,
    STEP,
    Plan,
    extend_plan,
    load_plan,
    make_plan,
    save_plan,
    seed_major,
    settle_plan,
    sweeps_in,
)
from ablation.planning.sources import REQUIRED, UNKNOWN, parameters_of
from ablation.planning.tuning import (
    TunedArm,
    score_name,
    settings_in_words,
    typed,
    validation_score,
)

__all__ = [
    "FIRST_ROUND",
    "GROUPS",
    "LOOKS",
    "REQUIRED",
    "STEP",
    "UNKNOWN",
    "Look",
    "Plan",
    "TunedArm",
    "check_unchanged",
    "code_of",
    "count_parameters",
    "countable",
    "describe_question",
    "earlier_looks",
    "expected_seconds",
    "extend_plan",
    "files_of",
    "identity",
    "load_plan",
    "make_plan",
    "match_parameters",
    "parameters_for",
    "parameters_of",
    "parse",
    "pinned",
    "remember_looks",
    "save_plan",
    "score_name",
    "seed_major",
    "settings_in_words",
    "settle_plan",
    "show_plan",
    "sweeps_in",
    "training_seconds",
    "typed",
    "unknown_key",
    "validation_score",
]
