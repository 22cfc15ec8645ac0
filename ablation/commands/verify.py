"""Train some stored trials of a sweep again and compare them bit for bit; exit 1 if any differs."""

from __future__ import annotations

import argparse
from pathlib import Path

from pydantic import BaseModel

from ablation.errors import RequestError
from ablation.execution import available_cores, run_trials
from ablation.planning import code_of, load_plan
from ablation.storage import Store, TrialResult
from ablation.terminal import show_rows

COMPARED = ("weights", "metrics", "probes", "curve", "examples", "parameters", "updates")


def verify(
    folder: Path, count: int, workers: int, time_limit: float, own_code: bool = False
) -> list[dict[str, str]]:
    """Retrain so many of the sweep's stored trials, spread over its plan; a row each.

    "same" is the share of what was compared that is identical: weights, metrics, curve, ...
    Results of other versions, or of another kind of machine, need not be, and the row says so.
    own_code: whether code of somebody's own that trials name may run; else RequestError is raised.
    """
    store = Store(folder.parent)
    plan = load_plan(folder)
    stored = [result for result in map(store.read, (e.id for e in plan.entries)) if result]
    if not stored:
        raise RequestError(f"{plan.name}: nothing is trained yet")
    places = {round(k * (len(stored) - 1) / max(count - 1, 1)) for k in range(count)}
    chosen = {stored[place].trial: stored[place] for place in sorted(places)}
    code = {name for trial in chosen for name in code_of(trial.arm).values()}
    if code and not own_code:
        raise RequestError(
            f"{plan.name}: to train it again runs {', '.join(sorted(code))}, found on this Python "
            "path; say --own-code if that is what you want"
        )
    names = plan.labels
    rows = []
    for ended in run_trials(list(chosen), "ablation.training:run_trial", (), workers, time_limit):
        before = chosen[ended.trial]
        rows.append(
            {
                "arm": names[ended.trial.arm],
                "seed": f"{ended.trial.seed}",
                "verdict": compare_results(before, ended.value)
                if ended.kind is None
                else f"failed: {ended.message}",
            }
        )
    return rows


def compare_results(before: TrialResult, again: TrialResult) -> str:
    differing = [name for name in COMPARED if _differ(getattr(before, name), getattr(again, name))]
    if not differing:
        return "identical"
    old, new = before.origin, again.origin
    if (old.versions, old.device) != (new.versions, new.device):
        return f"differs in {', '.join(differing)} (other versions or another device)"
    return f"differs in {', '.join(differing)}"


def _differ(before: object, again: object) -> bool:
    if isinstance(before, BaseModel) and isinstance(again, BaseModel):
        known = before.model_fields_set  # an older result lacks what was not measured then
        return before.model_dump(include=known) != again.model_dump(include=known)
    return before != again


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the sweep's name, which is its folder in results")
    parser.add_argument("--trials", default=3, type=int, help="how many to train again (3)")
    parser.add_argument("--time-limit", default=3600.0, type=float, help="seconds a trial (3600)")
    parser.add_argument(
        "--own-code", action="store_true", help="allow trials to run the code that they name"
    )


def run(arguments: argparse.Namespace) -> int:
    """Returns 1 where a trial differs or fails."""
    folder, count = arguments.results / arguments.name, max(arguments.trials, 1)
    workers = len(available_cores())
    rows = verify(folder, count, workers, arguments.time_limit, arguments.own_code)
    show_rows(rows)
    return 0 if all(row["verdict"] == "identical" for row in rows) else 1
