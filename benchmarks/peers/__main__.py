"""The process of one peer: prepares, then does a turn for each line that it is sent."""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time

from benchmarks.peers import Size


def main() -> None:
    """Say how the start went, and then how each turn did, one line of JSON each."""
    where, size = sys.argv[1:]
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    lines, sys.stdout = sys.stdout, sys.stderr  # what a library prints is not an answer
    module, _, name = where.partition(":")
    prepare = getattr(importlib.import_module(module), name)
    began = time.perf_counter()
    turn = prepare(Size(**json.loads(size)))
    told = {"preparing": time.perf_counter() - began}
    turn()  # whatever is still to be compiled or traced
    print(json.dumps(told | {"memory": _peak_memory()}), file=lines, flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        loss = turn()
        told = {"seconds": time.perf_counter() - began, "loss": loss}
        print(json.dumps(told | {"memory": _peak_memory()}), file=lines, flush=True)


def _peak_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


if __name__ == "__main__":
    main()
