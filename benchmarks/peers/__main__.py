"""The process of one contestant: prepares, then does a turn or scores for each line on stdin."""

from __future__ import annotations

import importlib
import json
import os
import resource
import sys
import time

from benchmarks.peers import SCORE, Size


def main() -> None:
    """Report the start, and then each turn, in one line of JSON each."""
    target, size = sys.argv[1:]
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    replies, sys.stdout = sys.stdout, sys.stderr  # what libraries print must not look like a reply
    module, _, name = target.partition(":")
    prepare = getattr(importlib.import_module(module), name)
    began = time.perf_counter()
    prepared = prepare(Size(**json.loads(size)))
    turn, score = prepared if isinstance(prepared, tuple) else (prepared, prepared)
    reply = {"preparing": time.perf_counter() - began}
    turn()  # compiles or traces whatever is left
    print(json.dumps(reply | {"memory": _peak_memory()}), file=replies, flush=True)
    for line in sys.stdin:
        began = time.perf_counter()
        loss = score() if line.strip() == SCORE else turn()
        reply = {"seconds": time.perf_counter() - began, "loss": loss}
        print(json.dumps(reply | {"memory": _peak_memory()}), file=replies, flush=True)


def _peak_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


if __name__ == "__main__":
    main()
