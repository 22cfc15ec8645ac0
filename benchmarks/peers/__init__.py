"""The same update in several programs; each is a function in a module of this folder.

The function takes a Size, builds and compiles the network, and returns a function that does
size.updates updates, one batch each, and returns their last or mean loss; in a pair with it may
come a function that returns a score of the trained network. The network is, but for `ragged`, the
lesson's: a bidirectional LSTM merged by concat, a sigmoid unit for each step, binary cross-entropy,
Adam with a learning rate of .001.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ablation.execution import SINGLE_THREADED

Array = NDArray[Any]
Turn = Callable[[], float]
SCORE = "score"


@dataclass(frozen=True)
class Size:
    """The size of the network, and the number of updates per turn."""

    batch: int = 10
    units: int = 50
    length: int = 10
    updates: int = 1000


def batches(size: Size) -> tuple[Array, Array]:
    """Inputs and labels of a turn, (updates, batch, length, 1) float32, of the cumsum problem."""
    rng = np.random.default_rng(0)
    x = rng.random((size.updates, size.batch, size.length, 1), dtype=np.float32)
    return x, (np.cumsum(x, axis=2) >= size.length / 4).astype(np.float32)


class Peer:
    """A contestant in its own process, with one core and one thread.

    start: how it started: "preparing" in seconds, peak "memory" in MiB.
    Raises RuntimeError, with the last line that it printed, if it does not start.
    """

    def __init__(self, prepare: str, size: Size) -> None:
        threads = dict.fromkeys(("MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (read if it does not start)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.peers", prepare, json.dumps(asdict(size))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=os.environ | SINGLE_THREADED | threads,
        )
        self.start = self._reply()

    def turn(self) -> dict[str, float]:
        """Let it do its updates; returns "seconds", "loss", and peak "memory" so far in MiB."""
        return self._ask("")

    def score(self) -> dict[str, float]:
        """Let it score its network: the score is the reply's "loss"."""
        return self._ask(SCORE)

    def end(self) -> None:
        """End the process, and wait for it."""
        self._process.communicate()

    def _ask(self, what: str) -> dict[str, float]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        return self._reply()

    def _reply(self) -> dict[str, float]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            reply: dict[str, float] = json.loads(line)
            return reply
        self._process.wait()
        self._log.seek(0)
        raise RuntimeError((self._log.read().strip() or "it ended").splitlines()[-1])
