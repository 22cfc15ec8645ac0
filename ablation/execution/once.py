"""A trial is trained once: claim it, look whether it is done, run it, commit it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

from ablation.spec import Trial
from ablation.storage import Finished, Store, TrialResult


def once(trial: Trial, store: Store, run: Callable[[], TrialResult]) -> Finished | None:
    """Run the trial and commit its result, unless it is done; None where another process is at it.

    run: it may end the process or be killed at any time; a commit is then there, or is not.
    """
    with store.claim(trial.id) as mine:
        if not mine:
            return None
        result = store.read(trial.id)  # another process may have committed it since it was planned
        trained = result is None
        if result is None:
            log = store.log(trial.id)
            with store.writing():
                log.parent.mkdir(exist_ok=True)
                output = open(log, "ab")  # noqa: SIM115
            with _output_to(output):
                result = run()
                store.commit(result)
            log.unlink(missing_ok=True)  # it matters only where there is no result
    return Finished(
        status=result.status,
        accuracy=result.metrics.accuracy,
        seconds=result.seconds.whole,
        trained=trained,
    )


@contextmanager
def _output_to(file: BinaryIO) -> Iterator[None]:
    """Send all that this process and its libraries print to a file, for as long as it lasts."""
    kept = os.dup(1), os.dup(2)
    sys.stdout.flush()
    sys.stderr.flush()
    with file:
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
