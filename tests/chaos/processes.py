"""Commands that run in sessions of their own, and the processes of theirs that can be killed."""

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
PATIENCE = 120.0  # seconds after which a command that should end counts as hanging


@dataclass
class Command:
    """A command that was started, and what it was told by signals since."""

    arguments: Sequence[str]
    process: subprocess.Popen[bytes]
    out: Path
    err: Path
    fates: str = ""
    told: list[str] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def began(self) -> bool:
        """Whether it has said what it is about to do, and so is past its start."""
        return self.out.stat().st_size > 0

    @property
    def code(self) -> int | None:
        return self.process.returncode

    def parts(self) -> dict[str, list[int]]:
        """The processes of it that live, by their role."""
        parent = self.process.pid
        servers = [pid for pid in _children(parent) if b"forkserver" in _line(pid)]
        workers = [pid for server in servers for pid in _children(server)]
        return {"parent": [parent], "worker": workers, "fork server": servers}

    def send(self, pid: int, *numbers: signal.Signals) -> bool:
        """Send signals to a process of this command; False if it is gone."""
        with suppress(OSError):
            if os.getsid(pid) == self.process.pid:
                for number in numbers:
                    os.kill(pid, number)
                return True
        return False

    def wait(self, patience: float = PATIENCE) -> bool:
        """Wait until all its processes have ended; False, and they are killed, if they hang."""
        end = time.monotonic() + patience
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(patience)
            while left := _session(self.process.pid):
                if time.monotonic() > end:
                    break
                time.sleep(0.02)
            if not left:
                return True
        self.kill()
        return False

    def kill(self) -> None:
        """End all its processes."""
        for pid in _session(self.process.pid):
            self.send(pid, signal.SIGKILL)
        self.process.wait()


class Commands:
    """Starts commands in a folder, and keeps what they print and their log in the folder `said`."""

    def __init__(self, folder: Path, said: Path) -> None:
        self.folder = folder
        self.said = said
        self.said.mkdir(parents=True)
        self.started = 0
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            # The folder of the checkout is no repository to them: whoever commits there meanwhile
            # does not change what a report says.
            "GIT_DIR": os.devnull,
            "PYTHONDONTWRITEBYTECODE": "1",
            faults.LOG: str(said / "log"),
        }

    def start(self, arguments: Sequence[str], fates: str, stale: int) -> Command:
        """Start one; fates: where its processes die of themselves; stale: Store.stale for it."""
        self.started += 1
        out, err = self.said / f"{self.started}.out", self.said / f"{self.started}.err"
        with out.open("wb") as to_out, err.open("wb") as to_err:
            process = subprocess.Popen(
                [*COMMAND, *arguments],
                cwd=self.folder,
                env={**self.environment, faults.FATES: fates, faults.STALE: str(stale)},
                stdin=subprocess.DEVNULL,
                stdout=to_out,
                stderr=to_err,
                start_new_session=True,
                # What runs in the background ignores Ctrl-C, and its children would inherit that.
                preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
            )
        return Command(arguments, process, out, err, fates)


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        tasks = Path(f"/proc/{pid}/task").iterdir()
        found = [int(word) for task in tasks for word in (task / "children").read_text().split()]
        return sorted(found)
    return []


def _line(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _session(leader: int) -> list[int]:
    """The live processes of a session; a zombie does nothing any more."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                status = re.sub(r"\(.*\) ", "", (entry / "stat").read_text()).split()
                if int(status[4]) == leader and status[1] not in "ZX":
                    found.append(int(entry.name))
    return found
