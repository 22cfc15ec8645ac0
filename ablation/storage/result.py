"""The result of a trial: one self-contained JSON file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import ConfigDict, Field, FiniteFloat, NonNegativeInt, model_validator

from ablation.data import Array, Ceiling
from ablation.measures import MEASURES
from ablation.spec import Frozen, Trial
from ablation.storage.by_sequence import BySequence

MOST_CONFUSED = 50  # classes; of more, a table of labels by predictions would fill the results


class Metrics(Frozen):
    """Scores on the whole test set; the files of `tasks` define those that are not fields.

    loss: mean log loss in nats, of numbers the mean loss of scaled targets; None if not finite.
    accuracy: share of the labels that are predicted correctly; None where numbers are predicted, as
    are the next three.
    accuracy_error: standard error of accuracy over test sequences.
    exact: share of the sequences in which every label is correct.
    accuracy_by_position: accuracy at each step; None if no label counts there; [] without steps.
    mse_by_position: the same of the mean squared error of numbers. mse and its standard error are
    among the further scores.
    A result that is older than a score lacks it.
    """

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)
    __pydantic_extra__: dict[str, FiniteFloat | None] = Field(init=False)

    loss: FiniteFloat | None
    accuracy: FiniteFloat | None = None
    accuracy_error: FiniteFloat | None = None
    exact: FiniteFloat | None = None
    accuracy_by_position: list[FiniteFloat | None] = Field(default_factory=list)
    mse_by_position: list[FiniteFloat | None] = Field(default_factory=list)

    @property
    def further(self) -> dict[str, float | None]:
        """The scores that are not fields, by name."""
        return dict(self.__pydantic_extra__ or {})


class Classes(Frozen):
    """The scored test labels and their predictions, counted by class.

    Of several labels at once, each is counted where it is 1.
    names: what each class stands for, all different; [] if the problem does not say.
    labels, predictions, hits: of each class, its labels, its predictions, and those that agree.
    confusion: predictions by label, `confusion[label][prediction]`; [] above MOST_CONFUSED classes.
    """

    names: list[str] = Field(default_factory=list)
    labels: list[NonNegativeInt]
    predictions: list[NonNegativeInt]
    hits: list[NonNegativeInt]
    confusion: list[list[NonNegativeInt]]

    @model_validator(mode="after")
    def _sizes_agree(self) -> Self:
        count = len(self.labels)
        sizes = {len(self.predictions), len(self.hits), *map(len, self.confusion)}
        if sizes != {count} or {len(self.names), len(self.confusion)} - {0, count}:
            raise ValueError(f"counts of {count} classes are needed")
        if len(set(self.names)) != len(self.names):
            raise ValueError("two classes have the same name")
        return self

    @property
    def known_names(self) -> list[str]:
        """The names, or 0, 1, ... where the problem does not say."""
        return self.names or [str(number) for number in range(len(self.labels))]

    def f1_of(self, name: str | None) -> float | None:
        """F1 of one class; None if it is no class, or neither a label nor ever predicted.

        name: None: the second of two.
        """
        if name is None and len(self.confusion) == 2:
            name = self.known_names[1]
        if name not in self.known_names:
            return None
        at = self.known_names.index(name)
        total = self.labels[at] + self.predictions[at]
        return 2 * self.hits[at] / total if total else None

    @property
    def micro_f1(self) -> float | None:
        """F1 of all classes together; None if nothing is counted."""
        total = sum(self.labels) + sum(self.predictions)
        return 2 * sum(self.hits) / total if total else None

    @property
    def mcc(self) -> float | None:
        """The correlation coefficient of Matthews, for any number of classes (Gorodkin 2004).

        0 if there is one class alone among the labels or the predictions, as in scikit-learn. None
        without a confusion table: several labels at once exclude each other no more than spans do.
        """
        if not self.confusion:
            return None
        labels, predictions = np.array(self.labels, float), np.array(self.predictions, float)
        total, chance = labels.sum(), labels @ predictions
        spreads = (total**2 - labels @ labels) * (total**2 - predictions @ predictions)
        return float((sum(self.hits) * total - chance) / np.sqrt(spreads)) if spreads else 0.0


class Targets(Frozen):
    """The scores of each number that is predicted, in its own units; None if not finite.

    names: what the numbers are called; [] if the problem does not say.
    """

    names: list[str] = Field(default_factory=list)
    mse: list[FiniteFloat | None]
    mae: list[FiniteFloat | None]
    r2: list[FiniteFloat | None]


class Curve(Frozen):
    """The learning curve, one entry per chunk of updates.

    updates: optimizer steps so far. loss: mean training loss of the chunk, in nats, or of scaled
    numbers. accuracy, of numbers mse instead, and validation_loss: on the validation set. Without
    one, these are on the first sequences of the test set, and validation_loss is [].
    """

    updates: list[int]
    loss: list[FiniteFloat | None]
    accuracy: list[FiniteFloat] = Field(default_factory=list)
    mse: list[FiniteFloat | None] = Field(default_factory=list)
    validation_loss: list[FiniteFloat | None] = Field(default_factory=list)


class Seconds(Frozen):
    """Wall-clock seconds: the updates alone, compiling, evaluating, and the whole trial."""

    training: FiniteFloat
    compiling: FiniteFloat
    evaluating: FiniteFloat
    whole: FiniteFloat


Value = int | FiniteFloat | None


class Example(Frozen):
    """The labels or numbers of one test sequence, and the model's predictions.

    One a step, or a list a step where there are several.
    """

    y: Sequence[Value] | Sequence[Sequence[Value]]
    yhat: Sequence[Value] | Sequence[Sequence[Value]]


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
    mse: list[FiniteFloat | None] = Field(default_factory=list)

    @classmethod
    def of(cls, ceiling: Ceiling) -> Bound:
        def plain(steps: Array) -> list[float | None]:
            return [float(step) if math.isfinite(step) else None for step in steps]

        return cls(
            accuracy=plain(ceiling.accuracy),
            loss=plain(ceiling.loss),
            error=float(ceiling.error),
            mse=plain(ceiling.mse),
        )


class TrialResult(Frozen):
    """A trial, how it ended, and everything that was measured.

    updates: how many were run. kept: the one that the weights are of, if training.patience chose
    it; None: the last. weights: digest of the final weights. summary: Keras's table of the layers.
    ceilings: "ceiling" and "majority" of the arm if the user's own code computes them. Only a trial
    runs that code, so that a result from somebody else can be read without running theirs.
    task: what was predicted; see `tasks`.
    majority: accuracy on the test set of always predicting the class that is most frequent in the
    training set. constant: of numbers, the mean squared error of always predicting the training
    set's mean. classes: what was taken for what. targets: the scores of each number. segments: the
    spans that the classes mark, counted by type, if they are tags. by_sequence: the score of each
    test sequence. test_to_train: as in data.Dataset. What does not fit the task is None, and so is
    what an older result lacks.
    """

    trial: Trial
    status: Literal["done", "diverged"]
    metrics: Metrics
    probes: dict[str, FiniteFloat | None]
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
    task: str = "classes"
    majority: FiniteFloat | None = None
    constant: FiniteFloat | None = None
    classes: Classes | None = None
    targets: Targets | None = None
    segments: Classes | None = None
    by_sequence: BySequence | None = None
    test_to_train: Annotated[FiniteFloat, Field(gt=0)] | None = None

    @property
    def measured(self) -> dict[str, float | None]:
        """The measures that a result holds, and the scores by functions of the user's own.

        None for measures that are newer than this result, or that do not suit its task.
        """
        own = {name: value for name, value in self.metrics.further.items() if "." in name}
        return {key: self._at(m.source) for key, m in MEASURES.items() if m.source} | own

    def _at(self, source: str) -> Any:
        """The value at a dotted path."""
        value: Any = self
        for name in source.split("."):
            value = getattr(value, name, None)
        return value


class CommittedTrial(Frozen):
    """What a worker reports to its parent about a committed trial; the rest is on disk.

    measured: as of the result. seconds: wall clock of the whole trial. trained: False if the result
    existed already. Defined here, because unpickling it imports its module, and the worker's would
    load TensorFlow in the parent.
    """

    status: str
    measured: dict[str, float | None]
    seconds: float
    trained: bool

    @classmethod
    def of(cls, result: TrialResult, trained: bool) -> CommittedTrial:
        return cls(
            status=result.status,
            measured=result.measured,
            seconds=result.seconds.whole,
            trained=trained,
        )
