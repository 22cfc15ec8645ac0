"""Rebuild the report of a sweep from its stored results; without a name, list the sweeps."""

from __future__ import annotations

import argparse

from ablation.commands.list import show_sweeps
from ablation.report import build_report, show_report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="the sweep's name (its folder in results)")


def run(arguments: argparse.Namespace) -> int:
    """Returns 1 if an arm is better than its ceiling allows, else 0."""
    root = arguments.results
    if arguments.name is None:
        show_sweeps(root)
        return 0
    folder = root / arguments.name
    report = build_report(folder)
    show_report(report, folder)
    return 1 if report.alarms else 0
