"""What a worker process is asked to do: train one trial, once."""

from __future__ import annotations

from ablation.config import Trial
from ablation.once import once
from ablation.result import Finished
from ablation.store import Store
from ablation.trial import describe, run_trial

__all__ = ["describe", "work"]


def work(trial: Trial, root: str, commit: str | None, dirty: bool | None) -> Finished | None:
    """Train the trial unless it is done by now; None where another process is at it."""
    return once(trial, Store(root), lambda: run_trial(trial, commit, dirty))
