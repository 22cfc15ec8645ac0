"""A benchmark's table: printed, and kept with its date, commit and machine."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")


def record(name: str, rows: list[dict[str, Any]]) -> Path:
    """Print the rows as a table, and write them to results/<date>-<name>.json."""
    columns = list(rows[0])
    widths = {c: max(len(c), *(len(str(row[c])) for row in rows)) for c in columns}
    for row in [{c: c for c in columns}, *rows]:
        print("  ".join(str(row[c]).rjust(widths[c]) for c in columns))
    now = datetime.now(UTC)
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{now:%Y-%m-%d}-{name}.json"
    body = {
        "command": f"python -m benchmarks.{name} {' '.join(sys.argv[1:])}".strip(),
        "when": now.isoformat(timespec="seconds"),
        "commit": commit or None,
        "cores": len(os.sched_getaffinity(0)),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "rows": rows,
    }
    path.write_text(json.dumps(body, indent=1) + "\n")
    return path
