"""Small trials, synthetic results, and the real configuration, for the tests to share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from ablation.planning import Plan, make_plan, parse, save_plan
from ablation.spec import Request, Trial, trials_of
from ablation.storage import Curve, Example, Metrics, Origin, Seconds, Store, TrialResult

CONF = Path(__file__).resolve().parents[1] / "conf"

TRIAL: dict[str, Any] = {
    "problem": {"name": "cumsum", "test_size": 60, "threshold": 0.25},
    "length": 4,
    "direction": "forward",
    "merge_mode": None,
    "cell": "lstm",
    "units": 3,
    "layers": 1,
    "training": {
        "sequences": 40,
        "epochs": 1,
        "batch_size": 10,
        "optimizer": "adam",
        "learning_rate": 0.001,
    },
    "engine": "xla",
    "seed": 0,
}


def make_trial(**changes: Any) -> Trial:
    """A tiny trial; a change of `problem` or `training` changes what it names and no more."""
    values = {**TRIAL, **changes}
    if values["direction"].startswith("bidirectional") and values["merge_mode"] is None:
        values["merge_mode"] = "concat"
    for group in ("problem", "training"):
        values[group] = {**TRIAL[group], **changes.get(group, {})}
    return Trial.model_validate(values)


def make_result(trial: Trial, accuracy: float = 0.9, **changes: Any) -> TrialResult:
    """A result as if the trial had been trained; changes replace whole fields."""
    values: dict[str, Any] = {
        "trial": trial,
        "status": "done",
        "metrics": Metrics(
            loss=1 - accuracy,
            accuracy=accuracy,
            accuracy_error=0.001,
            exact=accuracy / 2,
            accuracy_by_position=[accuracy] * trial.arm.length,
        ),
        "probes": {},
        "curve": Curve(updates=[2, 4], loss=[0.7, 0.5], accuracy=[0.5, accuracy]),
        "examples": [Example(y=[0, 0, 1, 1], yhat=[0, 1, 1, 1])],
        "parameters": 64 + trial.arm.units,
        "updates": trial.arm.training.updates,
        "compiled": True,
        "weights": "0" * 64,
        "summary": 'Model: "ablation"',
        "seconds": Seconds(training=1.5, compiling=2.0, evaluating=0.25, whole=4.0),
        "peak_memory_mb": 512.0,
        "origin": Origin(
            versions={"python": "3.11", "keras": "3.10"},
            device="CPU x86_64",
            commit="c0ffee",
            dirty=False,
            finished="2025-01-01T00:00:00+00:00",
        ),
    }
    return TrialResult.model_validate({**values, **changes})


def compose(*overrides: str) -> DictConfig:
    """What Hydra makes of the real configuration and these overrides."""
    import hydra  # here, for workers without Keras take their results from this file
    from hydra import initialize_config_dir

    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return hydra.compose("config", overrides=list(overrides))


def parse_all(config: DictConfig, *overrides: str) -> Request:
    """Check a configuration and everything that a trial of it is."""
    request = parse(config, overrides)
    assert all(trial.id for trial in trials_of(request.arm, range(2)))
    return request


def make_request(
    base: Request, trial: Trial | None = None, seeds: int = 2, **settings: Any
) -> Request:
    """A request for the trial's arm with the settings of another one, but for the changes."""
    changed = base.settings.model_copy(update={"seeds": seeds, **settings})
    return Request(arm=(trial or make_trial()).arm, settings=changed)


def make_sweep(store: Store, base: Request, *trials: Trial, **settings: Any) -> Plan:
    """Plan the arms of these trials, and keep the plan in the store."""
    requests = [make_request(base, trial, **{"name": "study", **settings}) for trial in trials]
    plan = make_plan(requests, "python -m ablation -m some=thing", None, ("c0ffee", False))
    return save_plan(plan, store.root / plan.name)
