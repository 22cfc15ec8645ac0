"""Runs trials in worker processes: which one is next, who trains it, how it ended."""

from __future__ import annotations

from ablation.execution.cluster.environment import DASK
from ablation.execution.handle import Outcome
from ablation.execution.interruption import Interruption, signals_as_interrupts
from ablation.execution.pool import SINGLE_THREADED, available_cores, run_trials
from ablation.execution.progress import Progress
from ablation.execution.saved import SavedModel
from ablation.execution.train_once import train_once
from ablation.execution.trainer import Trainer, expected_workers, open_trainer

__all__ = [
    "DASK",
    "SINGLE_THREADED",
    "Interruption",
    "Outcome",
    "Progress",
    "SavedModel",
    "Trainer",
    "available_cores",
    "expected_workers",
    "open_trainer",
    "run_trials",
    "signals_as_interrupts",
    "train_once",
]
