"""A request as Hydra composed it: checked, and what is wrong with it said in one line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf
from pydantic import BaseModel, ValidationError
from yaml import MarkedYAMLError

from ablation import errors, own, problems
from ablation.config import Arm, Claim, ReportSettings, Request, Settings, Training
from ablation.errors import RequestError, choose

GROUPS = ("problem", "direction", "merge_mode", "cell", "training", "engine", "experiment")
_PLACED = tuple(group for group in GROUPS if group not in ("problem", "training"))  # at the top
KEYS = [*(key for key in Arm.model_fields if key != "digest"), *Settings.model_fields, "experiment"]


def parse(config: DictConfig, overrides: Sequence[str] = ()) -> Request:
    """Check a composed configuration.

    overrides: what was written on the command line to get it.
    Raises RequestError with one line that names the key, what was given, and what is possible.
    """
    for override in overrides:
        group, _, value = override.lstrip("+~").partition("=")
        if group in GROUPS and value.startswith("["):  # Hydra would silently take the last
            inside = value.strip("[]")
            sweep = f"; for a sweep say -m {group}={inside}" if inside else ""
            raise RequestError(f"{override}: one choice is needed{sweep}")
    without_hydra = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
    values: Any = OmegaConf.to_container(without_hydra, resolve=True)
    settings = {key: values.pop(key) for key in Settings.model_fields if key in values}
    _refuse_targets(values)
    if "digest" in values:  # it is found out, not asked for
        raise RequestError(unknown_key("digest"))
    whole = values.get("length", 1) is None
    try:
        arm = Arm.model_validate({**values, "length": 1} if whole else values)
        arm = own.pinned(_fitted(arm, whole))
        return Request(arm=arm, settings=Settings.model_validate(settings))
    except ValidationError as error:
        raise RequestError(_one_line(error)) from None


def _fitted(arm: Arm, whole: bool) -> Arm:
    """The arm as its data allows it.

    whole: the length was left open, and is that of the longest sequence. There are no more training
    sequences than the data has, however many were asked for.
    """
    length = problems.longest(arm.problem) if whole else arm.length
    there = problems.available(arm.problem, length)
    if length == arm.length and (there is None or arm.training.sequences <= there):
        return arm
    values = arm.model_dump()
    if there is not None:
        values["training"]["sequences"] = min(there, arm.training.sequences)
    return Arm.model_validate({**values, "length": length})


def unknown_key(name: str, beside: Iterable[str] = ()) -> str:
    """What to say of a key that no configuration has.

    beside: the keys that there are in its place, where they differ from problem to problem.
    """
    group, _, leaf = name.rpartition(".")
    if group == "training":
        return f"{name} is no key here: {choose(leaf, Training.model_fields)}"
    if group == "report":
        return f"{name} is no key here: {choose(leaf, ReportSettings.model_fields)}"
    if group.startswith("report.claims."):
        return f"{name} is no key of a claim: {choose(leaf, Claim.model_fields)}"
    if group == "problem":
        return f"{name} is no key of this problem: {choose(leaf, beside)}"
    return f"{name} is no key here: {choose(name, KEYS)}"


def one_line(error: BaseException) -> str:
    """The message of an error of Hydra, OmegaConf or YAML, in one line."""
    return errors.one_line(_message(error))


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
        possible = choose(given, sorted(options)) if options else "no such choice"
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


def _refuse_targets(values: Any, path: str = "") -> None:
    # Hydra's instantiate is never called on a trial, but a key that asks for it is a mistake.
    if isinstance(values, Mapping):
        for key, value in values.items():
            if key == "_target_":
                raise RequestError(f"{path}{key}: a trial's configuration cannot name code to call")
            _refuse_targets(value, f"{path}{key}.")


_PLAIN = {
    "int_type": "a whole number is needed",
    "int_from_float": "a whole number is needed",
    "float_type": "a number is needed",
    "bool_type": "true or false is needed",
    "string_too_short": "a name is needed",
    "string_type": "text is needed; quotes make text of a number, of yes and of no",
    "missing": "it is missing",
}


def _one_line(error: ValidationError) -> str:
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
