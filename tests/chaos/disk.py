"""A full disk: one line of error, no incomplete file, and with more space the sweep completes."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.site import Site


def full_disk(arguments: Sequence[str], folder: Path, violations: dict[str, list[str]]) -> int:
    """Run a sweep whose results do not fit on the disk, then again with more space.

    Returns how many results were stored before the disk was full, or -1 if no file system could
    be mounted.
    """
    with _mounted(folder / "disk", "size=200k") as mounted:
        if not mounted:
            return -1
        site = Site(folder / "disk", violations)
        first = site.start(arguments)
        site.wait(first)
        lines = first.err.read_text().splitlines()
        if first.code not in (1, 2) or len(lines) != 1 or "space" not in lines[0]:
            site.violated("ended wrongly", first, "a full disk is not reported in one line")
        site.check_no_temporary_files()
        stored = len(site.ledger.results)
        _mount(site.folder, "remount,size=50m")
        second = site.start(arguments)
        site.wait(second)
        if second.code != 0:
            site.violated("ended wrongly", second, "with more space it does not complete")
        return stored


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
