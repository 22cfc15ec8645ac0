"""Whether memory grows during a long sweep: python -m benchmarks.memory.

One command trains many small trials. Every second, its resident memory and that of its largest
worker are recorded. Linux only: both are read from /proc.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.record import options, record
from benchmarks.timing import ABLATION

ARMS = 10
POINTS = 10  # rows of the table
SMALL = ["direction=forward", f"units=range(3,{3 + ARMS})", "length=4", "training=smoke"]


def main() -> None:
    """Run the sweep, record memory every second, and save the table."""
    parser = options(__doc__)
    parser.add_argument("--trials", type=int, default=1000, help="of 10 arms in total")
    arguments = parser.parse_args()
    samples: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        words = [f"seeds={arguments.trials // ARMS}", "problem.test_size=500", "yes=true"]
        command = [*ABLATION, "-m", *SMALL, *words, f"results={folder}"]
        began = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None:
                samples.append(_sample(process.pid, Path(folder), time.perf_counter() - began))
                time.sleep(1)
    step = max(1, len(samples) // POINTS)
    peak = {key: max(row[key] for row in samples) for key in ("parent MiB", "largest worker MiB")}
    training = [row["parent MiB"] for row in samples if 0 < row["trials"] < arguments.trials]
    notes = [
        f"peak: parent {peak['parent MiB']} MiB with the report, {max(training, default=0)} MiB "
        f"during training; worker {peak['largest worker MiB']} MiB",
    ]
    record("memory", [*samples[::step], samples[-1]], notes, arguments.results)


def _sample(parent: int, folder: Path, seconds: float) -> dict[str, Any]:
    """A row: seconds since the start, trials done, workers, and memory in MiB."""
    children = _children(parent)
    workers = [pid for child in children for pid in _children(child)]
    trials = len(list((folder / "trials").glob("*.json")))
    return {
        "seconds": round(seconds),
        "trials": trials,
        "parent MiB": _resident(parent),
        "workers": len(workers),
        "largest worker MiB": max(map(_resident, workers), default=0),
    }


def _children(pid: int) -> list[int]:
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return [int(p) for task in tasks for p in (task / "children").read_text().split()]
    except OSError:  # the process has just ended
        return []


def _resident(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 2**10 for line in lines if line.startswith("VmRSS")), 0)


if __name__ == "__main__":
    main()
