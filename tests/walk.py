"""Prints the rooms that one trial passes, from command line to report: python -m tests.walk.

Runs a sweep of one tiny trial in a temporary folder, and records each function of the program at
its first call, in this process and in the worker. Consecutive functions of a room are one stay.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import textwrap
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from ablation.execution import worker as real
from ablation.spec import Trial
from ablation.storage import CommittedTrial

HOME = Path(__file__).resolve().parents[1] / "ablation"
TRACE = "ABLATION_WALK"
REQUEST = ["direction=forward", "seeds=1", "training=smoke", "units=3", "name=walk"]


def recorder(calls: list[str]) -> Callable[[FrameType, str, Any], None]:
    """A profiler that appends the room of each function of the program at its first call."""
    seen: set[tuple[str, str]] = set()

    def record(frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(f"{HOME}{os.sep}"):
            return
        if (code.co_filename, code.co_qualname) in seen or code.co_name == "<module>":
            return
        seen.add((code.co_filename, code.co_qualname))
        calls.append(Path(code.co_filename).relative_to(HOME).parts[0].removesuffix(".py"))

    return record


def work(trial: Trial, root: str, commit: str | None, dirty: bool | None) -> CommittedTrial | None:
    """The worker's real task; its calls are written to a file."""
    calls: list[str] = []
    sys.setprofile(recorder(calls))
    try:
        return real.work(trial, root, commit, dirty)
    finally:
        sys.setprofile(None)
        Path(os.environ[TRACE]).write_text(json.dumps(calls))


def stays(calls: list[str]) -> list[str]:
    """The rooms in order, each with the number of functions called there."""
    rooms: list[tuple[str, int]] = []
    for name in calls:
        if rooms and rooms[-1][0] == name:
            rooms[-1] = (name, rooms[-1][1] + 1)
        else:
            rooms.append((name, 1))
    return [f"{name} {count}" for name, count in rooms]


def main() -> None:
    calls: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ[TRACE] = f"{folder}/worker.json"
        from ablation import __main__, sweep

        sweep.WORK = "tests.walk:work"
        sys.argv = ["ablation", *REQUEST]
        sys.setprofile(recorder(calls))
        try:
            __main__.main()
        finally:
            sys.setprofile(None)
        inside = json.loads(Path(os.environ[TRACE]).read_text())
    for title, names in (("the command", calls), ("the worker", inside)):
        rooms = stays(names)
        print(f"\n{title}: {len(rooms)} stays in {len(set(names))} rooms, {len(names)} functions")
        print(textwrap.fill(" > ".join(rooms), 96, initial_indent="  ", subsequent_indent="  "))
        often = Counter(room.split()[0] for room in rooms).most_common(4)
        print("  most often entered:", ", ".join(f"{name} {count}" for name, count in often))


if __name__ == "__main__":
    main()
