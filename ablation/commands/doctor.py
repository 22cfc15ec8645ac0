"""Check this machine and a results folder, and say how to fix problems; exit 1 if there are any."""

from __future__ import annotations

import argparse
from itertools import chain

from rich.table import Table
from rich.text import Text

from ablation.checks import Check, check_machine, check_results
from ablation.terminal import count, say, terminal

STYLES = {"ok": "green", "attention": "yellow", "wrong": "bold red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="skip the training of a tiny arm")


def run(arguments: argparse.Namespace) -> int:
    """Returns 1 if something is wrong, else 0."""
    root = arguments.results
    wrong = 0
    for check in chain(check_machine(root, not arguments.quick), check_results(root)):
        show_check(check)
        wrong += check.state == "wrong"
    say(f"{count(wrong, 'problem')} to fix." if wrong else "No problems found.")
    return 1 if wrong else 0


def show_check(check: Check) -> None:
    """Print a check: its state, what was checked, and the message."""
    line = Table.grid(padding=(0, 2, 0, 0))
    line.add_column(width=9)
    line.add_column(width=13, overflow="fold")
    line.add_column(overflow="fold")
    line.add_row(Text(check.state, STYLES[check.state]), Text(check.subject), Text(check.message))
    terminal.print(line)
