"""List the sweeps of a results folder: how far each is, its best arm, when it last changed."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from ablation.errors import RequestError
from ablation.planning import load_plan, sweeps_in
from ablation.report import stored_report
from ablation.storage import Store
from ablation.terminal import count, say, terminal

AGES = (("day", 86_400), ("hour", 3_600), ("minute", 60))  # seconds


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none of its own."""


def run(arguments: argparse.Namespace) -> int:
    """Returns 0. Raises RequestError if there is no sweep."""
    show_sweeps(arguments.results)
    return 0


def show_sweeps(root: Path) -> None:
    """Print a row per sweep, the latest first, with the first sentence of its stored report.

    A sweep whose plan cannot be read is named with the reason. Raises RequestError if there is
    none at all.
    """
    names = sweeps_in(root)
    if not names:
        raise RequestError(f"no sweeps in {root}")
    folders = sorted((root / name for name in names), key=_changed, reverse=True)
    table = Table("sweep", box=None, pad_edge=False, header_style="bold")
    table.add_column("done", justify="right", no_wrap=True)
    table.add_column("changed", justify="right", no_wrap=True)
    table.add_column("answer", ratio=1)
    unreadable = []
    for folder in folders:
        try:
            plan = load_plan(folder)
        except RequestError as error:
            unreadable.append(str(error))
            continue
        done = len(Store(root).done(entry.id for entry in plan.entries))
        report = stored_report(folder)
        answer = report.answer[0] if report and report.answer else "no report yet"
        age = _age(time.time() - _changed(folder))
        table.add_row(escape(plan.name), f"{done:,}/{plan.total:,}", age, escape(answer))
    terminal.print(table)
    for line in unreadable:
        say(line)


def _changed(folder: Path) -> float:
    """When the sweep's plan or report was last written, in seconds since 1970."""
    files = (folder / "plan.json", folder / "report.json")
    return max(path.stat().st_mtime for path in files if path.exists())


def _age(seconds: float) -> str:
    for unit, length in AGES:
        if seconds >= length:
            return f"{count(int(seconds // length), unit)} ago"
    return "just now"
