"""Made-up results, to measure reading, planning and reporting without training."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from hydra import compose, initialize_config_dir

from ablation.compose import CONF
from ablation.planning import parse
from ablation.spec import Trial, trials_of
from ablation.storage import Curve, Example, Metrics, Origin, Seconds, Store, TrialResult


def sweep(overrides: Iterable[str], seeds: int) -> list[Trial]:
    """The trials of several arms; each item of `overrides` is an arm, its words overrides."""
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        arms = [words.split() for words in overrides]
        requests = [parse(compose("config", overrides=words), words) for words in arms]
    return [trial for request in requests for trial in trials_of(request.arm, range(seeds))]


def fill(root: Path, trials: Iterable[Trial]) -> list[float]:
    """Commit a result for each trial to the folder; returns the seconds of each commit."""
    store = Store(root)
    store.prepare()
    rng = np.random.default_rng(0)
    times = []
    for trial in trials:
        result = _result(trial, rng)
        began = time.perf_counter()
        store.commit(result)
        times.append(time.perf_counter() - began)
    return times


def _result(trial: Trial, rng: np.random.Generator) -> TrialResult:
    accuracy = float(np.clip(rng.normal(0.985, 0.003), 0, 1))
    points = range(100, 5100, 100)
    return TrialResult(
        trial=trial,
        status="done",
        metrics=Metrics(
            loss=1 - accuracy,
            accuracy=accuracy,
            accuracy_error=0.0005,
            exact=accuracy**trial.arm.length,
            accuracy_by_position=[accuracy] * trial.arm.length,
        ),
        probes={},
        curve=Curve(
            updates=list(points),
            loss=[2 / point for point in points],
            accuracy=[float(x) for x in np.linspace(0.6, accuracy, len(points))],
        ),
        examples=[Example(y=[0] * trial.arm.length, yhat=[0] * trial.arm.length)] * 10,
        parameters=100 * trial.arm.units,
        updates=trial.arm.training.updates,
        compiled=True,
        weights="0" * 64,
        summary='Model: "ablation"',
        seconds=Seconds(training=2.5, compiling=0.0, evaluating=0.25, whole=3.0),
        peak_memory_mb=700.0,
        origin=Origin(
            versions={"python": "3.11"},
            device="CPU",
            commit=None,
            dirty=None,
            finished="2026-01-01T00:00:00+00:00",
        ),
    )
