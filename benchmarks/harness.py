"""What everything but training takes: python -m benchmarks.harness.

Plans, commits, resumes and reports many synthetic results by the real commands, and times the way
to the first trained trial; memory is the largest resident size, of the command's own process and
of a worker. Linux only: memory is read from /proc.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import synthetic
from benchmarks.record import options, record
from benchmarks.timing import ABLATION, nothing_compiled, seconds, spread

Row = dict[str, Any]
SEEDS = 10
MERGES = ("concat", "sum", "mul", "ave")


def main() -> None:
    """Time them, and write the table down."""
    parser = options(__doc__)
    parser.add_argument("--trials", type=int, default=1000, help="planned and resumed")
    parser.add_argument("--reports", type=int, nargs="*", default=[1000, 10_000])
    parser.add_argument("--rounds", type=int, default=5, help="of what takes seconds")
    parser.add_argument("--starts", type=int, default=2, help="of what compiles")
    arguments = parser.parse_args()
    rows = _help(arguments.rounds)
    rows.append(_planned(arguments.trials, arguments.rounds))
    rows += resumed(arguments.trials, arguments.rounds)
    for trials in arguments.reports:
        rows += _report(trials)
    if arguments.starts:
        rows += _first_trial(arguments.starts)
    record("harness", rows, folder=arguments.results)


def resumed(trials: int, rounds: int) -> list[Row]:
    """Rows of the commits of so many results, and of the command when all of them are stored."""
    each = [f"direction=forward units={units}" for units in range(1, trials // SEEDS + 1)]
    with tempfile.TemporaryDirectory() as folder:
        commits = synthetic.fill(Path(folder), synthetic.sweep(each, SEEDS))
        command = [*_many(trials), f"results={folder}"]
        first = [seconds(command)]
        again = [seconds(command) for _ in range(rounds)]
    size = f"{trials:,} trials, all stored"
    return [
        _row("commit of a result", "ms", [1000 * took for took in commits]),
        _row(f"resume of {size}, the report to be written", "s", first),
        _row(f"resume of {size} and reported", "s", again),
    ]


def _planned(trials: int, rounds: int) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        command = [*_many(trials), f"results={folder}", "plan=true"]
        took = [seconds(command) for _ in range(rounds)]
    return _row(f"plan of {trials:,} trials ({trials // SEEDS} arms × {SEEDS} seeds)", "s", took)


def _many(trials: int) -> list[str]:
    words = [f"units=range(1,{trials // SEEDS + 1})", f"seeds={SEEDS}"]
    return [*ABLATION, "-m", "direction=forward", *words]


def _report(trials: int) -> list[Row]:
    each = [f"merge_mode={merge}" for merge in MERGES]
    seeds = trials // len(each)
    with tempfile.TemporaryDirectory() as folder:
        synthetic.fill(Path(folder), synthetic.sweep(each, seeds))
        words = ["-m", f"merge_mode={','.join(MERGES)}", f"seeds={seeds}", "name=many"]
        seconds([*ABLATION, *words, f"results={folder}"])
        command = [sys.executable, "-m", "ablation", "report", "many", "--results", folder]
        took = seconds(command)
        page = (Path(folder) / "many" / "report.html").stat().st_size
    what = f"report of {trials:,} trials (4 arms × {seeds:,} seeds)"
    return [_row(what, "s", [took]), _row("its page", "kB", [page / 1000])]


def _help(rounds: int) -> list[Row]:
    return [_row("--help", "s", [seconds([*ABLATION, "--help"]) for _ in range(rounds)])]


def _first_trial(starts: int) -> list[Row]:
    """The lesson with one seed: when its trial is told, and when all is done."""
    rows = []
    runs: dict[str, list[Row]] = {"nothing compiled": [], "program kept": []}
    for _ in range(starts):
        with nothing_compiled() as environment:
            for state in runs:
                runs[state].append(_one_seed(environment))
    for state, found in runs.items():
        rows.append(_row(f"seeds=1, {state}: to the first trial", "s", [r["first"] for r in found]))
        rows.append(_row(f"seeds=1, {state}: whole command", "s", [r["whole"] for r in found]))
        rows.append(_row(f"seeds=1, {state}: of it the trial", "s", [r["trial"] for r in found]))
    every = [run for found in runs.values() for run in found]
    rows.append(_row("memory of the command while it trains", "MiB", [r["parent"] for r in every]))
    rows.append(_row("memory of it with the report made", "MiB", [r["parent_end"] for r in every]))
    rows.append(_row("memory of a worker", "MiB", [r["worker"] for r in every]))
    return rows


def _one_seed(environment: dict[str, str]) -> dict[str, float]:
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        with subprocess.Popen(
            [*ABLATION, "seeds=1", f"results={folder}"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | environment | {"PYTHONUNBUFFERED": "1"},
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.startswith("[1/1]"):
                    found["first"] = time.perf_counter() - began
                    found["parent"] = _peak_memory(process.pid)
                if line.startswith("Report:"):
                    found["parent_end"] = _peak_memory(process.pid)
        found["whole"] = time.perf_counter() - began
        stored = json.loads(next(Path(folder, "trials").glob("*.json")).read_text())["result"]
    return found | {"trial": stored["seconds"]["whole"], "worker": stored["peak_memory_mb"]}


def _peak_memory(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 2**10
    return float("nan")  # it has just ended


def _row(what: str, unit: str, samples: Sequence[float]) -> Row:
    return {"what": what, "unit": unit, "runs": len(samples), **spread(samples, "median")}


if __name__ == "__main__":
    main()
