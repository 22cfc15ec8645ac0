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
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ablation.errors import RequestError, Unwritable
from ablation.spec import SCHEMA, Frozen, Trial
from ablation.storage.files import locked, read_file, write_once
from ablation.storage.result import TrialResult


class Attempt(Frozen):
    """A trial that ended without a result: what went wrong, as text."""

    trial: Trial
    kind: str
    message: str
    traceback: str
    when: str


class Damaged(Exception):
    """A stored file is not what was written; the message is one line that says why."""


class Store:
    """The results folder.

    root/trials/<id>.json holds a result, and its presence is what "done" means;
    root/attempts/<id>/ holds what went wrong before; root/<sweep>/ is a sweep's plan and report.
    """

    stale = 3600  # seconds after which nobody writes a temporary file any more

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        self.trials = self.root / "trials"
        self.attempts = self.root / "attempts"

    def prepare(self) -> None:
        """Make the folders, and remove what writers that were killed have left.

        Raises RequestError where nothing can be written.
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
                with suppress(FileNotFoundError):  # its writer lives, or another sweep tidies too
                    if time.time() - path.stat().st_mtime > self.stale:
                        path.unlink()

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
        envelope = {"schema": SCHEMA, "sha256": checksum(body), "result": body}
        text = json.dumps(envelope, allow_nan=False) + "\n"
        with self.writing():
            return write_once(self.path(result.trial.id), text)

    def read(self, id: str) -> TrialResult | None:
        """A trial's result, or None where there is none.

        A damaged file is moved aside with a warning, and its trial is then not done. Raises
        RequestError for a result of another version of the program.
        """
        path = self.path(id)
        try:
            return self.inspect(id)
        except Damaged as damage:
            reason = str(damage)
        try:
            with locked(self.root / ".damaged.lock"):
                # Another process may have moved it by now, and committed a sound one in its place.
                try:
                    return self.inspect(id)
                except Damaged:
                    aside = path.with_suffix(f".damaged-{time.time_ns()}")
                    path.rename(aside)
        except OSError as error:
            raise RequestError(
                f"{path}: it is damaged ({reason}) and cannot be moved aside ({error.strerror})"
            ) from None
        warnings.warn(f"{path} is damaged ({reason}): moved to {aside.name}", stacklevel=2)
        return None

    def inspect(self, id: str) -> TrialResult | None:
        """A trial's result as `read` gives it, but nothing is moved: damage raises Damaged."""
        path = self.path(id)
        try:
            envelope = json.loads(read_file(path))
            schema = envelope["schema"]
            if isinstance(schema, int) and schema != SCHEMA:
                raise RequestError(
                    f"{path}: of another version of ablation (schema {schema}, "
                    f"this is {SCHEMA}); use that version, or another folder with results=, "
                    "or remove it"
                )
            if envelope["sha256"] != checksum(envelope["result"]):
                raise ValueError("its checksum does not match")
            result = TrialResult.model_validate(envelope["result"])
            if result.trial.id != id:
                raise ValueError("it holds another trial")
            return result
        except FileNotFoundError:
            return None
        except RequestError:
            raise
        except OSError as error:
            raise RequestError(f"{path}: cannot be read ({error.strerror})") from None
        except KeyError as error:
            raise Damaged(f"it has no {error}") from None
        except TypeError:
            raise Damaged("it is not built as a result is") from None
        except (ValueError, RecursionError) as error:
            raise Damaged(str(error).partition("\n")[0]) from None

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
        with self.writing():
            folder.mkdir(exist_ok=True)
            write_once(folder / f"{now:%Y%m%dT%H%M%S%f}.json", attempt.model_dump_json(indent=1))
            with open(self.log(trial.id), "a", encoding="utf-8", errors="replace") as log:
                log.write(f"{attempt.when} {kind}: {message}\n{traceback}\n")

    def failures(self, id: str) -> list[Path]:
        """The files that record how a trial failed, the most recent last."""
        return sorted((self.attempts / id).glob("*.json"))

    def last_attempt(self, id: str) -> Attempt | None:
        """The most recent failure of a trial that can be read, if there is one."""
        for path in reversed(self.failures(id)):
            with suppress(ValueError):
                return Attempt.model_validate_json(read_file(path))
        return None

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Say of an error of the disk which folder it is of: raises Unwritable."""
        try:
            yield
        except OSError as error:
            raise Unwritable(
                f"results={self.root}: cannot write there any more ({error.strerror}); "
                "what is finished is kept, and the same command goes on from here"
            ) from error

    @contextmanager
    def claim(self, id: str) -> Iterator[bool]:
        """Hold the trial against every other process; gives False if another one holds it.

        One byte of one lock file stands for each trial (POSIX record locks), so there is nothing
        to clean up: the kernel lets go when the process ends, however it ends.
        """
        place = int(id[:15], 16)
        with self.writing():
            file = open(self.root / "trials.lock", "ab")  # noqa: SIM115
        with file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except (BlockingIOError, PermissionError):  # POSIX allows either for "it is taken"
                yield False
                return
            yield True


def checksum(body: Any) -> str:
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def _nothing() -> Iterator[tuple[()]]:
    yield ()
