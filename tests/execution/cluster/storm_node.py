"""Loaded by the storm's Dask workers: real processes around a simulated training."""

from __future__ import annotations

import random
import time

from ablation.execution.cluster import node
from ablation.spec import Trial
from tests.chaos import faults
from tests.helpers import make_result

node.WORK = "tests.execution.cluster.storm_node:work"


def work(trial: Trial, bundle: str, log: str, commit: str | None, dirty: bool | None) -> str:
    """The JSON of a result that depends only on the trial, after some tenths of a second."""
    faults.note("trains", trial.id)
    chance = random.Random(trial.id)
    time.sleep(chance.uniform(0.1, 0.5))
    advantage = 0.02 if trial.arm.direction == "bidirectional" else 0.0
    accuracy = 0.6 + advantage + chance.gauss(0, 0.01)
    faults.note("trained", trial.id)
    return make_result(trial, accuracy=accuracy).model_dump_json()
