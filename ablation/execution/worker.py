"""The task of a worker process; only workers import it, because it loads TensorFlow."""

from __future__ import annotations

from ablation.execution.train_once import train_once
from ablation.spec import Trial
from ablation.storage import CommittedTrial, Store
from ablation.training import measure, run_trial


def work(trial: Trial, root: str, commit: str | None, dirty: bool | None) -> CommittedTrial | None:
    """Train the trial unless it is done by now; None if another process is training it.

    root: the results folder. commit, dirty: the program's version, for the result.
    """
    return train_once(trial, Store(root), lambda: run_trial(trial, commit, dirty))


def measure_arm(trial: Trial, match: str) -> tuple[int, int]:
    """Units and parameters of the trial's arm; see `training.measure`."""
    return measure(trial.arm, match)
