"""One-line messages for a wrong request: the key, the value given, the possible values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ValidationError

from ablation.errors import suggest
from ablation.spec import Arm, Claim, Cluster, ReportSettings, Settings, Training

GROUPS = (
    "problem",
    "model",
    "direction",
    "merge_mode",
    "cell",
    "training",
    "engine",
    "cluster",
    "experiment",
)
# Groups whose YAML files set top-level keys.
_TOP_LEVEL_GROUPS = tuple(g for g in GROUPS if g not in ("problem", "model", "training", "cluster"))
KEYS = [*(key for key in Arm.model_fields if key != "digest"), *Settings.model_fields, "experiment"]


# Keys that people write without their group, and names that other programs use.
_ALIASES = (
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


def unknown_key(name: str, siblings: Iterable[str] = ()) -> str:
    """The message for a key that no configuration has.

    siblings: the keys of the same group, for a group whose keys depend on the problem.
    """
    group, _, leaf = name.rpartition(".")
    alias = _ALIASES.get(leaf, "")
    if alias != name and (not group or alias.startswith(f"{group}.")) and alias:
        return f"{name}: unknown key; did you mean {alias}?"
    if group == "training":
        return f"{name}: unknown key; {suggest(leaf, Training.model_fields)}"
    if group == "report":
        return f"{name}: unknown key; {suggest(leaf, ReportSettings.model_fields)}"
    if group == "cluster":
        keys = [key for key in siblings if key != "name"] or list(Cluster.model_fields)
        return f"{name}: this cluster has no such key; {suggest(leaf, keys)}"
    if group.startswith("report.claims."):
        return f"{name}: a claim has no such key; {suggest(leaf, Claim.model_fields)}"
    if group in ("problem", "model"):
        keys = [key for key in siblings if key != "name"]
        choices = suggest(leaf, keys) if keys else "it has none"
        return f"{name}: this {group} has no such key; {choices}"
    return f"{name}: unknown key; {suggest(name, KEYS)}"


_MESSAGES = {  # in place of pydantic's, by its type of error
    "int_type": "a whole number is needed",
    "int_from_float": "a whole number is needed",
    "float_type": "a number is needed",
    "bool_type": "true or false is needed",
    "string_too_short": "a name is needed",
    "string_type": "text is needed; put a number, yes or no in quotes",
    "missing": "missing",
}


def explain_validation(error: ValidationError) -> str:
    """The first of pydantic's errors in one line."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if key in _TOP_LEVEL_GROUPS and isinstance(first["input"], Mapping):
        return f"{key}: its YAML file must begin with # @package _global_"
    if first["type"] == "extra_forbidden":
        return unknown_key(key)
    message = _MESSAGES.get(first["type"], first["msg"])
    message = re.sub(r"^(Value error, |Input should be )", "", message)
    if first["type"].startswith(("greater_than", "less_than")):
        message = f"it must be {message}"
    if first["type"] in _MESSAGES and isinstance(first["input"], list):
        values = ",".join(map(str, first["input"]))
        message += f"; for a sweep say -m {key}={values}" if values else ""
    if isinstance(first["input"], Mapping | BaseModel):
        return f"{key}: {message}" if key else message
    return f"{key}={_as_typed(first['input'])}: {message}"


def _as_typed(value: object) -> object:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    # Without quotes, the text "5" would look like the number 5.
    return f"'{value}'" if isinstance(value, str) and _NUMBER.fullmatch(value) else value


_NUMBER = re.compile(r"[-+]?[\d._]+([eE][-+]?\d+)?")
