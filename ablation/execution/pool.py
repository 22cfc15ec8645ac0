"""A pool of worker processes: one core each, TensorFlow loaded once for all of them.

A worker that dies loses only the trial that it was training.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from types import ModuleType
from typing import Any

from ablation.errors import SweepFailed
from ablation.execution.handle import Outcome, WorkerProcess
from ablation.execution.order import Queue
from ablation.execution.process import EXTERNAL_FAILURES, serve
from ablation.spec import Trial
from ablation.storage import PROGRAMS_KEPT, xla_flags

BUSY_WAIT = 0.5  # seconds before a trial that another process is training is offered again

SINGLE_THREADED = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "KERAS_BACKEND": "tensorflow",
}


_Forked = WorkerProcess[ForkServerProcess]


def available_cores() -> list[int]:
    """The numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def run_trials(
    trials: Sequence[Trial],
    work: str,
    arguments: tuple[Any, ...],
    workers: int,
    time_limit: float,
) -> Generator[Outcome]:
    """Call work(trial, *arguments) for each trial in worker processes; yield outcomes as they end.

    work: "module:function", imported in the workers only, so that the parent stays light. If it
    returns None, another process has the trial, and it is offered again later. A trial that takes
    more than time_limit seconds is killed. Closing the iterator kills the workers.

    Raises SweepFailed if no worker process can be started.
    """
    queue = Queue(trials, PROGRAMS_KEPT * workers)
    cores = available_cores()
    pool: list[_Forked] = []
    try:
        for k in range(min(workers, len(trials))):
            worker_cores = (cores[k],) if workers <= len(cores) else tuple(cores)
            pool.append(WorkerProcess(partial(_fork, worker_cores, work.partition(":")[0])))
        while queue or any(worker.trial for worker in pool):
            queue.release(time.monotonic())
            for worker in (worker for worker in pool if worker.trial is None):
                trial = queue.take(worker.warm, [w.warm for w in pool if w is not worker])
                if trial is not None:
                    worker.assign(trial, (work, trial, *arguments), time_limit)
            for outcome in _wait(pool, time_limit, BUSY_WAIT if queue.has_postponed else None):
                if outcome.kind is None and outcome.value is None:
                    queue.postpone(outcome.trial, time.monotonic() + BUSY_WAIT)
                elif outcome.kind not in EXTERNAL_FAILURES or not queue.retry(outcome.trial):
                    yield outcome
    finally:
        for worker in pool:
            worker.end()


def _fork(cores: tuple[int, ...], preload: str) -> tuple[ForkServerProcess, Connection]:
    """A worker process from the fork server, and the connection to it.

    cores: the numbers of those that it may use. preload: the module that the fork server loads,
    once for all workers. Raises SweepFailed.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([preload])
    for pause in (0.1, 0.5, 2.0):  # if the fork server was killed, start it again
        with _stderr_to_null(), worker_environment():
            forkserver.ensure_running()
        pipe, worker_end = context.Pipe()
        process = context.Process(target=serve, args=(worker_end, cores))
        with suppress(OSError, EOFError), worker_end, _without_main():
            process.start()
            return process, pipe
        time.sleep(pause)
    raise SweepFailed("cannot start a worker process (out of memory?)")


def _wait(pool: Sequence[_Forked], time_limit: float, timeout: float | None) -> list[Outcome]:
    """Wait until a trial ends or the timeout (seconds) passes; return the trials that ended."""
    busy = [worker for worker in pool if worker.trial is not None]
    if busy:
        seconds_left = max(0.0, min(worker.deadline for worker in busy) - time.monotonic())
        timeout = seconds_left if timeout is None else min(seconds_left, timeout)
    wait([part for w in busy for part in (w.pipe, w.process.sentinel)], timeout)
    outcomes = [worker.outcome(time_limit) for worker in busy]
    return [outcome for outcome in outcomes if outcome is not None]


@contextmanager
def worker_environment() -> Iterator[None]:
    """Set the environment variables of the workers; the parent's are restored afterwards."""
    before = dict(os.environ)
    os.environ.update(SINGLE_THREADED | before)
    os.environ["TF_XLA_FLAGS"] = xla_flags(before.get("TF_XLA_FLAGS", ""))
    try:
        yield
    finally:
        for name in (*SINGLE_THREADED, "TF_XLA_FLAGS"):
            if name in before:
                os.environ[name] = before[name]
            else:
                del os.environ[name]


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide the program's main module from a new process, which would otherwise run it again.

    So a script needs no `if __name__ == "__main__"`, and a worker does not load the command line.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _stderr_to_null() -> Iterator[None]:
    """Start a process with stderr on /dev/null, as TensorFlow prints there, and ignoring SIGHUP."""
    # A new process inherits ignored signals. Only the main thread may set them.
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN) if main else None
    saved = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        if main:
            signal.signal(signal.SIGHUP, before)
