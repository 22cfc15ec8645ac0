"""Prints a benchmark's table, and saves it with date, commit and machine."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")


def options(description: str | None) -> argparse.ArgumentParser:
    """The argument parser of a benchmark, with the option that all of them have."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the table")
    return parser


def record(
    name: str,
    rows: Sequence[dict[str, Any]],
    notes: Sequence[str] = (),
    folder: Path = RESULTS,
) -> Path:
    """Print the rows as a table, and save them in folder/<date>-<name>.json; returns its path.

    Rows may have different columns. notes: sentences that explain the table.
    """
    columns = list(dict.fromkeys(column for row in rows for column in row))
    table = [{c: c for c in columns}, *({c: row.get(c, "") for c in columns} for row in rows)]
    widths = {c: max(len(str(row[c])) for row in table) for c in columns}
    words = {c for c in columns if all(isinstance(row.get(c, ""), str) for row in rows)}
    for row in table:
        cells = (
            str(row[c]).ljust(widths[c]) if c in words else str(row[c]).rjust(widths[c])
            for c in columns
        )
        print("  ".join(cells).rstrip())
    for note in notes:
        print(note)
    now = datetime.now(UTC)
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{now:%Y-%m-%d}-{name}.json"
    body = {
        "command": f"python -m benchmarks.{name} {' '.join(sys.argv[1:])}".strip(),
        "when": now.isoformat(timespec="seconds"),
        "commit": commit or None,
        "cores": len(os.sched_getaffinity(0)),
        "machine": f"{platform.machine()} {_processor()}".strip(),
        "python": platform.python_version(),
        "rows": list(rows),
        "notes": list(notes),
    }
    path.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n")
    return path


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "")
