"""What was noticed when a sweep was planned: how data was read, which combinations are one arm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ablation import problems
from ablation.spec import Arm, Request, column_of, label_arms


def plan_notes(
    requests: Sequence[Request], counts: Sequence[int], rounds: Sequence[int]
) -> list[str]:
    """A sentence for each thing that may be meant otherwise, and for combinations that are one arm.

    counts: seeds of each request. rounds: how many may be added, and how many there are at most;
    none if no seeds are added.
    """
    arm_seeds = [(request.arm, count) for request, count in zip(requests, counts, strict=True)]
    return [
        *_data_notes(arm_seeds),
        *_fold_notes(arm_seeds, rounds),
        *_duplicate_notes(requests),
    ]


def _data_notes(arm_seeds: Iterable[tuple[Arm, int]]) -> list[str]:
    """A sentence for each thing in the arms' data that may be meant otherwise than it was read."""
    counts = {arm.problem: count for arm, count in arm_seeds}
    of_problems = [problems.remarks(problem, range(count)) for problem, count in counts.items()]
    return list(dict.fromkeys(sentence for sentences in of_problems for sentence in sentences))


def _fold_notes(arm_seeds: Iterable[tuple[Arm, int]], rounds: Sequence[int]) -> list[str]:
    """A sentence for each number of folds that the seeds are not surely a multiple of.

    rounds: see `plan_notes`.
    """
    notes = []
    counts = {arm.problem.parameters.get("folds"): n for arm, n in arm_seeds if arm.problem.divided}
    for folds, count in counts.items():
        if folds and rounds and any(n % folds for n in (count, *rounds)):
            notes.append(
                f"seeds=auto may end within a repetition of {folds} folds, and then tests some "
                "sequences once more than others"
            )
        elif folds and not rounds and count % folds:
            whole = folds * (count // folds + 1)
            notes.append(
                f"{count} seed{'s' * (count > 1)} of {folds} folds test some sequences once more "
                f"than others; seeds={whole} tests all alike"
            )
    return notes


def _duplicate_notes(requests: Sequence[Request]) -> list[str]:
    """A sentence for each reason why several requests are the same arm."""
    groups: dict[Arm, list[Request]] = {}
    for request in requests:
        groups.setdefault(request.arm, []).append(request)
    names = label_arms(groups, [column_of(key) for key in requests[0].untuned])
    reasons: dict[str, list[Arm]] = {}
    for arm, group in groups.items():
        if len(group) > 1:
            reasons.setdefault(_why_one_arm(group), []).append(arm)
    notes = []
    for why, several in reasons.items():
        combinations = sum(len(groups[arm]) for arm in several)
        first = names[several[0]]
        what = f"one arm, {first}" if len(several) == 1 else f"{len(several)} arms, first {first}"
        notes.append(f"{combinations} combinations are {what}: {why}")
    return notes


def _why_one_arm(requests: Sequence[Request]) -> str:
    keys = dict.fromkeys(key for request in requests for key in request.unused)
    swept = [key for key in keys if len({request.unused.get(key) for request in requests}) > 1]
    if not swept:
        return "the same values"
    return f"{' and '.join(swept)} {'has' if len(swept) == 1 else 'have'} no effect there"
