"""The measures of a trial: for each, how it is named, formatted and compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Measure:
    """A measure. Its key in MEASURES is its column in the trials frame.

    name: for sentences. label: for axes, with the unit.
    sense: 1 if more is better, -1 if less is better.
    margin: the difference that does not matter, in the measure's unit; None if arms are not
    compared by it.
    digits: decimal places to show.
    source: dotted path in a stored result; "" if the measure is computed.
    share: whether it lies between 0 and 1, so that its errors suit a logarithmic axis.
    limit: for a censored measure, where NaN means "not reached": the column that says how far the
    trial was observed.
    fixed: whether it is the same for every seed, so that no test is needed.
    cheaper: an arm counts as cheaper below this share of another arm's cost; None if not a cost.
    bound, guess: the columns of the best possible value, and of what always answering the same
    scores. unit: the margin is a share of this column to this power, for a measure in the target's
    own units. room: the share of the room between guess and bound that the margin is, where these
    are known.
    """

    name: str
    label: str
    sense: Literal[1, -1]
    margin: float | None = None
    digits: int = 4
    source: str = ""
    share: bool = False
    limit: str | None = None
    fixed: bool = False
    cheaper: float | None = None
    bound: str = ""
    guess: str = ""
    unit: tuple[str, float] | None = None
    room: float | None = None

    @property
    def title(self) -> str:
        """The label without its unit."""
        return self.label.partition(" (")[0]

    @property
    def typical(self) -> Literal["mean", "median"]:
        """The average to report: the median if values can be censored, since they have no mean."""
        return "median" if self.limit else "mean"

    def format(self, value: float | None) -> str:
        """The value with its decimal places, or with five digits; an en dash for None and NaN."""
        if value is None or value != value:
            return "–"
        return f"{value:,.5g}" if self.unit else f"{value:,.{self.digits}f}"

    def signed(self, difference: float | None) -> str:
        """The difference with its sign, "+" if it rounds to zero; an en dash for None and NaN."""
        if difference is None or difference != difference:
            return "–"
        if self.unit:
            return f"{difference + 0.0:+,.5g}"
        return f"{round(difference, self.digits) + 0.0:+,.{self.digits}f}"


MEASURES = {
    "accuracy": Measure(
        "accuracy",
        "accuracy (share of labels right)",
        sense=1,
        margin=0.002,
        source="metrics.accuracy",
        share=True,
        bound="ceiling",
        guess="majority",
        room=0.01,
    ),
    "normalized": Measure(
        "normalized score",
        "normalized score (0: a guess, 1: the best possible)",
        sense=1,
        margin=0.01,
        digits=3,
    ),
    "exact": Measure(
        "exact",
        "sequences exactly right (share)",
        sense=1,
        margin=0.02,
        source="metrics.exact",
        share=True,
    ),
    "balanced_accuracy": Measure(
        "balanced accuracy",
        "balanced accuracy (mean over classes)",
        sense=1,
        margin=0.002,
        source="metrics.balanced_accuracy",
        share=True,
    ),
    "macro_f1": Measure(
        "macro F1",
        "macro F1 (mean over classes)",
        sense=1,
        margin=0.005,
        source="metrics.macro_f1",
        share=True,
    ),
    "auc": Measure(
        "AUC",
        "AUC (area under the ROC curve)",
        sense=1,
        margin=0.002,
        source="metrics.auc",
        share=True,
    ),
    "average_precision": Measure(
        "average precision",
        "average precision (area under precision over recall)",
        sense=1,
        margin=0.005,
        source="metrics.average_precision",
        share=True,
    ),
    "f1": Measure("F1", "F1 (of the positive class)", sense=1, margin=0.005, share=True),
    "mcc": Measure("MCC", "MCC (correlation)", sense=1, margin=0.005, source="classes.mcc"),
    "segment_f1": Measure(
        "segment F1",
        "segment F1 (of whole spans)",
        sense=1,
        margin=0.005,
        source="segments.micro_f1",
        share=True,
    ),
    "brier": Measure(
        "Brier score",
        "Brier score (mean squared error of the probabilities)",
        sense=-1,
        margin=0.002,
        source="metrics.brier",
    ),
    "calibration_error": Measure(
        "calibration error",
        "calibration error (confidence against share right)",
        sense=-1,
        margin=0.005,
        source="metrics.calibration_error",
    ),
    "mse": Measure(
        "squared error",
        "mean squared error (squared units of the target)",
        sense=-1,
        margin=0.01,
        source="metrics.mse",
        bound="floor",
        guess="constant",
        unit=("constant", 1.0),
    ),
    "mae": Measure(
        "absolute error",
        "mean absolute error (units of the target)",
        sense=-1,
        margin=0.01,
        source="metrics.mae",
        unit=("constant", 0.5),
    ),
    "r2": Measure(
        "R2", "R2 (share of the variance explained)", sense=1, margin=0.01, source="metrics.r2"
    ),
    "loss": Measure("loss", "loss (mean per label)", sense=-1, margin=0.005, source="metrics.loss"),
    "train_loss": Measure(
        "training loss at the end",
        "training loss at the end (mean per label)",
        sense=-1,
        margin=0.005,
    ),
    "train_loss_mean": Measure(
        "training loss throughout",
        "training loss throughout (mean per label)",
        sense=-1,
        margin=0.005,
    ),
    "updates_to_target": Measure(
        "updates to target",
        "updates until the target is reached (batches)",
        sense=-1,
        margin=250.0,
        digits=0,
        limit="updates",
    ),
    "seconds": Measure(
        "seconds",
        "training time (s)",
        sense=-1,
        margin=0.5,
        digits=2,
        source="seconds.training",
        cheaper=0.95,  # seconds are noisy
    ),
    "parameters": Measure(
        "parameters",
        "parameters (count)",
        sense=-1,
        margin=1.0,
        digits=0,
        source="parameters",
        fixed=True,
        cheaper=1.0,
    ),
    "updates": Measure(
        "updates", "updates (batches)", sense=-1, digits=0, source="updates", cheaper=1.0
    ),
}
# METRICS: what arms can be compared by. COSTS: what an arm can cost.
METRICS = tuple(key for key, measure in MEASURES.items() if measure.margin is not None)
COSTS = ("parameters", "seconds", "updates")


def measure_of(key: str) -> Measure:
    """The measure of a column. For an unlisted column the name is the column's; more is better."""
    return MEASURES.get(key) or Measure(key.replace("_", " "), key, sense=1)
