"""While training, and from step to step of a sequence."""

from __future__ import annotations

from functools import partial
from statistics import median

from matplotlib.axes import Axes

from ablation.errors import RequestError, suggest
from ablation.report.figures.catalogue.picture import WIDTH, Figures, Picture
from ablation.report.figures.learning import learning_curves
from ablation.report.figures.steps import accuracy_by_step

CURVES = ("accuracy", "loss")
LOSSES = {"loss", "train_loss", "train_loss_mean"}


class OverTime(Figures):
    """Learning curves, and the accuracy at each step."""

    def learning(self, axes: Axes | None = None, value: str = "accuracy") -> Axes:
        """Draw the learning curves: accuracy (a share) or loss (nats per label) over the updates.

        value: "accuracy" or "loss". Raises RequestError for any other value.

        Example:
            >>> study = ablation.load("directions")
            >>> axes = study.plot.learning(value="loss")
            >>> axes.get_ylabel()
            'loss (nats per label)'
        """
        if value not in CURVES:
            raise RequestError(f"value={value}: {suggest(value, CURVES)}")
        return learning_curves(self.study.curves, axes or self._axes(), value, self.arms)

    def steps(self, axes: Axes | None = None) -> Axes:
        """Draw the accuracy at each time step, and its ceiling if known.

        Example:
            >>> study = ablation.load("directions")
            >>> axes = study.plot.steps()
            >>> axes.get_xlabel()
            'time step'
        """
        return accuracy_by_step(self.study.positions, axes or self._axes(), self.arms)

    def _over_time(self) -> list[Picture]:
        """While training, and from step to step of a sequence."""
        study = self.study
        pictures = [
            Picture(
                "learning",
                "learning",
                "Accuracy while training",
                f"Accuracy on {self._watched} while training: the mean and the middle half of "
                "the seeds. A curve that still climbs at its right end has not been trained to its "
                f"limit.{self._kept}",
                (WIDTH, 4.0),
                self.learning,
            )
        ]
        report = study.plan.report
        if LOSSES & {report.metric, *(claim.metric for claim in report.claims)}:
            pictures.append(
                Picture(
                    "loss",
                    "learning",
                    "Loss while training",
                    "Training loss, the mean since the point before: the mean and the middle half "
                    "of the seeds.",
                    (WIDTH, 4.0),
                    partial(self.learning, value="loss"),
                )
            )
        if len(study.positions):
            ceiling = " An arm makes its errors where it drops below its dashed ceiling."
            pictures.append(
                Picture(
                    "steps",
                    "steps",
                    "Accuracy at each time step",
                    "Accuracy at each time step, from the first to the last."
                    + (ceiling if self._has_ceiling else ""),
                    (WIDTH, 4.0),
                    self.steps,
                )
            )
        return pictures

    @property
    def _watched(self) -> str:
        """What the learning curves are measured on."""
        test, validation = "the first part of the test set", "the validation set"
        shares = [arm.training.validation for arm in self.study.plan.labels]
        if None not in shares:
            return validation
        return f"{validation}, or {test} in arms without one," if any(shares) else test

    @property
    def _kept(self) -> str:
        """Which weights training.patience has kept."""
        chosen = [result for result in self.study.frames.results if result.kept]
        if not chosen:
            return ""
        kept, run = (median(getattr(r, name) for r in chosen) for name in ("kept", "updates"))
        return (
            " With patience, a model has the weights of its lowest validation loss: in the median "
            f"those after {kept:,.0f} updates, of {run:,.0f} that were run."
        )
