"""What can be asked for: the schema of a trial, its settings, and the names of arms."""

from __future__ import annotations

from ablation.spec.labels import label_arms, varying
from ablation.spec.layers import CELLS, DIRECTIONS, MERGES, Cell, Direction, Merge
from ablation.spec.schema import (
    DOTTED,
    LOSSES,
    SCHEDULES,
    SCHEMA,
    STACK,
    TRAINING_COLUMNS,
    VALIDATION,
    Arm,
    Frozen,
    Function,
    Model,
    Problem,
    Training,
    Trial,
    canonical,
    share_of,
    trials_of,
)
from ablation.spec.settings import (
    LESSON_TARGET,
    LOCAL,
    Claim,
    Cluster,
    ReportSettings,
    Request,
    Settings,
)

__all__ = [
    "CELLS",
    "DIRECTIONS",
    "DOTTED",
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
    "Cell",
    "Claim",
    "Cluster",
    "Direction",
    "Frozen",
    "Function",
    "Merge",
    "Model",
    "Problem",
    "ReportSettings",
    "Request",
    "Settings",
    "Training",
    "Trial",
    "canonical",
    "label_arms",
    "share_of",
    "trials_of",
    "varying",
]
