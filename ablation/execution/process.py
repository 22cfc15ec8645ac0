"""The inside of a worker process: one core, one task after the other, until the parent has gone."""

from __future__ import annotations

import faulthandler
import importlib
import os
import resource
import signal
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from traceback import format_exception
from typing import Any

RECYCLED_AFTER = 200  # trials of one worker: whatever TensorFlow leaks goes with it
RECYCLED_ABOVE = 2000  # MiB that a worker holds after a trial
OUTSIDE = ("killed", "MemoryError", "ResourceExhaustedError")


def serve(line: Connection, cores: tuple[int, ...]) -> None:
    """Do the tasks that come along the line, until it ends, as it does with the parent."""
    # Ctrl-C and the end of a terminal reach the whole group: the parent alone answers them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    faulthandler.enable()  # a crash says in the trial's log where it was
    null = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):  # whoever reads what the parent prints does not wait for us
        os.dup2(null, descriptor)
    # XLA splits even small loops over every core it may use, which costs more than it gives.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    with suppress(OSError, EOFError):
        for count in range(1, RECYCLED_AFTER + 1):
            told = _call(*line.recv())
            full = count == RECYCLED_AFTER or _resident() > RECYCLED_ABOVE
            leaves = full or told[1] in OUTSIDE
            line.send((told, leaves))
            if leaves:
                return


def _call(work: str, *arguments: Any) -> tuple[Any, str | None, str, str]:
    """What the work gives, and of an exception its kind, message and traceback."""
    module, _, name = work.partition(":")
    try:
        return getattr(importlib.import_module(module), name)(*arguments), None, "", ""
    except BaseException as error:
        return None, type(error).__name__, str(error), "".join(format_exception(error))


def _resident() -> float:
    """Memory of this process in MiB; where the kernel does not tell, the most that it ever was."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
