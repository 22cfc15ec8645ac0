"""Compiled programs: how many a worker holds, and the folder that keeps them between runs."""

from __future__ import annotations

import hashlib
import os
import platform
from importlib.metadata import version
from pathlib import Path

PROGRAMS_KEPT = 32  # compiled arms that a worker holds; the least recently used goes first
PROGRAMS_LIMIT = 300 * 2**20  # bytes; the oldest programs go first


def xla_flags(existing: str = "") -> str:
    """TF_XLA_FLAGS with the folder of compiled programs added, unless they name one already."""
    if "persistent_cache_directory" in existing:
        return existing
    try:
        place = programs_folder()
        place.mkdir(parents=True, exist_ok=True)
        _shrink(place)
    except OSError:  # no home to write to: every run compiles for itself
        return existing
    return f"{existing} --tf_xla_persistent_cache_directory={place}".strip()


def programs_folder() -> Path:
    """A folder of this user's, of programs that this processor and this TensorFlow made.

    Not among the results: these are machine code, and results are passed on.
    """
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    made_by = f"{version('tensorflow')} {platform.machine()} {_processor()}"
    return Path(home) / "ablation" / f"xla-{hashlib.sha256(made_by.encode()).hexdigest()[:12]}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return " ".join(line for line in lines if line.startswith(("model name", "flags", "Features")))


def _shrink(folder: Path) -> None:
    entries = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    total = 0
    for path in entries:
        total += path.stat().st_size
        if total > PROGRAMS_LIMIT:
            path.unlink(missing_ok=True)
