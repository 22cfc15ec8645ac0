"""Tuning: the settings that an arm may choose, and which one its pilots choose."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ablation.errors import RequestError
from ablation.measures import MEASURES
from ablation.planning.estimate import training_seconds
from ablation.planning.messages import unknown_key
from ablation.spec import (
    FIRST_PILOT,
    Arm,
    Candidate,
    Frozen,
    Plain,
    Request,
    Settings,
    Trial,
    canonical,
    column_of,
    label_arms,
    trials_of,
)
from ablation.storage import TrialResult
from ablation.tasks import TASKS

# They decide what is predicted, and on which sequences the scores are measured.
FIXED = ("problem", "length", "training.sequences", "training.validation")


class TunedArm(Frozen):
    """An arm that chooses among candidates.

    arm: as it was asked for, which gives it its name. seeds: of the verdict. chosen: the place of
    the chosen candidate; None: not yet.
    """

    arm: Arm
    candidates: list[Candidate]
    seeds: int
    chosen: int | None = None

    @property
    def choice(self) -> Candidate | None:
        return None if self.chosen is None else self.candidates[self.chosen]

    @property
    def longest(self) -> tuple[Trial, ...]:
        """The trials of the verdict if the candidate that takes longest is chosen."""
        arm = max((c.arm for c in self.candidates), key=training_seconds)
        return trials_of(arm, range(self.seeds))

    @property
    def shared_place(self) -> int:
        """The place of the candidate that compares arms at one setting, the same in all arms.

        It is the untuned setting, or the first one where that is not among those to choose from.
        """
        untuned = [at for at, c in enumerate(self.candidates) if c.arm == self.arm]
        return (untuned or [0])[0]


class Tuning(Frozen):
    """How the arms of a sweep choose their settings.

    grid: the values of each key. seeds: pilots of each candidate, counted from FIRST_PILOT, the
    same in all arms. metric: "loss", or None for the first metric of what is predicted.
    """

    grid: dict[str, list[Plain]]
    seeds: int
    metric: str | None
    arms: list[TunedArm]

    @property
    def pilots(self) -> list[Trial]:
        """The trials that choose: each candidate of each arm with the same seeds."""
        candidates = (candidate for tuned in self.arms for candidate in tuned.candidates)
        return [trial for candidate in candidates for trial in self.pilots_of(candidate)]

    def pilots_of(self, candidate: Candidate) -> tuple[Trial, ...]:
        return trials_of(candidate.arm, range(FIRST_PILOT, FIRST_PILOT + self.seeds))

    def chosen(self, results: Mapping[str, TrialResult]) -> Tuning:
        """Each arm with its best candidate; results: those of the pilots, by id.

        Fewest pilots without a score come first, then the best mean score, then the place in the
        list. An arm of which no pilot has a score chooses nothing.
        """

        def choose(tuned: TunedArm) -> TunedArm:
            ranks = [(self._rank(c, results), at) for at, c in enumerate(tuned.candidates)]
            (lost, _), best = min(ranks)
            return tuned.model_copy(update={"chosen": best if lost < self.seeds else None})

        return self.model_copy(update={"arms": [choose(tuned) for tuned in self.arms]})

    def _rank(self, candidate: Candidate, results: Mapping[str, TrialResult]) -> tuple[int, float]:
        scores = [
            MEASURES[score_name(self.metric, result)].sense * score
            for trial in self.pilots_of(candidate)
            if (result := results.get(trial.id)) is not None
            and (score := validation_score(self.metric, result)) is not None
        ]
        mean = math.fsum(scores) / len(scores) if scores else -math.inf
        return self.seeds - len(scores), -mean


def score_name(metric: str | None, result: TrialResult) -> str:
    """What a pilot is scored by: accuracy, mse or loss."""
    return metric or TASKS[result.task].METRIC


def validation_score(metric: str | None, result: TrialResult) -> float | None:
    """The score of the trained model on its validation data; None if training diverged.

    It is that of the look whose weights were kept: of the last one, unless training.patience chose.
    Nothing of the test set enters here.
    """
    curve, name = result.curve, score_name(metric, result)
    if not curve.validation_loss or curve.loss[-1] is None:
        return None
    at = -1 if result.kept is None else curve.updates.index(result.kept)
    scores: Sequence[float | None] = getattr(curve, "validation_loss" if name == "loss" else name)
    return scores[at]


def settings_in_words(setting: Mapping[str, Plain]) -> str:
    """A setting as it would be typed, without the keys' groups."""
    return " ".join(f"{key.rpartition('.')[2]}={typed(v)}" for key, v in setting.items())


def typed(value: Plain) -> str:
    """A value as it would be typed."""
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)


def candidates_of(
    config: DictConfig, settings: Settings, arm: Arm, arm_of: Callable[[DictConfig], Arm]
) -> tuple[dict[str, Plain], tuple[Candidate, ...]]:
    """The untuned setting, and the arm of the configuration with each setting that is asked for.

    arm: of the configuration as it is. arm_of: checks a configuration. Raises RequestError for a
    key that no trial has or that must not differ, for a value that is not possible, and without
    validation data.
    """
    if settings.tune is None:
        return {}, ()
    grid = dict(settings.tune)
    untuned = {key: _value_at(config, key) for key in grid}
    if "units" in grid and settings.match == "parameters":
        raise RequestError("tune.units: match=parameters chooses the units; tune other keys")
    if arm.training.validation is None:
        raise RequestError(
            "tune: arms choose on validation data; say which share of the training sequences it "
            "is, such as training.validation=0.1"
        )
    if arm.problem.divided:
        raise RequestError(
            "tune: with problem.resplit or problem.folds each seed has a test part of its own, so "
            "that pilots would choose by sequences that other seeds are tested on; leave it out"
        )
    candidates: dict[Arm, Candidate] = {}
    for values in product(*grid.values()):
        setting = dict(zip(grid, values, strict=True))
        changed = copy.deepcopy(config)
        for key, value in setting.items():
            OmegaConf.update(changed, key, value, force_add=True)
        try:
            candidate = arm_of(changed)
        except RequestError as error:
            raise RequestError(f"tune: {error}") from None
        candidates.setdefault(candidate, Candidate(setting=setting, arm=candidate))
    return untuned, tuple(candidates.values())


def _value_at(config: DictConfig, key: str) -> Plain:
    """The value that a key of a trial has; raises RequestError if it cannot be tuned."""
    parts = key.split(".")
    if parts[0] in Settings.model_fields or key == "experiment":
        raise RequestError(f"tune.{key}: it is no option of a trial")
    node: Any = OmegaConf.to_container(config, resolve=True)
    for part in parts:
        if not isinstance(node, Mapping) or part not in node:
            siblings = map(str, node) if isinstance(node, Mapping) else ()
            raise RequestError(f"tune.{unknown_key(key, siblings)}")
        node = node[part]
    if key in FIXED or parts[0] in FIXED:
        raise RequestError(
            f"tune.{key}: it decides on what data arms are compared, which is the same for all"
        )
    if key.endswith(".name") or not isinstance(node, Plain):
        raise RequestError(f"tune.{key}: name a key with a single value")
    return node


def tuning_of(requests: Sequence[Request], seeds: Sequence[int], metric: str) -> Tuning | None:
    """How the arms of these requests choose; None if nothing is tuned.

    seeds: of the verdict, for each request. metric: what arms are compared by. Raises RequestError
    if arms differ in what is tuned, or if two arms could choose the same.
    """
    settings = requests[0].settings
    if settings.tune is None:
        return None
    grid = {key: list(values) for key, values in settings.tune}
    for key in grid:
        if len({canonical(request.untuned[key]) for request in requests}) > 1:
            raise RequestError(f"tune.{key}: arms of this sweep differ in it; tune it or sweep it")
    if metric == "loss" and "training.loss" in grid:
        raise RequestError(
            "tune.training.loss: with report.metric=loss each setting would be scored by another "
            "loss; choose another metric"
        )
    arms: dict[Arm, TunedArm] = {}
    for request, count in zip(requests, seeds, strict=True):
        known = arms.get(request.arm)
        arms[request.arm] = TunedArm(
            arm=request.arm,
            candidates=list(request.candidates),
            seeds=max(count, known.seeds if known else 0),
        )
    names = label_arms(arms, [column_of(key) for key in grid])
    owners: dict[Arm, Arm] = {}
    for tuned in arms.values():
        for candidate in tuned.candidates:
            owner = owners.setdefault(candidate.arm, tuned.arm)
            if owner != tuned.arm:
                raise RequestError(
                    f"tune: {settings_in_words(candidate.setting)} makes one arm of "
                    f"{names[owner]} and {names[tuned.arm]}; tune keys in which they stay apart"
                )
    return Tuning(
        grid=grid,
        seeds=settings.tune_seeds,
        metric="loss" if metric == "loss" else None,
        arms=list(arms.values()),
    )
