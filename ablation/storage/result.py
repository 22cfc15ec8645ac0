"""What a trial leaves behind: one JSON file, complete in itself."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import ConfigDict, Field, FiniteFloat

from ablation.data import Array, Ceiling
from ablation.spec import Frozen, Trial


class Metrics(Frozen):
    """Scores on the whole test set; further ones are named in training.scores.

    loss: mean log loss in nats; None where it was not finite.
    accuracy: share of the labels that are right.
    accuracy_error: standard error of accuracy over test sequences.
    exact: share of the sequences in which every label is right.
    accuracy_by_position: accuracy at each step; None where no label counts; [] without steps.
    A result from before a further score was measured lacks it.
    """

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)
    __pydantic_extra__: dict[str, FiniteFloat | None] = Field(init=False)

    loss: FiniteFloat | None
    accuracy: FiniteFloat
    accuracy_error: FiniteFloat
    exact: FiniteFloat
    accuracy_by_position: list[FiniteFloat | None]

    @property
    def further(self) -> dict[str, float | None]:
        """The scores beside these fields, by name."""
        return dict(self.__pydantic_extra__ or {})


class Curve(Frozen):
    """Learning over time, one entry a chunk of updates.

    updates: optimizer steps done; loss: mean training loss of the chunk; accuracy: on the first
    sequences of the test set.
    """

    updates: list[int]
    loss: list[FiniteFloat | None]
    accuracy: list[FiniteFloat]


class Seconds(Frozen):
    """Wall-clock seconds: updates alone, compiling, evaluating, and the whole trial."""

    training: FiniteFloat
    compiling: FiniteFloat
    evaluating: FiniteFloat
    whole: FiniteFloat


class Example(Frozen):
    """One test sequence's labels and the model's answer."""

    y: list[int]
    yhat: list[int]


class Origin(Frozen):
    """With what a trial was run: versions, device, commit, time."""

    versions: dict[str, str]
    device: str
    commit: str | None
    dirty: bool | None
    finished: str


class Bound(Frozen):
    """The best that an arm could reach, as data.Ceiling says it; None where it does not know."""

    accuracy: list[FiniteFloat | None]
    loss: list[FiniteFloat | None]
    error: FiniteFloat

    @classmethod
    def of(cls, ceiling: Ceiling) -> Bound:
        def plain(steps: Array) -> list[float | None]:
            return [float(step) if math.isfinite(step) else None for step in steps]

        return cls(
            accuracy=plain(ceiling.accuracy), loss=plain(ceiling.loss), error=float(ceiling.error)
        )


class TrialResult(Frozen):
    """A trial, how it ended, and all that was measured.

    ceilings: the arm's "ceiling" and "majority", where they come from code of the user's own, which
    only a trial runs: whoever is given a result can read it without running what it names.
    """

    trial: Trial
    status: Literal["done", "diverged"]
    metrics: Metrics
    probes: dict[str, FiniteFloat]
    curve: Curve
    examples: list[Example]
    parameters: int
    updates: int
    compiled: bool
    weights: str
    summary: str
    seconds: Seconds
    peak_memory_mb: FiniteFloat
    origin: Origin
    ceilings: dict[str, Bound] = Field(default_factory=dict)


class Finished(Frozen):
    """What the parent hears of a committed trial; the rest is on the disk.

    It lies here and not beside the worker, because reading it loads the module that it lies in.
    """

    status: str
    accuracy: float
    seconds: float
    trained: bool
