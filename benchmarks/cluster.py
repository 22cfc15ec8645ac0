"""What a cluster costs beside local processes: python -m benchmarks.cluster.

The same sweep, 4 merge modes x 10 seeds of the lesson, by this machine's own processes and by the
workers of a Dask cluster on this machine, in turn. Each with nothing compiled, and again with its
programs stored. A cluster is started for each run and is not part of the time; start-up of
the command and its report are.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ablation.execution import DASK
from benchmarks.record import options, record
from benchmarks.timing import ABLATION, nothing_compiled, seconds, spread

PORT = 8790
ADDRESS = f"tcp://127.0.0.1:{PORT}"


def main() -> None:
    """Run both in turn and save the table."""
    parser = options(__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="four trials per seed")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each")
    parser.add_argument("--sequences", type=int, default=50_000, help="per trial")
    arguments = parser.parse_args()
    words = ["-m", "merge_mode=sum,mul,concat,ave", f"seeds={arguments.seeds}"]
    command = [*ABLATION, *words, f"training.sequences={arguments.sequences}"]
    times: dict[tuple[str, str], list[float]] = {}
    for _ in range(arguments.rounds):
        for where in ("local", "cluster"):
            extra = ["cluster=dask", f"cluster.address={ADDRESS}"] if where == "cluster" else []
            with nothing_compiled() as environment:
                for compiled in ("nothing compiled", "programs stored"):
                    # New workers each time: they keep what they have trained.
                    with tempfile.TemporaryDirectory() as results, _workers(where, environment):
                        took = seconds([*command, *extra, f"results={results}"], environment)
                    times.setdefault((where, compiled), []).append(took)
    rows = []
    for (where, compiled), samples in times.items():
        local = times["local", compiled]
        ratios = [a / b for a, b in zip(samples, local, strict=True)]
        row = {"trained by": where, "programs": compiled, **spread(samples, "s", 1)}
        rows.append(row | {"times local": spread(ratios, "ratio", 3)["ratio"]})
    record("cluster", rows, [], arguments.results)


@contextmanager
def _workers(where: str, environment: dict[str, str]) -> Iterator[None]:
    """A scheduler and a worker for each core inside the block, unless the place is local."""
    if where == "local":
        yield
        return
    dask = [sys.executable, "-m"]
    scheduler = ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(PORT)]
    cores = str(len(os.sched_getaffinity(0)))
    workers = ["distributed.cli.dask_worker", ADDRESS, "--nworkers", cores, "--nthreads", "1"]
    started = []
    try:
        for words in (scheduler, workers):
            started.append(
                subprocess.Popen(
                    [*dask, *words, "--no-dashboard"],
                    env=os.environ | DASK | environment,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
            time.sleep(5)
        yield
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
