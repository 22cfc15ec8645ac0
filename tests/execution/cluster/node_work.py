"""Loaded by a test's Dask worker: its trials take as long as their units say, without Keras."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from ablation import problems
from ablation.execution.cluster import node
from ablation.execution.cluster.bundle import enter
from ablation.planning import check_unchanged
from ablation.spec import Trial
from tests.helpers import make_result

OTHER_KERAS = "OTHER_KERAS"  # the environment variable with a version that the worker has
if OTHER_KERAS in os.environ:
    node.versions()["keras"] = os.environ[OTHER_KERAS]  # the dictionary is cached
node.WORK = "tests.execution.cluster.node_work:work"
DIES, HANGS, FAILS = 901, 902, 903  # units of trials that misbehave
TRAINED = "TRAINED"  # the environment variable with the folder in which each training leaves a file


def work(trial: Trial, bundle: str, log: str, commit: str | None, dirty: bool | None) -> str:
    """The JSON of a result that depends only on the trial, after its units in milliseconds."""
    here = Trial(arm=enter(trial.arm, bundle), seed=trial.seed)
    check_unchanged(here.arm)
    problems.load(here.arm.problem, here.arm.length, here.arm.training.batch_size, trial.seed)
    if trial.arm.units == DIES:
        os.kill(os.getpid(), signal.SIGKILL)
    if trial.arm.units == FAILS:
        Path(log).write_text("what it printed\n")
        raise LookupError("no such table")
    time.sleep(600 if trial.arm.units == HANGS else trial.arm.units / 1000)
    (Path(os.environ[TRAINED]) / f"{trial.id}-{time.time_ns()}").touch()
    return make_result(trial, accuracy=0.6 + trial.seed / 1000).model_dump_json()
