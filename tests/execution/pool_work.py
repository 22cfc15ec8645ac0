"""Tasks for the pool's tests: everything that a trial can do to its worker process."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

from ablation.execution import process
from ablation.spec import Trial


class Peculiar(Exception):
    """An exception that pickle can write but not read."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def seed_of(trial: Trial, folder: str) -> int:
    """Count the start and return the seed."""
    _mark(trial, folder)
    return trial.seed


def process_of(trial: Trial, folder: str) -> int:
    """Return the worker's process id."""
    return os.getpid()


def misbehave(trial: Trial, folder: str) -> int:
    """If the seed is 1, fail in the way that the number of units selects."""
    _mark(trial, folder)
    if trial.seed != 1:
        return trial.seed
    match trial.arm.units:
        case 1:
            raise LookupError("no such thing")
        case 2:
            raise Peculiar(1, 2)
        case 3:
            sys.exit("enough")
        case 4:
            os._exit(3)
        case 5:
            os.kill(os.getpid(), signal.SIGKILL)
        case 6:
            raise TimeoutError("the disk did not answer")
        case 7:
            os._exit(0)
        case 8:
            ctypes.string_at(0)
        case 9:
            raise MemoryError("all is taken")
        case 10:
            os.closerange(3, 1000)  # the process lives, but its pipe is closed
            time.sleep(600)
        case _:
            time.sleep(600)
    return trial.seed


def killed_once(trial: Trial, folder: str) -> int:
    """Kill the worker on the first try."""
    if _mark(trial, folder) == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return trial.seed


def server_killed_once(trial: Trial, folder: str) -> int:
    """Kill the fork server on the first try of seed 0."""
    if _mark(trial, folder) == 1 and trial.seed == 0:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(600)
    return trial.seed


def exceed_memory(trial: Trial, folder: str) -> int:
    """Make this worker count as one that uses too much memory."""
    process.RECYCLED_ABOVE = 0
    return trial.seed


def held_once(trial: Trial, folder: str) -> int | None:
    """On the first offer, behave as if another process were training the trial."""
    return None if _mark(trial, folder) == 1 else trial.seed


def _mark(trial: Trial, folder: str) -> int:
    """Count a start of the trial, and return the number of starts so far."""
    path = Path(folder, f"{trial.arm.units}-{trial.seed}")
    with path.open("a") as file:
        file.write(".")
    return path.stat().st_size
