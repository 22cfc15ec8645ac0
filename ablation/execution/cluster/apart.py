"""The process that trains for a worker of the cluster."""

from __future__ import annotations

import os
import sys
import threading
from multiprocessing.connection import Connection

from ablation.execution.process import serve


def main(descriptor: int, cores: tuple[int, ...]) -> None:
    """Carry out tasks that arrive through the pipe, until whoever started this process is gone.

    descriptor: of the pipe. cores: the numbers of the cores that this process may use.
    """
    threading.Thread(target=_end_with_starter, daemon=True).start()
    serve(Connection(descriptor), cores)


def _end_with_starter() -> None:
    # Standard input ends when the other process does, even where it was killed. A trial that
    # nobody could be told about would otherwise go on.
    sys.stdin.buffer.read()
    os._exit(1)
