"""Check this machine and a results folder, and say what to do; exit 1 if something is wrong."""

from __future__ import annotations

import argparse
from itertools import chain

from rich.table import Table
from rich.text import Text

from ablation.checks import Check, check_machine, check_results
from ablation.terminal import say, terminal

LOOKS = {"ok": "green", "attention": "yellow", "wrong": "bold red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="train nothing")


def run(arguments: argparse.Namespace) -> int:
    """Returns 1 where something is wrong."""
    root = arguments.results
    wrong = 0
    for check in chain(check_machine(root, not arguments.quick), check_results(root)):
        show_check(check)
        wrong += check.state == "wrong"
    say("All is well." if not wrong else f"{wrong} to be put right.")
    return 1 if wrong else 0


def show_check(check: Check) -> None:
    """One thing that was looked at, how it is, and what to do."""
    line = Table.grid(padding=(0, 2, 0, 0))
    line.add_column(width=9)
    line.add_column(width=13, overflow="fold")
    line.add_column(overflow="fold")
    line.add_row(Text(check.state, LOOKS[check.state]), Text(check.what), Text(check.said))
    terminal.print(line)
