"""A request as Hydra composed it: checked, and what is wrong with it said in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf
from pydantic import ValidationError

from ablation import problems
from ablation.errors import RequestError, suggest
from ablation.planning.messages import GROUPS, explain_validation, unknown_key
from ablation.planning.pins import pinned
from ablation.planning.tuning import candidates_of
from ablation.spec import LOSSES, VALIDATION, Arm, Request, Settings
from ablation.tasks import task_of

INERT = ("merge_mode", "lookahead", "layers")  # keys that have no effect in some arms


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
    for key in sorted(OmegaConf.missing_keys(without_hydra)):  # an own function has no default
        raise RequestError(f"{key}: a value is needed")
    arm = _arm(without_hydra)
    values: Any = OmegaConf.to_container(without_hydra, resolve=True)
    try:
        settings = Settings.model_validate(
            {key: values[key] for key in Settings.model_fields if key in values}
        )
    except ValidationError as error:
        raise RequestError(explain_validation(error)) from None
    untuned, candidates = candidates_of(without_hydra, settings, arm, _arm)
    return Request(
        arm=arm,
        settings=settings,
        unused={k: v for k, v in values.items() if k in INERT and v != getattr(arm, k)},
        untuned=untuned,
        candidates=candidates,
    )


def _arm(config: DictConfig) -> Arm:
    """The arm of a configuration, as it is trained."""
    values: Any = OmegaConf.to_container(config, resolve=True)
    values = {key: value for key, value in values.items() if key not in Settings.model_fields}
    _refuse_targets(values)
    if "digest" in values:  # it is found out, not asked for
        raise RequestError(unknown_key("digest"))
    whole = values.get("length", 1) is None
    try:
        arm = Arm.model_validate({**values, "length": 1} if whole else values)
        return pinned(_with_validation(_with_lookahead(_with_loss(_fitted(arm, whole)))))
    except ValidationError as error:
        raise RequestError(explain_validation(error)) from None


def _fitted(arm: Arm, whole: bool) -> Arm:
    """The arm as its data allows it.

    whole: the length was left open, and is that of the longest sequence. There are no more training
    sequences than the data has, however many were asked for. Keys of the problem that are left to
    the data are filled in.
    """
    length = problems.longest(arm.problem) if whole else arm.length
    there = problems.available(arm.problem, length)
    arm = arm.model_copy(update={"problem": problems.settled(arm.problem)})
    if length == arm.length and (there is None or arm.training.sequences <= there):
        return arm
    values = arm.model_dump()
    if there is not None:
        values["training"]["sequences"] = min(there, arm.training.sequences)
    return Arm.model_validate({**values, "length": length})


def _with_loss(arm: Arm) -> Arm:
    """The arm without a loss that is the task's own anyway.

    Raises RequestError for options of training that do not fit what is predicted.
    """
    training = arm.training
    if {training.loss, training.class_weights, training.stop_at} == {None}:
        return arm
    data = problems.check(arm.problem, arm.length)
    task, what = task_of(data), f"{arm.problem.name} predicts {task_of(data).WHAT}"
    if training.class_weights and data.task != "classes":
        raise RequestError(f"training.class_weights={training.class_weights}: {what}")
    if training.stop_at and task.METRIC != "accuracy":
        raise RequestError(
            f"training.stop_at={training.stop_at}: it is an accuracy, and {what}; "
            "training.patience stops by the validation loss"
        )
    if training.loss in LOSSES and training.loss not in task.LOSSES:
        raise RequestError(
            f"training.loss={training.loss}: {what}; {suggest(training.loss, task.LOSSES)}"
        )
    if training.loss != next(iter(task.LOSSES)):
        return arm
    return arm.model_copy(update={"training": training.model_copy(update={"loss": None})})


def _with_lookahead(arm: Arm) -> Arm:
    """The arm without its lookahead where each sequence has one label: all of it is read then.

    Raises RequestError where the lookahead is longer than the sequences.
    """
    if not arm.lookahead:
        return arm
    if not problems.sample(arm.problem, arm.length).per_step:
        return arm.model_copy(update={"lookahead": 0})
    if arm.lookahead >= arm.length:
        raise RequestError(
            f"lookahead={arm.lookahead}: choose one of 0 .. {arm.length - 1}, because a sequence "
            f"has {arm.length} steps"
        )
    return arm


def _with_validation(arm: Arm) -> Arm:
    """The arm with the validation part that its data has, if it has one.

    Raises RequestError where the data has another one than asked for, or too few groups to hold
    out a share of them.
    """
    training, there = arm.training, problems.has_validation(arm.problem)
    validation = training.validation or (VALIDATION if there else None)
    if there != (validation == VALIDATION):
        raise RequestError(
            f"training.validation={validation}: "
            + (
                f"problem.part says which sequences are for validation; say {VALIDATION} or null"
                if there
                else "the data has no such part; a share such as 0.1 can be held out"
            )
        )
    if validation and problems.available(arm.problem, arm.length) is not None:
        problems.load(arm.problem, arm.length, training.sequences, 0, validation)
    training = training.model_copy(update={"validation": validation})
    return arm.model_copy(update={"training": training})


def _refuse_targets(values: Any, path: str = "") -> None:
    # Hydra's instantiate is never called on a trial, but a key that asks for it is a mistake.
    if isinstance(values, Mapping):
        for key, value in values.items():
            if key == "_target_":
                raise RequestError(f"{path}{key}: a trial's configuration cannot name code to call")
            _refuse_targets(value, f"{path}{key}.")
