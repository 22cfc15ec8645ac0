"""The result of a trial: one self-contained JSON file."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import ConfigDict, Field, FiniteFloat

from ablation.data import Array, Ceiling
from ablation.spec import Frozen, Trial


class Metrics(Frozen):
    """Scores on the whole test set; training.scores defines those that are not fields.

    loss: mean log loss in nats; None if it was not finite.
    accuracy: share of the labels that are predicted correctly.
    accuracy_error: standard error of accuracy over test sequences.
    exact: share of the sequences in which every label is correct.
    accuracy_by_position: accuracy at each step; None if no label counts there; [] without steps.
    A result that is older than a score lacks it.
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
        """The scores that are not fields, by name."""
        return dict(self.__pydantic_extra__ or {})


class Curve(Frozen):
    """The learning curve, one entry per chunk of updates.

    updates: optimizer steps so far. loss: mean training loss of the chunk, in nats.
    accuracy, validation_loss: on the validation set. Without one, accuracy is on the first
    sequences of the test set, and validation_loss is [].
    """

    updates: list[int]
    loss: list[FiniteFloat | None]
    accuracy: list[FiniteFloat]
    validation_loss: list[FiniteFloat | None] = Field(default_factory=list)


class Seconds(Frozen):
    """Wall-clock seconds: the updates alone, compiling, evaluating, and the whole trial."""

    training: FiniteFloat
    compiling: FiniteFloat
    evaluating: FiniteFloat
    whole: FiniteFloat


class Example(Frozen):
    """The labels of one test sequence, and the model's predictions."""

    y: list[int]
    yhat: list[int]


class Origin(Frozen):
    """What a trial was trained with and when.

    versions: of Python and packages. commit, dirty: the program's, None if unknown. finished: ISO
    8601, UTC.
    """

    versions: dict[str, str]
    device: str
    commit: str | None
    dirty: bool | None
    finished: str


class Bound(Frozen):
    """The best scores that an arm could reach, a data.Ceiling as JSON; None where unknown."""

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
    """A trial, how it ended, and everything that was measured.

    updates: how many were run. kept: the one that the weights are of, if training.patience chose
    it; None: the last. weights: digest of the final weights. summary: Keras's table of the layers.
    ceilings: "ceiling" and "majority" of the arm if the user's own code computes them. Only a trial
    runs that code, so that a result from somebody else can be read without running theirs.
    """

    trial: Trial
    status: Literal["done", "diverged"]
    metrics: Metrics
    probes: dict[str, FiniteFloat]
    curve: Curve
    examples: list[Example]
    parameters: int
    updates: int
    kept: int | None = None
    compiled: bool
    weights: str
    summary: str
    seconds: Seconds
    peak_memory_mb: FiniteFloat
    origin: Origin
    ceilings: dict[str, Bound] = Field(default_factory=dict)


class CommittedTrial(Frozen):
    """What a worker reports to its parent about a committed trial; the rest is on disk.

    accuracy: on the test set. seconds: wall clock of the whole trial. trained: False if the result
    existed already. Defined here, because unpickling it imports its module, and the worker's would
    load TensorFlow in the parent.
    """

    status: str
    accuracy: float
    seconds: float
    trained: bool
