"""Worker processes: one core each, TensorFlow loaded once, a dead worker costs its task only."""

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
from ablation.execution.process import OUTSIDE, serve
from ablation.spec import Arm, Trial
from ablation.storage import PROGRAMS_KEPT, xla_flags

NO_WORD = 255  # the exit code of a process whose fork server was killed: it may be alive
BUSY_WAIT = 0.5  # seconds before a trial that another process holds is looked at again

SINGLE_THREADED = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "KERAS_BACKEND": "tensorflow",
}


@dataclass(frozen=True)
class Ended:
    """How one trial ended in its worker: a value, or the kind and text of what went wrong.

    An exception is text: to unpickle it could fail, or load TensorFlow into the parent.
    """

    trial: Trial
    value: Any = None
    kind: str | None = None
    message: str = ""
    traceback: str = ""


def available_cores() -> list[int]:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def run_trials(
    trials: Sequence[Trial],
    work: str,
    arguments: tuple[Any, ...],
    workers: int,
    time_limit: float,
) -> Generator[Ended]:
    """Call work(trial, *arguments) for each trial in worker processes; yield outcomes as they end.

    work: "module:function", imported in the workers only, so that the parent stays light.
    A trial for which work returns None is held by another process and offered again later.
    A trial that takes more than time_limit seconds is killed. Closing the iterator ends the
    workers.
    """
    queue = Queue(trials, PROGRAMS_KEPT * workers)
    cores = available_cores()
    crew: list[_Worker] = []
    try:
        for k in range(min(workers, len(trials))):
            mine = (cores[k],) if workers <= len(cores) else tuple(cores)
            crew.append(_Worker(work.partition(":")[0], mine))
        while queue or any(worker.trial for worker in crew):
            queue.release(time.monotonic())
            for worker in (worker for worker in crew if worker.trial is None):
                trial = queue.take(worker.warm, [w.warm for w in crew if w is not worker])
                if trial is not None:
                    worker.give(trial, (work, trial, *arguments), time_limit)
            for ended in _wait(crew, time_limit, BUSY_WAIT if queue.holds else None):
                if ended.kind is None and ended.value is None:
                    queue.hold(ended.trial, time.monotonic() + BUSY_WAIT)
                elif ended.kind not in OUTSIDE or not queue.retry(ended.trial):
                    yield ended
    finally:
        for worker in crew:
            worker.end()


class _Worker:
    """A process, the line to it, the arms it has compiled, the trial it is at and until when."""

    def __init__(self, preload: str, cores: tuple[int, ...]) -> None:
        """preload: the module that the fork server loads, once for all workers."""
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload([preload])
        self.cores = cores
        self.trial: Trial | None = None
        self.start()

    def start(self) -> None:
        """Start the process, which knows no arm yet."""
        self.warm: set[Arm] = set()
        for pause in (0.1, 0.5, 2.0):  # the fork server may be killed, and is then started again
            with _quietly(), _environment():
                forkserver.ensure_running()
            self.line, end = self.context.Pipe()
            self.process = self.context.Process(target=serve, args=(end, self.cores))
            with suppress(OSError, EOFError), end, _without_main():
                self.process.start()
                return
            time.sleep(pause)
        raise SweepFailed("no worker process can be started (is there memory left?)")

    def give(self, trial: Trial, task: tuple[Any, ...], time_limit: float) -> None:
        """Let the process do a task for the trial."""
        try:
            self.line.send(task)
        except OSError:  # it died while it had nothing to do
            self.end()
            self.start()
            self.line.send(task)
        self.warm.add(trial.arm)
        self.trial, self.until = trial, time.monotonic() + time_limit

    def answer(self, time_limit: float) -> Ended | None:
        """How its trial ended, if it has: by its word, by its death, or by the clock."""
        trial = self.trial
        assert trial is not None
        gone = self.process.exitcode is not None  # asked first: it may answer and go
        try:
            if self.line.poll():
                told, leaves = self.line.recv()
                self.trial = None
                if leaves:
                    self.end()
                    self.start()
                return Ended(trial, *told)
        except (OSError, EOFError):
            gone = True
        late = time.monotonic() >= self.until
        if not gone and not late:
            return None
        if not gone and self.process.pid is not None:
            with suppress(ProcessLookupError):  # its last words are where it was
                os.kill(self.process.pid, signal.SIGABRT)
            self.process.join(1)
        code = self.end()
        self.start()
        if gone:
            return Ended(trial, None, "killed", f"its worker died ({_reason(code)})")
        return Ended(trial, None, "timed out", f"it took more than time_limit={time_limit:g} s")

    def end(self) -> int | None:
        """Kill the process if it lives, and give its exit code; what is committed stays."""
        self.trial = None
        self.line.close()
        if self.process.pid is None:  # it was never started
            return None
        if self.process.exitcode in (None, NO_WORD):
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGKILL)
        self.process.join(5)
        return self.process.exitcode


def _wait(crew: Sequence[_Worker], time_limit: float, patience: float | None) -> list[Ended]:
    """Wait until a trial has ended, or for so many seconds; those that have."""
    busy = [worker for worker in crew if worker.trial is not None]
    if busy:
        rest = max(0.0, min(worker.until for worker in busy) - time.monotonic())
        patience = rest if patience is None else min(rest, patience)
    wait([part for w in busy for part in (w.line, w.process.sentinel)], patience)
    answers = [worker.answer(time_limit) for worker in busy]
    return [answer for answer in answers if answer is not None]


def _reason(code: int | None) -> str:
    if code == -signal.SIGKILL:
        return "SIGKILL: by hand, or memory ran out"
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"


@contextmanager
def _environment() -> Iterator[None]:
    """The environment that workers start in; the parent's own stays as it is."""
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
    """Let a process start without the program's main module, which it would run again.

    A script needs no `if __name__ == "__main__"` then, and a worker does not load the command line.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _quietly() -> Iterator[None]:
    """Let a process that is started now know no terminal: TensorFlow greets on stderr."""
    # What is ignored stays so in a new process; only the main thread may say it.
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN) if main else None
    kept = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        if main:
            signal.signal(signal.SIGHUP, before)
