"""Runs commands, each in its own session, and finds their processes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.chaos import faults

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-c", "from tests.chaos.command import main; main()"]
TIMEOUT = 120.0  # seconds after which a command that should end counts as hanging


@dataclass
class Command:
    """A running or ended command. signals: names of those sent to its parent process."""

    arguments: Sequence[str]
    process: subprocess.Popen[bytes]
    out: Path
    err: Path
    fates: str = ""
    signals: list[str] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def began(self) -> bool:
        """Whether it has printed anything, so that its start is over."""
        return self.out.stat().st_size > 0

    @property
    def code(self) -> int | None:
        return self.process.returncode

    def parts(self) -> dict[str, list[int]]:
        """Its live processes by role."""
        parent = self.process.pid
        servers = [pid for pid in children(parent) if b"forkserver" in _command_line(pid)]
        workers = [pid for server in servers for pid in children(server)]
        return {"parent": [parent], "worker": workers, "fork server": servers}

    def send(self, pid: int, *numbers: signal.Signals) -> bool:
        """Send signals to a process of this command; returns False if it is gone."""
        with suppress(OSError):
            if os.getsid(pid) == self.process.pid:
                for number in numbers:
                    os.kill(pid, number)
                return True
        return False

    def wait(self, timeout: float = TIMEOUT) -> bool:
        """Wait until all its processes have ended; kill them and return False if they hang."""
        end = time.monotonic() + timeout
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout)
            while remaining := _session(self.process.pid):
                if time.monotonic() > end:
                    break
                time.sleep(0.02)
            if not remaining:
                return True
        self.kill()
        return False

    def kill(self) -> None:
        """Kill all its processes."""
        for pid in _session(self.process.pid):
            self.send(pid, signal.SIGKILL)
        self.process.wait()


class Commands:
    """Starts commands in a folder; their output and their log go to the folder `output`."""

    def __init__(self, folder: Path, output: Path) -> None:
        self.folder = folder
        self.output = output
        self.output.mkdir(parents=True)
        self.started = 0
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            # Hide the repository: a commit during the campaign would change the reports.
            "GIT_DIR": os.devnull,
            "PYTHONDONTWRITEBYTECODE": "1",
            faults.LOG: str(output / "log"),
        }

    def start(self, arguments: Sequence[str], fates: str, stale: int) -> Command:
        """Start a command. fates: see faults.FATES. stale: its Store.stale."""
        self.started += 1
        out, err = self.output / f"{self.started}.out", self.output / f"{self.started}.err"
        with out.open("wb") as to_out, err.open("wb") as to_err:
            process = subprocess.Popen(
                [*COMMAND, *arguments],
                cwd=self.folder,
                env={**self.environment, faults.FATES: fates, faults.STALE: str(stale)},
                stdin=subprocess.DEVNULL,
                stdout=to_out,
                stderr=to_err,
                start_new_session=True,
                # Background jobs ignore SIGINT, and their children would inherit that.
                preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
            )
        return Command(arguments, process, out, err, fates)


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    with suppress(OSError):
        tasks = Path(f"/proc/{pid}/task").iterdir()
        pids = [int(word) for task in tasks for word in (task / "children").read_text().split()]
        return sorted(pids)
    return []


def _command_line(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _session(leader: int) -> list[int]:
    """The live processes of a session, without zombies."""
    pids = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                status = re.sub(r"\(.*\) ", "", (entry / "stat").read_text()).split()
                if int(status[4]) == leader and status[1] not in "ZX":
                    pids.append(int(entry.name))
    return pids
