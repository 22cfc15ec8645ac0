"""The sweep of the campaigns as commands that can be killed, and what must hold afterwards."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ablation import load
from ablation.storage import Store, TrialResult

ROOT = Path(__file__).parents[2]
ARMS, SEEDS = 4, 10
# Long enough that a job reaches its time limit, or a network is mended, before it ends.
SWEEP = (
    "-m direction=bidirectional merge_mode=sum,mul,concat,ave training=smoke training.epochs=60 "
    f"seeds={SEEDS} name=sweep"
).split()


class Check(NamedTuple):
    what: str
    holds: bool


class Unavailable(Exception):
    """Something is missing here that a campaign needs."""


class Command:
    """A run of the sweep in the background; what it prints goes to a file."""

    def __init__(self, folder: Path, name: str, *options: str, prefix: Sequence[str] = ()) -> None:
        self.log = folder / f"{name}.log"
        command = [*prefix, sys.executable, "-m", "ablation", *SWEEP, *options]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """Kill the command without warning."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def wait_for(self, trials: int, seconds: float = 300) -> None:
        """Wait until this many trials have ended, or the command has."""
        until(lambda: len(self.trials()) >= trials or self.process.poll() is not None, seconds)

    def trials(self) -> list[str]:
        """The arm and seed of each trial that the command says it has trained."""
        lines = re.findall(r"^\[\d+/\d+\] (.* seed \d+)  (?!failed)", self.log.read_text(), re.M)
        return [str(line) for line in lines]


def until(holds: Callable[[], bool], seconds: float) -> bool:
    """Wait until something holds; returns whether it does after these seconds."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.2)
    return holds()


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def commands_exist(*names: str) -> None:
    """Raise Unavailable if the machine lacks a command."""
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        raise Unavailable(f"no command {', '.join(missing)}")


def compare(name: str, folder: Path, *commands: Command) -> Iterator[Check]:
    """What must hold of a sweep that these commands trained one after the other."""
    trained = Counter(trial for command in commands for trial in command.trials())
    wanted = ARMS * SEEDS
    yield Check(f"{name}: {wanted} trials trained", len(trained) == wanted)
    twice = [trial for trial, times in trained.items() if times > 1]
    yield Check(f"{name}: none was stored twice", not twice)
    yield Check(f"{name}: the last command ends with 0", commands[-1].process.wait(600) == 0)
    ours, local = _results(folder / "results"), _results(folder / "local")
    yield Check(f"{name}: the same ids as on this machine alone", ours.keys() == local.keys())
    same = all(_meaning(ours[id]) == _meaning(local[id]) for id in local if id in ours)
    yield Check(f"{name}: the same weights, curves and scores", same)
    reports = [_report(folder / place) for place in ("results", "local")]
    yield Check(f"{name}: the same report, times apart", reports[0] == reports[1])


def _results(root: Path) -> dict[str, TrialResult]:
    store = Store(root)
    return store.read_all(path.stem for path in sorted(store.trials.glob("*.json")))


def _meaning(result: TrialResult) -> dict[str, object]:
    times = {"seconds", "peak_memory_mb", "origin"}
    return result.model_dump(exclude=times)


def _report(root: Path) -> str:
    study = load("sweep", results=root)
    summary = study.summary().drop(columns=["seconds", "seconds_whole"], errors="ignore")
    return summary.to_csv() + study.contrasts().to_csv()
