"""While training, and from step to step of a sequence."""

from __future__ import annotations

from functools import partial
from statistics import median

from matplotlib.axes import Axes

from ablation.errors import RequestError, suggest
from ablation.measures import MEASURES
from ablation.report.figures.catalogue.picture import WIDTH, Figures, Picture
from ablation.report.figures.learning import learning_curves
from ablation.report.figures.steps import metric_by_step

LOSSES = {"loss", "train_loss", "train_loss_mean"}


class OverTime(Figures):
    """Learning curves, and the accuracy at each step."""

    def learning(self, axes: Axes | None = None, value: str | None = None) -> Axes:
        """Draw the learning curves: accuracy (a share) or loss (nats per label) over the updates.

        value: "accuracy", "mse" (of numbers) or "loss"; None: the first that there is. Raises
        RequestError for any other value.

        Example:
            >>> study = ablation.load("directions")
            >>> axes = study.plot.learning(value="loss")
            >>> axes.get_ylabel()
            'loss (mean per label)'
        """
        value, possible = value or self.study.score, (self.study.score, "loss")
        if value not in possible:
            raise RequestError(f"value={value}: {suggest(value, possible)}")
        return learning_curves(self.study.curves, axes or self._axes(), value, self.arms)

    def steps(self, axes: Axes | None = None) -> Axes:
        """Draw the accuracy (of numbers the squared error) at each step, and its bound if known.

        Example:
            >>> study = ablation.load("directions")
            >>> axes = study.plot.steps()
            >>> axes.get_xlabel()
            'time step'
        """
        score = self.study.score
        return metric_by_step(self.study.positions, axes or self._axes(), self.arms, score)

    def _over_time(self) -> list[Picture]:
        """While training, and from step to step of a sequence."""
        study, measure = self.study, MEASURES[self.study.score]
        score = measure.title.capitalize()
        pictures = [
            Picture(
                "learning",
                "learning",
                f"{score} while training",
                f"{score} on {self._watched} while training: the mean and the middle half of "
                f"the seeds. A curve that still {'climbs' if measure.sense > 0 else 'falls'} at "
                f"its right end has not been trained to its limit.{self._kept}",
                (WIDTH, 4.0),
                self.learning,
            )
        ]
        if LOSSES & {study.metric, *(claim.metric for claim in study.plan.report.claims)}:
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
        if study.score in study.positions:
            away = "drops below" if measure.sense > 0 else "rises above"
            ceiling = f" An arm makes its errors where it {away} its dashed {measure.bound}."
            pictures.append(
                Picture(
                    "steps",
                    "steps",
                    f"{score} at each time step",
                    f"{score} at each time step, from the first to the last."
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
