"""Seconds of a command, and how several of them are said."""

from __future__ import annotations

import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ABLATION = (sys.executable, "-m", "ablation")


def seconds(command: Sequence[str], environment: dict[str, str] | None = None) -> float:
    """Run the command to its end; one that fails ends the benchmark with what it said.

    Its output goes to files: a pipe would end with the last process that it leaves behind.
    """
    with tempfile.TemporaryFile("w+") as said:
        began = time.perf_counter()
        code = subprocess.run(
            command, env=os.environ | (environment or {}), stdout=said, stderr=said, check=False
        ).returncode
        took = time.perf_counter() - began
        if code:
            said.seek(0)
            sys.exit(f"{shlex.join(command)}\n{said.read()[-3000:]}\nexit code {code}")
    return took


def spread(samples: Sequence[float], unit: str, digits: int = 2) -> dict[str, float]:
    """The median of the samples, the least and the greatest, as columns of a table."""
    middle = statistics.median(samples)
    named = {unit: middle, "least": min(samples), "most": max(samples)}
    return {name: round(value, digits) for name, value in named.items()}


@contextmanager
def nothing_compiled() -> Iterator[dict[str, str]]:
    """An environment with an empty folder of compiled programs, which runs in it share."""
    with tempfile.TemporaryDirectory() as folder:
        yield {"TF_XLA_FLAGS": f"--tf_xla_persistent_cache_directory={Path(folder)}"}
