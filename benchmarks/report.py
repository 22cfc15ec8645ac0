"""Time of a report: python -m benchmarks.report --trials 1000.

Writes synthetic results of four merge modes, as many seeds as that takes, and builds the report of
them: reading, statistics, figures and pages.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from ablation import plan, report
from ablation.config import MERGE_MODES, ReportSettings, trials_of
from ablation.plan import Plan
from ablation.store import Store
from benchmarks.record import record
from tests.helpers import make_result, make_trial


def sweep(root: Path, trials: int) -> Path:
    """Results of so many trials below root; the sweep's folder."""
    store = Store(root)
    store.prepare()
    arms = [
        make_trial(direction="bidirectional", merge_mode=merge, length=10).arm
        for merge in MERGE_MODES
    ]
    asked = [trial for arm in arms for trial in trials_of(arm, range(trials // len(arms)))]
    rng = np.random.default_rng(0)
    points = list(range(100, 5100, 100))
    for trial in asked:
        at = float(rng.normal(0.99, 0.003))
        curve = {
            "updates": points,
            "loss": [float(x) for x in 2.0 / np.array(points)],
            "accuracy": [float(x) for x in np.linspace(0.6, at, len(points))],
        }
        store.commit(make_result(trial, at, curve=curve))
    made = Plan(
        name="many",
        command="python -m benchmarks.report",
        run=None,
        commit=None,
        dirty=None,
        report=ReportSettings(),
        max_seeds=None,
        match="units",
        requested=len(asked),
        notes=[],
        entries=plan.seed_major(asked),
    )
    plan.save(made, root / "many")
    return root / "many"


def main() -> None:
    """Build it once, and write the table down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, nargs="+", default=[1000])
    arguments = parser.parse_args()
    rows = []
    for trials in arguments.trials:
        with tempfile.TemporaryDirectory() as folder:
            made = sweep(Path(folder), trials)
            began = time.perf_counter()
            report.build(made)
            seconds = time.perf_counter() - began
            size = (made / "report.html").stat().st_size
        rows.append({"trials": trials, "seconds": round(seconds, 1), "page, kB": size // 1000})
    record("report", rows)


if __name__ == "__main__":
    main()
