"""From requests to the trials that they mean: unique, ordered, counted, and kept with the sweep."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

from ablation import problems
from ablation.config import (
    SCHEMA,
    Arm,
    Frozen,
    ReportSettings,
    Request,
    Settings,
    Trial,
    canonical,
    labels,
)
from ablation.errors import RequestError
from ablation.store import replace


class Entry(Frozen):
    """A planned trial and its id."""

    id: str
    trial: Trial


class Plan(Frozen):
    """What one command means.

    requested: trials before those that mean the same were joined.
    notes: a sentence for each group of combinations that are one arm.
    run: what identifies the multirun, for jobs that arrive one by one.
    """

    schema_version: int = SCHEMA
    name: str
    command: str
    run: str | None
    commit: str | None
    dirty: bool | None
    report: ReportSettings
    requested: int
    notes: list[str]
    entries: list[Entry]

    @property
    def trials(self) -> list[Trial]:
        return [entry.trial for entry in self.entries]

    @property
    def labels(self) -> dict[Arm, str]:
        """The name of each arm, in the order in which they were asked for."""
        return labels(dict.fromkeys(trial.arm for trial in self.trials))


def make(
    requests: Sequence[Request],
    command: str,
    run: str | None,
    source: tuple[str | None, bool | None],
) -> Plan:
    """Check the requests together and plan them, seed-major.

    source: commit of the program and whether its tree was dirty.
    Raises RequestError where requests disagree on a setting, or a problem does not know its keys.
    """
    settings = requests[0].settings
    for key in Settings.model_fields:
        if key != "seeds" and len({getattr(request.settings, key) for request in requests}) > 1:
            raise RequestError(f"{key}: it holds for a whole sweep and cannot be swept")
    for request in requests:
        problems.check(request.arm.problem)
    trials = dict.fromkeys(trial for request in requests for trial in request.trials())
    ordered = sorted(trials, key=lambda trial: trial.seed)  # stable: arms keep their order
    return Plan(
        name=settings.name or _default_name(ordered),
        command=command,
        run=run,
        commit=source[0],
        dirty=source[1],
        report=settings.report,
        requested=sum(request.settings.seeds for request in requests),
        notes=_collapsed(requests),
        entries=[Entry(id=trial.id, trial=trial) for trial in ordered],
    )


def save(plan: Plan, folder: Path) -> Plan:
    """Keep the plan in the sweep's folder.

    Jobs of one multirun that a cluster starts one by one add to the plan of that run; any other
    command's plan replaces the one before. Returns the plan as it now stands.
    """
    folder.mkdir(parents=True, exist_ok=True)
    before = load(folder) if plan.run and (folder / "plan.json").exists() else None
    if before and before.run == plan.run:
        entries = {entry.id: entry for entry in [*before.entries, *plan.entries]}
        ordered = sorted(entries.values(), key=lambda entry: entry.trial.seed)
        plan = plan.model_copy(
            update={
                "entries": ordered,
                "requested": before.requested + plan.requested,
                "notes": [*before.notes, *plan.notes],
            }
        )
    replace(folder / "plan.json", json.dumps(plan.model_dump(), indent=1) + "\n")
    return plan


def load(folder: Path) -> Plan:
    """Read the plan of a sweep's folder; raises RequestError where there is none."""
    path = folder / "plan.json"
    try:
        return Plan.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        known = sorted(p.parent.name for p in folder.parent.glob("*/plan.json"))
        raise RequestError(
            f"no sweep {folder.name} in {folder.parent}; there are: {', '.join(known) or 'none'}"
        ) from None
    except ValueError as error:
        raise RequestError(f"{path}: not a plan ({str(error).splitlines()[0]})") from None


def _collapsed(requests: Sequence[Request]) -> list[str]:
    groups: dict[Arm, int] = {}
    for request in requests:
        groups[request.arm] = groups.get(request.arm, 0) + 1
    names = labels(groups)
    return [
        f"{count} combinations are one arm, {names[arm]}: "
        + ("merge_mode does nothing there" if arm.merge_mode is None else "the same values")
        for arm, count in groups.items()
        if count > 1
    ]


def _default_name(trials: Sequence[Trial]) -> str:
    """A name that the same command always gives: the factors that vary, and a short hash."""
    arms = list(dict.fromkeys(trial.arm for trial in trials))
    rows = [arm.flat() for arm in arms]
    varying = [key for key in rows[0] if len({canonical(row.get(key)) for row in rows}) > 1]
    readable = "-by-".join(varying) or next(iter(labels(arms).values()))
    digest = canonical([trial.id for trial in trials])
    short = hashlib.sha256(digest).hexdigest()[:6]
    return re.sub(r"[^\w.+-]+", "-", readable)[:60].strip("-.") + f"-{short}"
