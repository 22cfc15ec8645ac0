"""What a request may say: its schema, its checks, and the identity of a trial."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cached_property, lru_cache
from pathlib import Path
from pkgutil import iter_modules
from typing import Annotated, Any

from pydantic import (
    ConfigDict,
    Field,
    PositiveInt,
    model_serializer,
    model_validator,
)

from ablation.errors import suggest
from ablation.spec.base import Frozen, canonical, dumped, one_of
from ablation.spec.layers import CELLS, DIRECTIONS, MERGES
from ablation.spec.training import TRAINING_COLUMNS, Training

FIRST_PILOT = 1_000_000  # seeds from here on only choose settings; those of verdicts are far below
SCHEMA = 1  # raise it when the meaning of a stored trial changes: every id changes with it

# The engines are the files of training/engines, which load TensorFlow and are only listed here.
_ENGINES = Path(__file__).parents[1] / "training" / "engines"
ENGINES = tuple(module.name for module in iter_modules([str(_ENGINES)]))
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
        return hashlib.sha256(dumped(whole)).hexdigest()


def trials_of(arm: Arm, seeds: Iterable[int]) -> tuple[Trial, ...]:
    """The arm's trials with these seeds."""
    return tuple(Trial(arm=arm, seed=seed) for seed in seeds)
