"""Is a stored trial repeatable? Trains a few again and compares them bit for bit."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pydantic import BaseModel

from ablation import console, own, pool
from ablation.errors import RequestError
from ablation.plan import load
from ablation.result import TrialResult
from ablation.store import Store

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
    plan = load(folder)
    stored = [result for result in map(store.read, (e.id for e in plan.entries)) if result]
    if not stored:
        raise RequestError(f"{plan.name}: nothing is trained yet")
    places = {round(k * (len(stored) - 1) / max(count - 1, 1)) for k in range(count)}
    chosen = {stored[place].trial: stored[place] for place in sorted(places)}
    code = {name for trial in chosen for name in own.code_of(trial.arm).values()}
    if code and not own_code:
        raise RequestError(
            f"{plan.name}: to train it again runs {', '.join(sorted(code))}, found on this Python "
            "path; say --own-code if that is what you want"
        )
    names = plan.labels
    rows = []
    for ended in pool.run(list(chosen), "ablation.trial:run_trial", (), workers, time_limit):
        before = chosen[ended.trial]
        rows.append(
            {
                "arm": names[ended.trial.arm],
                "seed": f"{ended.trial.seed}",
                "verdict": _verdict(before, ended.value)
                if ended.kind is None
                else f"failed: {ended.message}",
            }
        )
    return rows


def _verdict(before: TrialResult, again: TrialResult) -> str:
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


def main() -> None:
    """Retrain some stored trials of a sweep and compare them bit for bit; exit 1 if any differs."""
    parser = argparse.ArgumentParser("python -m ablation.verify", description=main.__doc__)
    parser.add_argument("name", help="the sweep's name, which is its folder in the results")
    parser.add_argument("--results", default="results", type=Path, help="where results lie")
    parser.add_argument("--trials", default=3, type=int, help="how many to retrain")
    parser.add_argument("--time-limit", default=3600.0, type=float, help="seconds a trial")
    parser.add_argument(
        "--own-code", action="store_true", help="let trials run the code of somebody's own"
    )
    arguments = parser.parse_args()
    workers = len(pool.available_cores())
    try:
        folder = arguments.results / arguments.name
        count = max(arguments.trials, 1)
        rows = verify(folder, count, workers, arguments.time_limit, arguments.own_code)
    except RequestError as error:
        print(f"ablation: {error}", file=sys.stderr)
        sys.exit(2)
    console.show_rows(rows)
    sys.exit(0 if all(row["verdict"] == "identical" for row in rows) else 1)


if __name__ == "__main__":
    main()
