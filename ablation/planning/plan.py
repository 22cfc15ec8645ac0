"""Turns requests into a plan: unique trials in order, stored with the sweep."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from ablation import problems
from ablation.errors import RequestError, suggest
from ablation.planning.metrics import settle_metrics
from ablation.planning.notes import plan_notes
from ablation.planning.parameters import count_parameters, countable, match_parameters
from ablation.planning.tuning import TunedArm, Tuning, settings_in_words, tuning_of
from ablation.spec import (
    SCHEMA,
    Arm,
    Frozen,
    ReportSettings,
    Request,
    Settings,
    Trial,
    canonical,
    column_of,
    label_arms,
    trials_of,
    varying,
)
from ablation.storage import Store, locked, read_file, replace_file

FIRST_ROUND = 10  # seeds per arm that seeds=auto trains before it first compares the arms
STEP = 5  # seeds per arm of each further round


class Entry(Frozen):
    """A planned trial and its id."""

    id: str
    trial: Trial

    @model_validator(mode="after")
    def _check_id(self) -> Entry:
        # The id becomes a file name: an arbitrary one could point outside the results folder.
        if self.id != self.trial.id:
            raise ValueError(f"id {self.id[:12]} does not belong to its trial")
        return self


class Plan(Frozen):
    """All trials of one command, with what its report needs.

    requested: number of trials before duplicates were merged.
    notes: a sentence for each thing in the data that may be meant otherwise than it was read, and
    for each group of combinations that are the same arm.
    run: identifies the multirun if its jobs arrive one by one.
    max_seeds: limit per arm if seeds are added in rounds; None if their number is fixed.
    match: what is equal in all arms, "units" or "parameters".
    tuning: how arms choose their settings; None: these are given. Until they have chosen, the
    entries are the pilots alone; afterwards the pilots, then the trials of the verdict.
    """

    schema_version: int = SCHEMA
    name: str
    command: str
    run: str | None
    commit: str | None
    dirty: bool | None
    report: ReportSettings
    max_seeds: int | None
    match: str
    requested: int
    notes: list[str]
    tuning: Tuning | None = None
    entries: Annotated[list[Entry], Field(min_length=1)]

    @property
    def metric(self) -> str:
        """What arms are compared by."""
        return self.report.metric or "accuracy"

    @property
    def trials(self) -> list[Trial]:
        return [entry.trial for entry in self.entries]

    @property
    def arms(self) -> list[Arm]:
        """The arms as they were asked for: what is tuned has its untuned value."""
        if self.tuning:
            return [tuned.arm for tuned in self.tuning.arms]
        return list(dict.fromkeys(trial.arm for trial in self.trials))

    @property
    def tuned(self) -> list[str]:
        """The columns of `Arm.flat` that are tuned, and so are no factors."""
        return [column_of(key) for key in self.tuning.grid] if self.tuning else []

    @property
    def labels(self) -> dict[Arm, str]:
        """The name of each arm, in the order of the request; tuned ones as they have chosen."""
        names = label_arms(self.arms, self.tuned)
        if self.tuning is None:
            return names
        return {(t.choice.arm if t.choice else t.arm): names[t.arm] for t in self.tuning.arms}

    @property
    def undecided(self) -> list[TunedArm]:
        """The arms that have not chosen their setting, so that their trials are not known yet."""
        return [t for t in self.tuning.arms if t.chosen is None] if self.tuning else []

    @property
    def compared(self) -> list[Trial]:
        """The trials of the verdict; of an arm that has not chosen, as it was asked for."""
        known = [trial for trial in self.trials if not trial.is_pilot]
        return known + [t for a in self.undecided for t in trials_of(a.arm, range(a.seeds))]

    @property
    def total(self) -> int:
        """How many trials there are, with those that will be known when the arms have chosen."""
        return len(self.entries) + sum(tuned.seeds for tuned in self.undecided)

    def names(self, trials: Iterable[Trial]) -> dict[Arm, str]:
        """The names of these trials' arms; of pilots, each setting that is tried has its own."""
        names = label_arms(self.arms, self.tuned)
        pilots = {
            candidate.arm: f"{names[tuned.arm]} {settings_in_words(candidate.setting)}"
            for tuned in (self.tuning.arms if self.tuning else ())
            for candidate in tuned.candidates
        }
        labels = self.labels
        return {t.arm: pilots[t.arm] if t.is_pilot else labels[t.arm] for t in trials}


def make_plan(
    requests: Sequence[Request],
    command: str,
    run: str | None,
    source: tuple[str | None, bool | None],
) -> Plan:
    """Check the requests together and plan their trials, all arms of a seed before the next seed.

    source: commit of the program, and whether its working tree was dirty.
    Raises RequestError if requests disagree on a setting, if a problem rejects its options, or if
    the report refers to arms or seeds that the plan does not have.
    """
    settings = requests[0].settings
    for key in Settings.model_fields:
        if key != "seeds" and len({getattr(request.settings, key) for request in requests}) > 1:
            raise RequestError(f"{key}: applies to the whole sweep and cannot be swept")
    adaptive = any(request.settings.seeds == "auto" for request in requests)
    samples = {
        problem: problems.check(problem, length)
        for problem, length in dict.fromkeys((r.arm.problem, r.arm.length) for r in requests)
    }
    requests = [request.with_arms(lambda arm: _match(arm, settings.match)) for request in requests]
    counts = [_first_seeds(request.settings) for request in requests]
    asked = zip(requests, counts, strict=True)
    trials = [trial for request, count in asked for trial in trials_of(request.arm, range(count))]
    _check_seeds(requests, counts)
    report = settle_metrics(settings.report, samples, [request.arm for request in requests])
    tuning = tuning_of(requests, counts, report.metric or "")
    plan = Plan(
        name=settings.name or (f"multirun-{Path(run).name}" if run else ""),
        command=command,
        run=run,
        commit=source[0],
        dirty=source[1],
        report=report,
        max_seeds=settings.max_seeds if adaptive else None,
        match=settings.match,
        requested=len(trials) + sum(len(r.candidates) * settings.tune_seeds for r in requests),
        notes=plan_notes(requests, counts, (STEP, settings.max_seeds) if adaptive else ()),
        tuning=tuning,
        entries=seed_major(dict.fromkeys(tuning.pilots if tuning else trials)),
    )
    if run is None:  # a job that arrives alone does not know the arms of the others
        _check_report(plan)
    return plan if plan.name else plan.model_copy(update={"name": _default_name(plan)})


def _check_seeds(requests: Sequence[Request], counts: Sequence[int]) -> None:
    """Raise RequestError where data that each seed divides for itself is not fit for some seed."""
    settings = requests[0].settings
    asked = ((r.arm.problem, r.arm.length, n) for r, n in zip(requests, counts, strict=True))
    for problem, length, count in dict.fromkeys(asked):
        if problem.divided and settings.report.population == "seeds":
            raise RequestError(
                "report.population=seeds: with problem.resplit or problem.folds each seed has a "
                "test part of its own, so that there is none to speak of; leave it out"
            )
        most = settings.max_seeds if settings.seeds == "auto" else count
        problems.check_seeds(problem, length, range(most))


def _first_seeds(settings: Settings) -> int:
    """How many seeds an arm has before any are added."""
    seeds = settings.seeds
    return seeds if isinstance(seeds, int) else min(FIRST_ROUND, settings.max_seeds)


def _check_report(plan: Plan) -> None:
    """Raise RequestError if the report refers to arms or seeds that the plan does not have."""
    report, arms = plan.report, {name: arm for arm, name in plan.labels.items()}
    references = [("baseline", report.baseline)] if report.baseline else []
    for at, claim in enumerate(report.claims):
        references += [(f"claims.{at}.arm", claim.arm), (f"claims.{at}.other", claim.other)]
    for key, name in references:
        if name not in arms:
            none = "report.baseline=null" if key == "baseline" else "report.claims=[]"
            raise RequestError(f"report.{key}={name}: {suggest(name, arms)} ({none} for none)")
    for at, claim in enumerate(report.claims):
        arm, other = arms[claim.arm], arms[claim.other]
        if arm == other or (arm.problem, arm.length) != (other.problem, other.length):
            raise RequestError(
                f"report.claims.{at}.other={claim.other}: choose another arm of the same problem "
                f"and length as {claim.arm}"
            )
    most = plan.max_seeds or max(trial.seed for trial in plan.compared) + 1
    if report.reached_by and report.reached_by > most:
        raise RequestError(
            f"report.reached_by={report.reached_by}: no arm has more than {most} seeds"
        )


def extend_plan(plan: Plan, seeds: Mapping[Arm, int]) -> Plan:
    """The plan with at least the given number of seeds for each of these arms."""
    more = [trial for arm, count in seeds.items() for trial in trials_of(arm, range(count))]
    trials = dict.fromkeys([*plan.trials, *more])
    added = len(trials) - len(plan.entries)
    return plan.model_copy(
        update={"entries": seed_major(trials), "requested": plan.requested + added}
    )


def settle_plan(plan: Plan, store: Store, ended: bool = False) -> Plan:
    """The plan with the trials of the settings that the arms have chosen.

    The arms choose when all pilots have a result, or when they have ended, with or without one. An
    arm of which no pilot has a score has no trials.
    """
    pilots = [entry.id for entry in plan.entries if entry.trial.is_pilot]
    if plan.tuning is None or not plan.undecided:
        return plan
    results = store.read_all(pilots)
    if len(results) < len(pilots) and not ended:
        return plan
    tuning = plan.tuning.chosen(results)
    trials = [t for a in tuning.arms if a.choice for t in trials_of(a.choice.arm, range(a.seeds))]
    entries = seed_major(dict.fromkeys([*plan.trials, *trials]))
    return plan.model_copy(update={"tuning": tuning, "entries": entries})


def seed_major(trials: Iterable[Trial]) -> list[Entry]:
    """The trials as entries of a plan: pilots first, all arms of a seed before the next seed."""
    # An interrupted sweep is then balanced. The sort is stable, so arms keep their order.
    ordered = sorted(trials, key=lambda trial: (not trial.is_pilot, trial.seed))
    return [Entry(id=trial.id, trial=trial) for trial in ordered]


def _match(arm: Arm, match: str) -> Arm:
    """The arm, resized if all arms should have about the same number of parameters."""
    if match == "units" or not countable(arm):  # the sweep has resized own code in a worker
        return arm
    return match_parameters(arm, count_parameters)


def save_plan(plan: Plan, folder: Path) -> Plan:
    """Write the plan to the sweep's folder.

    Jobs of the same multirun that a launcher starts one by one add to its plan. The plan of any
    other command replaces the stored one. Returns the plan as stored.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / ".plan.lock"):
        before = load_plan(folder) if plan.run and (folder / "plan.json").exists() else None
        if before and before.run == plan.run:
            plan = plan.model_copy(
                update={
                    "entries": seed_major(dict.fromkeys([*before.trials, *plan.trials])),
                    "requested": before.requested + plan.requested,
                    "tuning": _joined(before.tuning, plan.tuning),
                    "notes": list(dict.fromkeys([*before.notes, *plan.notes])),
                }
            )
        replace_file(folder / "plan.json", json.dumps(plan.model_dump(), indent=1) + "\n")
    return plan


def _joined(before: Tuning | None, tuning: Tuning | None) -> Tuning | None:
    """The tuning of two jobs of one multirun; the arms of the second replace equal ones."""
    if before is None or tuning is None:
        return tuning
    arms = {tuned.arm: tuned for tuned in [*before.arms, *tuning.arms]}
    return tuning.model_copy(update={"arms": list(arms.values())})


def load_plan(folder: Path) -> Plan:
    """Read the plan in a sweep's folder; raises RequestError if there is no readable one."""
    path = folder / "plan.json"
    try:
        plan = Plan.model_validate_json(read_file(path))
        if plan.schema_version != SCHEMA:
            raise ValueError(f"schema {plan.schema_version}, this is {SCHEMA}")
        return plan
    except FileNotFoundError:
        names = ", ".join(sweeps_in(folder.parent)) or "none"
        raise RequestError(
            f"no sweep {folder.name} in {folder.parent}; stored sweeps: {names}"
        ) from None
    except OSError as error:
        raise RequestError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise RequestError(f"{path}: not a plan ({str(error).splitlines()[0]})") from None


def sweeps_in(root: Path) -> list[str]:
    """The names of the sweeps in a results folder, sorted."""
    return sorted(path.parent.name for path in root.glob("*/plan.json"))


def _default_name(plan: Plan) -> str:
    """A name made of the varying factors and a short hash, always the same for these trials."""
    readable = "-by-".join(varying(plan.arms, plan.tuned)) or next(iter(plan.labels.values()))
    digest = canonical([trial.id for trial in dict.fromkeys([*plan.trials, *plan.compared])])
    short = hashlib.sha256(digest).hexdigest()[:6]
    return re.sub(r"[^\w.+-]+", "-", readable)[:60].strip("-.") + f"-{short}"
