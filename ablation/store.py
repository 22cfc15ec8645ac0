"""Results on disk: one file a trial, written whole or not at all, and never overwritten."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ablation.config import SCHEMA, Frozen, Trial
from ablation.errors import RequestError
from ablation.result import TrialResult


class Attempt(Frozen):
    """A trial that ended without a result: what went wrong, as text."""

    trial: Trial
    kind: str
    message: str
    traceback: str
    when: str


class Store:
    """The results folder.

    root/trials/<id>.json holds a result, and its presence is what "done" means;
    root/attempts/<id>/ holds what went wrong before; root/<sweep>/ is a sweep's plan and report.
    """

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        self.trials = self.root / "trials"
        self.attempts = self.root / "attempts"

    def prepare(self) -> None:
        """Make the folders; raises RequestError where nothing can be written."""
        try:
            self.trials.mkdir(parents=True, exist_ok=True)
            self.attempts.mkdir(exist_ok=True)
            with tempfile.TemporaryFile(dir=self.trials):
                pass
        except OSError as error:
            raise RequestError(
                f"results={self.root}: cannot write there ({error.strerror}); "
                "choose another folder with results=..."
            ) from None

    def path(self, id: str) -> Path:
        return self.trials / f"{id}.json"

    def log(self, id: str) -> Path:
        """Where a trial's output goes while it is trained; it stays only if the trial fails."""
        return self.attempts / id / "output.log"

    def done(self, ids: Iterable[str]) -> set[str]:
        """Those of the ids that have a file; whether it can be read, reading it tells."""
        with os.scandir(self.trials) if self.trials.is_dir() else _nothing() as entries:
            present = {entry.name.removesuffix(".json") for entry in entries}
        return present.intersection(ids)

    def commit(self, result: TrialResult) -> bool:
        """Write a result durably; False if somebody else had already, whose file then stands."""
        body = result.model_dump()
        envelope = {"schema": SCHEMA, "sha256": _checksum(body), "result": body}
        return write_once(self.path(result.trial.id), json.dumps(envelope, allow_nan=False) + "\n")

    def read(self, id: str) -> TrialResult | None:
        """A trial's result, or None where there is none.

        A damaged file is moved aside with a warning, and its trial is then not done. Raises
        RequestError for a result of another version of the program.
        """
        path = self.path(id)
        try:
            envelope = json.loads(path.read_bytes())
            if envelope["schema"] != SCHEMA:
                raise RequestError(
                    f"{path}: of another version of ablation (schema {envelope['schema']}, "
                    f"this is {SCHEMA}); use that version, or another folder with results="
                )
            if envelope["sha256"] != _checksum(envelope["result"]):
                raise ValueError("its checksum does not match")
            result = TrialResult.model_validate(envelope["result"])
            if result.trial.id != id:
                raise ValueError("it holds another trial")
            return result
        except FileNotFoundError:
            return None
        except RequestError:
            raise
        except (ValueError, KeyError, TypeError, RecursionError, ValidationError) as error:
            aside = path.with_suffix(f".damaged-{time.time_ns()}")
            path.rename(aside)
            reason = str(error).splitlines()[0]
            warnings.warn(f"{path} is damaged ({reason}): moved to {aside.name}", stacklevel=2)
            return None

    def readable(self, ids: Iterable[str]) -> dict[str, TrialResult]:
        """The results of these trials that there are, in order; damaged ones are set aside."""
        ids = list(ids)
        present = self.done(ids)
        results = ((id, self.read(id)) for id in ids if id in present)
        return {id: result for id, result in results if result is not None}

    def fail(self, trial: Trial, kind: str, message: str, traceback: str) -> None:
        """Record a trial that ended without a result."""
        now = datetime.now(UTC)
        attempt = Attempt(
            trial=trial,
            kind=kind,
            message=message,
            traceback=traceback,
            when=now.isoformat(timespec="seconds"),
        )
        folder = self.attempts / trial.id
        folder.mkdir(parents=True, exist_ok=True)
        write_once(folder / f"{now:%Y%m%dT%H%M%S%f}.json", attempt.model_dump_json(indent=1))

    def last_attempt(self, id: str) -> Attempt | None:
        """The most recent failure of a trial, if there was one."""
        paths = sorted((self.attempts / id).glob("*.json"))
        return Attempt.model_validate_json(paths[-1].read_bytes()) if paths else None

    @contextmanager
    def claim(self, id: str) -> Iterator[bool]:
        """Hold the trial against every other process; gives False if another one holds it.

        One byte of one lock file stands for each trial (POSIX record locks), so there is nothing
        to clean up: the kernel lets go when the process ends, however it ends.
        """
        place = int(id[:15], 16)
        with open(self.root / "trials.lock", "ab") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except OSError:
                yield False
                return
            yield True


def write_once(path: Path, text: str) -> bool:
    """Write a file whole and durably; False, and nothing changed, where the path exists."""
    with _temporary(path, text) as temporary:
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        _sync_folder(path.parent)
        return True


def replace(path: Path, text: str) -> None:
    """Write a file whole and durably in the place of an older one."""
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


def _checksum(body: Any) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def _nothing() -> Iterator[tuple[()]]:
    yield ()
