"""The real command line whose workers do not train, and whose reports have one figure."""

from __future__ import annotations

from pathlib import Path

from ablation import __main__, report, sweep


def main(work: str) -> None:
    """Run what sys.argv says; work: the task of the workers, as "module:function"."""
    sweep.WORK = work
    vars(report)["build_report"] = build_report
    __main__.main()


def build_report(folder: Path) -> report.Report:
    """Build the report with its first picture only: to draw all takes longer than the sweep."""
    from unittest.mock import patch  # here, as both are loaded by few of the commands

    original, pictures = report.__getattr__("build_report"), report.Gallery.pictures
    with patch.object(report.Gallery, "pictures", lambda gallery: pictures(gallery)[:1]):
        made: report.Report = original(folder)
    return made
