"""Kills processes of running commands from outside, at random."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from dataclasses import dataclass

from tests.chaos.processes import Command

KILL, TERM, INT, STOP = signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGSTOP


@dataclass(frozen=True)
class End:
    """A way to end a process: one signal, or two at most `between` seconds apart."""

    name: str
    first: signal.Signals
    second: signal.Signals | None = None
    between: float = 0.0


ENDS = {
    "parent": (
        End("SIGKILL", KILL),
        End("SIGTERM", TERM),
        End("SIGINT", INT),
        End("SIGINT twice", INT, INT, 0.3),
        End("SIGINT, SIGKILL", INT, KILL, 0.5),
        End("SIGSTOP, SIGKILL", STOP, KILL, 0.2),
    ),
    "worker": (
        End("SIGKILL", KILL),
        End("SIGTERM", TERM),
        End("SIGSTOP, SIGKILL", STOP, KILL, 0.1),
    ),
    "fork server": (End("SIGKILL", KILL),),
}
SHARES = {"parent": 0.12, "worker": 0.85, "fork server": 0.03}
PAUSE = 0.08  # mean seconds between two kills


@dataclass(frozen=True)
class Due:
    """A second signal that has yet to be sent, at `when` of time.monotonic()."""

    when: float
    command: Command
    pid: int
    number: signal.Signals


class Storm:
    """Kills at random, and counts the kills by role and signals."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.sent: Counter[str] = Counter()
        self.due: list[Due] = []

    def strike(self, command: Command) -> None:
        """After a random pause, end a random process of the command in a random way."""
        time.sleep(self.chance.expovariate(1 / PAUSE))
        now = time.monotonic()
        self._send_second(now)
        role = self.chance.choices(list(SHARES), list(SHARES.values()))[0]
        pids = [pid for pid in command.parts()[role] if pid not in {due.pid for due in self.due}]
        end = self.chance.choice(ENDS[role])
        early = role == "parent" and not command.began and end.name != "SIGKILL"
        if not pids or early:  # before the program starts, Python itself handles the signal
            return
        pid = self.chance.choice(pids)
        if self._first(command, role, pid, end) and end.second:
            later = now + self.chance.uniform(0, end.between)
            self.due.append(Due(later, command, pid, end.second))

    def kill(self, command: Command) -> None:
        """Kill the parent with SIGKILL."""
        self._first(command, "parent", command.process.pid, End("SIGKILL", KILL))

    def flush(self) -> None:
        """Send all second signals now, so that no process stays stopped."""
        self._send_second(float("inf"))

    def _first(self, command: Command, role: str, pid: int, end: End) -> bool:
        if role == "parent":
            command.signals.append(end.name)
        sent = command.send(pid, end.first)
        self.sent[f"{role}: {end.name}"] += sent
        return sent

    def _send_second(self, now: float) -> None:
        for due in [due for due in self.due if due.when <= now]:
            self.due.remove(due)
            due.command.send(due.pid, due.number)
