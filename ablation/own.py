"""The user's own files, which a trial may rest on: what they hold is a part of what it means."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ablation import problems
from ablation.config import Arm


def pinned(arm: Arm) -> Arm:
    """The arm with the digest of the files that it rests on, as they are now."""
    files = files_of(arm)
    return arm.model_copy(update={"digest": _digest(files)}) if files else arm


def files_of(arm: Arm) -> list[Path]:
    """The files of the arm's own data and code, always in the same order."""
    return problems.files(arm.problem)


def _digest(files: list[Path]) -> str:
    whole = hashlib.sha256()
    for path in files:
        with open(path, "rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()
