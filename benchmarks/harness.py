"""The cost of everything but training: python -m benchmarks.harness.

Times the real commands that plan, commit, resume and report many synthetic results, and the time
until the first trial is trained. Memory is the peak resident size of the command's own process and
of a worker. Linux only: memory is read from /proc.
"""

from __future__ import annotations

import json
import os
import subprocess
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
UNITS = (10, 20, 30, 40, 50)


def main() -> None:
    """Run all measurements and save the table."""
    parser = options(__doc__)
    parser.add_argument("--trials", type=int, default=1000, help="to plan and to resume")
    parser.add_argument("--reports", type=int, nargs="*", default=[1000, 10_000])
    parser.add_argument("--rounds", type=int, default=5, help="of the short measurements; 0: none")
    parser.add_argument("--starts", type=int, default=2, help="of those that train a trial")
    arguments = parser.parse_args()
    rows: list[Row] = []
    if arguments.rounds:
        rows += _help(arguments.rounds)
        rows.append(_plan(arguments.trials, arguments.rounds))
        rows += resumed(arguments.trials, arguments.rounds)
    for trials in arguments.reports:
        rows += _report(trials)
    if arguments.starts:
        rows += _first_trial(arguments.starts)
    record("harness", rows, folder=arguments.results)


def resumed(trials: int, rounds: int) -> list[Row]:
    """Rows for committing the results, and for the command when all results are stored."""
    arms = [f"direction=forward units={units}" for units in range(1, trials // SEEDS + 1)]
    with tempfile.TemporaryDirectory() as folder:
        commits = synthetic.fill(Path(folder), synthetic.sweep(arms, SEEDS))
        command = [*_command(trials), f"results={folder}"]
        without_report = [seconds(command)]
        with_report = [seconds(command) for _ in range(rounds)]
    size = f"{trials:,} stored trials"
    return [
        _row("commit of a result", "ms", [1000 * time for time in commits]),
        _row(f"resume of {size}, writing the report", "s", without_report),
        _row(f"resume of {size}, report up to date", "s", with_report),
    ]


def _plan(trials: int, rounds: int) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        command = [*_command(trials), f"results={folder}", "plan=true"]
        samples = [seconds(command) for _ in range(rounds)]
    return _row(f"plan of {trials:,} trials ({trials // SEEDS} arms × {SEEDS} seeds)", "s", samples)


def _command(trials: int) -> list[str]:
    words = [f"units=range(1,{trials // SEEDS + 1})", f"seeds={SEEDS}"]
    return [*ABLATION, "-m", "direction=forward", *words]


def _report(trials: int) -> list[Row]:
    """The commands of a finished sweep, once each; its results are as large as real ones."""
    arms = [f"merge_mode={merge} units={units}" for merge in MERGES for units in UNITS]
    seeds = trials // len(arms)
    with tempfile.TemporaryDirectory() as folder:
        synthetic.fill(Path(folder), synthetic.sweep(arms, seeds), durably=False)
        swept = [f"merge_mode={','.join(MERGES)}", f"units={','.join(map(str, UNITS))}"]
        place = f"results={folder}"
        sweep = [*ABLATION, "-m", *swept, f"seeds={seeds}", "name=many", place]
        times = {
            "plan": seconds([*sweep, "plan=true"]),
            "resume, writing the report": seconds(sweep),
            "resume, report up to date": seconds(sweep),
            "list": seconds([*ABLATION, "list", "--results", folder]),
            "report": seconds([*ABLATION, "report", "many", "--results", folder]),
        }
        page = (Path(folder) / "many" / "report.html").stat().st_size
    size = f"{trials:,} trials ({len(arms)} arms × {seeds:,} seeds)"
    rows = [_row(f"{what} of {size}", "s", [time]) for what, time in times.items()]
    return [*rows, _row("size of its HTML page", "kB", [page / 1000])]


def _help(rounds: int) -> list[Row]:
    return [_row("--help", "s", [seconds([*ABLATION, "--help"]) for _ in range(rounds)])]


def _first_trial(starts: int) -> list[Row]:
    """The lesson with one seed: seconds until its trial is shown, and until the command ends."""
    rows = []
    runs: dict[str, list[Row]] = {"nothing compiled": [], "program stored": []}
    for _ in range(starts):
        with nothing_compiled() as environment:
            for state in runs:
                runs[state].append(_one_seed(environment))
    for state, samples in runs.items():
        name = f"seeds=1, {state}"
        rows.append(_row(f"{name}: first trial done", "s", [run["first"] for run in samples]))
        rows.append(_row(f"{name}: whole command", "s", [run["total"] for run in samples]))
        rows.append(_row(f"{name}: the trial alone", "s", [run["trial"] for run in samples]))
    every = [run for samples in runs.values() for run in samples]
    rows.append(_row("memory of the command during training", "MiB", [r["parent"] for r in every]))
    rows.append(_row("the same after the report", "MiB", [r["parent_end"] for r in every]))
    rows.append(_row("memory of a worker", "MiB", [r["worker"] for r in every]))
    return rows


def _one_seed(environment: dict[str, str]) -> dict[str, float]:
    """Run the lesson with one seed; returns seconds until its first trial and its end, and MiB."""
    measured: dict[str, float] = {}
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
                    measured["first"] = time.perf_counter() - began
                    measured["parent"] = _peak_memory(process.pid)
                if line.startswith("Report:"):
                    measured["parent_end"] = _peak_memory(process.pid)
        measured["total"] = time.perf_counter() - began
        stored = json.loads(next(Path(folder, "trials").glob("*.json")).read_text())["result"]
    return measured | {"trial": stored["seconds"]["whole"], "worker": stored["peak_memory_mb"]}


def _peak_memory(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 2**10
    return float("nan")  # the process has just ended


def _row(what: str, unit: str, samples: Sequence[float]) -> Row:
    return {"what": what, "unit": unit, "runs": len(samples), **spread(samples, "median")}


if __name__ == "__main__":
    main()
