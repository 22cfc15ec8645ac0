"""Says what a study shows: in sentences, tables, figures, files and the terminal."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ablation.report.cells import Column, Table
from ablation.report.console import show_failures, show_layers, show_predictions, show_report
from ablation.report.record import (
    Failure,
    Report,
    current_report,
    digest_of,
    store_report,
    stored_report,
)

if TYPE_CHECKING:
    from ablation.report.build import build_report
    from ablation.report.figures.catalogue import Gallery
    from ablation.report.figures.drawing import save
    from ablation.report.sentences import alarms, answer, recommended
    from ablation.report.tables import summary_table

__all__ = [
    "Column",
    "Failure",
    "Gallery",
    "Report",
    "Table",
    "alarms",
    "answer",
    "build_report",
    "current_report",
    "digest_of",
    "recommended",
    "save",
    "show_failures",
    "show_layers",
    "show_predictions",
    "show_report",
    "store_report",
    "stored_report",
    "summary_table",
]

# These load pandas and matplotlib, which a sweep that is finished does not wait for.
_LATE = {
    "build_report": "build",
    "Gallery": "figures.catalogue",
    "save": "figures.drawing",
    "alarms": "sentences",
    "answer": "sentences",
    "recommended": "sentences",
    "summary_table": "tables",
}


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
