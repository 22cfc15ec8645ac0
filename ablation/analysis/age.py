"""Which results are older than a metric: they have to be trained again to be compared by it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ablation.errors import RequestError, suggest
from ablation.storage import TrialResult
from ablation.tasks import TASKS, are_tags

ARMS_NAMED = 5  # in an error; of more, their number is given


def check_age(
    metric: str,
    results: Mapping[str, Sequence[TrialResult]],
    folder: Path,
    measured: Sequence[str],
) -> None:
    """Raise RequestError, which says what to train again, if results are older than a metric.

    results: of each arm; folder: where they are stored. measured: the metrics that there are.
    """
    older = {
        arm: seeds
        for arm, of_arm in results.items()
        if (seeds := sorted(r.trial.seed for r in of_arm if _is_older(r, metric)))
    }
    if older:
        named = [f"{arm} seed {ranges(seeds)}" for arm, seeds in older.items()]
        more = f" and {len(named) - ARMS_NAMED} more arms" if len(named) > ARMS_NAMED else ""
        raise RequestError(
            f"report.metric={metric}: {sum(map(len, older.values()))} of "
            f"{sum(map(len, results.values()))} results are older than this metric: "
            f"{', '.join(named[:ARMS_NAMED])}{more}; to train them again, delete their files in "
            f"{folder} and repeat the command; otherwise "
            f"{suggest(metric, [key for key in measured if key != metric])}"
        )


def _is_older(result: TrialResult, metric: str) -> bool:
    """Whether a result lacks a metric that it would have if it were trained today."""
    task = TASKS[result.task]
    if metric in task.SCORES:
        return not hasattr(result.metrics, metric)
    if metric not in task.COUNTED:
        return False
    if metric == "segment_f1" and result.classes:
        return result.segments is None and are_tags(result.classes.names)
    return result.classes is None


def ranges(numbers: list[int]) -> str:
    """Sorted numbers, with neighbours put together: "0-3, 5"."""
    texts: list[str] = []
    begin = 0
    for at in range(1, len(numbers) + 1):
        if at == len(numbers) or numbers[at] != numbers[at - 1] + 1:
            first, last = numbers[begin], numbers[at - 1]
            texts.append(f"{first}" if first == last else f"{first}-{last}")
            begin = at
    return ", ".join(texts)
