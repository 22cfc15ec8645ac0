"""Tasks for a sweep's workers without Keras: made-up results, or a failure."""

from __future__ import annotations

import math
import random
import time

from ablation import problems
from ablation.execution import train_once
from ablation.planning import check_unchanged
from ablation.spec import Trial
from ablation.storage import CommittedTrial, Curve, Store, TrialResult
from tests.helpers import make_result


def work(trial: Trial, root: str, commit: str | None, dirty: bool | None) -> CommittedTrial | None:
    """Commit a result: bidirectional arms are better, and accuracy rises a little with the seed."""
    accuracy = 0.9 if trial.arm.direction == "bidirectional" else 0.8
    return train_once(
        trial, Store(root), lambda: make_result(trial, accuracy=accuracy + trial.seed / 1000)
    )


def with_data(
    trial: Trial, root: str, commit: str | None, dirty: bool | None
) -> CommittedTrial | None:
    """Generate the data as a worker does, and commit a result without training."""

    def train() -> TrialResult:
        arm = trial.arm
        check_unchanged(arm)
        problems.load(arm.problem, arm.length, arm.training.sequences, trial.seed)
        return make_result(trial)

    return train_once(trial, Store(root), train)


def slow(trial: Trial, root: str, commit: str | None, dirty: bool | None) -> CommittedTrial | None:
    """Like `work`, but it takes a fraction of a second, in which a process can be killed."""
    time.sleep(0.3)
    return work(trial, root, commit, dirty)


def noisy(trial: Trial, root: str, commit: str | None, dirty: bool | None) -> CommittedTrial | None:
    """Commit an accuracy in which the arms do not differ, only the trials."""
    accuracy = random.Random(trial.id).gauss(0.7, 0.01)
    return train_once(trial, Store(root), lambda: make_result(trial, accuracy=accuracy))


def perfect(
    trial: Trial, root: str, commit: str | None, dirty: bool | None
) -> CommittedTrial | None:
    """Commit an accuracy of 1, which no backward layer can reach."""
    return train_once(trial, Store(root), lambda: make_result(trial, accuracy=1.0))


def fail_seed_one(
    trial: Trial, root: str, commit: str | None, dirty: bool | None
) -> CommittedTrial | None:
    """Like `work`, but seed 1 fails."""
    if trial.seed == 1:
        raise LookupError("no such table")
    return work(trial, root, commit, dirty)


def tuned(trial: Trial, root: str, commit: str | None, dirty: bool | None) -> CommittedTrial | None:
    """Commit a result whose validation and test scores want opposite learning rates.

    Validation: 0.001 is best for forward arms and 0.1 for others. A rate of 9 fails.
    """
    rate = trial.arm.training.learning_rate
    if rate == 9:
        raise LookupError("too fast")
    best = 0.001 if trial.arm.direction == "forward" else 0.1
    score = 0.9 - abs(math.log10(rate / best)) / 10 + trial.seed % 1000 / 100
    curve = Curve(updates=[2, 4], loss=[1, 1], accuracy=[1, score], validation_loss=[1, 1])
    return train_once(
        trial, Store(root), lambda: make_result(trial, accuracy=1.5 - score, curve=curve)
    )
