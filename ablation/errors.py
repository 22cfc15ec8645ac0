"""What can be wrong with a request, and how it is said: in one line that a user can act on."""

from __future__ import annotations

import difflib
import re
import sys
import warnings
from collections.abc import Iterable
from typing import TextIO

from yaml import MarkedYAMLError

GROUPS = ("problem", "direction", "merge_mode", "cell", "training", "engine", "experiment")


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


def unknown_key(name: str) -> str:
    """What to say of a key that no configuration has."""
    from ablation.config import KEYS, Training

    group, _, leaf = name.rpartition(".")
    if group == "training":
        return f"{name} is no key here: {choose(leaf, Training.model_fields)}"
    if group == "problem":
        return f"{name} is no key of this problem: its YAML file in conf/problem lists them"
    return f"{name} is no key here: {choose(name, KEYS)}"


def one_line(error: BaseException) -> str:
    """The message of an error of Hydra, OmegaConf or YAML, in one line."""
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark
        where = f"{mark.name}, line {mark.line + 1}: " if mark else ""
        return f"{where}{error.problem}"
    text = str(error)
    missing = getattr(error, "missing_cfg_file", None)
    if missing:  # a group has no such choice
        group, _, given = missing.rpartition("/")
        options = getattr(error, "options", None)
        return f"{group}={given}: {choose(given, sorted(options)) if options else 'no such choice'}"
    key = re.search(r"[Cc]ould not override '([^']+)'|Key '([^']+)' is not in", text)
    if key:
        return unknown_key(key[1] or key[2])
    if "Config group override must be" in text:
        return f"{', '.join(GROUPS)}: each needs the name of one choice"
    if "Ambiguous value" in text:
        given = text.partition("'")[2].partition("'")[0]
        return f"{given}: several values need -m (python -m ablation -m {given})"
    text = re.sub(r"\n?See https?://\S+.*", "", text)
    parts = [text, str(error.__cause__ or "")]
    return "; ".join(" ".join(part.split()) for part in parts if part)
