"""What is wrong with a request, in one line: the key, what was given, what is possible."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ValidationError

from ablation.errors import suggest
from ablation.spec import Arm, Claim, ReportSettings, Settings, Training

GROUPS = ("problem", "direction", "merge_mode", "cell", "training", "engine", "experiment")
_PLACED = tuple(group for group in GROUPS if group not in ("problem", "training"))  # at the top
KEYS = [*(key for key in Arm.model_fields if key != "digest"), *Settings.model_fields, "experiment"]


# Where a key is that is often looked for at the top, and what other programs call it.
_ELSEWHERE = (
    {key: f"training.{key}" for key in Training.model_fields}
    | {key: f"report.{key}" for key in ReportSettings.model_fields}
    | {
        "lr": "training.learning_rate",
        "epoch": "training.epochs",
        "batch": "training.batch_size",
        "bs": "training.batch_size",
        "seed": "seeds",
        "steps": "length",
        "timesteps": "length",
        "hidden": "units",
        "hidden_size": "units",
        "hidden_units": "units",
        "num_layers": "layers",
        "merge": "merge_mode",
        "rnn": "cell",
        "data": "problem",
        "dataset": "problem",
        "task": "problem",
        "jobs": "workers",
        "n_jobs": "workers",
    }
)


def unknown_key(name: str, beside: Iterable[str] = ()) -> str:
    """What to say of a key that no configuration has.

    beside: the keys that there are in its place, where they differ from problem to problem.
    """
    group, _, leaf = name.rpartition(".")
    meant = _ELSEWHERE.get(leaf, "")
    if meant != name and (not group or meant.startswith(f"{group}.")) and meant:
        return f"{name} is no key here; did you mean {meant}?"
    if group == "training":
        return f"{name} is no key here: {suggest(leaf, Training.model_fields)}"
    if group == "report":
        return f"{name} is no key here: {suggest(leaf, ReportSettings.model_fields)}"
    if group.startswith("report.claims."):
        return f"{name} is no key of a claim: {suggest(leaf, Claim.model_fields)}"
    if group == "problem":
        return f"{name} is no key of this problem: {suggest(leaf, beside)}"
    return f"{name} is no key here: {suggest(name, KEYS)}"


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
