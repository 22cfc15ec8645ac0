"""All engines train the same trial to the same weights."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from ablation import problems
from ablation.data import Array, Dataset, Sequences
from ablation.spec import SCHEDULES, Trial
from ablation.tasks import TASKS
from ablation.training import ENGINES, loop
from ablation.training.engines import fit, xla
from ablation.training.loop import (
    PREDICTION_BATCH,
    History,
    Programs,
    batch_rows,
    label_weights,
    predict,
    train,
)
from ablation.training.models import build_model
from tests.helpers import make_trial

evaluate = TASKS["classes"].evaluate

ROOT = Path(__file__).resolve().parents[2]

# 57 updates in chunks of 6: the last chunk is not full, and the second epoch starts inside a chunk.
TRAINING = {"sequences": 195, "epochs": 3, "batch_size": 10}
POINTS = 10  # of the learning curve, as each costs a call of model.fit


@pytest.fixture(autouse=True)
def _few_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "CURVE_POINTS", POINTS)


def prepare(**changes: Any) -> tuple[Trial, Dataset]:
    trial = make_trial(**{"training": TRAINING, **changes})
    training = trial.arm.training
    return trial, problems.load(
        trial.arm.problem, trial.arm.length, training.sequences, trial.seed, training.validation
    )


def weights_after(engine: Any, trial: Trial, data: Dataset) -> tuple[list[Array], History]:
    model = build_model(trial, data.train)
    programs = engine(model, data.train, trial.arm.training)
    history = train(programs, data, trial.arm.training, trial.seed)
    return model.get_weights(), history


def uncompiled(model: Any, train: Any, training: Any) -> Programs:
    return xla._programs(model, train, training, compiled=False)


SGD = {"optimizer": "sgd", "learning_rate": 0.05}
DECAYED = {"warmup": 0.2, "weight_decay": 0.1}
# Every layer, direction and option occurs once: to compile a case for each would take longer.
CASES: dict[str, dict[str, Any]] = {
    "lstm": {
        "direction": "bidirectional",
        "merge_mode": "mul",
        "training": {**TRAINING, **SGD, "schedule": "linear", "warmup": 0.2},
    },
    "gru": {
        "direction": "go_backwards",
        "cell": "gru",
        "training": {**TRAINING, **DECAYED, "schedule": "cosine", "class_weights": "balanced"},
    },
    "simple_rnn": {
        "cell": "simple_rnn",
        "layers": 2,
        "training": {**TRAINING, "dropout": 0.5, "clip_norm": 0.05, "schedule": "linear"},
    },
}


@pytest.mark.parametrize("changes", CASES.values(), ids=CASES)
def test_all_engines_end_in_the_same_weights(changes: dict[str, Any]) -> None:
    trial, data = prepare(**changes)
    fit_weights, fit_history = weights_after(fit.programs, trial, data)
    fit_loss = np.array(fit_history.curve.loss, float)
    start = build_model(trial, data.train).get_weights()
    assert max(np.abs(a - b).max() for a, b in zip(start, fit_weights, strict=True)) > 0.01
    for name, engine in {**ENGINES, "uncompiled": uncompiled}.items():
        if name == "fit":
            continue
        weights, history = weights_after(engine, trial, data)
        for a, b in zip(weights, fit_weights, strict=True):
            atol = 1e-6 if name == "uncompiled" else 1e-4  # the same kernels, or other ones
            np.testing.assert_allclose(a, b, atol=atol, err_msg=name)
        assert history.updates == fit_history.updates == history.curve.updates[-1] == 57
        np.testing.assert_allclose(np.array(history.curve.loss, float), fit_loss, rtol=1e-4)
        assert history.curve.accuracy == fit_history.curve.accuracy


def ragged(sequences: int, steps: int = 20) -> Sequences:
    """Sequences of 1 to `steps` steps, padded behind; labels: is the next number positive?"""
    rng = np.random.default_rng(sequences)
    present = np.arange(steps) < rng.integers(1, steps + 1, sequences)[:, None]
    x = rng.normal(size=(sequences, steps, 1)).astype(np.float32)
    y = np.roll(x[..., 0] > 0, -1, axis=1) & present
    return Sequences(x, y.astype(np.int32), present=present).padded()


@pytest.mark.parametrize(
    "changes",
    [
        {"direction": "bidirectional", "merge_mode": "concat", "training": {"dropout": 0.3}},
        {"direction": "bidirectional_raw", "merge_mode": "sum", "cell": "gru"},
        {"direction": "forward", "lookahead": 2, "cell": "simple_rnn", "layers": 2},
    ],
    ids=["both", "raw", "lookahead"],
)
def test_engines_agree_on_padded_sequences_in_batches_by_length(changes: dict[str, Any]) -> None:
    training = {"sequences": 60, "epochs": 2, "batches": "by_length", "learning_rate": 0.01}
    trial = make_trial(**{**changes, "training": {**training, **changes.get("training", {})}})
    data = Dataset(ragged(60), ragged(PREDICTION_BATCH + 7))
    expected, _ = weights_after(fit.programs, trial, data)
    weights, history = weights_after(uncompiled, trial, data)
    assert history.updates == 12
    for a, b in zip(weights, expected, strict=True):
        np.testing.assert_allclose(a, b, atol=2e-6)
    # Predicted by length and put back in order.
    model = build_model(trial, data.test)
    outputs = predict(uncompiled(model, data.train, trial.arm.training), data.test)
    np.testing.assert_allclose(outputs, model.predict(data.test.x, verbose=0), atol=2e-6)


def test_the_schema_accepts_every_engine_and_no_other() -> None:
    for name in ENGINES:
        assert make_trial(engine=name).arm.engine == name
    with pytest.raises(ValueError, match=f"choose one of {', '.join(sorted(ENGINES))}"):
        make_trial(engine="none")


def test_batches_are_shuffled_every_epoch_and_depend_only_on_the_seed() -> None:
    training = make_trial(training=TRAINING).arm.training
    lengths = np.random.default_rng(0).integers(1, 50, 195)
    rows = batch_rows(training, lengths, seed=4)
    assert rows.shape == (57, 10)
    first, second = rows[:19].ravel(), rows[19:38].ravel()
    assert len(set(first)) == 190  # no sequence occurs twice in an epoch
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(rows, batch_rows(training, lengths, seed=4))
    assert not np.array_equal(rows, batch_rows(training, lengths, seed=5))


def test_batches_by_length_are_of_neighbours_in_length_and_follow_from_the_seed() -> None:
    training = make_trial(training={**TRAINING, "batches": "by_length"}).arm.training
    lengths = np.random.default_rng(0).integers(1, 50, 195)
    rows = batch_rows(training, lengths, seed=4)
    for epoch in rows.reshape(3, 19, 10):
        assert len(set(epoch.ravel())) == 190
        ranges = [(lengths[batch].min(), lengths[batch].max()) for batch in epoch]
        assert ranges != sorted(ranges)  # shuffled, and yet no two batches overlap
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(sorted(ranges)))
    assert not np.array_equal(rows[:19], rows[19:38])
    np.testing.assert_array_equal(rows, batch_rows(training, lengths, seed=4))
    assert not np.array_equal(rows, batch_rows(training, lengths, seed=5))
    # Where all are as long, neighbours are chosen by chance.
    same = batch_rows(training, np.full(195, 7), seed=4)
    assert np.abs(np.diff(same.ravel())).mean() > 30


def test_prediction_covers_every_sequence_once() -> None:
    trial, data = prepare()
    model = build_model(trial, data.train)
    sizes: list[int] = []

    def predict_batch(x: Array) -> Array:
        sizes.append(len(x))
        return np.asarray(model(x))

    programs = Programs(model, lambda x, y, w, n: 0.0, predict_batch, compiled=False)
    test = problems.load(trial.arm.problem.model_copy(update={"test_size": 601}), 4, 10, 0).test
    probabilities = predict(programs, test)
    assert probabilities.shape == (601, 4, 1)
    assert set(sizes) == {PREDICTION_BATCH}
    np.testing.assert_allclose(probabilities, np.asarray(model(test.x)), atol=1e-6)


def train_uncompiled(trial: Trial, data: Dataset, model: keras.Model | None = None) -> History:
    """Train with the uncompiled loop: the same as the compiled one, without the compile time."""
    model = model or build_model(trial, data.train)
    programs = uncompiled(model, data.train, trial.arm.training)
    return train(programs, data, trial.arm.training, trial.seed)


def weights_of(model: keras.Model) -> Array:
    return np.concatenate([weights.ravel() for weights in model.get_weights()])


def test_training_stops_at_the_first_curve_point_that_reaches_stop_at() -> None:
    fast = {**TRAINING, "learning_rate": 0.01}
    full_curve = train_uncompiled(*prepare(training=fast)).curve
    history = train_uncompiled(*prepare(training={**fast, "stop_at": 0.6}))
    curve, points = history.curve, len(history.curve.updates)
    assert 1 < points < len(full_curve.updates)
    assert history.updates == curve.updates[-1]
    assert curve.accuracy[-1] >= 0.6 > max(curve.accuracy[:-1])
    for measure in ("updates", "loss", "accuracy"):  # up to that point the curves are identical
        assert getattr(curve, measure) == getattr(full_curve, measure)[:points]


def test_clip_norm_bounds_the_norm_over_all_gradients() -> None:
    sgd = {"sequences": 10, "optimizer": "sgd", "learning_rate": 1.0}
    steps = {}
    for clip_norm in (None, 0.05):
        trial, data = prepare(training={**sgd, "clip_norm": clip_norm})
        model = build_model(trial, data.train)
        before = weights_of(model)
        assert train_uncompiled(trial, data, model).updates == 1
        steps[clip_norm] = weights_of(model) - before
    assert np.linalg.norm(steps[None]) > 0.05
    assert np.linalg.norm(steps[0.05]) == pytest.approx(0.05, rel=1e-4)
    scale = 0.05 / np.linalg.norm(steps[None])
    np.testing.assert_allclose(steps[0.05], steps[None] * scale, atol=1e-6)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("engine", [uncompiled, fit.programs])
def test_the_learning_rate_is_zero_after_the_last_update(engine: Any, schedule: str) -> None:
    trial, data = prepare(training={"schedule": schedule, "optimizer": "sgd"})
    model = build_model(trial, data.train)
    start = weights_of(model)
    programs = engine(model, data.train, trial.arm.training)
    train(programs, data, trial.arm.training, trial.seed)  # in chunks of one update
    trained = weights_of(model)
    assert np.abs(trained - start).max() > 0
    train(programs, data, trial.arm.training, trial.seed)
    np.testing.assert_array_equal(weights_of(model), trained)


def test_balanced_class_weights_equal_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    y = rng.choice([0, 2, 3], (50, 4), p=[0.1, 0.2, 0.7]).astype(np.int32)  # class 1 is missing
    scored = rng.random((50, 4)) < 0.8
    data = Sequences(np.zeros((50, 4, 1), np.float32), y, scored=scored, classes=5)
    training = make_trial(training={"class_weights": "balanced"}).arm.training
    weights = label_weights(data, training)
    expected = compute_sample_weight("balanced", y[scored])
    np.testing.assert_allclose(weights[scored], expected, rtol=1e-6)
    assert weights[scored].mean() == pytest.approx(1)
    assert not weights[~scored].any()
    assert weights.dtype == np.float32
    plain = label_weights(data, make_trial().arm.training)
    np.testing.assert_array_equal(plain, data.weights)


def test_balanced_class_weights_improve_recall_of_a_rare_class() -> None:
    def rare(seed: int, count: int) -> Sequences:
        """One label in ten is 1, and its input is a little larger."""
        rng = np.random.default_rng(seed)
        y = (rng.random((count, 4)) < 0.1).astype(np.int32)
        x = (y + rng.normal(size=y.shape)).astype(np.float32)[..., None]
        return Sequences(x, y)

    data = Dataset(rare(0, 1000), rare(1, 1000))
    metrics = {}
    for class_weights in (None, "balanced"):
        training = {"sequences": 1000, "learning_rate": 0.05, "class_weights": class_weights}
        trial = make_trial(cell="simple_rnn", training=training)
        model = build_model(trial, data.train)
        train_uncompiled(trial, data, model)
        metrics[class_weights] = evaluate(np.asarray(model(data.test.x)), data.test)
    plain, balanced = metrics[None], metrics["balanced"]
    scores = [scored.further["balanced_accuracy"] or 0.0 for scored in (plain, balanced)]
    assert scores[1] > scores[0] + 0.1 > 0.1
    assert plain.accuracy
    assert balanced.accuracy
    assert plain.accuracy > balanced.accuracy  # accuracy alone would prefer the plain model


COMPILATIONS = """
import os, sys
from pathlib import Path

os.environ["TF_XLA_FLAGS"] = f"--tf_xla_persistent_cache_directory={sys.argv[1]}"
from ablation.training import run_trial
from tests.helpers import make_trial

training = {"sequences": 195, "epochs": 3, "dropout": 0.5, "clip_norm": 1.0}
training |= {"schedule": "cosine", "class_weights": "balanced", "stop_at": 0.9}
for seed in range(2):
    result = run_trial(make_trial(cell="simple_rnn", training=training, seed=seed))
    stored = [path for path in Path(sys.argv[1]).rglob("*") if path.is_file()]
    print(seed, result.compiled, len(result.curve.updates) > 5, len(stored))

# Batches of other lengths need no other program.
from ablation.data import Dataset
from ablation.training.engines import xla
from ablation.training.models import build_model
from tests.training.test_engines import ragged, train

trial = make_trial(cell="simple_rnn", training={"sequences": 60, "batches": "by_length"})
data = Dataset(ragged(60), ragged(300))
model = build_model(trial, data.train)
history = train(xla.programs(model, data.train, trial.arm.training), data, trial.arm.training, 0)
stored = [path for path in Path(sys.argv[1]).rglob("*") if path.is_file()]
print("by_length", history.updates, len(stored))
"""


def test_an_arm_with_all_options_is_compiled_only_once(tmp_path: Path) -> None:
    # XLA stores each compiled program in a file. There are two, update and predict, however many
    # chunks and seeds are trained.
    command = [sys.executable, "-c", COMPILATIONS, str(tmp_path)]
    completed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    assert completed.stdout.splitlines() == [
        "0 True True 2",
        "1 True True 2",
        "by_length 6 4",
    ]
