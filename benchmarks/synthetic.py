"""Made-up results, to measure reading, planning and reporting without training."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from hydra import compose, initialize_config_dir

from ablation.compose import CONF
from ablation.planning import parse
from ablation.spec import Arm, Trial, trials_of
from ablation.storage import (
    BySequence,
    Classes,
    Curve,
    Example,
    Metrics,
    Origin,
    Seconds,
    Store,
    TrialResult,
)

LEVELS = 40  # of how good a model is


def sweep(overrides: Iterable[str], seeds: int) -> list[Trial]:
    """The trials of several arms; each item of `overrides` is an arm, its words overrides."""
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        arms = [words.split() for words in overrides]
        requests = [parse(compose("config", overrides=words), words) for words in arms]
    return [trial for request in requests for trial in trials_of(request.arm, range(seeds))]


def fill(root: Path, trials: Iterable[Trial], durably: bool = True) -> list[float]:
    """Commit a result for each trial to the folder; returns the seconds of each commit.

    durably: wait for the disk each time, as a sweep does.
    """
    store = Store(root)
    store.prepare()
    rng = np.random.default_rng(0)
    times = []
    with nullcontext() if durably else patch.object(os, "fsync", lambda handle: None):
        for trial in trials:
            result = _result(trial, rng)
            began = time.perf_counter()
            store.commit(result)
            times.append(time.perf_counter() - began)
    return times


def _result(trial: Trial, rng: np.random.Generator) -> TrialResult:
    """As large as a real one: 17 KB for the lesson. Arms and seeds differ a little."""
    arm = trial.arm
    level = hash(arm) % LEVELS / 2 + LEVELS / 4 + rng.normal(0, 3)
    scores = _scores(arm.problem.test_size, arm.length, int(np.clip(level, 0, LEVELS - 1)))
    changes = {"trial": trial, "weights": f"{rng.integers(2**62):064x}", **scores}
    return _template(arm).model_copy(update=changes)


@functools.cache
def _scores(sequences: int, steps: int, level: int) -> dict[str, Any]:
    """What a model of this level scores: some sequences are hard for every one."""
    hard = np.random.default_rng(0).random((sequences, 1)) < 0.1
    skill = 0.97 + 0.02 * level / LEVELS
    chance = np.random.default_rng(level + 1).random((sequences, steps))
    hits = chance < np.where(hard, skill - 0.05, skill)
    accuracy, half = float(hits.mean()), hits.size // 2
    return {
        "metrics": Metrics(
            loss=1 - accuracy,
            accuracy=accuracy,
            accuracy_error=float(hits.mean(axis=1).std() / sequences**0.5),
            exact=float(hits.all(axis=1).mean()),
            accuracy_by_position=hits.mean(axis=0).tolist(),
        ),
        "classes": Classes(
            labels=[half, half],
            predictions=[half, half],
            hits=[int(half * accuracy)] * 2,
            confusion=[[int(half * accuracy), half - int(half * accuracy)]] * 2,
        ),
        "by_sequence": BySequence.of("hits", hits, np.ones(hits.shape)),
    }


@functools.cache
def _template(arm: Arm) -> TrialResult:
    """A result of the arm with what is the same for all its seeds."""
    points = range(100, 5100, 100)
    return TrialResult(
        trial=Trial(arm=arm, seed=0),
        status="done",
        metrics=Metrics(loss=0.0),
        probes={},
        curve=Curve(
            updates=list(points),
            loss=[2 / point for point in points],
            accuracy=[float(x) for x in np.linspace(0.6, 0.98, len(points))],
        ),
        examples=[Example(y=[0] * arm.length, yhat=[0] * arm.length)] * 10,
        parameters=100 * arm.units,
        updates=arm.training.updates,
        compiled=True,
        weights="",
        summary='Model: "ablation"\n' + 18 * (69 * "\u2500" + "\n"),  # a third of a result
        seconds=Seconds(training=2.5, compiling=0.0, evaluating=0.25, whole=3.0),
        peak_memory_mb=700.0,
        origin=Origin(
            versions={"python": "3.11", "keras": "3.12", "tensorflow": "2.21", "numpy": "2.3"},
            device="CPU",
            commit=None,
            dirty=None,
            finished="2026-01-01T00:00:00+00:00",
        ),
        majority=0.5,
    )
