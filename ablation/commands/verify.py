"""Retrain some stored trials of a sweep and compare them bit for bit; exit 1 if any differs."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel

from ablation.errors import RequestError
from ablation.execution import available_cores, run_trials
from ablation.planning import code_of, load_plan
from ablation.spec import Trial
from ablation.storage import Store, TrialResult
from ablation.terminal import show_rows

COMPARED = (
    "weights",
    "metrics",
    "probes",
    "curve",
    "examples",
    "parameters",
    "updates",
    "majority",
    "classes",
    "segments",
    "constant",
    "targets",
    "by_sequence",
)


def verify(
    folder: Path, count: int, workers: int, time_limit: float, own_code: bool = False
) -> list[dict[str, str]]:
    """Retrain `count` of the sweep's stored trials, spread over its plan; one row per trial.

    "verdict" is "identical", or names the fields that differ. Trials of another version or machine
    may differ, and the verdict says so. time_limit: seconds per trial. own_code: whether trials
    may run the user's own code that they name.

    Raises RequestError if no trial has a result, or if trials need own code without `own_code`.
    """
    store = Store(folder.parent)
    plan = load_plan(folder)
    stored = [result for result in map(store.read, (e.id for e in plan.entries)) if result]
    if not stored:
        raise RequestError(f"{plan.name}: no trial has a result yet")
    positions = {round(k * (len(stored) - 1) / max(count - 1, 1)) for k in range(count)}
    sample = {stored[k].trial: stored[k] for k in sorted(positions)}
    check_consent(plan.name, sample, own_code)
    # By id: a trial that was stored before an option came lacks it, and is the same trial.
    ids = {trial.id for trial in sample}
    planned = [entry.trial for entry in plan.entries if entry.id in ids]
    names = {trial.id: plan.names([trial])[trial.arm] for trial in planned}
    rows = []
    for outcome in run_trials(list(sample), "ablation.training:run_trial", (), workers, time_limit):
        rows.append(
            {
                "arm": names[outcome.trial.id],
                "seed": f"{outcome.trial.seed}",
                "verdict": compare_results(sample[outcome.trial], outcome.value)
                if outcome.kind is None
                else f"failed: {outcome.message}",
            }
        )
    return rows


def check_consent(sweep: str, trials: Iterable[Trial], own_code: bool) -> None:
    """Raise RequestError if the trials name the user's own code and --own-code was not given."""
    code = {name for trial in trials for _, name in code_of(trial.arm)}
    if code and not own_code:
        raise RequestError(
            f"{sweep}: retraining runs {', '.join(sorted(code))} from this Python path; "
            "add --own-code to allow it"
        )


def compare_results(stored: TrialResult, retrained: TrialResult) -> str:
    """The verdict: "identical", or which fields differ; different versions or device are noted."""
    differing = [
        name
        for name in COMPARED
        if name in stored.model_fields_set
        and _differ(getattr(stored, name), getattr(retrained, name))
    ]
    if not differing:
        return "identical"
    old, new = stored.origin, retrained.origin
    if (old.versions, old.device) != (new.versions, new.device):
        return f"differs in {', '.join(differing)} (different versions or device)"
    return f"differs in {', '.join(differing)}"


def _differ(stored: object, retrained: object) -> bool:
    """An older result lacks what was added later: it is compared by what it has."""
    if isinstance(stored, BaseModel) and isinstance(retrained, BaseModel):
        fields = stored.model_fields_set
        return stored.model_dump(include=fields) != retrained.model_dump(include=fields)
    if isinstance(stored, dict) and isinstance(retrained, dict):
        return any(retrained.get(name) != value for name, value in stored.items())
    return stored != retrained


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the sweep's name (its folder in results)")
    parser.add_argument("--trials", default=3, type=int, help="trials to retrain (default: 3)")
    parser.add_argument(
        "--time-limit", default=3600.0, type=float, help="seconds per trial (default: 3600)"
    )
    parser.add_argument(
        "--own-code", action="store_true", help="allow trials to run the user code that they name"
    )


def run(arguments: argparse.Namespace) -> int:
    """Returns 1 if a trial differs or fails, else 0."""
    folder, count = arguments.results / arguments.name, max(arguments.trials, 1)
    workers = len(available_cores())
    rows = verify(folder, count, workers, arguments.time_limit, arguments.own_code)
    show_rows(rows)
    return 0 if all(row["verdict"] == "identical" for row in rows) else 1
