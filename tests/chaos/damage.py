"""Damage to the files of a results folder between two runs."""

from __future__ import annotations

import json
import random
from pathlib import Path

from ablation.spec import SCHEMA

KINDS = ("truncated", "empty", "garbage", "a bit flipped", "another trial's")


def damaged(kind: str, path: Path, other: Path, chance: random.Random) -> bytes:
    """The content of a result file after damage. other: the file of another trial."""
    content = path.read_bytes()
    if kind == "truncated":
        return content[: chance.randrange(1, len(content) - 1)]
    if kind == "empty":
        return b""
    if kind == "garbage":
        return chance.randbytes(len(content))
    if kind == "another trial's":
        return other.read_bytes()
    if kind == "of another version":
        return json.dumps({**json.loads(content), "schema": SCHEMA + 1}).encode()
    if kind == "a bit flipped":
        # In a measured value: a flip in white space or in "schema" has another effect.
        at = content.index(b'"accuracy": 0.') + len(b'"accuracy": 0.') + chance.randrange(3)
        return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
    raise ValueError(kind)


def spoil(path: Path, chance: random.Random) -> None:
    """Overwrite a file that the program can make again: empty, truncated or garbage."""
    content = path.read_bytes()
    path.write_bytes(chance.choice([b"", content[: len(content) // 2], chance.randbytes(200)]))
