"""What a worker process is asked to do: train one trial, once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ablation.config import Trial
from ablation.once import once
from ablation.result import Finished
from ablation.store import Store

__all__ = ["describe", "work"]

# TensorFlow and Keras load these where they are installed, for parts that nobody uses here: a good
# third of the time of their own import, and of the memory that each worker holds.
UNUSED = ("jax", "matplotlib", "pandas", "sklearn")


@contextmanager
def without(packages: tuple[str, ...]) -> Iterator[None]:
    """For as long as it lasts, packages that are not loaded yet seem not to be installed."""
    missing = [package for package in packages if package not in sys.modules]
    sys.modules.update(dict.fromkeys(missing))  # type: ignore[arg-type]  # None: import fails
    try:
        yield
    finally:
        for package in missing:
            del sys.modules[package]


with without(UNUSED):
    from ablation.trial import describe, run_trial


def work(trial: Trial, root: str, commit: str | None, dirty: bool | None) -> Finished | None:
    """Train the trial unless it is done by now; None where another process is at it."""
    return once(trial, Store(root), lambda: run_trial(trial, commit, dirty))
