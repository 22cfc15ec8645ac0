"""Makes the sequences that are learnt, and knows the best that each view of them allows."""

from __future__ import annotations

from ablation.problems.registry import (
    PROBLEMS,
    available,
    bounds,
    ceilings_of,
    check,
    files,
    is_own,
    load,
    longest,
    sample,
)

__all__ = [
    "PROBLEMS",
    "available",
    "bounds",
    "ceilings_of",
    "check",
    "files",
    "is_own",
    "load",
    "longest",
    "sample",
]
