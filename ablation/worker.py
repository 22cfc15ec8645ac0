"""What a worker process is asked to do: claim a trial, run it, commit it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ablation.config import Trial
from ablation.result import Finished
from ablation.store import Store
from ablation.trial import describe, run_trial

__all__ = ["describe", "work"]


def work(trial: Trial, root: str, commit: str | None, dirty: bool | None) -> Finished | None:
    """Train the trial unless it is done by now; None where another process is at it."""
    store = Store(root)
    with store.claim(trial.id) as mine:
        if not mine:
            return None
        result = store.read(trial.id)
        trained = result is None
        if result is None:
            log = store.log(trial.id)
            with _output_to(log):
                result = run_trial(trial, commit, dirty)
                store.commit(result)
            log.unlink()  # it matters only where there is no result
    return Finished(
        status=result.status,
        accuracy=result.metrics.accuracy,
        seconds=result.seconds.whole,
        trained=trained,
    )


@contextmanager
def _output_to(path: Path) -> Iterator[None]:
    """Send all that this process and its libraries print to a file, for as long as it lasts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = os.dup(1), os.dup(2)
    sys.stdout.flush()
    sys.stderr.flush()
    with open(path, "ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for descriptor, copy in enumerate(kept, start=1):
            os.dup2(copy, descriptor)
            os.close(copy)
