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
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import wait
from types import ModuleType
from typing import Any

from ablation.errors import SweepFailed
from ablation.execution.order import Queue
from ablation.execution.process import EXTERNAL_FAILURES, serve
from ablation.spec import Arm, Trial
from ablation.storage import PROGRAMS_KEPT, xla_flags

UNKNOWN_EXIT_CODE = 255  # reported if the fork server was killed: the process may still be alive
BUSY_WAIT = 0.5  # seconds before a trial that another process is training is offered again

SINGLE_THREADED = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "KERAS_BACKEND": "tensorflow",
}


@dataclass(frozen=True)
class Outcome:
    """How one trial ended in its worker: with a value, or with the kind and text of an error.

    Errors are text because unpickling an exception could fail, or load TensorFlow in the parent.
    """

    trial: Trial
    value: Any = None
    kind: str | None = None
    message: str = ""
    traceback: str = ""


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
    pool: list[_Worker] = []
    try:
        for k in range(min(workers, len(trials))):
            worker_cores = (cores[k],) if workers <= len(cores) else tuple(cores)
            pool.append(_Worker(work.partition(":")[0], worker_cores))
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


class _Worker:
    """A worker process as the parent sees it.

    pipe: the connection to it. warm: the arms that it has compiled. trial: what it is training, if
    anything. deadline: when the trial exceeds its time limit, as time.monotonic() counts.
    """

    def __init__(self, preload: str, cores: tuple[int, ...]) -> None:
        """preload: the module that the fork server loads, once for all workers."""
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload([preload])
        self.cores = cores
        self.trial: Trial | None = None
        self.start()

    def start(self) -> None:
        """Start the process; it has not compiled any arm yet."""
        self.warm: set[Arm] = set()
        for pause in (0.1, 0.5, 2.0):  # if the fork server was killed, start it again
            with _stderr_to_null(), _worker_environment():
                forkserver.ensure_running()
            self.pipe, worker_end = self.context.Pipe()
            self.process = self.context.Process(target=serve, args=(worker_end, self.cores))
            with suppress(OSError, EOFError), worker_end, _without_main():
                self.process.start()
                return
            time.sleep(pause)
        raise SweepFailed("cannot start a worker process (out of memory?)")

    def assign(self, trial: Trial, task: tuple[Any, ...], time_limit: float) -> None:
        """Send the process a task, the training of the trial."""
        try:
            self.pipe.send(task)
        except OSError:  # it died while it was idle
            self.end()
            self.start()
            self.pipe.send(task)
        self.warm.add(trial.arm)
        self.trial, self.deadline = trial, time.monotonic() + time_limit

    def outcome(self, time_limit: float) -> Outcome | None:
        """How its trial ended, or None if it has not: it may report, die or exceed the limit."""
        trial = self.trial
        assert trial is not None
        dead = self.process.exitcode is not None  # checked first: it may report and then exit
        try:
            if self.pipe.poll():
                report, exits = self.pipe.recv()
                self.trial = None
                if exits:
                    self.end()
                    self.start()
                return Outcome(trial, *report)
        except (OSError, EOFError):
            dead = True
        late = time.monotonic() >= self.deadline
        if not dead and not late:
            return None
        if not dead and self.process.pid is not None:
            with suppress(ProcessLookupError):  # its faulthandler then logs where it was
                os.kill(self.process.pid, signal.SIGABRT)
            self.process.join(1)
        code = self.end()
        self.start()
        if dead:
            return Outcome(trial, None, "killed", f"its worker died ({_reason(code)})")
        return Outcome(trial, None, "timed out", f"it took longer than time_limit={time_limit:g} s")

    def end(self) -> int | None:
        """Kill the process if it is alive, and return its exit code; committed results stay."""
        self.trial = None
        self.pipe.close()
        if self.process.pid is None:  # it was never started
            return None
        if self.process.exitcode in (None, UNKNOWN_EXIT_CODE):
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGKILL)
        self.process.join(5)
        return self.process.exitcode


def _wait(pool: Sequence[_Worker], time_limit: float, timeout: float | None) -> list[Outcome]:
    """Wait until a trial ends or the timeout (seconds) passes; return the trials that ended."""
    busy = [worker for worker in pool if worker.trial is not None]
    if busy:
        seconds_left = max(0.0, min(worker.deadline for worker in busy) - time.monotonic())
        timeout = seconds_left if timeout is None else min(seconds_left, timeout)
    wait([part for w in busy for part in (w.pipe, w.process.sentinel)], timeout)
    outcomes = [worker.outcome(time_limit) for worker in busy]
    return [outcome for outcome in outcomes if outcome is not None]


def _reason(code: int | None) -> str:
    if code == -signal.SIGKILL:
        return "SIGKILL: killed by hand or out of memory"
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"


@contextmanager
def _worker_environment() -> Iterator[None]:
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
