"""The user's own code and data, packed to be sent to machines that do not have them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ablation.planning import files_of
from ablation.spec import Arm

MANIFEST = "bundle.json"
HERE = "here"  # the folder of a bundle for what lies below the current folder of the command
UNUSED_AFTER = 30 * 24 * 3600  # seconds after which a machine deletes a bundle


@dataclass(frozen=True)
class Bundle:
    """Files by their names in the bundle.

    key: SHA-256 of the names and contents; "" if there are none. python_path: the folders in it
    that modules are found in. renamed: the names of files by the paths that were asked for.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    python_path: tuple[str, ...] = ()
    renamed: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        whole = hashlib.sha256(repr((self.python_path, sorted(self.renamed.items()))).encode())
        for name, content in sorted(self.files.items()):
            whole.update(f"{name} {len(content)} ".encode())
            whole.update(content)
        return whole.hexdigest() if self.files else ""


def pack(arm: Arm) -> Bundle:
    """All files of the arm's own data and code, but for those of installed packages.

    A file keeps its path from the current folder, or from the folder on the Python path that it is
    found in. So a relative path in own code means the same on the other machine.
    """
    here = Path.cwd()
    roots = [Path(path or here).resolve() for path in sys.path]
    roots = [root for root in dict.fromkeys(roots) if root.is_dir() and root != here]
    files: dict[str, bytes] = {}
    python_path, renamed = {HERE: None}, {}
    for number, path in enumerate(files_of(arm)):
        absolute = path.resolve()
        if {"site-packages", "dist-packages"}.intersection(absolute.parts):
            continue
        above = [root for root in roots if root in absolute.parents]
        if here in absolute.parents:
            name = f"{HERE}/{absolute.relative_to(here).as_posix()}"
        elif absolute.suffix == ".py" and above:
            root = max(above, key=lambda root: len(root.parts))
            folder = f"path{roots.index(root)}"
            python_path[folder] = None
            name = f"{folder}/{absolute.relative_to(root).as_posix()}"
        else:
            name = f"data{number}/{absolute.name}"
        files[name] = absolute.read_bytes()
        renamed[str(path)] = name
    return Bundle(files, tuple(python_path), renamed)


def unpack(bundle: Bundle) -> None:
    """Write the bundle to this machine, all or nothing, unless it is there already."""
    folder = folder_of(bundle.key)
    _forget_unused(folder.parent)
    if folder.is_dir():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        (Path(made) / HERE).mkdir()
        for name, content in bundle.files.items():
            path = Path(made) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        manifest = {"python_path": bundle.python_path, "renamed": bundle.renamed}
        (Path(made) / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        with suppress(OSError):  # another process of this machine was first
            os.rename(made, folder)
        Path(made).mkdir(exist_ok=True)


def folder_of(key: str) -> Path:
    """Where a bundle lies on a machine: in the user's cache, as nobody else may write there."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "ablation" / "bundles" / key


def has(key: str) -> bool:
    """Whether this machine has the bundle; it then keeps it for a while."""
    folder = folder_of(key)
    with suppress(OSError):
        os.utime(folder)
    return not key or folder.is_dir()


def enter(arm: Arm, key: str) -> Arm:
    """Let this process find the bundle's files as the command does; returns the arm with its paths.

    The process must not have entered another bundle: modules stay as they were imported.
    """
    if not key:
        return arm
    folder = folder_of(key)
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    os.chdir(folder / HERE)
    paths = [str(folder / name) for name in manifest["python_path"]]
    sys.path[:0] = [path for path in paths if path not in sys.path]
    return arm.model_copy(
        update={
            group: function.model_copy(update={"path": str(folder / manifest["renamed"][path])})
            for group, function in (("problem", arm.problem), ("model", arm.model))
            if (path := function.parameters.get("path")) in manifest["renamed"]
        }
    )


def _forget_unused(folder: Path) -> None:
    for old in folder.glob("*"):
        with suppress(OSError):
            if time.time() - old.stat().st_mtime > UNUSED_AFTER:
                shutil.rmtree(old)
