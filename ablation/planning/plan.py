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
from ablation.planning.parameters import count_parameters, countable, match_parameters
from ablation.spec import (
    SCHEMA,
    Arm,
    Frozen,
    ReportSettings,
    Request,
    Settings,
    Trial,
    canonical,
    label_arms,
    trials_of,
    varying,
)
from ablation.storage import locked, read_file, replace_file

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
    entries: Annotated[list[Entry], Field(min_length=1)]

    @property
    def metric(self) -> str:
        """What arms are compared by."""
        return self.report.metric or "accuracy"

    @property
    def trials(self) -> list[Trial]:
        return [entry.trial for entry in self.entries]

    @property
    def labels(self) -> dict[Arm, str]:
        """The name of each arm, in the order of the request."""
        return label_arms(dict.fromkeys(trial.arm for trial in self.trials))


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
    arm_seeds: list[tuple[Arm, int]] = []
    for request in requests:
        seeds = request.settings.seeds
        count = seeds if isinstance(seeds, int) else min(FIRST_ROUND, settings.max_seeds)
        arm_seeds.append((_match(request.arm, settings.match), count))
    _check_seeds(arm_seeds, settings)
    trials = dict.fromkeys(
        trial for arm, count in arm_seeds for trial in trials_of(arm, range(count))
    )
    plan = Plan(
        name=settings.name or (f"multirun-{Path(run).name}" if run else ""),
        command=command,
        run=run,
        commit=source[0],
        dirty=source[1],
        report=settle_metrics(settings.report, samples, [arm for arm, _ in arm_seeds]),
        max_seeds=settings.max_seeds if adaptive else None,
        match=settings.match,
        requested=sum(count for _, count in arm_seeds),
        notes=[
            *_data_notes(arm_seeds),
            *_fold_notes(arm_seeds, settings.max_seeds if adaptive else None),
            *_duplicate_notes(requests, [arm for arm, _ in arm_seeds]),
        ],
        entries=seed_major(trials),
    )
    if run is None:  # a job that arrives alone does not know the arms of the others
        _check_report(plan)
    return plan if plan.name else plan.model_copy(update={"name": _default_name(plan.trials)})


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
    most = plan.max_seeds or max(trial.seed for trial in plan.trials) + 1
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


def seed_major(trials: Iterable[Trial]) -> list[Entry]:
    """The trials as entries of a plan, all arms of a seed before the next seed."""
    # An interrupted sweep is then balanced. The sort is stable, so arms keep their order.
    ordered = sorted(trials, key=lambda trial: trial.seed)
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
                    "notes": list(dict.fromkeys([*before.notes, *plan.notes])),
                }
            )
        replace_file(folder / "plan.json", json.dumps(plan.model_dump(), indent=1) + "\n")
    return plan


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


def _data_notes(arm_seeds: Iterable[tuple[Arm, int]]) -> list[str]:
    """A sentence for each thing in the arms' data that may be meant otherwise than it was read."""
    counts = {arm.problem: count for arm, count in arm_seeds}
    of_problems = [problems.remarks(problem, range(count)) for problem, count in counts.items()]
    return list(dict.fromkeys(sentence for sentences in of_problems for sentence in sentences))


def _check_seeds(arm_seeds: Iterable[tuple[Arm, int]], settings: Settings) -> None:
    """Raise RequestError where data that each seed divides for itself is not fit for some seed."""
    for problem, length, count in dict.fromkeys((a.problem, a.length, n) for a, n in arm_seeds):
        if problem.divided and settings.report.population == "seeds":
            raise RequestError(
                "report.population=seeds: with problem.resplit or problem.folds each seed has a "
                "test part of its own, so that there is none to speak of; leave it out"
            )
        most = settings.max_seeds if settings.seeds == "auto" else count
        problems.check_seeds(problem, length, range(most))


def _fold_notes(arm_seeds: Iterable[tuple[Arm, int]], max_seeds: int | None) -> list[str]:
    """A sentence for each number of folds that the seeds are not surely a multiple of.

    max_seeds: None if no seeds are added.
    """
    notes = []
    counts = {arm.problem.parameters.get("folds"): n for arm, n in arm_seeds if arm.problem.divided}
    for folds, count in counts.items():
        if folds and max_seeds is not None and any(n % folds for n in (count, STEP, max_seeds)):
            notes.append(
                f"seeds=auto may end within a repetition of {folds} folds, and then tests some "
                "sequences once more than others"
            )
        elif folds and max_seeds is None and count % folds:
            whole = folds * (count // folds + 1)
            notes.append(
                f"{count} seed{'s' * (count > 1)} of {folds} folds test some sequences once more "
                f"than others; seeds={whole} tests all alike"
            )
    return notes


def _duplicate_notes(requests: Sequence[Request], arms: Sequence[Arm]) -> list[str]:
    """A sentence for each reason why several requests are the same arm.

    arms: that of each request, as it is planned.
    """
    groups: dict[Arm, list[Request]] = {}
    for request, arm in zip(requests, arms, strict=True):
        groups.setdefault(arm, []).append(request)
    names = label_arms(groups)
    reasons: dict[str, list[Arm]] = {}
    for arm, group in groups.items():
        if len(group) > 1:
            reasons.setdefault(_why_one_arm(group), []).append(arm)
    notes = []
    for why, several in reasons.items():
        combinations = sum(len(groups[arm]) for arm in several)
        first = names[several[0]]
        what = f"one arm, {first}" if len(several) == 1 else f"{len(several)} arms, first {first}"
        notes.append(f"{combinations} combinations are {what}: {why}")
    return notes


def _why_one_arm(requests: Sequence[Request]) -> str:
    keys = dict.fromkeys(key for request in requests for key in request.unused)
    swept = [key for key in keys if len({request.unused.get(key) for request in requests}) > 1]
    if not swept:
        return "the same values"
    return f"{' and '.join(swept)} {'has' if len(swept) == 1 else 'have'} no effect there"


def _default_name(trials: Sequence[Trial]) -> str:
    """A name made of the varying factors and a short hash, always the same for these trials."""
    arms = list(dict.fromkeys(trial.arm for trial in trials))
    readable = "-by-".join(varying(arms)) or next(iter(label_arms(arms).values()))
    digest = canonical([trial.id for trial in trials])
    short = hashlib.sha256(digest).hexdigest()[:6]
    return re.sub(r"[^\w.+-]+", "-", readable)[:60].strip("-.") + f"-{short}"
