"""Work of a sweep without Keras: results at once, or what goes wrong in their place."""

from __future__ import annotations

from ablation.execution import train_once
from ablation.spec import Trial
from ablation.storage import CommittedTrial, Store
from tests.helpers import make_result


def work(trial: Trial, root: str, commit: str | None, dirty: bool | None) -> CommittedTrial | None:
    """Commit a result in which bidirectional arms are better, each seed a little apart."""
    accuracy = 0.9 if trial.arm.direction == "bidirectional" else 0.8
    return train_once(
        trial, Store(root), lambda: make_result(trial, accuracy=accuracy + trial.seed / 1000)
    )


def perfect(
    trial: Trial, root: str, commit: str | None, dirty: bool | None
) -> CommittedTrial | None:
    """Commit a result without an error, which no backward layer can have."""
    return train_once(trial, Store(root), lambda: make_result(trial, accuracy=1.0))


def fail_seed_one(
    trial: Trial, root: str, commit: str | None, dirty: bool | None
) -> CommittedTrial | None:
    if trial.seed == 1:
        raise LookupError("no such table")
    return work(trial, root, commit, dirty)
