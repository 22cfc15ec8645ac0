"""The commands other than a sweep, such as `ablation report`; one file each."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

COMMANDS = tuple(module.name for module in iter_modules(__path__))


def run_command(words: Sequence[str]) -> int:
    """Run `ablation COMMAND ...`; returns the exit code.

    Each command is a module: its docstring is the help text, `add_arguments` adds its arguments to
    a parser, and `run` carries it out. All commands have --results.
    """
    name, *rest = words
    module = import_module(f"{__name__}.{name}")
    parser = argparse.ArgumentParser(f"ablation {name}", description=module.__doc__)
    parser.add_argument(
        "--results", default="results", type=Path, help="the results folder (default: results)"
    )
    module.add_arguments(parser)
    return int(module.run(parser.parse_args(rest)))
