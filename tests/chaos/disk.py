"""A disk that is full: a line, nothing half written, and with more room it goes on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.site import Site


def full_disk(arguments: Sequence[str], folder: Path, violations: dict[str, list[str]]) -> int:
    """Run a sweep whose results do not fit, and again with room; how many fitted, or -1.

    -1: no file system could be mounted, and nothing was tried.
    """
    with _mounted(folder / "disk", "size=200k") as there:
        if not there:
            return -1
        site = Site(folder / "disk", violations)
        first = site.start(arguments)
        site.wait(first)
        said = first.err.read_text().splitlines()
        if first.code not in (1, 2) or len(said) != 1 or "space" not in said[0]:
            site.violated("ended wrongly", first, "a full disk is not told in one line")
        site.left_behind()
        fitted = len(site.ledger.known)
        _mount(site.folder, "remount,size=50m")
        second = site.start(arguments)
        site.wait(second)
        if second.code != 0:
            site.violated("ended wrongly", second, "with room again it does not complete")
        return fitted


@contextmanager
def _mounted(folder: Path, options: str) -> Iterator[bool]:
    folder.mkdir()
    if not _mount(folder, options):
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _mount(folder: Path, options: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False
