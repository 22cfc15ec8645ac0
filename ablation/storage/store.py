"""Results on disk: one file per trial, written completely or not at all, never overwritten."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from ablation.errors import RequestError, UnwritableFolder
from ablation.spec import SCHEMA, Frozen, Trial
from ablation.storage.files import locked, read_file, write_once
from ablation.storage.result import TrialResult


class Attempt(Frozen):
    """A failed attempt at a trial: what went wrong, as text. when: ISO 8601, UTC."""

    trial: Trial
    kind: str
    message: str
    traceback: str
    when: str


class DamagedFile(Exception):
    """A stored file is not what the program wrote; the message says why in one line."""


class Store:
    """The results folder.

    root/trials/<id>.json is a result; a trial is done if this file exists.
    root/attempts/<id>/ holds the trial's failures. root/<sweep>/ holds a sweep's plan and report.
    """

    stale = 3600  # seconds after which a temporary file has no writer any more

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        self.trials = self.root / "trials"
        self.attempts = self.root / "attempts"

    def prepare(self) -> None:
        """Create the folders, and delete old temporary files of killed processes.

        Raises RequestError if the folder is not writable.
        """
        try:
            self.trials.mkdir(parents=True, exist_ok=True)
            self.attempts.mkdir(exist_ok=True)
            with tempfile.TemporaryFile(dir=self.trials):
                pass
            self._tidy()
        except OSError as error:
            raise RequestError(
                f"results={self.root}: cannot write there ({error.strerror}); "
                "choose another folder with results=..."
            ) from None

    def _tidy(self) -> None:
        for folder in ("*", "attempts/*"):
            for path in self.root.glob(f"{folder}/.*.tmp"):
                # Its writer may finish, or another sweep delete it, at the same time.
                with suppress(FileNotFoundError):
                    if time.time() - path.stat().st_mtime > self.stale:
                        path.unlink()

    def path(self, id: str) -> Path:
        """The file of a trial's result."""
        return self.trials / f"{id}.json"

    def log(self, id: str) -> Path:
        """The file for the output of a trial's training; it is kept only if the trial fails."""
        return self.attempts / id / "output.log"

    def done(self, ids: Iterable[str]) -> set[str]:
        """The ids that have a result file; it is not opened, so it may still be damaged."""
        with os.scandir(self.trials) if self.trials.is_dir() else _no_entries() as entries:
            present = {entry.name.removesuffix(".json") for entry in entries}
        return present.intersection(ids)

    def commit(self, result: TrialResult) -> bool:
        """Write a result durably; returns False, and keeps the stored one, if there is one.

        Raises UnwritableFolder.
        """
        body = result.model_dump()
        envelope = {"schema": SCHEMA, "sha256": checksum(body), "result": body}
        text = json.dumps(envelope, allow_nan=False) + "\n"
        with self.writing():
            return write_once(self.path(result.trial.id), text)

    def read(self, id: str) -> TrialResult | None:
        """A trial's result, or None if it has none.

        A damaged file is renamed with a warning, and the trial then counts as not done. Raises
        RequestError if the file cannot be read, or is from another version of the program.
        """
        path = self.path(id)
        try:
            return self.inspect(id)
        except DamagedFile as damage:
            reason = str(damage)
        try:
            with locked(self.root / ".damaged.lock"):
                # Another process may have moved it meanwhile and committed a valid result.
                try:
                    return self.inspect(id)
                except DamagedFile:
                    aside = path.with_suffix(f".damaged-{time.time_ns()}")
                    path.rename(aside)
        except OSError as error:
            raise RequestError(
                f"{path}: damaged ({reason}), and it cannot be renamed ({error.strerror})"
            ) from None
        warnings.warn(f"{path} is damaged ({reason}); renamed to {aside.name}", stacklevel=2)
        return None

    def inspect(self, id: str) -> TrialResult | None:
        """Like `read`, but changes nothing on disk: raises DamagedFile for a damaged file."""
        path = self.path(id)
        try:
            envelope = json.loads(read_file(path))
            schema = envelope["schema"]
            if isinstance(schema, int) and schema != SCHEMA:
                raise RequestError(
                    f"{path}: written by another version of ablation (schema {schema}, "
                    f"this is {SCHEMA}); use that version, choose another folder with results=, "
                    "or delete the file"
                )
            if envelope["sha256"] != checksum(envelope["result"]):
                raise ValueError("its checksum does not match")
            result = TrialResult.model_validate(envelope["result"])
            if result.trial.id != id:
                raise ValueError("it contains another trial")
            return result
        except FileNotFoundError:
            return None
        except RequestError:
            raise
        except OSError as error:
            raise RequestError(f"{path}: cannot be read ({error.strerror})") from None
        except KeyError as error:
            raise DamagedFile(f"it has no {error}") from None
        except TypeError:
            raise DamagedFile("it does not have the structure of a result") from None
        except (ValueError, RecursionError) as error:
            raise DamagedFile(str(error).partition("\n")[0]) from None

    def read_all(self, ids: Iterable[str]) -> dict[str, TrialResult]:
        """The stored results of these trials by id, in order; damaged files are renamed."""
        ids = list(ids)
        present = self.done(ids)
        results = ((id, self.read(id)) for id in ids if id in present)
        return {id: result for id, result in results if result is not None}

    def fail(self, trial: Trial, kind: str, message: str, traceback: str) -> None:
        """Record a failed attempt at a trial. Raises UnwritableFolder."""
        now = datetime.now(UTC)
        attempt = Attempt(
            trial=trial,
            kind=kind,
            message=message,
            traceback=traceback,
            when=now.isoformat(timespec="seconds"),
        )
        folder = self.attempts / trial.id
        with self.writing():
            folder.mkdir(exist_ok=True)
            write_once(folder / f"{now:%Y%m%dT%H%M%S%f}.json", attempt.model_dump_json(indent=1))
            with open(self.log(trial.id), "a", encoding="utf-8", errors="replace") as log:
                log.write(f"{attempt.when} {kind}: {message}\n{traceback}\n")

    def keep_output(self, id: str, text: str) -> None:
        """Add what a failed training printed to the trial's log. Raises UnwritableFolder."""
        with self.writing():
            self.log(id).parent.mkdir(exist_ok=True)
            with open(self.log(id), "a", encoding="utf-8", errors="replace") as log:
                log.write(text)

    def failures(self, id: str) -> list[Path]:
        """The records of a trial's failures, the most recent last."""
        return sorted((self.attempts / id).glob("*.json"))

    def last_attempt(self, id: str) -> Attempt | None:
        """The most recent readable failure of a trial, or None."""
        for path in reversed(self.failures(id)):
            with suppress(ValueError):
                return Attempt.model_validate_json(read_file(path))
        return None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn an OSError inside the block into UnwritableFolder, which names the folder."""
        try:
            yield
        except OSError as error:
            raise UnwritableFolder(
                f"results={self.root}: no longer writable ({error.strerror}); "
                "finished trials are kept; run the same command to continue"
            ) from error

    @contextmanager
    def claim(self, id: str) -> Iterator[bool]:
        """Reserve the trial for this process inside the block; yields False if another has it.

        Raises UnwritableFolder.
        """
        with self.claims() as claims:
            yield claims.take(id)

    @contextmanager
    def claims(self) -> Iterator[Claims]:
        """Reserve trials for this process, until the block ends or they are given back.

        A process must not have two such blocks at a time: the end of one would give back the trials
        of both. Raises UnwritableFolder.
        """
        with self.writing():
            file = open(self.root / "trials.lock", "ab")  # noqa: SIM115
        with file:
            yield Claims(file)


class Claims:
    """The trials that this process has reserved.

    Each trial is a byte of one lock file, locked by POSIX record locks. The kernel releases the
    locks when the process ends, for whatever reason, so nothing is ever left to clean up.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def take(self, id: str) -> bool:
        """Reserve the trial; False if another process has it."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(id))
        except (BlockingIOError, PermissionError):  # POSIX allows either for a lock in use
            return False
        return True

    def give_back(self, id: str) -> None:
        """Let other processes have the trial."""
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _place(id))


def _place(id: str) -> int:
    return int(id[:15], 16)


def checksum(body: Any) -> str:
    """SHA-256 of a JSON value, independent of the order of its keys."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def _no_entries() -> Iterator[tuple[()]]:
    yield ()
