"""Makes training and test sequences, and the ceilings of each view of the input."""

from __future__ import annotations

from ablation.problems.registry import (
    PROBLEMS,
    available,
    bounds,
    ceilings_of,
    check,
    check_seeds,
    class_names,
    files,
    has_validation,
    ids,
    is_generated,
    is_own,
    load,
    longest,
    preprocessing,
    remarks,
    sample,
    settled,
    understood,
)

__all__ = [
    "PROBLEMS",
    "available",
    "bounds",
    "ceilings_of",
    "check",
    "check_seeds",
    "class_names",
    "files",
    "has_validation",
    "ids",
    "is_generated",
    "is_own",
    "load",
    "longest",
    "preprocessing",
    "remarks",
    "sample",
    "settled",
    "understood",
]
