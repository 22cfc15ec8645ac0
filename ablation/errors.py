"""Errors that a user can cause; each message is one printable line that says what to do."""

from __future__ import annotations

import difflib
import sys
import unicodedata
import warnings
from collections.abc import Iterable
from typing import TextIO

# Unicode categories: control, format (such as text direction), surrogate, line separators.
CONTROL_CATEGORIES = ("Cc", "Cf", "Cs", "Zl", "Zp")


class _OneLine:
    """An error that Jupyter shows as one line, without a traceback."""

    def _render_traceback_(self) -> list[str]:  # IPython calls this
        return [f"{type(self).__name__}: {one_line(str(self))}"]


class RequestError(_OneLine, ValueError):
    """The request is wrong; the message names the key, the value and what is possible."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))  # it may quote a file that somebody else wrote


class SweepFailed(_OneLine, Exception):
    """Some trials have no result, or a report needs attention; the message says which."""


class Interrupted(_OneLine, KeyboardInterrupt):
    """A sweep was interrupted from the keyboard; finished trials are kept."""


class UnwritableFolder(SweepFailed):
    """The results folder can no longer be written, as it is full or gone; the message names it."""


def plain_warnings() -> None:
    """Show warnings to users as one line on stderr, without the place in the source.

    Warnings that are not UserWarning are for developers, and are hidden.
    """

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
    """Escape the characters that would control a terminal or change the direction of the text.

    Line ends are kept, and tabs become spaces.
    """
    if text.isprintable():
        return text

    def escape(character: str) -> str:
        control = character != "\n" and unicodedata.category(character) in CONTROL_CATEGORIES
        return character.encode("unicode_escape").decode() if control else character

    return "".join(map(escape, text.expandtabs()))


def one_line(text: str) -> str:
    """The text, escaped by `printable`, with "; " for line ends."""
    return printable(text).strip().replace("\n", "; ")


def suggest(value: str, choices: Iterable[str]) -> str:
    """The possible choices, and the one closest to the value if one is similar."""
    choices = list(choices)
    matches = difflib.get_close_matches(value, choices, n=1)
    hint = f"; did you mean {matches[0]}?" if matches else ""
    return f"choose one of {', '.join(choices)}{hint}"
