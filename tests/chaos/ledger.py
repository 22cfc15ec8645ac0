"""What must hold, whatever was killed: told from the results folder and the processes' log."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from ablation.errors import RequestError
from ablation.storage import DamagedFile, Store


@dataclass(frozen=True)
class Stamp:
    """What of a committed file must never change."""

    inode: int
    changed: int
    content: str


@dataclass
class Ledger:
    """Every committed result as it was first seen, and everything that is wrong.

    violations: sentences, by the rule that is broken.
    damaged: what the campaign itself has put in the place of results, as SHA-256.
    """

    store: Store
    log: Path
    violations: dict[str, list[str]]
    damaged: dict[str, str] = field(default_factory=dict)
    known: dict[str, Stamp] = field(default_factory=dict)
    deaths: Counter[str] = field(default_factory=Counter)
    commits: int = 0
    trainings: int = 0
    _position: int = 0
    _committed: set[str] = field(default_factory=set)
    _training: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    _taken_over: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    _asides: set[str] = field(default_factory=set)

    def replace(self, id: str, content: bytes) -> None:
        """Put something else in the place of a committed result, which may then be trained anew."""
        self.check()
        self.store.path(id).write_bytes(content)
        self.damaged[id] = hashlib.sha256(content).hexdigest()
        self._asides.add(self.damaged[id])
        self.known.pop(id, None)
        self._committed.discard(id)

    def check(self) -> None:
        """Look at all that has happened since the last time."""
        # Files before the log: a process says of a commit after it has made it.
        found = {path.stem: path for path in self.store.trials.glob("*.json")}
        self._read_log()
        self._look_at(found)

    def _read_log(self) -> None:
        with open(self.log, "ab+") as file:
            file.seek(self._position)
            lines = file.read().decode().splitlines(keepends=True)
            whole = [line for line in lines if line.endswith("\n")]
            self._position += sum(map(len, whole))
        for line in whole:
            pid, word, what = line.rstrip("\n").split(" ", 2)
            self._take_in(int(pid), word, what)

    def _take_in(self, pid: int, word: str, what: str) -> None:
        if word == "dies":
            self.deaths[what] += 1
            return
        if pid in self._taken_over[what]:  # a process that others took for dead
            self._violated("trained by two", f"{what}: by {pid} too, which still {word} it")
        if word == "trains":
            self.trainings += 1
            if what in self.known or what in self._committed:
                self._violated("trained twice", f"{what}: by {pid}, after it was committed")
            self._taken_over[what] |= self._training[what] - {pid}
            self._training[what] = {pid}
        elif word == "commits":
            self.commits += 1
            if what in self._committed:
                self._violated("committed twice", f"{what}: by {pid}")
            self._committed.add(what)

    def _look_at(self, found: dict[str, Path]) -> None:
        for id in self.known.keys() - found.keys():
            self._violated("lost", f"{id}: its file is gone")
            del self.known[id]
        for id, path in found.items():
            try:
                now = stamp(path)
            except FileNotFoundError:  # set aside just now; if it was sound, the next look tells
                continue
            if self.damaged.get(id) == now.content:  # nobody has looked at it yet
                continue
            self.damaged.pop(id, None)
            before = self.known.get(id)
            if before is None:
                self._readable(id)
            elif before != now:
                self._violated("lost", f"{id}: its file is another one than before")
            self.known[id] = now
        for path in self.store.trials.glob("*.damaged-*"):
            if stamp(path).content not in self._asides:
                self._violated("lost", f"{path.name}: nobody had damaged it")

    def _readable(self, id: str) -> None:
        try:
            self.store.inspect(id)
        except (DamagedFile, RequestError) as error:
            self._violated("unreadable", f"{id}: {error}")

    def _violated(self, rule: str, what: str) -> None:
        found = self.violations.setdefault(rule, [])
        if what not in found:
            found.append(what)


def stamp(path: Path) -> Stamp:
    """What a file is, in inode, time and content."""
    stat = path.stat()
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    return Stamp(stat.st_ino, stat.st_mtime_ns, content)
