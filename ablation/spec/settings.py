"""The settings of a request: how a sweep is run, named and reported."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PositiveFloat, PositiveInt, model_validator

from ablation.measures import METRICS
from ablation.spec.base import Frozen, canonical, one_of
from ablation.spec.schema import Arm

Margin = Annotated[PositiveFloat, Field(allow_inf_nan=False)]
LESSON_TARGET = 0.98  # accuracy
VERDICTS = ("better", "worse", "equivalent")


class Claim(Frozen):
    """A statement about two arms, made before training and checked against the result.

    says: the claim in words. arm, other: the arms' names in the report.
    metric, margin: as in ReportSettings.
    verdict: what the arm is claimed to be, compared with the other.
    """

    says: str
    arm: str
    other: str
    metric: Annotated[str, one_of(*METRICS, or_own=True)] | None = None
    verdict: Annotated[str, one_of(*VERDICTS)]
    margin: Margin | None = None


def _as_claims(value: object) -> object:
    if isinstance(value, list | tuple) and all(isinstance(c, Mapping | Claim) for c in value):
        return tuple(value)  # YAML and JSON have only lists
    raise ValueError(f"a list of claims is needed, each with {', '.join(Claim.model_fields)}")


def _as_name(value: object) -> object:
    """Classes have texts as names, and YAML takes 1 and yes for other things than texts."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, int | float) else value


class ReportSettings(Frozen):
    """How arms are compared.

    metric: the measure to compare, also one of training.metrics; None: the first one of what is
    predicted. A plan says which.
    margin: the difference that does not matter, in the metric's unit; None: the metric's default.
    baseline: the arm that all others are compared with; None: pairs of arms are compared.
    positive: the class that metric f1 is of; None: the second of two.
    target: the accuracy that an arm should reach; updates_to_target counts the updates until then.
    None: that of the lesson, whose problem is the only one that it is reported of.
    population: what a verdict speaks of: "both", new seeds and new test sequences, where results
    store the score of each sequence; or "seeds", new seeds on this test set.
    reached_by: how many seeds must reach the target for an arm to be reliable; None: nine in ten,
    rounded up.
    claims: statements made before training, which the report checks.
    """

    metric: Annotated[str, one_of(*METRICS, or_own=True)] | None = None
    margin: Margin | None = None
    positive: Annotated[str | None, BeforeValidator(_as_name)] = None
    baseline: str | None = None
    target: Annotated[float, Field(gt=0, le=1)] | None = None
    population: Annotated[str, one_of("both", "seeds")] = "both"
    reached_by: PositiveInt | None = None
    claims: Annotated[tuple[Claim, ...], BeforeValidator(_as_claims)] = ()

    @property
    def goal(self) -> float:
        """The target, or that of the lesson if none is set."""
        return LESSON_TARGET if self.target is None else self.target


LOCAL = "local"  # the cluster that is none: processes of this machine
SYSTEMS = ("slurm", "pbs", "sge", "lsf")  # batch systems that can start a cluster's workers


class Tls(Frozen):
    """The files, PEM, that prove to a cluster who we are and to us that it is the cluster."""

    ca: str
    cert: str
    key: str


def _as_texts(value: object) -> object:
    if isinstance(value, list | tuple) and all(isinstance(text, str) for text in value):
        return tuple(value)
    raise ValueError("a list of texts is needed")


Texts = Annotated[tuple[str, ...], BeforeValidator(_as_texts)]


class Cluster(Frozen):
    """The machines that train.

    name: LOCAL; "dask", a running Dask cluster; or one of SYSTEMS, which starts workers as jobs.
    address: of the running cluster's scheduler. tls: None: the connection is not encrypted.
    jobs: how many are started. cores, memory, time, queue, account: of a job, as the system writes
    them. interface: the network interface of this machine that the jobs reach. python: the
    program's interpreter on the machines. logs: a folder for the jobs' output. directives: further
    lines of the job script's head. prologue: commands of the job script before the worker starts.
    """

    name: Annotated[str, one_of(LOCAL, "dask", *SYSTEMS)] = LOCAL
    address: str | None = None
    tls: Tls | None = None
    jobs: PositiveInt | None = None
    cores: PositiveInt | None = None
    memory: str | None = None
    time: str | None = None
    queue: str | None = None
    account: str | None = None
    interface: str | None = None
    python: str | None = None
    logs: str | None = None
    directives: Texts = ()
    prologue: Texts = ()

    @model_validator(mode="after")
    def _dask_has_an_address(self) -> Cluster:
        if self.name == "dask" and not re.fullmatch(r"(tcp|tls)://[^/]+:\d+", self.address or ""):
            raise ValueError(
                f"address={self.address or 'null'}: the scheduler's address is needed, such as "
                "tcp://127.0.0.1:8786"
            )
        if self.address and (self.tls is None) == self.address.startswith("tls"):
            raise ValueError(f"address={self.address}: tls:// and cluster.tls go together")
        return self


def _count_or_auto(value: object) -> object:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 10_000
    if value == "auto" or is_count:
        return value
    raise ValueError("a whole number from 1 to 10000 is needed, or auto")


Plain = bool | int | float | str | None  # a value of an option that can be tuned


def _as_grid(value: object) -> object:
    if value is None:
        return None
    # A key that is written in parts, such as {training: {learning_rate: ...}}, is no list either.
    if not isinstance(value, Mapping) or not value:
        raise ValueError("{key: [values]} is needed, such as {training.learning_rate: [0.001]}")
    for key, values in value.items():
        if not isinstance(values, list | tuple) or not values:
            raise ValueError(f"{key}: a list of values is needed, such as [0.001, 0.003]")
        if not all(isinstance(v, Plain) for v in values):
            raise ValueError(f"{key}: single values are needed, no lists or groups")
        if len({canonical(v) for v in values}) < len(values):
            raise ValueError(f"{key}: a value stands there twice")
    return tuple((str(key), tuple(values)) for key, values in value.items())


Grid = tuple[tuple[str, tuple[Plain, ...]], ...]


class Settings(Frozen):
    """The settings of a request. They are not part of a trial's id.

    seeds: seeds per arm; "auto": add seeds while a contrast is undecided, up to max_seeds.
    budget: seconds after which seeds="auto" adds no more seeds; None: no limit.
    match: "units": all arms have the same units; "parameters": units are chosen so that arms are
    equally large.
    tune: keys of a trial, each with the values that every arm chooses from on validation data;
    None: nothing is chosen. tune_seeds: pilots of each setting.
    name: the sweep's folder; None: made from the options that vary. results: the results folder.
    workers: worker processes; None: one per core. time_limit: seconds per trial.
    cluster: the machines that train, if not this one.
    on_error: whether to continue or stop after a failed trial.
    plan: only show what would be trained. yes: start even a very large sweep.
    """

    seeds: Annotated[int | str, BeforeValidator(_count_or_auto)]
    max_seeds: Annotated[PositiveInt, Field(ge=2, le=10_000)]
    budget: Annotated[PositiveFloat, Field(allow_inf_nan=False)] | None
    match: Annotated[str, one_of("units", "parameters")]
    tune: Annotated[Grid | None, BeforeValidator(_as_grid)] = None
    tune_seeds: Annotated[PositiveInt, Field(le=10_000)] = 3
    name: str | None
    results: Annotated[str, Field(min_length=1)]
    workers: PositiveInt | None
    cluster: Cluster = Cluster()
    time_limit: Annotated[PositiveFloat, Field(allow_inf_nan=False)]
    on_error: Annotated[str, one_of("continue", "stop")]
    report: ReportSettings
    plan: bool
    yes: bool

    @model_validator(mode="after")
    def _name_is_a_folder(self) -> Settings:
        if self.name is not None and not re.fullmatch(r"[^\W_.][\w.,=+-]{0,79}", self.name):
            raise ValueError(
                "name: up to 80 letters, digits, and _ . , = + - (it becomes a folder name)"
            )
        if self.name is not None and len(self.name.encode()) > 200:
            raise ValueError("name: it is too long for a folder name")
        if self.name in ("trials", "attempts", "trials.lock"):
            raise ValueError(f"name: {self.name} is reserved; choose another name")
        return self


class Candidate(Frozen):
    """An arm with a setting that it may choose: the values of the keys that are tuned."""

    setting: dict[str, Plain]
    arm: Arm


class Request(Frozen):
    """One composed configuration: an arm, and the settings of its sweep.

    unused: values that were asked for and have no effect in this arm, by key.
    untuned: the values that the keys of `tune` have in the arm. candidates: the arm with each
    setting that it may choose, equal ones once; none if nothing is tuned.
    """

    arm: Arm
    settings: Settings
    unused: dict[str, Any] = Field(default_factory=dict)
    untuned: dict[str, Plain] = Field(default_factory=dict)
    candidates: tuple[Candidate, ...] = ()

    @property
    def arms(self) -> list[Arm]:
        """The arm, and those of the candidates."""
        return [self.arm, *(candidate.arm for candidate in self.candidates)]

    def with_arms(self, change: Callable[[Arm], Arm]) -> Request:
        """The same with another arm, and other candidates, by a function of each."""
        candidates = tuple(
            candidate.model_copy(update={"arm": change(candidate.arm)})
            for candidate in self.candidates
        )
        return self.model_copy(update={"arm": change(self.arm), "candidates": candidates})
