"""Seconds per epoch where lengths differ, for ours and other programs: python -m benchmarks.ragged.

3,200 sequences of 2 to 183 steps, 19 in the mean, log-normal; a bidirectional LSTM with 32 units in
each direction, batches of 32. Each program has its own process with one core and one thread. They
take turns of an epoch each, so that background load affects all of them equally.
"""

from __future__ import annotations

import importlib.util
import statistics

from benchmarks.peers import Peer, Size
from benchmarks.peers.ragged import CONTESTANTS
from benchmarks.record import options, record
from benchmarks.timing import spread


def main() -> None:
    """Start the contestants, let them take turns, score them, and save the table."""
    parser = options(__doc__)
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--rounds", type=int, default=3, help="epochs of each, after a first one")
    arguments = parser.parse_args()
    size = Size(batch=32, units=32, length=183, updates=100)
    peers, notes = {}, []
    for name in arguments.only:
        what, prepare = CONTESTANTS[name]
        if name.startswith("torch") and importlib.util.find_spec("torch") is None:
            notes.append(f"{what}: left out; pip install '.[benchmarks]'")
            continue
        peers[name] = Peer(f"{prepare.__module__}:{prepare.__name__}", size)
    times: dict[str, list[float]] = {name: [] for name in peers}
    for _ in range(arguments.rounds):
        for name, peer in peers.items():
            times[name].append(peer.turn()["seconds"])
    ours = next(iter(times))
    rows = []
    for name, samples in times.items():
        ratios = [a / b for a, b in zip(samples, times[ours], strict=True)]
        scored = peers[name].score()
        rows.append(
            {
                "what": CONTESTANTS[name][0],
                **spread(samples, "seconds per epoch"),
                f"times {ours}": round(statistics.median(ratios), 1),
                "at least": round(min(samples) / min(times[ours]), 1),
                "accuracy": round(scored["loss"], 3),
                "MiB": round(scored["memory"]),
            }
        )
        peers[name].end()
    notes.append(f"accuracy: on further sequences, after {arguments.rounds + 1} epochs")
    notes.append("at least: the ratio of the shortest times")
    record("ragged", rows, notes, arguments.results)


if __name__ == "__main__":
    main()
