"""Checks the invariants from the results folder and from the log of the processes."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from ablation.errors import RequestError
from ablation.storage import DamagedFile, Store


@dataclass(frozen=True)
class Stamp:
    """The identity of a committed file; it must never change. content: SHA-256."""

    inode: int
    changed: int
    content: str


@dataclass
class Ledger:
    """Every committed result as first seen, and all violations of the rules.

    violations: messages by rule. damaged: SHA-256 of the content that the campaign has written in
    place of a result, by id. results: the valid results by id.
    """

    store: Store
    log: Path
    violations: dict[str, list[str]]
    damaged: dict[str, str] = field(default_factory=dict)
    results: dict[str, Stamp] = field(default_factory=dict)
    deaths: Counter[str] = field(default_factory=Counter)
    commits: int = 0
    trainings: int = 0
    _position: int = 0
    _committed: set[str] = field(default_factory=set)
    _training: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    _taken_over: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    _all_damaged: set[str] = field(default_factory=set)

    def replace(self, id: str, content: bytes) -> None:
        """Overwrite a committed result; its trial may then be trained again."""
        self.check()
        self.store.path(id).write_bytes(content)
        self.damaged[id] = hashlib.sha256(content).hexdigest()
        self._all_damaged.add(self.damaged[id])
        self.results.pop(id, None)
        self._committed.discard(id)

    def check(self) -> None:
        """Check everything that has happened since the last call."""
        # List the files before reading the log: a process logs a commit after making it.
        files = {path.stem: path for path in self.store.trials.glob("*.json")}
        self._read_log()
        self._check_files(files)

    def _read_log(self) -> None:
        with open(self.log, "ab+") as file:
            file.seek(self._position)
            lines = file.read().decode().splitlines(keepends=True)
            complete = [line for line in lines if line.endswith("\n")]
            self._position += sum(map(len, complete))
        for line in complete:
            pid, word, what = line.rstrip("\n").split(" ", 2)
            self._record(int(pid), word, what)

    def _record(self, pid: int, word: str, what: str) -> None:
        """Count and check an entry of the log. what: a trial's id, or the point of a death."""
        if word == "dies":
            self.deaths[what] += 1
            return
        if pid in self._taken_over[what]:  # another process has claimed its trial
            self._violated("trained by two", f"{what}: by {pid} too, which still {word} it")
        if word == "trains":
            self.trainings += 1
            if what in self.results or what in self._committed:
                self._violated("trained twice", f"{what}: by {pid}, after it was committed")
            self._taken_over[what] |= self._training[what] - {pid}
            self._training[what] = {pid}
        elif word == "commits":
            self.commits += 1
            if what in self._committed:
                self._violated("committed twice", f"{what}: by {pid}")
            self._committed.add(what)

    def _check_files(self, files: dict[str, Path]) -> None:
        for id in self.results.keys() - files.keys():
            self._violated("lost", f"{id}: its file is gone")
            del self.results[id]
        for id, path in files.items():
            try:
                now = stamp(path)
            except FileNotFoundError:  # renamed just now; if it was valid, the next check finds out
                continue
            if self.damaged.get(id) == now.content:  # no command has read it yet
                continue
            self.damaged.pop(id, None)
            before = self.results.get(id)
            if before is None:
                self._check_readable(id)
            elif before != now:
                self._violated("lost", f"{id}: its file has changed")
            self.results[id] = now
        for path in self.store.trials.glob("*.damaged-*"):
            if stamp(path).content not in self._all_damaged:
                self._violated("lost", f"{path.name}: renamed although it was not damaged")

    def _check_readable(self, id: str) -> None:
        try:
            self.store.inspect(id)
        except (DamagedFile, RequestError) as error:
            self._violated("unreadable", f"{id}: {error}")

    def _violated(self, rule: str, message: str) -> None:
        messages = self.violations.setdefault(rule, [])
        if message not in messages:
            messages.append(message)


def stamp(path: Path) -> Stamp:
    """The inode, modification time and SHA-256 of a file."""
    stat = path.stat()
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    return Stamp(stat.st_ino, stat.st_mtime_ns, content)
