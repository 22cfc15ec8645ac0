"""Which trial a free worker takes next, and which are tried again: without a process or a clock."""

from __future__ import annotations

from collections.abc import Sequence

from ablation.planning import training_seconds
from ablation.spec import Arm, Trial

RETRIES = 1  # further tries of a trial that ended for a cause outside of it
LEAD = 2  # seeds that an arm may be ahead of the slowest, for the sake of a warm program


def in_blocks(trials: Sequence[Trial], arms: int) -> list[list[Trial]]:
    """The trials in blocks of so many arms, which are trained one block after the other.

    Workers hold the programs of so many arms: with more of them, seed by seed, every trial would
    compile its own again.
    """
    order = {arm: k for k, arm in enumerate(dict.fromkeys(trial.arm for trial in trials))}
    blocks: list[list[Trial]] = [[] for _ in range(0, len(order), arms)]
    for trial in trials:
        blocks[order[trial.arm] // arms].append(trial)
    return blocks


def next_trial(waiting: Sequence[Trial], warm: set[Arm], others: Sequence[set[Arm]]) -> Trial:
    """The waiting trial that a worker takes next.

    The lowest seed first, so that an interrupted sweep is balanced; but rather an arm whose
    program this worker holds, or nobody does, than one that another worker has compiled, as long
    as no arm gets more than LEAD seeds ahead. Of what is left the longest, so that arms of many
    sizes are spread evenly and no core idles long at the end.
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
    """The trials that no worker has: waiting in blocks of arms, or held by another process."""

    def __init__(self, trials: Sequence[Trial], arms: int) -> None:
        """arms: how many arms the workers can keep compiled between them (see `in_blocks`)."""
        self._blocks = in_blocks(trials, arms)
        self._home = {trial.arm: block for block in self._blocks for trial in block}
        self._held: list[tuple[float, Trial]] = []
        self._tries: dict[Trial, int] = {}

    def __len__(self) -> int:
        return sum(map(len, self._blocks)) + len(self._held)

    @property
    def holds(self) -> bool:
        """Whether some trials are held elsewhere, and have to be offered again after a while."""
        return bool(self._held)

    def take(self, warm: set[Arm], others: Sequence[set[Arm]]) -> Trial | None:
        """The next trial for a worker that has these arms compiled; None where none is waiting."""
        waiting = next((block for block in self._blocks if block), None)
        if waiting is None:
            return None
        trial = next_trial(waiting, warm, others)
        waiting.remove(trial)
        return trial

    def retry(self, trial: Trial) -> bool:
        """Let the trial wait again, unless it has been tried often enough."""
        tries = self._tries[trial] = self._tries.get(trial, 0) + 1
        if tries > RETRIES:
            return False
        self._home[trial.arm].append(trial)
        return True

    def hold(self, trial: Trial, until: float) -> None:
        """Offer the trial again at a time; another process is at it."""
        self._held.append((until, trial))

    def release(self, now: float) -> None:
        """Let those wait again whose time has come."""
        for until, trial in self._held:
            if until <= now:
                self._home[trial.arm].append(trial)
        self._held = [(until, trial) for until, trial in self._held if until > now]
