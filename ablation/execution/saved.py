"""A trained model as it leaves its worker: plain values, which need no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass

from ablation.data import Array, Sequences
from ablation.storage import TrialResult
from ablation.tasks import task_of


@dataclass(frozen=True)
class SavedModel:
    """A trial that was trained, and its model as a file.

    content: a .keras file. needs: the module of each class in it that does not come with Keras.
    outputs: of the test sequences, (n, ...). difference: the largest that the loaded file has
    to them on the first sequences; None if Keras could not load it, and `problem` says why.
    """

    result: TrialResult
    content: bytes
    needs: dict[str, str]
    test: Sequences
    outputs: Array
    difference: float | None
    problem: str = ""

    @property
    def score(self) -> str:
        """The first metric of what is predicted."""
        return task_of(self.test).METRIC
