"""What a report says, kept beside it, so that a finished sweep answers at once."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ablation.planning import load_plan
from ablation.spec import Frozen, canonical
from ablation.storage import Store, read_file, replace_file

Rows = list[dict[str, str]]


class Report(Frozen):
    """What a report says, ready to be read.

    state: what was planned and what is there; alarms: what must not be; answer: the findings in
    sentences; claims: a row a claim made before the sweep; reached: a row an arm, and in how many
    seeds it reaches the target; summary: a row an arm; contrasts: a row a pair of arms; expected: a
    row a task whose answer is known; pareto: a row an arm that no other beats in accuracy and some
    cost; probes: accuracy with a part of the model changed; failures: a row a trial that has no
    result. digest: of what the report was made from.
    """

    state: str
    alarms: list[str]
    answer: list[str]
    claims: Rows
    reached: Rows
    summary: Rows
    contrasts: Rows
    expected: Rows
    pareto: Rows
    probes: Rows
    failures: Rows
    digest: str


def digest_of(folder: Path) -> str:
    """Of all that a sweep's report is made from: its plan, and which results and failures exist."""
    plan = load_plan(folder)
    store = Store(folder.parent)
    ids = [entry.id for entry in plan.entries]
    done = store.done(ids)
    failed = [[path.name for path in store.failures(id)] for id in ids if id not in done]
    return hashlib.sha256(canonical([plan.model_dump(), sorted(done), failed])).hexdigest()


def keep_report(report: Report, folder: Path) -> None:
    """Write what the report says beside it."""
    replace_file(folder / "report.json", report.model_dump_json(indent=1) + "\n")


def forget_report(folder: Path) -> None:
    """Let what stands in the folder count as unfinished, for as long as it is written anew."""
    (folder / "report.json").unlink(missing_ok=True)


def kept_report(folder: Path) -> Report | None:
    """The report that stands in the folder, if it was made from what is there now."""
    try:
        report = Report.model_validate_json(read_file(folder / "report.json"))
    except (OSError, ValueError):  # never made, or by another version
        return None
    return report if report.digest == digest_of(folder) else None
