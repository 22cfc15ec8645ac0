"""Worker processes: one core each, TensorFlow loaded once, a dead worker costs its task only."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, TimeoutError, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import forkserver
from traceback import format_exception
from typing import Any

from pebble import ProcessExpired, ProcessPool

from ablation import cache
from ablation.config import Arm, Trial

RECYCLED_AFTER = 200  # trials of one worker: whatever TensorFlow leaks goes with it
LEAD = 2  # seeds that an arm may be ahead of the slowest, for the sake of a warm program
RETRIES = 1  # further tries of a trial whose worker was killed from outside
BUSY_WAIT = 0.5  # seconds before a trial that another process holds is looked at again

SINGLE_THREADED = {
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "KERAS_BACKEND": "tensorflow",
}


@dataclass(frozen=True)
class Outcome:
    """How one trial ended in its worker: a value, or the kind and text of what went wrong."""

    trial: Trial
    value: Any = None
    kind: str | None = None
    message: str = ""
    traceback: str = ""


@dataclass(frozen=True)
class _Raised:
    """An exception as text: to unpickle it could fail, or load TensorFlow into the parent."""

    kind: str
    message: str
    traceback: str


@dataclass(eq=False)
class _Worker:
    cores: tuple[int, ...]
    pool: ProcessPool
    warm: set[Arm] = field(default_factory=set)


def available_cores() -> list[int]:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def run(
    trials: Sequence[Trial],
    work: str,
    arguments: tuple[Any, ...],
    workers: int,
    time_limit: float,
) -> Iterator[Outcome]:
    """Call work(trial, *arguments) for each trial in worker processes; yield outcomes as they end.

    work: "module:function", imported in the workers only, so that the parent stays light.
    A trial for which work returns None is held by another process and offered again later.
    A trial that takes more than time_limit seconds is killed. Closing the iterator ends the
    workers.
    """
    for key, value in SINGLE_THREADED.items():
        os.environ.setdefault(key, value)
    os.environ["TF_XLA_FLAGS"] = cache.flags(os.environ.get("TF_XLA_FLAGS", ""))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([work.partition(":")[0]])
    with _stderr_closed():
        forkserver.ensure_running()
    cores = available_cores()

    def start(cores: tuple[int, ...]) -> ProcessPool:
        return ProcessPool(
            max_workers=1,
            max_tasks=RECYCLED_AFTER,
            initializer=_begin,
            initargs=(cores, os.getpid()),
            context=context,
        )

    crew = []
    for k in range(min(workers, len(trials))):
        own = (cores[k],) if workers <= len(cores) else tuple(cores)
        crew.append(_Worker(own, start(own)))
    waiting = list(trials)
    held: list[tuple[float, Trial]] = []
    tries: dict[Trial, int] = {}
    running: dict[Future[Any], tuple[_Worker, Trial]] = {}
    try:
        while waiting or held or running:
            now = time.monotonic()
            waiting += [trial for since, trial in held if now - since >= BUSY_WAIT]
            held = [(since, trial) for since, trial in held if now - since < BUSY_WAIT]
            busy = [worker for worker, _ in running.values()]
            for worker in crew:
                if waiting and worker not in busy:
                    trial = choose(waiting, worker.warm, [w.warm for w in crew if w is not worker])
                    waiting.remove(trial)
                    worker.warm.add(trial.arm)
                    if not worker.pool.active:  # its process died between two tasks
                        worker.pool.stop()
                        worker.pool.join()
                        worker.pool = start(worker.cores)
                    future = worker.pool.schedule(
                        _call, (work, trial, *arguments), timeout=time_limit
                    )
                    running[future] = (worker, trial)
            done, _ = wait(running, timeout=BUSY_WAIT, return_when=FIRST_COMPLETED)
            for ended in done:
                worker, trial = running.pop(ended)
                outcome = _outcome(trial, ended, time_limit)
                if outcome.kind in ("killed", "timed out"):
                    worker.warm.clear()
                if outcome.kind == "killed" and tries.get(trial, 0) < RETRIES:
                    tries[trial] = tries.get(trial, 0) + 1
                    waiting.insert(0, trial)
                elif outcome.kind is None and outcome.value is None:
                    held.append((time.monotonic(), trial))
                else:
                    yield outcome
    finally:
        for worker in crew:
            worker.pool.stop()
        for worker in crew:
            worker.pool.join()


def choose(waiting: Sequence[Trial], warm: set[Arm], others: Sequence[set[Arm]]) -> Trial:
    """The waiting trial that a worker takes next.

    The lowest seed first, so that an interrupted sweep is balanced; but rather an arm whose
    program this worker holds, or nobody does, than one that another worker has compiled, as long
    as no arm gets more than LEAD seeds ahead.
    """
    lowest = min(trial.seed for trial in waiting)
    elsewhere = set().union(*others) - warm
    return min(
        (trial for trial in waiting if trial.seed <= lowest + LEAD),
        key=lambda trial: (trial.arm in elsewhere, trial.seed, trial.arm not in warm),
    )


def _outcome(trial: Trial, future: Future[Any], time_limit: float) -> Outcome:
    try:
        value = future.result()
    except TimeoutError:
        message = f"it took more than time_limit={time_limit:g} s"
        return Outcome(trial, kind="timed out", message=message)
    except (ProcessExpired, BrokenProcessPool, CancelledError) as error:
        code = getattr(error, "exitcode", None)
        return Outcome(trial, kind="killed", message=f"its worker died ({_reason(code)})")
    if isinstance(value, _Raised):
        return Outcome(trial, None, value.kind, value.message, value.traceback)
    return Outcome(trial, value)


def _reason(code: int | None) -> str:
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"


def _call(work: str, *arguments: Any) -> Any:
    module, _, name = work.partition(":")
    try:
        return getattr(importlib.import_module(module), name)(*arguments)
    except BaseException as error:
        return _Raised(type(error).__name__, str(error), "".join(format_exception(error)))


@contextmanager
def _stderr_closed() -> Iterator[None]:
    """Let a process that is started now inherit no terminal: TensorFlow greets on stderr."""
    kept = os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    os.close(null)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _begin(cores: tuple[int, ...], parent: int) -> None:
    # Ctrl-C reaches the whole group: the parent alone answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # XLA splits even small loops over every core it may use, which costs more than it gives.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)
