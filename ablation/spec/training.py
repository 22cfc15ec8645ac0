"""The options of training: how long a model is trained, and with what."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    Field,
    PlainValidator,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from ablation.spec.base import DOTTED, Frozen, one_of

OPTIMIZERS = ("adam", "adamw", "nadam", "rmsprop", "sgd")
SCHEDULES = ("linear", "cosine")
CLASS_WEIGHTS = ("balanced",)
BATCHES = ("by_length",)
LOSSES = ("crossentropy", "mse", "mae", "huber")  # the files of `tasks` say which fits which

Share = Annotated[float, Field(gt=0, lt=1)]
Finite = Annotated[PositiveFloat, Field(allow_inf_nan=False)]
VALIDATION = "validation"  # in place of a share: the part of the data that has this name
Decay = Annotated[float, Field(ge=0, allow_inf_nan=False)]


def _share_or_part(value: Any) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if value == VALIDATION or (number and 0 < value < 1):
        return value
    raise ValueError(
        f"a share between 0 and 1 is needed, or {VALIDATION!r}: as the column of problem.part says"
    )


def _own_functions(value: Any) -> tuple[str, ...] | None:
    names = value if isinstance(value, list | tuple) else [value] if value else []
    if not all(isinstance(name, str) and re.fullmatch(DOTTED, name) for name in names):
        raise ValueError("names of functions of your own are needed, such as [mine.score]")
    return tuple(dict.fromkeys(names)) or None


class Training(Frozen):
    """How long and with what a model is trained; an option that is None is off.

    sequences: of the training data, all of them where there are fewer; validation takes its share
    from these.
    clip_norm: the greatest norm of all gradients together; longer ones are scaled down to it.
    dropout: share of each recurrent layer's outputs that is left out while training.
    schedule: how the learning rate falls to zero over the trial's updates.
    warmup: share of the updates over which the learning rate rises first.
    weight_decay: as the optimizer of Keras defines it; None: Keras's default, which is 0 but for
    adamw.
    validation: share of the sequences, or of their groups, that is held out of training: what is
    watched while training is then measured on these, and otherwise on test sequences. VALIDATION:
    nothing is held out, because the data has a validation part.
    stop_at: accuracy at which training ends, looked at after each chunk of updates.
    patience: looks without a lower validation loss after which training ends. The model then has
    the weights of the lowest one.
    class_weights: "balanced" makes all classes of the training data weigh the same in its loss.
    loss: what is made small, also a function of the user's own; None: what suits the task.
    metrics: the user's own functions that score the predictions of the test set, by dotted name.
    batches: "by_length" makes each batch of sequences of about the same length; None: at random.
    """

    sequences: PositiveInt
    epochs: PositiveInt
    batch_size: PositiveInt
    optimizer: Annotated[str, one_of(*OPTIMIZERS)]
    learning_rate: Finite
    clip_norm: Finite | None = None
    dropout: Share | None = None
    schedule: Annotated[str, one_of(*SCHEDULES)] | None = None
    warmup: Share | None = None
    weight_decay: Decay | None = None
    validation: Annotated[float | str, PlainValidator(_share_or_part)] | None = None
    stop_at: Annotated[float, Field(gt=0, le=1)] | None = None
    patience: PositiveInt | None = None
    class_weights: Annotated[str, one_of(*CLASS_WEIGHTS)] | None = None
    loss: Annotated[str, one_of(*LOSSES, or_own=True)] | None = None
    metrics: Annotated[tuple[str, ...] | None, BeforeValidator(_own_functions)] = None
    batches: Annotated[str, one_of(*BATCHES)] | None = None

    @model_validator(mode="after")
    def _a_batch_fits(self) -> Training:
        if self.batch_size > self.sequences - self.held_out:
            left = f", of which validation={self.validation} takes {self.held_out}"
            raise ValueError(
                f"batch_size={self.batch_size} is more than sequences={self.sequences}"
                + left * bool(self.held_out)
            )
        return self

    @model_validator(mode="after")
    def _patience_needs_validation(self) -> Training:
        if self.patience and not self.validation:
            raise ValueError(
                f"patience={self.patience} watches the validation loss: it needs validation, such "
                f"as validation=0.1 (or ={VALIDATION} where problem.part says so)"
            )
        return self

    @property
    def held_out(self) -> int:
        """Number of sequences that validation takes, where they are not held out by groups."""
        share = self.validation
        return share_of(self.sequences, share) if isinstance(share, float) else 0

    @property
    def updates(self) -> int:
        """Number of optimizer steps; the incomplete last batch of an epoch is left out."""
        return self.epochs * ((self.sequences - self.held_out) // self.batch_size)


# The names of the options as columns: a trial's loss is a measure.
TRAINING_COLUMNS = tuple({"loss": "loss_function"}.get(k, k) for k in Training.model_fields)


def column_of(key: str) -> str:
    """The column of `Arm.flat` that a key, as it is typed, becomes."""
    group, _, leaf = key.rpartition(".")
    names = dict(zip(Training.model_fields, TRAINING_COLUMNS, strict=True))
    return names[leaf] if group == "training" else key


def share_of(n: int, share: float) -> int:
    """How many of n a share is: at least one, and where possible not all."""
    return max(min(round(n * share), n - 1), 1)
