"""The main loop of a worker process: one task after the other, until the parent is gone."""

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

RECYCLED_AFTER = 200  # trials per worker: replacing it frees whatever TensorFlow leaks
RECYCLED_ABOVE = 2000  # MiB resident after a trial
EXTERNAL_FAILURES = ("killed", "MemoryError", "ResourceExhaustedError")  # worth a retry


def serve(pipe: Connection, cores: tuple[int, ...]) -> None:
    """Carry out the tasks that arrive through the pipe, until the parent closes it or dies.

    cores: the numbers of the cores that this process may use.
    """
    # Ctrl-C and a closed terminal signal the whole process group; only the parent reacts.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    faulthandler.enable()  # a crash then writes its traceback to the trial's log
    null = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):  # so that a reader of the parent's output does not wait for us too
        os.dup2(null, descriptor)
    # XLA splits even small loops over all cores that it may use, which costs more than it gains.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
    with suppress(OSError, EOFError):
        for count in range(1, RECYCLED_AFTER + 1):
            report = _call(*pipe.recv())
            full = count == RECYCLED_AFTER or _resident() > RECYCLED_ABOVE
            exits = full or report[1] in EXTERNAL_FAILURES
            pipe.send((report, exits))
            if exits:
                return


def _call(work: str, *arguments: Any) -> tuple[Any, str | None, str, str]:
    """The value that the work returns, or the kind, message and traceback of its exception."""
    module, _, name = work.partition(":")
    try:
        return getattr(importlib.import_module(module), name)(*arguments), None, "", ""
    except BaseException as error:
        return None, type(error).__name__, str(error), "".join(format_exception(error))


def _resident() -> float:
    """Memory of this process in MiB: resident now, or its peak where there is no /proc."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
