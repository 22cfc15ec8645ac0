"""A Dask cluster on this machine whose every part is killed at random; the training is made up."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests.chaos import faults
from tests.chaos.grid import Grid
from tests.chaos.processes import Command
from tests.chaos.site import Site
from tests.clusters.sweeps import ROOT, Check, free_port

KILLS = 100
WORKERS = 3
PAUSE = 1.0  # mean seconds between two kills
SHARES = {"training process": 0.5, "worker": 0.3, "command": 0.17, "scheduler": 0.03}
SEEDS = 15


def campaign(folder: Path) -> Iterator[Check]:
    """Rounds of two sweeps at a time that share trials, until there were enough kills."""
    violations: dict[str, list[str]] = defaultdict(list)
    site = Site(folder / "disturbed", violations)
    cluster = Cluster(folder, site.commands.environment)
    chance, kills, number = random.Random(0), Counter[str](), 0
    try:
        cluster.start_missing()
        while kills.total() < KILLS:
            number += 1
            grid = Grid(3 * number, SEEDS)  # none of them uses seeds=auto
            _round(grid, site, cluster, chance, kills)
            yield Check(
                f"round {number}: {kills.total()} kills, {site.ledger.commits} commits", True
            )
        told = ", ".join(f"{name} {count}" for name, count in sorted(kills.items()))
        yield Check(f"kills: {told}", kills.total() >= KILLS)
        for rule in ("lost", "trained twice", "trained by two", "committed twice", "unreadable"):
            yield Check(f"nothing {rule}: {violations[rule][:3]}", not violations[rule])
        others = {rule: found for rule, found in violations.items() if found}
        yield Check(f"nothing else: {others}", not others)
    finally:
        cluster.end()


def _round(
    grid: Grid, site: Site, cluster: Cluster, chance: random.Random, kills: Counter[str]
) -> None:
    """Run two sweeps under kills until both have ended by themselves."""
    words = ["cluster=dask", f"cluster.address={cluster.address}"]
    sweeps = [[*sweep, *words] for sweep in grid.sweeps[:2]]
    running = [site.start(sweep) for sweep in sweeps]
    while not all(command.ended for command in running):
        time.sleep(chance.expovariate(1 / PAUSE))
        cluster.start_missing()
        for place, command in enumerate(running):
            if command.ended and command.code:
                site.wait(command)
                running[place] = site.start(sweeps[place])
        role = chance.choices(list(SHARES), list(SHARES.values()))[0]
        kills[role] += _kill(role, cluster, chance.choice(running))
    site.wait(*running)
    site.check_no_temporary_files()
    for sweep in sweeps:  # whatever was given up after two kills
        site.wait(site.start(sweep))


def _kill(role: str, cluster: Cluster, command: Command) -> bool:
    """Kill a process of this role; returns whether there was one."""
    if role == "command":
        if command.ended or not command.began:
            return False
        command.signals.append("SIGKILL")
        return command.send(command.process.pid, signal.SIGKILL)
    return cluster.kill(role)


class Cluster:
    """A scheduler and workers that are started again when they are missing."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self.environment = folder, environment
        self.port = free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.chance = random.Random(1)

    def start_missing(self) -> None:
        """Start what is not running."""
        host = ("--host", "127.0.0.1", "--no-dashboard")
        self._start("scheduler", *host, "--port", str(self.port))
        for number in range(WORKERS):
            alone = (
                "--nthreads",
                "1",
                "--no-nanny",
                "--preload",
                "tests.execution.cluster.storm_node",
            )
            self._start(f"worker{number}", self.address, *host, *alone)

    def kill(self, role: str) -> bool:
        """Kill the scheduler, a worker, or the process that trains for a worker."""
        names = [name for name in self.processes if name.startswith(role)]
        if role == "training process":
            workers = [p.pid for name, p in self.processes.items() if name != "scheduler"]
            trains = [child for pid in workers for child in _children(pid)]
            if trains:
                with suppress(ProcessLookupError):
                    os.kill(self.chance.choice(trains), signal.SIGKILL)
            return bool(trains)
        name = self.chance.choice(names)
        self.processes[name].kill()
        self.processes.pop(name).wait()
        return True

    def end(self) -> None:
        """Kill all of it."""
        for process in self.processes.values():
            process.kill()
            process.wait()

    def _start(self, name: str, *arguments: str) -> None:
        running = self.processes.get(name)
        if running is not None and running.poll() is None:
            return
        module = "distributed.cli.dask_" + name.rstrip("0123456789")
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                cwd=ROOT,
                env={**self.environment, faults.FATES: "", faults.STALE: "3600"},
                stdout=log,
                stderr=log,
            )


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return [int(word) for task in tasks for word in (task / "children").read_text().split()]
    return []
