"""The real command line with simulated training; `main` reads sys.argv."""

from __future__ import annotations

import os
from pathlib import Path

from ablation import __main__, report, sweep
from ablation.storage import Store
from tests.chaos import faults


def main() -> None:
    faults.install("parent")
    Store.stale = int(os.environ[faults.STALE])
    sweep.WORK = "tests.chaos.work:work"
    vars(report)["build_report"] = build_report
    __main__.main()


def build_report(folder: Path) -> report.Report:
    """Build the report with its first picture only: to draw all takes longer than the sweep."""
    from unittest.mock import patch  # here, as both are loaded by few of the commands

    original, pictures = report.__getattr__("build_report"), report.Gallery.pictures
    with patch.object(report.Gallery, "pictures", lambda gallery: pictures(gallery)[:1]):
        made: report.Report = original(folder)
    return made
