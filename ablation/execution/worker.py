"""What a worker process does: claim a trial, look whether it is done, train it, commit it."""

from __future__ import annotations

from ablation.execution.once import once
from ablation.spec import Trial
from ablation.storage import Finished, Store
from ablation.training import run_trial


def work(trial: Trial, root: str, commit: str | None, dirty: bool | None) -> Finished | None:
    """Train the trial unless it is done by now; None where another process is at it."""
    return once(trial, Store(root), lambda: run_trial(trial, commit, dirty))
