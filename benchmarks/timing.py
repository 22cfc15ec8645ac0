"""Times commands, and summarises several times."""

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
    """Run the command, and return its wall-clock seconds.

    If it fails, the benchmark exits with its output. The output goes to a file: a pipe would stay
    open as long as any process that the command leaves behind.
    """
    with tempfile.TemporaryFile("w+") as output:
        began = time.perf_counter()
        code = subprocess.run(
            command, env=os.environ | (environment or {}), stdout=output, stderr=output, check=False
        ).returncode
        duration = time.perf_counter() - began
        if code:
            output.seek(0)
            sys.exit(f"{shlex.join(command)}\n{output.read()[-3000:]}\nexit code {code}")
    return duration


def spread(samples: Sequence[float], unit: str, digits: int = 2) -> dict[str, float]:
    """The median, minimum and maximum of the samples, as columns of a table."""
    median = statistics.median(samples)
    columns = {unit: median, "least": min(samples), "most": max(samples)}
    return {name: round(value, digits) for name, value in columns.items()}


@contextmanager
def nothing_compiled() -> Iterator[dict[str, str]]:
    """Environment variables with a new, empty folder for compiled programs."""
    with tempfile.TemporaryDirectory() as folder:
        yield {"TF_XLA_FLAGS": f"--tf_xla_persistent_cache_directory={Path(folder)}"}
