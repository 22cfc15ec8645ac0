"""Stores results, failures and compiled programs on disk; a file is complete or absent."""

from __future__ import annotations

from ablation.storage.by_sequence import BySequence
from ablation.storage.files import locked, read_file, replace_file
from ablation.storage.programs import PROGRAMS_KEPT, PROGRAMS_LIMIT, programs_folder, xla_flags
from ablation.storage.result import (
    MOST_CONFUSED,
    Bound,
    Classes,
    CommittedTrial,
    Curve,
    Example,
    Metrics,
    Origin,
    Seconds,
    Targets,
    TrialResult,
)
from ablation.storage.store import Attempt, Claims, DamagedFile, Store, checksum

__all__ = [
    "MOST_CONFUSED",
    "PROGRAMS_KEPT",
    "PROGRAMS_LIMIT",
    "Attempt",
    "Bound",
    "BySequence",
    "Claims",
    "Classes",
    "CommittedTrial",
    "Curve",
    "DamagedFile",
    "Example",
    "Metrics",
    "Origin",
    "Seconds",
    "Store",
    "Targets",
    "TrialResult",
    "checksum",
    "locked",
    "programs_folder",
    "read_file",
    "replace_file",
    "xla_flags",
]
