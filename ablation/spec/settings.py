"""What a request says beside its arm: how a sweep is run, named and reported."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field, PositiveFloat, PositiveInt, model_validator

from ablation.measures import MEASURES, METRICS
from ablation.spec.schema import Arm, Frozen, one_of

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
    metric: Annotated[str, one_of(*METRICS)] = "accuracy"
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

    metric: Annotated[str, one_of(*METRICS)] = "accuracy"
    margin: Margin | None = None
    baseline: str | None = None
    target: Annotated[float, Field(gt=0, le=1)] = 0.98
    reached_by: PositiveInt | None = None
    claims: Annotated[tuple[Claim, ...], BeforeValidator(_as_claims)] = ()

    def margin_of(self, metric: str) -> float:
        """The margin in this metric's unit."""
        given = self.margin if metric == self.metric else None
        usual = MEASURES[metric].margin
        assert usual is not None  # it is one of METRICS
        return usual if given is None else given


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
