"""What can be asked for: the schema of a trial, its settings, and the names of arms."""

from __future__ import annotations

from ablation.spec.labels import label_arms, varying
from ablation.spec.schema import (
    CELLS,
    DIRECTIONS,
    DOTTED,
    MERGE_MODES,
    SCHEDULES,
    SCHEMA,
    Arm,
    Frozen,
    Problem,
    Training,
    Trial,
    canonical,
    trials_of,
)
from ablation.spec.settings import Claim, ReportSettings, Request, Settings

__all__ = [
    "CELLS",
    "DIRECTIONS",
    "DOTTED",
    "MERGE_MODES",
    "SCHEDULES",
    "SCHEMA",
    "Arm",
    "Claim",
    "Frozen",
    "Problem",
    "ReportSettings",
    "Request",
    "Settings",
    "Training",
    "Trial",
    "canonical",
    "label_arms",
    "trials_of",
    "varying",
]
