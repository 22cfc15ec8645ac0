"""The task of the campaign's workers: the real claim and commit around a simulated training.

Only the fork server and the workers import this module.
"""

from __future__ import annotations

import random
import time
from functools import partial

from ablation.execution import train_once
from ablation.spec import Trial
from ablation.storage import CommittedTrial, Store, TrialResult
from tests.chaos import faults
from tests.helpers import make_result

faults.install("worker")


def work(trial: Trial, root: str, commit: str | None, dirty: bool | None) -> CommittedTrial | None:
    """Like ablation.execution.worker.work, without Keras."""
    return train_once(trial, Store(root), partial(train, trial))


def train(trial: Trial, slower: float = 1.0) -> TrialResult:
    """A result that depends only on the trial, after some hundredths of a second, or longer."""
    faults.note("trains", trial.id)
    chance = random.Random(trial.id)
    time.sleep(slower * chance.uniform(0.005, 0.05))
    faults.reach("in training")
    time.sleep(slower * chance.uniform(0.005, 0.05))
    advantage = 0.02 if trial.arm.direction == "bidirectional" else 0.0
    # Far below every ceiling, so that no arm raises the alarm of a leak.
    result = make_result(trial, accuracy=0.6 + advantage + chance.gauss(0, 0.01))
    faults.note("trained", trial.id)
    return result
