"""What a request may say: its schema, its checks, and the identity of a trial."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cached_property, lru_cache
from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    PositiveFloat,
    PositiveInt,
    model_serializer,
    model_validator,
)

from ablation.errors import suggest
from ablation.spec.layers import CELLS, DIRECTIONS, MERGES

FIRST_PILOT = 1_000_000  # seeds from here on only choose settings; those of verdicts are far below
SCHEMA = 1  # raise it when the meaning of a stored trial changes: every id changes with it

# The engines are the files of training/engines, which load TensorFlow and are only listed here.
_ENGINES = Path(__file__).parents[1] / "training" / "engines"
ENGINES = tuple(module.name for module in iter_modules([str(_ENGINES)]))
OPTIMIZERS = ("adam", "adamw", "nadam", "rmsprop", "sgd")
SCHEDULES = ("linear", "cosine")
CLASS_WEIGHTS = ("balanced",)
BATCHES = ("by_length",)
LOSSES = ("crossentropy", "mse", "mae", "huber")  # the files of `tasks` say which fits which
STACK = "stack"  # the built-in model: recurrent layers and a dense head, as in the lesson

# Options of a problem that came after results had been stored, and the values that mean "off": an
# option that is off is left out of a trial's id.
LATER: dict[str, dict[str, tuple[Any, ...]]] = {
    "file": {
        "symbols": (None, []),
        "embedding": (None,),
        "separator": (None,),
        "decimal": (None,),
        "encoding": (None,),
        "time_format": (None,),
        "fill_down": (False,),
        "missing": ("error",),
        "unseen": ("error",),
        "zero": (None, "padding"),
        "target": (None, []),
        "resplit": (False,),
        "folds": (None,),
        "stratify": (False,),
    }
}

DOTTED = r"[^\W\d]\w*(\.[^\W\d]\w*)+"  # package.module.Name: code of the user's own


def one_of(*choices: str, or_own: bool = False) -> AfterValidator:
    """Check that a text is one of the choices, and say which come close when it is not.

    or_own: the dotted name of the user's own code is possible too.
    """

    def check(value: str) -> str:
        if value in choices or (or_own and re.fullmatch(DOTTED, value)):
            return value
        raise ValueError(suggest(value, choices))

    return AfterValidator(check)


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """The same with other values; what was computed from the old ones is not copied."""
        copied = super().model_copy(update=update, deep=deep)
        for name in list(copied.__dict__):
            if isinstance(getattr(type(self), name, None), cached_property):
                del copied.__dict__[name]  # such as a hash or an id
        return copied


class Function(Frozen):
    """The name of a function, and the keyword arguments that it is called with."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    name: str

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


class Problem(Function):
    """A problem's name, the most sequences of its test set, and the parameters of its function."""

    test_size: PositiveInt = 10_000

    @property
    def divided(self) -> bool:
        """Whether each seed has a training and a test part of its own, of the user's data."""
        return self.name == "file" and any(map(self.parameters.get, ("resplit", "folds")))


class Model(Function):
    """What is built around the arm's recurrent layers: the built-in stack, or the user's own."""

    name: Annotated[str, one_of(STACK, or_own=True)] = STACK


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


class Arm(Frozen):
    """What is compared: everything of a trial but its seed.

    lookahead: steps of the future that a forward arm has read when it answers; None in an arm of
    another direction, for which it means nothing.
    digest: SHA-256 of the files that the arm depends on, which are the user's own data and code;
    None where there are none.
    """

    problem: Problem
    length: Annotated[PositiveInt, Field(le=1_000_000)]  # a few sequences are made for a plan
    model: Model = Model()
    direction: Annotated[str, one_of(*DIRECTIONS)]
    lookahead: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    merge_mode: Annotated[str, one_of(*MERGES, or_own=True)] | None
    cell: Annotated[str, one_of(*CELLS, or_own=True)]
    units: Annotated[PositiveInt, Field(le=1_000_000)]
    layers: Annotated[PositiveInt, Field(le=1_000)]
    training: Training
    engine: Annotated[str, one_of(*ENGINES)]
    digest: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _drop_inert(cls, values: Any) -> Any:
        """Replace values that mean nothing for the rest of the arm: it is the same arm."""
        if not isinstance(values, Mapping):
            return values
        values = dict(values)
        direction, model = values.get("direction"), values.get("model")
        row = DIRECTIONS.get(direction) if isinstance(direction, str) else None
        if row and not row.merges:
            values["merge_mode"] = None
        if row and (not row.waits or values.get("lookahead") is None):
            values["lookahead"] = 0 if row.waits else None
        name = model.get("name") if isinstance(model, Mapping) else getattr(model, "name", STACK)
        if name != STACK and isinstance(values.get("layers"), int):
            values["layers"] = 1  # an own model has as many as it asks for
        return values

    @model_validator(mode="after")
    def _both_need_a_merge(self) -> Arm:
        if DIRECTIONS[self.direction].merges and self.merge_mode is None:
            raise ValueError(f"merge_mode: {suggest('', MERGES)}")
        return self

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def meaning(self) -> dict[str, Any]:
        """What a trial of this arm means, as JSON: its own values without what is off."""
        values = self.model_dump()
        # An option that is off means nothing, so old results stay valid when one is added.
        values["training"] = {k: v for k, v in values["training"].items() if v is not None}
        later = LATER.get(self.problem.name, {})
        values["problem"] = {
            k: v for k, v in values["problem"].items() if v not in later.get(k, ())
        }
        if values["model"] == {"name": STACK}:
            del values["model"]
        if not values["lookahead"]:
            del values["lookahead"]
        if self.digest is None:
            del values["digest"]
        else:  # a file is what it holds, wherever it lies
            values["problem"].pop("path", None)
            values.get("model", {}).pop("path", None)
        plain: dict[str, Any] = json.loads(canonical(values))
        return plain

    @cached_property
    def _hash(self) -> int:
        # Arms are looked up for every trial of a sweep, and pydantic would hash all fields each
        # time. It is the same in every process, as it travels with a pickled arm.
        digest = hashlib.sha256(canonical(self.model_dump())).digest()
        return int.from_bytes(digest[:7])

    def flat(self) -> dict[str, Any]:
        """One level of columns: problem, length, direction, ..., sequences, epochs, ..."""
        columns = self.model_dump(exclude={"training", "digest"})
        functions = {"problem": columns.pop("problem"), "model": columns.pop("model")}
        parameters = {
            # A list becomes text: what tells arms and columns apart must be a plain value.
            f"{group}.{key}": ",".join(map(str, value)) if isinstance(value, list) else value
            for group, function in functions.items()
            for key, value in function.items()
            if key != "name"
        }
        names = {group: function["name"] for group, function in functions.items()}
        if self.lookahead is None:
            del columns["lookahead"]  # no value, in contrast to 0
        training = dict(zip(TRAINING_COLUMNS, self.training.model_dump().values(), strict=True))
        training["metrics"] = ",".join(self.training.metrics or ()) or None
        return {**names, **columns, **training, **parameters}


@lru_cache(maxsize=2048)
def _shared_arm(text: str) -> Arm:
    """The arm that is written so. A plan of 100,000 trials has few; its trials then share them."""
    return Arm.model_validate(json.loads(text))


class Trial(Frozen):
    """One arm with one seed: the unit that is trained, stored and resumed.

    It is written flat: the seed stands beside the arm's own keys.
    """

    arm: Arm
    seed: Annotated[int, Field(ge=0)]

    @model_validator(mode="before")
    @classmethod
    def _nest(cls, values: Any) -> Any:
        if not isinstance(values, Mapping) or "arm" in values:
            return values
        arm: Any = {key: value for key, value in values.items() if key != "seed"}
        with suppress(TypeError, ValueError):  # what is wrong is said where it is validated
            arm = _shared_arm(json.dumps(arm))
        return {"arm": arm} | {key: values[key] for key in ("seed",) if key in values}

    @model_serializer
    def _flatten(self) -> dict[str, Any]:
        return {**self.arm.model_dump(), "seed": self.seed}

    @property
    def is_pilot(self) -> bool:
        """Whether it only helps to choose a setting, and is no part of a verdict."""
        return self.seed >= FIRST_PILOT

    @cached_property
    def id(self) -> str:
        """SHA-256 of the canonical JSON of the trial's meaning, as 64 hexadecimal digits."""
        whole = {"schema": SCHEMA, **self.arm.meaning, "seed": self.seed}
        return hashlib.sha256(_dumped(whole)).hexdigest()


def trials_of(arm: Arm, seeds: Iterable[int]) -> tuple[Trial, ...]:
    """The arm's trials with these seeds."""
    return tuple(Trial(arm=arm, seed=seed) for seed in seeds)


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: equal values give equal bytes, 1 and 1.0 too."""

    def plain(part: Any) -> Any:
        if part is None or isinstance(part, str | int):  # first, as most parts are
            return part
        if isinstance(part, Mapping):
            return {key: plain(inner) for key, inner in part.items()}
        if isinstance(part, list | tuple):
            return [plain(inner) for inner in part]
        whole = isinstance(part, float) and part.is_integer() and abs(part) < 2**53
        return int(part) if whole else part

    return _dumped(plain(value))


def _dumped(plain: Any) -> bytes:
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()
