"""What is wrong with a request, in one line: the key, what was given, what is possible."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ValidationError
from yaml import MarkedYAMLError

from ablation.errors import one_line, suggest
from ablation.spec import Arm, Claim, ReportSettings, Settings, Training

GROUPS = ("problem", "direction", "merge_mode", "cell", "training", "engine", "experiment")
_PLACED = tuple(group for group in GROUPS if group not in ("problem", "training"))  # at the top
KEYS = [*(key for key in Arm.model_fields if key != "digest"), *Settings.model_fields, "experiment"]


def unknown_key(name: str, beside: Iterable[str] = ()) -> str:
    """What to say of a key that no configuration has.

    beside: the keys that there are in its place, where they differ from problem to problem.
    """
    group, _, leaf = name.rpartition(".")
    if group == "training":
        return f"{name} is no key here: {suggest(leaf, Training.model_fields)}"
    if group == "report":
        return f"{name} is no key here: {suggest(leaf, ReportSettings.model_fields)}"
    if group.startswith("report.claims."):
        return f"{name} is no key of a claim: {suggest(leaf, Claim.model_fields)}"
    if group == "problem":
        return f"{name} is no key of this problem: {suggest(leaf, beside)}"
    return f"{name} is no key here: {suggest(name, KEYS)}"


def explain(error: BaseException) -> str:
    """The message of an error of Hydra, OmegaConf or YAML, in one line."""
    return one_line(_message(error))


def _message(error: BaseException) -> str:
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark
        where = f"{mark.name}, line {mark.line + 1}: " if mark else ""
        return f"{where}{error.problem}"
    text = str(error) or f"Hydra cannot make a configuration of this ({type(error).__name__})"
    missing = getattr(error, "missing_cfg_file", None)
    if missing:  # a group has no such choice
        group, _, given = missing.rpartition("/")
        options = getattr(error, "options", None)
        possible = suggest(given, sorted(options)) if options else "no such choice"
        own = f" ({_OWN})" if group in ("problem", "merge_mode", "cell") and "." in given else ""
        return f"{group}={given}: {possible}{own}"
    key = re.search(r"[Cc]ould not override '([^']+)'|Key '([^']+)' is not in", text)
    if key:
        beside = getattr(error.__cause__ or error, "parent_node", None) or ()
        return unknown_key(key[1] or key[2], map(str, beside))
    override = getattr(error, "override", None)
    if override is not None and _GRAMMAR.search(text):
        return f"{override}: this is not key=value; other signs in a value need quotes: \"'...'\""
    if "Config group override must be" in text:
        return f"{', '.join(GROUPS)}: each needs the name of one choice"
    if "Ambiguous value" in text:
        given = text.partition("'")[2].partition("'")[0]
        return f"{given}: several values need -m (python -m ablation -m {given})"
    text = re.sub(r"\n?See https?://\S+.*", "", text)
    cause = str(error.__cause__ or "")
    parts = [text, cause if cause not in text else ""]
    return "; ".join(" ".join(part.split()) for part in parts if part)


_OWN = "code of your own is named in a YAML file: docs/own-code.md"

# How the parser of Hydra's overrides begins what it says of signs that it does not understand.
_GRAMMAR = re.compile("LexerNoViableAlt|mismatched input|no viable|extraneous input|missing .* at")


_PLAIN = {
    "int_type": "a whole number is needed",
    "int_from_float": "a whole number is needed",
    "float_type": "a number is needed",
    "bool_type": "true or false is needed",
    "string_too_short": "a name is needed",
    "string_type": "text is needed; quotes make text of a number, of yes and of no",
    "missing": "it is missing",
}


def explain_validation(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if key in _PLACED and isinstance(first["input"], Mapping):
        return f"{key}: the YAML file of this choice has to begin with # @package _global_"
    if first["type"] == "extra_forbidden":
        return unknown_key(key)
    message = _PLAIN.get(first["type"], first["msg"])
    message = re.sub(r"^(Value error, |Input should be )", "", message)
    if first["type"].startswith(("greater_than", "less_than")):
        message = f"it must be {message}"
    if first["type"] in _PLAIN and isinstance(first["input"], list):
        values = ",".join(map(str, first["input"]))
        message += f"; for a sweep say -m {key}={values}" if values else ""
    if isinstance(first["input"], Mapping | BaseModel):
        return f"{key}: {message}" if key else message
    return f"{key}={_as_typed(first['input'])}: {message}"


def _as_typed(value: object) -> object:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    # "5" and 5 would look alike, and the message would make no sense.
    return f"'{value}'" if isinstance(value, str) and _NUMBER.fullmatch(value) else value


_NUMBER = re.compile(r"[-+]?[\d._]+([eE][-+]?\d+)?")
