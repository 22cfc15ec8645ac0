"""Rounds of sweeps on a Dask cluster whose every part is killed, as are the commands."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.chaos import faults
from tests.chaos.campaign import Campaign
from tests.chaos.grid import Grid
from tests.chaos.processes import ROOT, Command, children
from tests.clusters.sweeps import free_port

WORKERS = 3
PAUSE = 1.0  # mean seconds between two kills
SHARES = {"training process": 0.5, "worker": 0.3, "command": 0.17, "scheduler": 0.03}


class ClusterCampaign(Campaign):
    """Like `Campaign`, but the sweeps of the storms are trained by a cluster."""

    def run(self, quota: int = 55) -> None:
        self.cluster = Cluster(self.folder, self.site.commands.environment)
        try:
            self.cluster.start_missing()
            super().run(quota)
        finally:
            self.cluster.end()

    def round(self, grid: Grid, quota: int) -> None:
        """Two sweeps at a time under kills, until both have ended; damage; an undisturbed run."""
        words = ["cluster=dask", f"cluster.address={self.cluster.address}"]
        sweeps = [[*sweep, *words] for sweep in grid.sweeps[:2]]
        running = [self.site.start(sweep) for sweep in sweeps]
        while not all(command.ended for command in running):
            time.sleep(self.chance.expovariate(1 / PAUSE))
            self.cluster.start_missing()
            for place, command in enumerate(running):
                if command.ended and command.code:
                    self.site.wait(command)
                    running[place] = self.site.start(sweeps[place])
            if self.kills >= self.wanted:  # let them end
                continue
            role = self.chance.choices(list(SHARES), list(SHARES.values()))[0]
            killed = self._kill(role, self.chance.choice(running))
            self.storm.sent[f"{role} of the cluster" if role != "command" else role] += killed
        self.site.wait(*running)
        self._damage(grid)
        for sweep in sweeps:  # what was damaged, and what was given up after two kills
            self.site.wait(self.site.start(sweep))
        self._finish(grid)
        # Nobody can know whether a worker still trains once the scheduler is lost, so that its
        # trial may be given to another meanwhile; that one alone is stored.
        twice = self.violations.pop("trained by two", [])
        self.counts["trained by two workers for a moment, stored once"] += len(twice)

    def fill_disk(self) -> None:
        """Nothing: the disk is the command's, with or without a cluster."""

    def _kill(self, role: str, command: Command) -> bool:
        """Kill a process of this role; returns whether there was one."""
        if role != "command":
            return self.cluster.kill(role)
        if command.ended or not command.began:
            return False
        command.signals.append("SIGKILL")
        return command.send(command.process.pid, signal.SIGKILL)


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
            trains = [child for pid in workers for child in children(pid)]
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
