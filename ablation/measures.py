"""What is measured of a trial, a row a measure: all that tables, figures and tests need to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Measure:
    """A measure, which is a column of the trials frame under its key in MEASURES.

    name: in a sentence. label: on an axis, with the unit. sense: 1 where more is better, else -1.
    margin: the difference that does not matter, in its unit; None: arms are not compared by it.
    digits: decimal places that are shown. source: where a result holds it; "" where it is computed.
    share: whether it lies between 0 and 1, and its errors are best seen on a logarithmic axis.
    limit: the column up to which it was observed, if NaN means "not reached before that".
    fixed: whether it is the same for every seed, so that two values need no test.
    cheaper: the share of another arm's cost from which less counts as cheaper; None: no cost.
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

    @property
    def title(self) -> str:
        """The label without its unit."""
        return self.label.partition(" (")[0]

    @property
    def typical(self) -> Literal["mean", "median"]:
        """By what arms are summarised: where some never reach the target there is no mean."""
        return "median" if self.limit else "mean"

    def format(self, value: float | None) -> str:
        """The value with its digits; an en dash where there is none."""
        return "–" if value is None or value != value else f"{value:,.{self.digits}f}"

    def signed(self, difference: float | None) -> str:
        """A difference with its sign; what rounds to nothing has no minus."""
        if difference is None or difference != difference:
            return "–"
        return f"{round(difference, self.digits) + 0.0:+,.{self.digits}f}"


MEASURES = {
    "accuracy": Measure(
        "accuracy",
        "accuracy (share of labels right)",
        sense=1,
        margin=0.002,
        source="metrics.accuracy",
        share=True,
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
    "loss": Measure("loss", "loss (nats per label)", sense=-1, margin=0.005, source="metrics.loss"),
    "train_loss": Measure(
        "training loss at the end",
        "training loss at the end (nats per label)",
        sense=-1,
        margin=0.005,
    ),
    "train_loss_mean": Measure(
        "training loss throughout",
        "training loss throughout (nats per label)",
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
# What arms can be compared by, and what they cost.
METRICS = tuple(key for key, measure in MEASURES.items() if measure.margin is not None)
COSTS = ("parameters", "seconds", "updates")


def measure_of(key: str) -> Measure:
    """The measure of a column; an unlisted one is called as its column, and more is better."""
    return MEASURES.get(key) or Measure(key.replace("_", " "), key, sense=1)
