"""What a request may say: its schema, its checks, and the identity of a trial."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from ablation.errors import choose

SCHEMA = 1  # raise it when the meaning of a stored trial changes: every id changes with it

DIRECTIONS = ("forward", "go_backwards", "go_backwards_raw", "bidirectional")
MERGE_MODES = ("concat", "sum", "mul", "ave")
CELLS = ("lstm", "gru", "simple_rnn")
ENGINES = ("xla", "fit")
OPTIMIZERS = ("adam", "adamw", "nadam", "rmsprop", "sgd")
SCHEDULES = ("linear", "cosine")
CLASS_WEIGHTS = ("balanced",)

DOTTED = r"[^\W\d]\w*(\.[^\W\d]\w*)+"  # package.module.Name: code of the user's own


def one_of(*choices: str, or_own: bool = False) -> AfterValidator:
    """Check that a text is one of the choices, and say which come close when it is not.

    or_own: the dotted name of the user's own code is possible too.
    """

    def check(value: str) -> str:
        if value in choices or (or_own and re.fullmatch(DOTTED, value)):
            return value
        raise ValueError(choose(value, choices))

    return AfterValidator(check)


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Problem(Frozen):
    """A problem's name, the size of its frozen test set, and the parameters of its function."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    name: str
    test_size: PositiveInt = 10_000

    @property
    def parameters(self) -> dict[str, Any]:
        return dict(self.model_extra or {})


Share = Annotated[float, Field(gt=0, lt=1)]
Finite = Annotated[PositiveFloat, Field(allow_inf_nan=False)]


class Training(Frozen):
    """How long and with what a model is trained; an option that is None is off.

    sequences: of the training data, all of them where there are fewer.
    clip_norm: the greatest norm of all gradients together; longer ones are scaled down to it.
    dropout: share of each recurrent layer's outputs that is left out while training.
    schedule: how the learning rate falls to zero over the trial's updates.
    stop_at: accuracy at which training ends, looked at after each chunk of updates.
    class_weights: "balanced" makes all classes of the training data weigh the same in its loss.
    """

    sequences: PositiveInt
    epochs: PositiveInt
    batch_size: PositiveInt
    optimizer: Annotated[str, one_of(*OPTIMIZERS)]
    learning_rate: Finite
    clip_norm: Finite | None = None
    dropout: Share | None = None
    schedule: Annotated[str, one_of(*SCHEDULES)] | None = None
    stop_at: Annotated[float, Field(gt=0, le=1)] | None = None
    class_weights: Annotated[str, one_of(*CLASS_WEIGHTS)] | None = None

    @model_validator(mode="after")
    def _a_batch_fits(self) -> Training:
        if self.batch_size > self.sequences:
            raise ValueError(
                f"batch_size={self.batch_size} is more than sequences={self.sequences}"
            )
        return self

    @property
    def updates(self) -> int:
        """Number of optimizer steps; the incomplete last batch of an epoch is left out."""
        return self.epochs * (self.sequences // self.batch_size)


class Arm(Frozen):
    """What is compared: everything of a trial but its seed.

    digest: SHA-256 of the files that the arm rests on, which are the user's own data and code;
    None where there are none.
    """

    problem: Problem
    length: Annotated[PositiveInt, Field(le=1_000_000)]  # a few sequences are made for a plan
    direction: Annotated[str, one_of(*DIRECTIONS)]
    merge_mode: Annotated[str, one_of(*MERGE_MODES, or_own=True)] | None
    cell: Annotated[str, one_of(*CELLS, or_own=True)]
    units: Annotated[PositiveInt, Field(le=1_000_000)]
    layers: Annotated[PositiveInt, Field(le=1_000)]
    training: Training
    engine: Annotated[str, one_of(*ENGINES)]
    digest: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _inert_merge_mode(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        # One direction has nothing to merge: whatever was asked for means the same arm.
        one_way = values.get("direction") in DIRECTIONS and values["direction"] != "bidirectional"
        return {**values, "merge_mode": None} if one_way else values

    @model_validator(mode="after")
    def _both_need_a_merge(self) -> Arm:
        if self.direction == "bidirectional" and self.merge_mode is None:
            raise ValueError(f"merge_mode: {choose('', MERGE_MODES)}")
        return self

    def flat(self) -> dict[str, Any]:
        """One level of columns: problem, length, direction, ..., sequences, epochs, ..."""
        top = self.model_dump(exclude={"problem", "training", "seed", "digest"})
        problem = self.problem.model_dump()
        own = {
            # A list becomes text: what tells arms and columns apart must be a plain value.
            f"problem.{key}": ",".join(map(str, value)) if isinstance(value, list) else value
            for key, value in problem.items()
            if key != "name"
        }
        return {"problem": problem["name"], **top, **self.training.model_dump(), **own}


class Trial(Arm):
    """One arm with one seed: the unit that is trained, stored and resumed."""

    seed: Annotated[int, Field(ge=0)]

    @cached_property
    def id(self) -> str:
        """SHA-256 of the canonical JSON of the trial's meaning, as 64 hexadecimal digits."""
        values = self.model_dump()
        # An option that is off means nothing, so that a new one makes no stranger of any result.
        values["training"] = {k: v for k, v in values["training"].items() if v is not None}
        if self.digest is None:
            del values["digest"]
        else:  # a file is what it holds, wherever it lies
            values["problem"].pop("path", None)
        return hashlib.sha256(canonical({"schema": SCHEMA, **values})).hexdigest()

    @cached_property
    def arm(self) -> Arm:
        return Arm.model_validate(self.model_dump(exclude={"seed"}))


# What arms can be compared by, and in its own unit the difference that does not matter.
MARGINS = {
    "accuracy": 0.002,
    "exact": 0.02,
    "balanced_accuracy": 0.002,
    "macro_f1": 0.005,
    "loss": 0.005,
    "train_loss": 0.005,
    "train_loss_mean": 0.005,
    "updates_to_target": 250.0,
    "seconds": 0.5,
    "parameters": 1.0,
}


Margin = Annotated[PositiveFloat, Field(allow_inf_nan=False)]
VERDICTS = ("better", "worse", "equivalent")


class Claim(Frozen):
    """What was said of two arms before they were trained, to be held against the verdict.

    says: the claim in words. arm, other: names as in the report. verdict: what the arm is said to
    be against the other. margin: as of ReportSettings.
    """

    says: str
    arm: str
    other: str
    metric: Annotated[str, one_of(*MARGINS)] = "accuracy"
    verdict: Annotated[str, one_of(*VERDICTS)]
    margin: Margin | None = None


def _as_claims(value: object) -> object:
    if isinstance(value, list | tuple) and all(isinstance(c, Mapping | Claim) for c in value):
        return tuple(value)  # YAML and JSON have lists alone
    raise ValueError(f"a list is needed, of claims with {', '.join(Claim.model_fields)}")


class ReportSettings(Frozen):
    """How arms are compared.

    metric: by what. margin: the difference in it that does not matter; None: the metric's own.
    baseline: the arm that all are compared with. target: the accuracy of updates_to_target, and
    what an arm is held against. reached_by: an arm is reliable if at least so many of its seeds
    reach the target; None: nine in ten, rounded up. claims: made before the sweep.
    """

    metric: Annotated[str, one_of(*MARGINS)] = "accuracy"
    margin: Margin | None = None
    baseline: str | None = None
    target: Annotated[float, Field(gt=0, le=1)] = 0.98
    reached_by: PositiveInt | None = None
    claims: Annotated[tuple[Claim, ...], BeforeValidator(_as_claims)] = ()

    def margin_of(self, metric: str) -> float:
        """The margin in this metric's unit."""
        own = self.margin if metric == self.metric else None
        return MARGINS[metric] if own is None else own


def _count_or_auto(value: object) -> object:
    whole = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 10_000
    if value == "auto" or whole:
        return value
    raise ValueError("a whole number from 1 to 10000 is needed, or auto")


class Settings(Frozen):
    """What a request says beside its arm: how it is run, named and reported."""

    seeds: Annotated[int | str, BeforeValidator(_count_or_auto)]
    max_seeds: Annotated[PositiveInt, Field(ge=2, le=10_000)]
    budget: Annotated[PositiveFloat, Field(allow_inf_nan=False)] | None
    match: Annotated[str, one_of("units", "parameters")]
    name: str | None
    results: Annotated[str, Field(min_length=1)]
    workers: PositiveInt | None
    time_limit: Annotated[PositiveFloat, Field(allow_inf_nan=False)]
    on_error: Annotated[str, one_of("continue", "stop")]
    report: ReportSettings
    plan: bool
    yes: bool

    @model_validator(mode="after")
    def _name_is_a_folder(self) -> Settings:
        if self.name is not None and not re.fullmatch(r"[^\W_.][\w.,=+-]{0,79}", self.name):
            raise ValueError(
                "name: up to 80 letters, digits, and _ . , = + - (it becomes a folder's name)"
            )
        if self.name is not None and len(self.name.encode()) > 200:
            raise ValueError("name: it is longer than a folder's name may be")
        if self.name in ("trials", "attempts", "trials.lock"):
            raise ValueError(f"name: {self.name} is the program's own; choose another")
        return self


class Request(Frozen):
    """One composed configuration: an arm, its seeds, and the settings."""

    arm: Arm
    settings: Settings


def trials_of(arm: Arm, seeds: Iterable[int]) -> tuple[Trial, ...]:
    """The arm's trials with these seeds."""
    values = arm.model_dump()
    return tuple(Trial.model_validate({**values, "seed": seed}) for seed in seeds)


PLAIN_FACTORS = ("problem", "direction", "merge_mode", "cell", "engine", "optimizer")


def varying(arms: Iterable[Arm]) -> list[str]:
    """The columns by which arms differ; a parameter that only some problems have is none."""
    rows = [arm.flat() for arm in arms]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    values = {c: {canonical(row[c]) for row in rows if c in row} for c in columns}
    return [column for column in columns if len(values[column]) > 1]


def labels(arms: Iterable[Arm]) -> dict[Arm, str]:
    """A short name for each arm: the values by which the arms differ, such as "bidirectional sum".

    Where nothing differs the name is the direction and the merge mode.
    """
    rows = {arm: arm.flat() for arm in arms}
    columns = varying(rows) or ["direction", "merge_mode"]

    def name(row: dict[str, Any]) -> str:
        parts = [
            str(row[column]) if column in PLAIN_FACTORS else f"{column}={row[column]}"
            for column in columns
            if row.get(column) is not None
        ]
        return " ".join(parts)

    return {arm: name(row) for arm, row in rows.items()}


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: equal values give equal bytes, 1 and 1.0 too."""

    def plain(part: Any) -> Any:
        if isinstance(part, Mapping):
            return {key: plain(inner) for key, inner in part.items()}
        if isinstance(part, list | tuple):
            return [plain(inner) for inner in part]
        whole = isinstance(part, float) and part.is_integer() and abs(part) < 2**53
        return int(part) if whole else part

    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()
