"""What a model predicts: classes, several labels at once, or numbers; a file each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ablation.data import Array, Sequences
from ablation.measures import METRICS
from ablation.storage import BySequence, Metrics
from ablation.tasks import classes, labels, numbers
from ablation.tasks.segments import are_tags

__all__ = ["TASKS", "Loss", "Task", "are_tags", "comparable", "task_of"]

Loss = Callable[[Array, Sequences], float]


class Task(Protocol):
    """What a file of this room defines.

    Outputs are what a model gives, (n, ..., width): probabilities, or numbers as they are scaled.
    WHAT: the task in words. METRIC: what arms are compared by unless report.metric says otherwise.
    LOSSES: mean losses that a model can be trained by; the first is the default.
    FURTHER_METRICS: scores of outputs that are not fields of `storage.Metrics`, by their name in
    `measures`. A value that is not finite is stored as None.
    SCORES: the measures that `evaluate` gives. COUNTED: those that follow from `details`.
    """

    @property
    def WHAT(self) -> str: ...
    @property
    def METRIC(self) -> str: ...
    @property
    def LOSSES(self) -> Mapping[str, Loss]: ...
    @property
    def FURTHER_METRICS(self) -> Mapping[str, Callable[[Array, Sequences], float]]: ...
    @property
    def SCORES(self) -> Sequence[str]: ...
    @property
    def COUNTED(self) -> Sequence[str]: ...

    def head(self, data: Sequences) -> tuple[int, str]:
        """Width of the head, and the name of its activation."""

    def answers(self, outputs: Array, data: Sequences) -> Array:
        """What the outputs say, in the form of y."""

    def look(self, outputs: Array, data: Sequences) -> float:
        """METRIC alone, for the learning curve."""

    def evaluate(self, outputs: Array, data: Sequences, loss: Loss = ...) -> Metrics:
        """All scores."""

    def baseline(self, train: Sequences, test: Sequences) -> dict[str, float]:
        """METRIC of always answering the same, which is chosen on the training set."""

    def by_sequence(
        self, answers: Array, data: Sequences, names: Sequence[str] | None = None
    ) -> BySequence:
        """METRIC of each sequence; names: of the sequences."""

    def details(self, answers: Array, data: Sequences, names: Sequence[str]) -> dict[str, Any]:
        """Counts or scores of each class, label or target, as a field of `storage.TrialResult`."""


TASKS: dict[str, Task] = {"classes": classes, "labels": labels, "numbers": numbers}


def task_of(data: Sequences) -> Task:
    """The task of this data."""
    return TASKS[data.task]


def comparable(name: str) -> list[str]:
    """The metrics by which arms with this task can be compared, its own first."""
    task = TASKS[name]
    scores = [key for key in (*task.SCORES, *task.COUNTED) if key in METRICS]
    of_tasks = {key for each in TASKS.values() for key in (*each.SCORES, *each.COUNTED)}
    others = [key for key in METRICS if key not in of_tasks]
    if "accuracy" not in scores:
        others.remove("updates_to_target")  # the target is an accuracy
    return [*scores, *others]
