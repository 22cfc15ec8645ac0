"""A worker process as the process that started it sees it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Generic, Protocol, TypeVar

from ablation.spec import Arm, Trial

UNKNOWN_EXIT_CODE = 255  # reported if the fork server was killed: the process may still be alive


@dataclass(frozen=True)
class Outcome:
    """How one trial ended in its worker: with a value, or with the kind and text of an error.

    Errors are text because unpickling an exception could fail, or load TensorFlow in the parent.
    host: the name of the machine; "" if it is this one.
    """

    trial: Trial
    value: Any = None
    kind: str | None = None
    message: str = ""
    traceback: str = ""
    host: str = ""


class Process(Protocol):
    """What a worker's handle needs of its process; `multiprocessing` has such processes."""

    @property
    def pid(self) -> int | None: ...

    @property
    def exitcode(self) -> int | None: ...

    def join(self, timeout: float | None = None) -> None: ...


P = TypeVar("P", bound=Process)


class WorkerProcess(Generic[P]):
    """A worker process, started again whenever it ends.

    pipe: the connection to it. warm: the arms that it has compiled. trial: what it is training, if
    anything. deadline: when the trial exceeds its time limit, as time.monotonic() counts.
    """

    def __init__(self, launch: Callable[[], tuple[P, Connection]]) -> None:
        """launch: starts a process that runs `process.serve`, and connects to it."""
        self.launch = launch
        self.trial: Trial | None = None
        self.start()

    def start(self) -> None:
        """Start the process; it has not compiled any arm yet."""
        self.warm: set[Arm] = set()
        self.process, self.pipe = self.launch()

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


def _reason(code: int | None) -> str:
    if code == -signal.SIGKILL:
        return "SIGKILL: killed by hand or out of memory"
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"
