"""Rounds of sweeps whose processes are killed, and the comparison with undisturbed sweeps."""

from __future__ import annotations

import filecmp
import random
import shutil
import time
from collections import Counter, defaultdict
from pathlib import Path

from tests.chaos import faults
from tests.chaos.damage import KINDS, damaged, spoil
from tests.chaos.disk import full_disk
from tests.chaos.grid import Grid
from tests.chaos.site import Site
from tests.chaos.storm import Storm

RESTARTS = 12  # of the sweeps in one storm, as each start takes seconds
POINT_RUNS = 4  # per round: runs whose processes die at chosen points


class Campaign:
    """Kills processes until there were enough kills, or the time is up.

    folder: for everything that the commands write and print. kills: how many in total, from
    outside and at chosen points. minutes: no round starts after this. seeds: per arm.
    """

    def __init__(
        self, folder: Path, seed: int, kills: int, minutes: float = 20.0, seeds: int = 15
    ) -> None:
        self.folder = folder
        self.chance = random.Random(seed)
        self.wanted = kills
        self.end = time.monotonic() + 60 * minutes
        self.seeds = seeds
        self.site = Site(folder / "disturbed", defaultdict(list))
        self.ledger = self.site.ledger
        self.storm = Storm(self.chance)
        self.counts: Counter[str] = Counter()
        self.points: list[str] = []

    @property
    def kills(self) -> int:
        return self.storm.sent.total() + self.ledger.deaths.total()

    @property
    def violations(self) -> dict[str, list[str]]:
        return self.site.violations

    @property
    def broken(self) -> int:
        return sum(map(len, self.violations.values()))

    def run(self, quota: int = 55) -> None:
        """Run rounds of about `quota` kills, with a line of output after each; then fill a disk."""
        began = time.monotonic()
        while self.kills < self.wanted and time.monotonic() < self.end:
            self.counts["rounds"] += 1
            self.round(Grid(self.counts["rounds"], self.seeds), quota)
            print(
                f"round {self.counts['rounds']}: {self.kills}/{self.wanted} kills, "
                f"{self.ledger.commits} commits, {self.broken} violations, "
                f"{time.monotonic() - began:.0f} s",
                flush=True,
            )
        self.fill_disk()

    def fill_disk(self) -> None:
        """Run a sweep on a disk that becomes full."""
        stored = full_disk(Grid(0, self.seeds).largest, self.folder, self.violations)
        if stored < 0:
            self.counts["full disk: not tried, as mounting one needs root"] += 1
        else:
            self.counts["full disk: results stored before it was full"] += stored

    def round(self, grid: Grid, quota: int) -> None:
        """One grid: a storm of kills, deaths at points, damage after each, an undisturbed run."""
        parts = [self._storm, self._die_at_points]
        # Alternate: the first part has more untrained trials than the second.
        for part in parts if grid.number % 2 else reversed(parts):
            part(grid, self.kills + quota // 2)
            self._damage(grid)
        self._refuse_another_version(grid)
        self._finish(grid)

    def _die_at_points(self, grid: Grid, limit: int) -> None:
        """Run one or two sweeps at a time whose processes die at chosen points."""
        for _ in range(POINT_RUNS):
            if self.kills < limit:
                self._run_with_fates(grid)

    def _run_with_fates(self, grid: Grid) -> None:
        if not self.points:  # all points are used before any is used again
            self.points = self.chance.sample(faults.WORKER, len(faults.WORKER))
        fates = [f"worker/{self.points.pop()}/{self.chance.randint(2, 7)}"]
        for point in self.chance.sample(faults.PARENT, 2):
            every = self.chance.randint(1, 2) if point.endswith(("attempt", "lock")) else 1
            fates.append(f"parent/{point}/{every}")
        sweeps = self.chance.sample(grid.sweeps, self.chance.choice([1, 1, 2]))
        self.site.wait(*[self.site.start(sweep, ";".join(fates)) for sweep in sweeps])

    def _storm(self, grid: Grid, limit: int) -> None:
        """Run all sweeps at the same time, kill their processes at random, and restart them."""
        running = {k: self.site.start(sweep) for k, sweep in enumerate(grid.sweeps)}
        restarts = 0
        while running and self.kills < limit and time.monotonic() < self.end:
            self.storm.strike(self.chance.choice(list(running.values())))
            for k, command in list(running.items()):
                if command.ended:
                    self.storm.flush()  # a stopped worker of it would never end
                    self.site.wait(running.pop(k))
                    if command.code and restarts < RESTARTS:
                        restarts += 1
                        running[k] = self.site.start(grid.sweeps[k])
        self.storm.flush()
        for command in running.values():
            if self.chance.random() < 0.7:  # its report would take longer than everything else
                self.storm.kill(command)
        self.site.wait(*running.values())

    def _damage(self, grid: Grid) -> None:
        """Damage some files while no command is running."""
        committed = self._of(grid)
        for kind in self.chance.sample(KINDS, 3) if len(committed) > 9 else []:
            id, other = self.chance.sample(committed, 2)
            if id in self.ledger.results and other in self.ledger.results:
                paths = self.site.store.path(id), self.site.store.path(other)
                self.ledger.replace(id, damaged(kind, *paths, self.chance))
                self.counts[f"damaged: a result, {kind}"] += 1
        folder = self.site.results / grid.name
        attempts = sorted(self.site.results.glob("attempts/*/*.json"))
        files = [folder / "plan.json", folder / "report.json", *attempts[-1:]]
        existing = [path for path in files if path.exists()]
        if existing:
            path = self.chance.choice(existing)
            spoil(path, self.chance)
            self.counts[f"damaged: {'an attempt' if path in attempts else path.name}"] += 1
        lock = self.site.results / "trials.lock"
        if lock.exists() and self.chance.random() < 0.5:
            lock.unlink()
            self.counts["damaged: trials.lock, deleted"] += 1

    def _refuse_another_version(self, grid: Grid) -> None:
        """Check that a result of another version is refused in one line, and not changed."""
        committed = self._of(grid)
        if not committed:
            return
        path = self.site.store.path(self.chance.choice(committed))
        changed = damaged("of another version", path, path, self.chance)
        self.ledger.replace(path.stem, changed)
        command = self.site.start(grid.largest)
        self.site.wait(command)
        message = command.err.read_text()
        if command.code != 2 or path.name not in message or path.read_bytes() != changed:
            self.site.violated("ended wrongly", command, "another version is not refused")
        path.unlink()
        self.counts["damaged: a result, of another version"] += 1

    def _of(self, grid: Grid) -> list[str]:
        """The ids of the grid's trials with a valid result."""
        results = map(self.site.store.inspect, sorted(self.ledger.results))
        return [r.trial.id for r in results if r and r.trial.arm.units in grid.units]

    def _finish(self, grid: Grid) -> None:
        """Complete the sweep undisturbed, and compare its report with one never disturbed."""
        temporary = len(list(self.site.results.rglob(".*.tmp")))
        self.counts["temporary files of killed processes, deleted"] += temporary
        calm = Site(self.folder / f"calm-{grid.number}", self.violations)
        runs = [(site, site.start(grid.largest, stale=0)) for site in (self.site, calm)]
        for site, command in runs:
            site.wait(command)
            if command.code != 0:
                site.violated("ended wrongly", command, f"undisturbed, with {command.code}")
            site.check_no_temporary_files()
        disturbed, undisturbed = self.site.results / grid.name, calm.results / grid.name
        roots = (disturbed, undisturbed)
        files = {path.relative_to(root) for root in roots for path in root.rglob("*.*")}
        names = sorted(str(name) for name in files if not name.name.startswith("."))
        _, different, missing = filecmp.cmpfiles(*roots, names, shallow=False)
        for name in (*different, *missing):
            self.violations["another report"].append(str(disturbed / name))
        self.counts["files of reports that are identical"] += len(names) - len(different)
        if not (different or missing):
            shutil.rmtree(calm.folder)
