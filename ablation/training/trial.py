"""One trial from configuration to result: what a worker does."""

from __future__ import annotations

import functools
import hashlib
import importlib
import pkgutil
import platform
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ablation import problems
from ablation.data import Array, Dataset, Sequences
from ablation.errors import RequestError
from ablation.planning import check_unchanged, code_of, match_parameters
from ablation.spec import DIRECTIONS, STACK, Arm, Trial
from ablation.storage import PROGRAMS_KEPT, Bound, Example, Origin, Seconds, TrialResult
from ablation.tasks import task_of
from ablation.training import engines
from ablation.training.loop import Programs, predict, train
from ablation.training.losses import mean_loss
from ablation.training.metrics import check_metrics, own_scores
from ablation.training.models import build_model, parameters_of
from ablation.training.probes import Halves, halves_of, probe

# To add an engine is to write its file.
ENGINES: dict[str, Callable[..., Programs]] = {
    module.name: importlib.import_module(f"{engines.__name__}.{module.name}").programs
    for module in pkgutil.iter_modules(engines.__path__)
}
EXAMPLES = 10  # test sequences whose prediction is kept, as the lesson prints them

tf.config.experimental.enable_op_determinism()


@dataclass(frozen=True)
class TrainedModel:
    """A trial's result with what it came from; training another trial changes the model.

    outputs: of the test sequences, as the result's scores are computed from.
    """

    result: TrialResult
    model: keras.Model
    test: Sequences
    outputs: Array


def run_trial(trial: Trial, commit: str | None = None, dirty: bool | None = None) -> TrialResult:
    """Train and evaluate one trial; repeatable bit for bit on one machine."""
    return train_model(trial, commit, dirty).result


def train_model(trial: Trial, commit: str | None = None, dirty: bool | None = None) -> TrainedModel:
    """The same, with the model."""
    began = time.perf_counter()
    check_unchanged(trial.arm)
    training = trial.arm.training
    data = problems.load(
        trial.arm.problem, trial.arm.length, training.sequences, trial.seed, training.validation
    )
    ready = time.perf_counter()
    arm = _compiled_arm(trial.arm)
    compiling = time.perf_counter() - ready
    arm.restart(trial, data)
    if training.metrics:  # what is wrong with one should cost no training
        own_scores(training, np.zeros_like(predict(arm.programs, data.test)), data.test)
    history = train(arm.programs, data, training, trial.seed)
    trained = time.perf_counter()
    outputs = predict(arm.programs, data.test)
    evaluating = time.perf_counter() - trained
    task = task_of(data.test)
    metrics = task.evaluate(outputs, data.test, mean_loss(training, data.test))
    metrics = metrics.model_copy(update=own_scores(training, outputs, data.test))
    answers = task.answers(outputs, data.test)
    guess = task.baseline(data.train, data.test)
    details = task.details(answers, data.test, problems.class_names(trial.arm.problem))
    result = TrialResult(
        trial=trial,
        status="diverged" if history.diverged or metrics.loss is None else "done",
        metrics=metrics,
        probes=arm.probe(trial, data.test),
        curve=history.curve,
        examples=[
            Example(y=_listed(y), yhat=_listed(yhat))
            for y, yhat in zip(data.test.y[:EXAMPLES], answers[:EXAMPLES], strict=True)
        ],
        parameters=parameters_of(arm.model),
        updates=history.updates,
        kept=history.kept,
        compiled=arm.programs.compiled,
        weights=_digest(arm.model),
        summary=arm.summary,
        seconds=Seconds(
            training=history.training,
            compiling=compiling,
            evaluating=history.evaluating + evaluating,
            whole=time.perf_counter() - began,
        ),
        peak_memory_mb=_peak_memory(),
        origin=_origin(commit, dirty),
        ceilings=arm.ceilings,
        task=data.test.task,
        majority=guess.get("majority"),
        constant=guess.get("constant"),
        classes=details.get("classes"),
        targets=details.get("targets"),
        segments=details.get("segments"),
        by_sequence=task.by_sequence(
            answers, data.test, problems.ids(trial.arm.problem, trial.arm.length, trial.seed)
        ),
        test_to_train=data.test_to_train,
    )
    return TrainedModel(result, arm.model, data.test, outputs)


def measure(arm: Arm, match: str) -> tuple[int, int]:
    """Units and parameters of an arm of the user's own code, whose model is built for it.

    match: "parameters" chooses the units as `planning.match_parameters` does.
    Raises RequestError where the code does not give a model.
    """
    check_unchanged(arm)
    data = problems.sample(arm.problem, arm.length)
    check_metrics(arm.training)

    def count(arm: Arm) -> int:
        try:
            model = build_model(Trial(arm=arm, seed=0), data)
            if arm.training.loss:
                mean_loss(arm.training, data)(model.predict(data.x, verbose=0), data)
            return parameters_of(model)
        except RequestError:
            raise
        except Exception as error:
            codes = ", ".join(f"{key}={name}" for key, name in code_of(arm))
            raise RequestError(f"{codes}: {type(error).__name__}: {error}") from error

    if match == "parameters":
        arm = match_parameters(arm, count)
    return arm.units, count(arm)


def summary(model: keras.Model) -> str:
    """The model's layers, shapes and parameters as Keras prints them, 72 columns wide."""
    lines: list[str] = []
    model.summary(line_length=72, print_fn=lines.append)
    return "\n".join(lines)


@dataclass(frozen=True)
class CompiledArm:
    """A model with its compiled programs, used again for each seed of the arm."""

    model: keras.Model
    programs: Programs
    summary: str
    optimizer_start: list[Array]
    halves: Halves | None
    ceilings: dict[str, Bound]

    def probe(self, trial: Trial, test: Sequences) -> dict[str, float | None]:
        """What each half contributes, where there are two in one layer."""
        if self.halves is None:
            return {}
        return probe(self.halves, self.model, str(trial.arm.merge_mode), test)

    def restart(self, trial: Trial, data: Dataset) -> None:
        """Put weights and dropout at the trial's start, and the optimizer at its own."""
        # Unlike the weights alone, the variables hold where each random layer is in its stream.
        start = [variable.numpy() for variable in build_model(trial, data.train).variables]
        variables = [*self.model.variables, *self.model.optimizer.variables]
        for variable, value in zip(variables, start + self.optimizer_start, strict=True):
            variable.assign(value)


@functools.lru_cache(maxsize=PROGRAMS_KEPT)
def _compiled_arm(arm: Arm) -> CompiledArm:
    # An arm's shapes do not depend on the seed: any trial of it will do.
    trial = Trial(arm=arm, seed=0)
    bounds = problems.bounds(arm) if problems.is_own(arm.problem) else {}
    small = problems.load(arm.problem, arm.length, arm.training.batch_size, 0).train
    model = build_model(trial, small)
    text = summary(model)  # before the optimizer counts its own variables in
    model.optimizer.build(model.trainable_variables)
    start = [variable.numpy() for variable in model.optimizer.variables]
    programs = ENGINES[arm.engine](model, small, arm.training)
    # Of an own model nobody knows what lies between the two halves and the head.
    two_halves = DIRECTIONS[arm.direction].merges and arm.layers == 1 and arm.model.name == STACK
    halves = halves_of(model, small.per_step) if two_halves else None
    ceilings = {name: Bound.of(bound) for name, bound in bounds.items()}
    return CompiledArm(model, programs, text, start, halves, ceilings)


def _listed(answers: Array) -> list[Any]:
    """One sequence's labels, or numbers to six digits; where a step has one, it is no list."""
    if answers.ndim == 2 and answers.shape[-1] == 1:
        answers = answers[..., 0]

    def plain(value: Any) -> Any:
        if isinstance(value, list):
            return [plain(part) for part in value]
        if isinstance(value, float):
            return float(f"{value:.6g}") if np.isfinite(value) else None
        return value

    return [plain(value) for value in np.atleast_1d(answers).tolist()]


def _digest(model: keras.Model) -> str:
    digest = hashlib.sha256()
    for weights in model.get_weights():
        digest.update(np.ascontiguousarray(weights).tobytes())
    return digest.hexdigest()


def _peak_memory() -> float:
    """Largest resident size of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)


@functools.cache
def _versions() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
    }


def _origin(commit: str | None, dirty: bool | None) -> Origin:
    device = tf.config.list_logical_devices()[-1].device_type
    return Origin(
        versions=_versions(),
        device=f"{device} {platform.machine()}",
        commit=commit,
        dirty=dirty,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
    )
