"""The task of a worker process; only workers import it, because it loads TensorFlow."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from ablation.execution.cluster.bundle import enter
from ablation.execution.output import output_to
from ablation.execution.saved import SavedModel
from ablation.execution.train_once import train_once
from ablation.spec import Trial
from ablation.storage import CommittedTrial, Store
from ablation.training import (
    classes_needed,
    difference_when_loaded,
    measure,
    run_trial,
    train_model,
    without_own_loss,
)

COMPARED = 100  # test sequences on which a saved model is compared with the trained one


def work(trial: Trial, root: str, commit: str | None, dirty: bool | None) -> CommittedTrial | None:
    """Train the trial unless it is done by now; None if another process is training it.

    root: the results folder. commit, dirty: the program's version, for the result.
    """
    return train_once(trial, Store(root), lambda: run_trial(trial, commit, dirty))


def train_apart(trial: Trial, bundle: str, log: str, commit: str | None, dirty: bool | None) -> str:
    """Train the trial on a machine of a cluster; returns its result as JSON.

    bundle: the key of its own code and data. log: the file for what it prints.
    """
    here = Trial(arm=enter(trial.arm, bundle), seed=trial.seed)
    with open(log, "ab") as file, output_to(file):
        result = run_trial(here, commit, dirty)
    return result.model_copy(update={"trial": trial}).model_dump_json()


def measure_arm(trial: Trial, match: str) -> tuple[int, int]:
    """Units and parameters of the trial's arm; see `training.measure`."""
    return measure(trial.arm, match)


def train_and_save(trial: Trial) -> SavedModel:
    """Train the trial, save its model and see whether it gives the same once it is loaded."""
    trained = train_model(trial)
    model = without_own_loss(trained.model)
    x, outputs = trained.test.x[:COMPARED], trained.outputs[:COMPARED]
    needs = classes_needed(model)
    difference, problem = None, ""
    try:
        difference = difference_when_loaded(model, needs, x, outputs)
    except Exception as error:  # code of the user's own may raise anything here
        problem = f"{type(error).__name__}: {error}"
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        content = path.read_bytes()
    return SavedModel(
        trained.result,
        content,
        needs,
        trained.test,
        trained.outputs,
        difference,
        problem,
    )
