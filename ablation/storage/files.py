"""Writes files completely and durably, or not at all."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on the path inside the block; waits for other processes' locks."""
    with open(path, "ab") as file:  # closing it, even by a crash, releases the lock
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield


def write_once(path: Path, text: str) -> bool:
    """Write a new file durably, all or nothing; returns False, changing nothing, if it exists."""
    with _temporary(path, text) as temporary:
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        _sync_folder(path.parent)
        return True


def replace_file(path: Path, text: str) -> None:
    """Write a file durably, all or nothing, replacing any existing one."""
    with _temporary(path, text) as temporary:
        os.replace(temporary, path)
        _sync_folder(path.parent)


@contextmanager
def _temporary(path: Path, text: str) -> Iterator[str]:
    handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        yield name
    finally:
        if os.path.exists(name):
            os.unlink(name)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_file(path: Path) -> bytes:
    """The bytes of a file; raises ValueError if the path is something else, such as a pipe."""
    if path.exists() and not path.is_file():  # reading a pipe could block for ever
        raise ValueError("it is not a regular file")
    return path.read_bytes()
