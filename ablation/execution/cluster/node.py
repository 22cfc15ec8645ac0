"""What runs in a worker of the cluster: it has each trial trained in a process of its own.

Dask calls the functions of this module. TensorFlow, and whatever a trial does, stays in that other
process: a crash, a hang or a full memory costs a trial and not the worker.
"""

from __future__ import annotations

import hashlib
import platform
import socket
import subprocess
import sys
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from ablation.execution.cluster.bundle import Bundle, has, unpack
from ablation.execution.handle import Outcome, WorkerProcess
from ablation.execution.pool import available_cores, worker_environment
from ablation.spec import Trial

KEPT = 1000  # outcomes that a worker keeps, for a command that is started again
LONGEST_OUTPUT = 100_000  # characters of a failed trial's output that are sent
WORK = "ablation.execution.worker:train_apart"
PACKAGES = ("keras", "tensorflow", "numpy")


@dataclass(frozen=True)
class Task:
    """A trial to train, and all that is needed for it.

    bundle: the key of its own code and data. place: which of the machine's workers trains it.
    commit, dirty: the program's version, for the result.
    """

    trial: Trial
    bundle: str
    place: int
    time_limit: float
    commit: str | None
    dirty: bool | None


@dataclass(frozen=True)
class Description:
    """A worker of the cluster.

    versions: of the packages that results depend on. begun: ids of the trials that it is training
    or has trained. bundles: which of the bundles that were asked for its machine has.
    """

    host: str
    versions: dict[str, str]
    begun: tuple[str, ...]
    bundles: frozenset[str]


@dataclass(frozen=True)
class Ended:
    """How a trial ended; its value is the JSON of its result. output: what a failed one printed."""

    outcome: Outcome
    output: str = ""


@dataclass
class _State:
    """The state of this worker."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    running: str | None = None
    ended: OrderedDict[str, Ended] = field(default_factory=OrderedDict)
    process: WorkerProcess[_Apart] | None = None
    bundle: str = ""


_STATE = _State()


def describe(bundles: list[str]) -> Description:
    """This worker, at once even while it trains."""
    begun = [_STATE.running] if _STATE.running else []
    return Description(
        host=socket.gethostname(),
        versions=versions(),
        begun=(*begun, *_STATE.ended),
        bundles=frozenset(key for key in bundles if has(key)),
    )


def receive(bundle: Bundle) -> None:
    """Write a bundle to this machine."""
    unpack(bundle)


def train(task: Task) -> Ended:
    """Have the trial trained, unless this worker has trained it already."""
    with _STATE.lock:
        known = _STATE.ended.get(task.trial.id)
        if known is not None:
            return known
        _STATE.running = task.trial.id
        try:
            ended = _train(task)
        finally:
            _STATE.running = None
        if ended.outcome.kind is None:
            _STATE.ended[task.trial.id] = ended
            if len(_STATE.ended) > KEPT:
                _STATE.ended.popitem(last=False)
        return ended


def stop() -> None:
    """End what is being trained: nobody waits for it any more."""
    process = _STATE.process
    if process is not None and _STATE.running:
        process.process.popen.kill()


def _train(task: Task) -> Ended:
    if _STATE.process is not None and _STATE.bundle not in ("", task.bundle):
        _STATE.process.end()
        _STATE.process = None
    if _STATE.process is None:
        cores = available_cores()
        _STATE.process = WorkerProcess(partial(_spawn, (cores[task.place % len(cores)],)))
    if task.bundle:
        _STATE.bundle = task.bundle
    process, trial = _STATE.process, task.trial
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "output.log"
        log.touch()
        arguments = (task.bundle, str(log), task.commit, task.dirty)
        process.assign(trial, (WORK, trial, *arguments), task.time_limit)
        outcome = None
        while outcome is None:
            process.pipe.poll(1)  # it ends at once where the process reports or dies
            outcome = process.outcome(task.time_limit)
        output = "" if outcome.kind is None else log.read_text("utf-8", "replace")
    return Ended(outcome, output[-LONGEST_OUTPUT:])


class _Apart:
    """A process that was started as a command; a daemon such as Dask's cannot have other ones."""

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        self.popen = popen

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def exitcode(self) -> int | None:
        return self.popen.poll()

    def join(self, timeout: float | None = None) -> None:
        """Wait until it has ended, or the timeout (seconds) is over."""
        try:
            self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            return


def _spawn(cores: tuple[int, ...]) -> tuple[_Apart, Connection]:
    """A worker process on these cores, and the connection to it; it dies with this one."""
    pipe, worker_end = Pipe()
    call = f"main({worker_end.fileno()}, {cores})"
    code = f"from ablation.execution.cluster.apart import main; {call}"
    with worker_end, worker_environment():
        popen = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[worker_end.fileno()],
            start_new_session=True,
        )
    return _Apart(popen), pipe


@cache
def versions() -> dict[str, str]:
    """What results depend on: versions by name, and a digest of this program's source."""
    source = hashlib.sha256()
    package = Path(__file__).parents[2]
    for path in sorted(package.rglob("*.py")):
        source.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    found = {
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "ablation": source.hexdigest()[:8],
    }
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found
