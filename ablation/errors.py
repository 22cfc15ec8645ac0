"""What can be wrong with a request, and how it is said: in one line that a user can act on."""

from __future__ import annotations

import difflib
import sys
import warnings
from collections.abc import Iterable
from typing import TextIO


class RequestError(ValueError):
    """The request is wrong; the message is one line that says where and what is possible."""


class SweepFailed(Exception):
    """Some trials have no result; the message says how many of how many."""


def plain_warnings() -> None:
    """Show warnings as a line for the user, not as a place in the source."""

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, UserWarning):
            print(f"ablation: {message}", file=sys.stderr)

    warnings.showwarning = show


def choose(value: str, choices: Iterable[str]) -> str:
    """What is possible instead of a value, and which of it comes closest."""
    known = list(choices)
    near = difflib.get_close_matches(value, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"choose one of {', '.join(known)}{hint}"
