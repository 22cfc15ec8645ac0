"""What can be wrong with a request, and how it is said: in one line that a user can act on."""

from __future__ import annotations

import difflib
import sys
import unicodedata
import warnings
from collections.abc import Iterable
from typing import TextIO

STEERING = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, marks of direction, separators of lines


class _OneLine:
    """An error that Jupyter shows as one line, without the source lines it passed through."""

    def _render_traceback_(self) -> list[str]:  # IPython calls this
        return [f"{type(self).__name__}: {one_line(str(self))}"]


class RequestError(_OneLine, ValueError):
    """The request is wrong; the message is one line that says where and what is possible."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))  # it may cite what somebody else has written


class SweepFailed(_OneLine, Exception):
    """Some trials have no result; the message says how many of how many."""


class Interrupted(_OneLine, KeyboardInterrupt):
    """A sweep was stopped by hand; what has been trained is kept."""


class UnwritableFolder(SweepFailed):
    """The results folder has become full, or is gone; the message names it."""


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
            print(f"ablation: {one_line(str(message))}", file=sys.stderr)

    warnings.showwarning = show


def printable(text: str) -> str:
    """The text with all spelt out that would steer a terminal or turn the way it is read.

    Ends of lines stay, and tabs become spaces.
    """
    if text.isprintable():
        return text

    def spelt(character: str) -> str:
        steers = character != "\n" and unicodedata.category(character) in STEERING
        return character.encode("unicode_escape").decode() if steers else character

    return "".join(map(spelt, text.expandtabs()))


def one_line(text: str) -> str:
    """The text as `printable` makes it, on one line."""
    return printable(text).strip().replace("\n", "; ")


def suggest(value: str, choices: Iterable[str]) -> str:
    """What is possible instead of a value, and which of it comes closest."""
    known = list(choices)
    near = difflib.get_close_matches(value, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"choose one of {', '.join(known)}{hint}"
