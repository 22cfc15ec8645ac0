"""Milliseconds of one update, ours and other programs': python -m benchmarks.update.

Forward, backward and optimizer of the lesson's network, a batch of 10 sequences of 10 steps, 50
units in each direction. Every program has a process of its own that keeps to one core and one
thread; they take turns, A B C A B C, so that what the machine does meanwhile falls on all alike.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.peers import Peer, Size
from benchmarks.record import options, record
from benchmarks.timing import spread


@dataclass(frozen=True)
class Contestant:
    """A row of the table: what it is, module:function below benchmarks.peers, and its package."""

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
    """Start them, let them take turns, and write the table down."""
    parser = options(__doc__)
    parser.add_argument("--only", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--updates", type=int, default=1000, help="of each in a round")
    parser.add_argument("--rounds", type=int, default=7)
    for name in ("batch", "units", "length"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Size, name))
    arguments = parser.parse_args()
    size = Size(arguments.batch, arguments.units, arguments.length, arguments.updates)
    peers, notes = _start(arguments.only, size)
    took: dict[str, list[float]] = {name: [] for name in peers}
    loss = {}
    for _ in range(arguments.rounds):
        for name, peer in peers.items():
            told = peer.turn()
            took[name].append(1000 * told["seconds"] / size.updates)
            loss[name] = told["loss"]
    for peer in peers.values():
        peer.end()
    rows = []
    for name, samples in took.items():
        row = {"what": CONTESTANTS[name].what, **spread(samples, "ms per update", 3)}
        if "xla" in took:
            ratios = [a / b for a, b in zip(samples, took["xla"], strict=True)]
            row |= {"times xla": spread(ratios, "ratio")["ratio"]}
        learns = loss[name] == loss[name]  # the floor computes no loss
        rows.append(row | {"loss at the end": round(loss[name], 3) if learns else ""})
    record("update", rows, notes, arguments.results)


def _start(names: Sequence[str], size: Size) -> tuple[dict[str, Peer], list[str]]:
    """The processes of those that can be run here, and a sentence for each that cannot."""
    peers, notes = {}, []
    for name in names:
        asked = CONTESTANTS[name]
        if asked.needs and importlib.util.find_spec(asked.needs) is None:
            notes.append(f"{asked.what}: left out; pip install '.[benchmarks]'")
            continue
        try:
            peers[name] = Peer(f"benchmarks.peers.{asked.prepare}", size)
        except RuntimeError as error:
            notes.append(f"{asked.what}: left out; it does not run here ({error})")
    return peers, notes


if __name__ == "__main__":
    main()
