"""Which trial a free worker takes next."""

from __future__ import annotations

from collections.abc import Sequence

from ablation.planning import training_seconds
from ablation.spec import Arm, Trial

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
