"""Milliseconds per update, for our engines and other programs: python -m benchmarks.update.

One update is forward pass, backward pass and optimizer step of the lesson's network: a batch of 10
sequences of 10 steps, 50 units in each direction. Each program has its own process with one core
and one thread. They take turns, A B C A B C, so that background load affects all of them equally.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.peers import Peer, Size
from benchmarks.record import options, record
from benchmarks.timing import spread


@dataclass(frozen=True)
class Contestant:
    """A row of the table.

    what: its name. prepare: module:function in benchmarks.peers. needs: a package, if optional.
    """

    what: str
    prepare: str
    needs: str | None = None


CONTESTANTS = {
    "xla": Contestant("ablation, engine=xla", "ours:xla"),
    "fit": Contestant("ablation, engine=fit", "ours:fit"),
    "keras": Contestant("plain Keras script, model.fit", "plain_keras:fit"),
    "keras-jit": Contestant("the same with jit_compile=True", "plain_keras:jit"),
    "torch": Contestant("PyTorch nn.LSTM, eager", "pytorch:eager", "torch"),
    "torch-compile": Contestant("PyTorch nn.LSTM, torch.compile", "pytorch:compiled", "torch"),
    "jax": Contestant("JAX, LSTM by hand in lax.scan", "jax_scan:scan", "jax"),
    "numpy-floor": Contestant("products and activations alone, NumPy", "products:numpy"),
    "torch-floor": Contestant("products and activations alone, PyTorch", "products:torch", "torch"),
}


def main() -> None:
    """Start the contestants, let them take turns, and save the table."""
    parser = options(__doc__)
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--updates", type=int, default=1000, help="per contestant and round")
    parser.add_argument("--rounds", type=int, default=7)
    for name in ("batch", "units", "length"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Size, name))
    arguments = parser.parse_args()
    size = Size(arguments.batch, arguments.units, arguments.length, arguments.updates)
    peers, notes = _start(arguments.only, size)
    times: dict[str, list[float]] = {name: [] for name in peers}
    loss = {}
    for _ in range(arguments.rounds):
        for name, peer in peers.items():
            turn = peer.turn()
            times[name].append(1000 * turn["seconds"] / size.updates)
            loss[name] = turn["loss"]
    for peer in peers.values():
        peer.end()
    rows = []
    for name, samples in times.items():
        row = {"what": CONTESTANTS[name].what, **spread(samples, "ms per update", 3)}
        if "xla" in times:
            ratios = [a / b for a, b in zip(samples, times["xla"], strict=True)]
            row |= {"times xla": spread(ratios, "ratio")["ratio"]}
        has_loss = not math.isnan(loss[name])  # the floor computes none
        rows.append(row | {"loss at the end": round(loss[name], 3) if has_loss else ""})
    record("update", rows, notes, arguments.results)


def _start(names: Sequence[str], size: Size) -> tuple[dict[str, Peer], list[str]]:
    """The processes of the contestants that run here, and a note for each that does not."""
    peers, notes = {}, []
    for name in names:
        contestant = CONTESTANTS[name]
        if contestant.needs and importlib.util.find_spec(contestant.needs) is None:
            notes.append(f"{contestant.what}: left out; pip install '.[benchmarks]'")
            continue
        try:
            peers[name] = Peer(f"benchmarks.peers.{contestant.prepare}", size)
        except RuntimeError as error:
            notes.append(f"{contestant.what}: left out; it does not run here ({error})")
    return peers, notes


if __name__ == "__main__":
    main()
