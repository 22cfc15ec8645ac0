"""Compiled programs: how many a worker keeps, and the folder that stores them between runs."""

from __future__ import annotations

import hashlib
import os
import platform
from importlib.metadata import version
from pathlib import Path

PROGRAMS_KEPT = 32  # compiled arms per worker; the least recently used is dropped first
PROGRAMS_LIMIT = 300 * 2**20  # bytes on disk; the oldest programs are deleted first


def xla_flags(existing: str = "") -> str:
    """TF_XLA_FLAGS with the folder of compiled programs added, unless one is set already.

    Creates the folder, and deletes its oldest programs if it is too large.
    """
    if "persistent_cache_directory" in existing:
        return existing
    try:
        folder = programs_folder()
        folder.mkdir(parents=True, exist_ok=True)
        _shrink(folder)
    except OSError:  # not writable: nothing is stored, so every run compiles again
        return existing
    return f"{existing} --tf_xla_persistent_cache_directory={folder}".strip()


def programs_folder() -> Path:
    """The folder for programs of this processor and TensorFlow version, in the user's cache.

    Not in the results folder: programs are machine code, and people pass results on.
    """
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    compiler = f"{version('tensorflow')} {platform.machine()} {_processor()}"
    return Path(cache) / "ablation" / f"xla-{hashlib.sha256(compiler.encode()).hexdigest()[:12]}"


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
