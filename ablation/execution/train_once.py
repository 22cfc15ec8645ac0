"""Trains a trial exactly once: claim it, check that it has no result, train it, commit it."""

from __future__ import annotations

from collections.abc import Callable

from ablation.execution.output import output_to
from ablation.spec import Trial
from ablation.storage import CommittedTrial, Store, TrialResult


def train_once(trial: Trial, store: Store, run: Callable[[], TrialResult]) -> CommittedTrial | None:
    """Train the trial and commit its result, unless it has one already.

    Returns None if another process is training it. run: trains the trial; it may end the process
    or be killed at any time, and the result is then either complete or absent. What it prints is
    kept in the trial's log if it fails.
    """
    with store.claim(trial.id) as claimed:
        if not claimed:
            return None
        result = store.read(trial.id)  # another process may have committed it since the plan
        trained = result is None
        if result is None:
            log = store.log(trial.id)
            with store.writing():
                log.parent.mkdir(exist_ok=True)
                output = open(log, "ab")  # noqa: SIM115
            with output_to(output):
                result = run()
                store.commit(result)
            log.unlink(missing_ok=True)  # only a failed trial needs its log
    return CommittedTrial.of(result, trained)
