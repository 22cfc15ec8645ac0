"""How costs grow with size: python -m benchmarks.growth.

Varies the length, units and batch size of the lesson's network, one at a time. Each size runs in a
new process on one core, with nothing compiled. Then varies the number of workers, on a sweep of 4
merge modes x 10 seeds with stored programs, and the number of stored trials of a finished sweep.
"""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import harness
from benchmarks.peers import Peer, Size
from benchmarks.record import options, record
from benchmarks.timing import ABLATION, nothing_compiled, seconds, spread

SIZES = {
    "length": (10, 30, 100, 300, 1000),
    "units": (10, 50, 100, 200, 400),
    "batch": (1, 10, 40, 100, 256),
}
WORKERS = (1, 2)
TRIALS = (10, 100, 500, 2000)
WHAT = (*SIZES, "workers", "trials")
Row = dict[str, Any]


def main() -> None:
    """Run the selected measurements and save the table."""
    parser = options(__doc__)
    parser.add_argument("--only", nargs="+", choices=WHAT, default=WHAT)
    parser.add_argument("--most", type=int, help="leave out larger sizes, for a quick look")
    parser.add_argument("--updates", type=int, default=200, help="for each size and round")
    parser.add_argument("--seeds", type=int, default=10, help="of the sweep for the workers")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    most, rounds = arguments.most or 10**9, arguments.rounds
    rows: list[Row] = []
    for name, values in SIZES.items():
        if name in arguments.only:
            for value in (v for v in values if v <= most):
                size = dataclasses.replace(Size(updates=arguments.updates), **{name: value})
                rows.append({"what": name, "size": value, **_network(size, rounds)})
    if "workers" in arguments.only:
        rows += _workers(arguments.seeds, rounds)
    if "trials" in arguments.only:
        for trials in (t for t in TRIALS if t <= most):
            resumed = harness.resumed(trials, rounds)[-1]
            extremes = {column: resumed[column] for column in ("least", "most")}
            row = {"what": "trials stored", "size": trials, "s": resumed["median"]}
            rows.append(row | extremes)
    record("growth", rows, folder=arguments.results)


def _network(size: Size, rounds: int) -> Row:
    peer = Peer("benchmarks.peers.ours:xla", size)
    turns = [peer.turn() for _ in range(rounds)]
    peer.end()
    times = spread([1000 * turn["seconds"] / size.updates for turn in turns], "ms per update", 3)
    memory = round(turns[-1]["memory"])
    return {**times, "s to compile": round(peer.start["preparing"], 1), "MiB": memory}


def _workers(seeds: int, rounds: int) -> list[Row]:
    """The same sweep with different numbers of workers; they take turns."""
    times: dict[int, list[float]] = {workers: [] for workers in WORKERS}
    with nothing_compiled() as environment:
        _sweep(max(WORKERS), 1, environment)  # stores the compiled programs
        for _ in range(rounds):
            for workers, samples in times.items():
                samples.append(_sweep(workers, seeds, environment))
    rows = []
    for workers, samples in times.items():
        ratios = [one / many for one, many in zip(times[WORKERS[0]], samples, strict=True)]
        speedup = spread(ratios, "ratio")["ratio"]
        rows.append({"what": "workers", "size": workers, **spread(samples, "s"), "times": speedup})
    return rows


def _sweep(workers: int, seeds: int, environment: dict[str, str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        words = ["merge_mode=sum,mul,concat,ave", f"seeds={seeds}", f"workers={workers}"]
        return seconds([*ABLATION, "-m", *words, f"results={Path(folder)}"], environment)


if __name__ == "__main__":
    main()
