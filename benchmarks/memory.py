"""Whether memory grows over a long sweep: python -m benchmarks.memory.

One command trains many small trials; its resident size and that of its largest worker are read
once a second. Linux only: both are read from /proc.
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
    """Train, look once a second, and write the table down."""
    parser = options(__doc__)
    parser.add_argument("--trials", type=int, default=1000, help="of 10 arms")
    arguments = parser.parse_args()
    seen: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        words = [f"seeds={arguments.trials // ARMS}", "problem.test_size=500", "yes=true"]
        command = [*ABLATION, "-m", *SMALL, *words, f"results={folder}"]
        began = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None:
                seen.append(_look(process.pid, Path(folder), time.perf_counter() - began))
                time.sleep(1)
    every = max(1, len(seen) // POINTS)
    peak = {key: max(row[key] for row in seen) for key in ("parent MiB", "largest worker MiB")}
    training = [row["parent MiB"] for row in seen if 0 < row["trials"] < arguments.trials]
    notes = [
        f"largest: parent {peak['parent MiB']} MiB with the report, "
        f"{max(training, default=0)} MiB while it trains; worker {peak['largest worker MiB']} MiB",
    ]
    record("memory", [*seen[::every], seen[-1]], notes, arguments.results)


def _look(parent: int, folder: Path, seconds: float) -> dict[str, Any]:
    below = _children(parent)
    workers = [pid for child in below for pid in _children(child)]
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
    except OSError:  # it has just ended
        return []


def _resident(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) // 2**10 for line in lines if line.startswith("VmRSS")), 0)


if __name__ == "__main__":
    main()
