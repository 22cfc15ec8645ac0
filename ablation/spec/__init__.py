"""What can be asked for: the schema of a trial, its settings, and the names of arms."""

from __future__ import annotations

from ablation.spec.base import (
    DOTTED,
    Frozen,
    canonical,
)
from ablation.spec.labels import label_arms, label_variants, problem_name, varying
from ablation.spec.layers import CELLS, DIRECTIONS, MERGES, Cell, Direction, Merge
from ablation.spec.schema import (
    FIRST_PILOT,
    SCHEMA,
    STACK,
    Arm,
    Function,
    Model,
    Problem,
    Trial,
    trials_of,
)
from ablation.spec.settings import (
    LESSON_TARGET,
    LOCAL,
    Candidate,
    Claim,
    Cluster,
    Plain,
    ReportSettings,
    Request,
    Settings,
)
from ablation.spec.training import (
    LOSSES,
    SCHEDULES,
    TRAINING_COLUMNS,
    VALIDATION,
    Training,
    column_of,
    share_of,
)

__all__ = [
    "CELLS",
    "DIRECTIONS",
    "DOTTED",
    "FIRST_PILOT",
    "LESSON_TARGET",
    "LOCAL",
    "LOSSES",
    "MERGES",
    "SCHEDULES",
    "SCHEMA",
    "STACK",
    "TRAINING_COLUMNS",
    "VALIDATION",
    "Arm",
    "Candidate",
    "Cell",
    "Claim",
    "Cluster",
    "Direction",
    "Frozen",
    "Function",
    "Merge",
    "Model",
    "Plain",
    "Problem",
    "ReportSettings",
    "Request",
    "Settings",
    "Training",
    "Trial",
    "canonical",
    "column_of",
    "label_arms",
    "label_variants",
    "problem_name",
    "share_of",
    "trials_of",
    "varying",
]
