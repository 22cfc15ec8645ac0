"""Which trial a free worker trains next, and which are retried; no processes, no clock."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence

from ablation.planning import training_seconds
from ablation.spec import Arm, Trial

RETRIES = 1  # of a trial that failed for a reason outside it, such as a killed worker
LEAD = 2  # seeds that an arm may be ahead of the slowest one, to reuse a compiled program


def in_blocks(trials: Sequence[Trial], arms: int) -> list[list[Trial]]:
    """Split the trials into blocks of at most `arms` arms, to be trained one block at a time.

    Workers keep only that many compiled programs. If more arms were trained seed by seed, each
    trial would have to compile its program again.
    """
    order = {arm: k for k, arm in enumerate(dict.fromkeys(trial.arm for trial in trials))}
    blocks: list[list[Trial]] = [[] for _ in range(0, len(order), arms)]
    for trial in trials:
        blocks[order[trial.arm] // arms].append(trial)
    return blocks


def next_trial(waiting: Sequence[Trial], warm: set[Arm], others: Sequence[set[Arm]]) -> Trial:
    """The waiting trial that a free worker trains next.

    warm: arms that this worker has compiled. others: the same for each other worker.

    Only trials at most LEAD seeds above the lowest waiting seed are considered. Among them, arms
    that only other workers have compiled come last. Then the lowest seed wins, so that an
    interrupted sweep is balanced, then a warm arm, then the longest trial, so that no core idles
    long at the end.
    """
    lowest = min(trial.seed for trial in waiting)
    elsewhere = set().union(*others) - warm
    return min(
        (trial for trial in waiting if trial.seed <= lowest + LEAD),
        key=lambda trial: (
            trial.arm in elsewhere,
            trial.seed,
            trial.arm not in warm,
            -training_seconds(trial.arm),
        ),
    )


class Queue:
    """Trials that no worker has: waiting in blocks of arms, or postponed to a later time."""

    def __init__(self, trials: Sequence[Trial], arms: int) -> None:
        """arms: how many arms all workers together can keep compiled (see `in_blocks`)."""
        self._waiting: dict[str, Trial] = {}
        # The seeds of each arm in a heap: only its lowest one can be next, however many there are.
        self._seeds: dict[Arm, list[tuple[int, str]]] = {}
        self._blocks: list[list[Arm]] = []
        for block in in_blocks(trials, arms):
            self._blocks.append(list(dict.fromkeys(trial.arm for trial in block)))
            for trial in block:
                self._add(trial)
        self._postponed: list[tuple[float, Trial]] = []  # each with the time of its next offer
        self._tries: dict[Trial, int] = {}

    def __len__(self) -> int:
        return len(self._waiting) + len(self._postponed)

    @property
    def has_postponed(self) -> bool:
        """Whether another process has some of the trials, so that they must be offered again."""
        return bool(self._postponed)

    def take(self, warm: set[Arm], others: Sequence[set[Arm]]) -> Trial | None:
        """Remove and return the next trial for a worker (see `next_trial`); None if none waits."""
        for block in self._blocks:
            first = [trial for arm in block if (trial := self._first(arm))]
            if first:
                return self._waiting.pop(next_trial(first, warm, others).id)
        return None

    def take_these(self, ids: Iterable[str]) -> list[Trial]:
        """Remove and return the trials of these ids that wait."""
        return [self._waiting.pop(id) for id in ids if id in self._waiting]

    def put_back(self, trial: Trial) -> None:
        """Let a trial wait that was taken and not begun."""
        self._add(trial)

    def retry(self, trial: Trial) -> bool:
        """Put the trial back in the queue; False if it has no retries left."""
        tries = self._tries[trial] = self._tries.get(trial, 0) + 1
        if tries > RETRIES:
            return False
        self._add(trial)
        return True

    def postpone(self, trial: Trial, until: float) -> None:
        """Offer the trial again at the given time, because another process is training it."""
        self._postponed.append((until, trial))

    def release(self, now: float) -> None:
        """Put the postponed trials whose time has come back in the queue."""
        for until, trial in self._postponed:
            if until <= now:
                self._add(trial)
        self._postponed = [(until, trial) for until, trial in self._postponed if until > now]

    def _add(self, trial: Trial) -> None:
        self._waiting[trial.id] = trial
        heapq.heappush(self._seeds.setdefault(trial.arm, []), (trial.seed, trial.id))

    def _first(self, arm: Arm) -> Trial | None:
        """The arm's waiting trial of the lowest seed."""
        seeds = self._seeds[arm]
        while seeds and seeds[0][1] not in self._waiting:
            heapq.heappop(seeds)
        return self._waiting[seeds[0][1]] if seeds else None
