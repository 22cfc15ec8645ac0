"""Kills a process at a named point, by wrappers around the system calls of a commit."""

from __future__ import annotations

import fcntl
import functools
import os
import signal
import stat
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

# Environment variables.
STALE = "CHAOS_STALE"  # seconds after which a temporary file is deleted
LOG = "CHAOS_LOG"  # the file that all processes append to
FATES = "CHAOS_FATES"  # "role/point/n;...": processes of the role die at every nth time there

WORKER = (
    "after claim",
    "in training",
    "before sync of file",
    "after sync of file",
    "before link of result",
    "after link of result",
    "before sync of folder",
    "after sync of folder",
    "before unlink of temporary",
    "after unlink of temporary",
    "after unlink of output.log",
)
PARENT = (
    "after lock",
    "before replace of plan.json",
    "after replace of plan.json",
    "before link of attempt",
    "after link of attempt",
    "before unlink of report.json",
    "before replace of trials.csv",
    "before replace of report.md",
    "after replace of report.md",
    "before replace of report.json",
    "after replace of report.json",
)

_fates: dict[str, int] = {}
_reached: Counter[str] = Counter()


def install(role: str) -> None:
    """Let this process, and those forked from it, die at the points in FATES for its role."""
    for fate in filter(None, os.environ.get(FATES, "").split(";")):
        fate_role, point, every = fate.split("/")
        if fate_role == role:
            _fates[point] = int(every)
    _wrap(os, "fsync", lambda handle: f"sync of {_kind(handle)}")
    _wrap(os, "link", lambda source, target: f"link of {_role(target)}")
    _wrap(os, "replace", lambda source, target: f"replace of {Path(target).name}")
    _wrap(os, "unlink", lambda path: f"unlink of {_role(path)}")
    _wrap(fcntl, "lockf", lambda file, how, *_: "claim" if how & fcntl.LOCK_NB else "lock")


def note(word: str, what: str) -> None:
    """Append a line to the log, which survives the death of this process."""
    handle = os.open(os.environ[LOG], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.write(handle, f"{os.getpid()} {word} {what}\n".encode())  # one write, so no line is split
    os.close(handle)


def reach(point: str) -> None:
    """Die here if this process's fate says so."""
    every = _fates.get(point)
    if every is None:
        return
    _reached[point] += 1
    if _reached[point] % every == 0:
        note("dies", point)
        os.kill(os.getpid(), signal.SIGKILL)


def _wrap(module: ModuleType, name: str, point: Callable[..., str]) -> None:
    original = getattr(module, name)

    @functools.wraps(original)
    def wrapper(*arguments: Any, **keywords: Any) -> Any:
        call = point(*arguments)
        reach(f"before {call}")
        value = original(*arguments, **keywords)
        if call == "link of result":
            note("commits", Path(arguments[1]).stem)
        reach(f"after {call}")
        return value

    setattr(module, name, wrapper)


def _kind(handle: int) -> str:
    return "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file"


def _role(path: str | Path) -> str:
    path = Path(path)
    if path.suffix == ".tmp":
        return "temporary"
    if path.parent.name == "trials":
        return "result"
    is_attempt = path.parent.parent.name == "attempts" and path.suffix == ".json"
    return "attempt" if is_attempt else path.name
