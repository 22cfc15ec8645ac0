"""Rounds of sweeps that are killed at every place and time, and what is left in the end."""

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

RESTARTS = 12  # of the sweeps of one storm: each start costs seconds
PLACES = 4  # runs of a round whose processes die of themselves


class Campaign:
    """Kills until there were enough of them, or the time is up.

    folder: there everything lies that the commands write and say. kills: how many, from outside
    and at chosen places together. minutes: after which no further round begins. seeds: of each arm.
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
        self.places: list[str] = []

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
        """Rounds of so many kills each, with a line after each; then a disk that is full."""
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
        fitted = full_disk(Grid(0, self.seeds).whole, self.folder, self.violations)
        if fitted < 0:
            self.counts["full disk: not tried, as mounting one needs root"] += 1
        else:
            self.counts["full disk: results that fitted"] += fitted

    def round(self, grid: Grid, quota: int) -> None:
        """One grid: a storm of kills and deaths at places, damage after each, and a calm run."""
        parts = [self._rage, self._die_at_places]
        # What comes first has more that is not trained yet.
        for part in parts if grid.number % 2 else reversed(parts):
            part(grid, self.kills + quota // 2)
            self._damage(grid)
        self._refuse_another_version(grid)
        self._settle(grid)

    def _die_at_places(self, grid: Grid, enough: int) -> None:
        """Sweeps whose processes die of themselves at chosen places, one or two at a time."""
        for _ in range(PLACES):
            if self.kills < enough:
                self._die_once(grid)

    def _die_once(self, grid: Grid) -> None:
        if not self.places:  # every place before any comes again
            self.places = self.chance.sample(faults.WORKER, len(faults.WORKER))
        fates = [f"worker/{self.places.pop()}/{self.chance.randint(2, 7)}"]
        for place in self.chance.sample(faults.PARENT, 2):
            turn = self.chance.randint(1, 2) if place.endswith(("attempt", "lock")) else 1
            fates.append(f"parent/{place}/{turn}")
        sweeps = self.chance.sample(grid.sweeps, self.chance.choice([1, 1, 2]))
        self.site.wait(*[self.site.start(sweep, ";".join(fates)) for sweep in sweeps])

    def _rage(self, grid: Grid, enough: int) -> None:
        """The sweeps race, and whoever of their processes is met is killed; they are run again."""
        running = {k: self.site.start(sweep) for k, sweep in enumerate(grid.sweeps)}
        restarts = 0
        while running and self.kills < enough and time.monotonic() < self.end:
            self.storm.strike(self.chance.choice(list(running.values())))
            for k, command in list(running.items()):
                if command.ended:
                    self.site.wait(running.pop(k))
                    if command.code and restarts < RESTARTS:
                        restarts += 1
                        running[k] = self.site.start(grid.sweeps[k])
        self.storm.over()
        for command in running.values():
            if self.chance.random() < 0.7:  # its report would cost more than all the rest
                self.storm.kill(command)
        self.site.wait(*running.values())

    def _damage(self, grid: Grid) -> None:
        """Files are changed by another hand while nothing runs."""
        committed = self._of(grid)
        for kind in self.chance.sample(KINDS, 3) if len(committed) > 9 else []:
            id, other = self.chance.sample(committed, 2)
            if id in self.ledger.known and other in self.ledger.known:
                paths = self.site.store.path(id), self.site.store.path(other)
                self.ledger.replace(id, damaged(kind, *paths, self.chance))
                self.counts[f"damaged: a result, {kind}"] += 1
        folder = self.site.results / grid.name
        attempts = sorted(self.site.results.glob("attempts/*/*.json"))
        files = [folder / "plan.json", folder / "report.json", *attempts[-1:]]
        there = [path for path in files if path.exists()]
        if there:
            path = self.chance.choice(there)
            spoil(path, self.chance)
            self.counts[f"damaged: {'an attempt' if path in attempts else path.name}"] += 1
        lock = self.site.results / "trials.lock"
        if lock.exists() and self.chance.random() < 0.5:
            lock.unlink()
            self.counts["damaged: trials.lock, removed"] += 1

    def _refuse_another_version(self, grid: Grid) -> None:
        """A result of another version is refused in a line, and stays until it is removed."""
        committed = self._of(grid)
        if not committed:
            return
        path = self.site.store.path(self.chance.choice(committed))
        changed = damaged("of another version", path, path, self.chance)
        self.ledger.replace(path.stem, changed)
        command = self.site.start(grid.whole)
        self.site.wait(command)
        said = command.err.read_text()
        if command.code != 2 or path.name not in said or path.read_bytes() != changed:
            self.site.violated("ended wrongly", command, "another version is not refused")
        path.unlink()
        self.counts["damaged: a result, of another version"] += 1

    def _of(self, grid: Grid) -> list[str]:
        """The grid's trials that are committed and sound."""
        results = map(self.site.store.inspect, sorted(self.ledger.known))
        return [r.trial.id for r in results if r and r.trial.arm.units in grid.units]

    def _settle(self, grid: Grid) -> None:
        """Undisturbed it completes, tidies up, and tells what a sweep tells that never was."""
        left = len(list(self.site.results.rglob(".*.tmp")))
        self.counts["temporary files left by the killed, and removed"] += left
        calm = Site(self.folder / f"calm-{grid.number}", self.violations)
        both = [(site, site.start(grid.whole, stale=0)) for site in (self.site, calm)]
        for site, command in both:
            site.wait(command)
            if command.code != 0:
                site.violated("ended wrongly", command, f"undisturbed, with {command.code}")
            site.left_behind()
        one, other = self.site.results / grid.name, calm.results / grid.name
        made = {p.relative_to(root) for root in (one, other) for p in root.rglob("*.*")}
        names = sorted(str(name) for name in made if not name.name.startswith("."))
        _, different, missing = filecmp.cmpfiles(one, other, names, shallow=False)
        for name in (*different, *missing):
            self.violations["another report"].append(str(one / name))
        self.counts["files of reports that are equal to the byte"] += len(names) - len(different)
        if not (different or missing):
            shutil.rmtree(calm.folder)
