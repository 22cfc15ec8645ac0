"""What a report says, kept beside it, so that a finished sweep answers at once."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

from ablation.planning import load_plan
from ablation.report.cells import Table
from ablation.spec import Frozen, canonical
from ablation.storage import Store, read_file, replace_file

PACKAGE = Path(__file__).resolve().parents[1]
SUFFIXES = (".py", ".j2", ".css", ".js")  # of the files that make a report
LIBRARIES = ("numpy", "scipy", "pandas", "matplotlib")


class Failure(Frozen):
    """A trial that has no result, why, and where the log of its last attempt is."""

    arm: str
    seed: int
    why: str
    log: str


class Report(Frozen):
    """What the terminal shows of a report.

    state: what was planned and what is there; alarms: what must not be; answer: the findings in
    sentences; summary: a row an arm, None without results; digest: of what the report was made from
    and by; margins: of each task, the difference that does not matter and why.
    """

    state: str
    alarms: tuple[str, ...]
    answer: tuple[str, ...]
    summary: Table | None
    failures: tuple[Failure, ...]
    digest: str
    margins: tuple[str, ...] = ()


def digest_of(folder: Path) -> str:
    """Of all that decides what a sweep's report says.

    That is its plan, which results and failures there are, and the program that makes the report.
    """
    plan = load_plan(folder)
    store = Store(folder.parent)
    ids = [entry.id for entry in plan.entries]
    done = store.done(ids)
    failed = [[path.name for path in store.failures(id)] for id in ids if id not in done]
    parts = [plan.model_dump(), sorted(done), failed, program_digest()]
    return hashlib.sha256(canonical(parts)).hexdigest()


@cache  # the code of a process stays what it is
def program_digest() -> list[str]:
    """The digest of this package's files, and the versions of what it computes and draws with.

    All of its files, because a report rests on most of them: 10 ms for a hundred. A commit would
    not do: it stays the same while a checkout is edited, and an installed package has none.
    """
    digest = hashlib.sha256()
    for path in sorted(path for path in PACKAGE.rglob("*") if path.suffix in SUFFIXES):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(PACKAGE).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return [digest.hexdigest(), *(version(name) for name in LIBRARIES)]


def store_report(report: Report, folder: Path) -> None:
    """Write what the report says beside it."""
    replace_file(folder / "report.json", report.model_dump_json(indent=1) + "\n")


def forget_report(folder: Path) -> None:
    """Let what stands in the folder count as unfinished, for as long as it is written anew."""
    (folder / "report.json").unlink(missing_ok=True)


def stored_report(folder: Path) -> Report | None:
    """The report in the folder, which may be older than its results; None if there is none."""
    try:
        return Report.model_validate_json(read_file(folder / "report.json"))
    except (OSError, ValueError):  # never made, or by another version
        return None


def current_report(folder: Path) -> Report | None:
    """The report in the folder, if it would be made the same now."""
    report = stored_report(folder)
    return report if report and report.digest == digest_of(folder) else None
