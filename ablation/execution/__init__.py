"""Runs trials in worker processes: which comes next, who is at it, how it ended."""

from __future__ import annotations

from ablation.execution.once import once
from ablation.execution.pool import SINGLE_THREADED, Ended, available_cores, run_trials
from ablation.execution.progress import Progress

__all__ = ["SINGLE_THREADED", "Ended", "Progress", "available_cores", "once", "run_trials"]
