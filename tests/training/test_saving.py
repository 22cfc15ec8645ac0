"""Saved models load in a process that has Keras but not this package."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from ablation.data import Sequences
from ablation.spec import CELLS, MERGES
from ablation.training.models import build_model
from tests.helpers import make_trial

RNG = np.random.default_rng(0)
STEPS = 5
PRESENT = np.arange(STEPS) < np.array([5, 3, 1, 4])[:, None]
NUMBERS = RNG.normal(size=(4, STEPS, 2)).astype(np.float32)
SYMBOLS = np.where(PRESENT, RNG.integers(1, 6, PRESENT.shape), 0).astype(np.int32)
STEP_LABELS = np.zeros((4, STEPS), np.int32)
DATA = {
    "a label per step": Sequences(NUMBERS, STEP_LABELS),
    "padded numbers": Sequences(NUMBERS, STEP_LABELS, present=PRESENT).padded(),
    "padded symbols, a label per sequence": Sequences(
        SYMBOLS, STEP_LABELS[:, 0], present=PRESENT, classes=3, symbols=6
    ),
}
WAYS: list[dict[str, Any]] = [{"direction": "forward"}, {"direction": "go_backwards"}]
WAYS += [{"direction": "bidirectional", "merge_mode": merge} for merge in MERGES]
TRAINING = {"dropout": 0.5, "optimizer": "sgd", "schedule": "cosine", "clip_norm": 1.0}

LOAD = """
import pathlib, sys
sys.modules["ablation"] = None  # importing it fails
sys.modules.update(dict.fromkeys(("jax", "matplotlib", "pandas", "sklearn")))  # is loaded sooner
import keras, numpy as np, tensorflow as tf
for path in list(pathlib.Path(sys.argv[1]).glob("*.npy")):
    saved = path.with_suffix(".keras")
    if saved.exists():
        predict = keras.models.load_model(saved)
    else:
        exported = tf.saved_model.load(path.with_suffix(""))
        predict = exported.serve
    np.save(path.with_suffix(".predicted"), predict(np.load(path)))
"""


def trained_model(data: Sequences, **changes: Any) -> keras.Model:
    """A model with random weights and an optimizer that has been built, as after training."""
    layers = 1 if data.present is None else 2  # the second needs the mask too
    model = build_model(make_trial(layers=layers, training=TRAINING, **changes), data)
    model.set_weights([RNG.normal(0, 0.5, weight.shape) for weight in model.get_weights()])
    model.optimizer.build(model.trainable_variables)
    return model


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's
def test_plain_keras_loads_a_saved_model_and_predicts_the_same(tmp_path: Path) -> None:
    cases = {}
    for (i, way), (j, kind) in itertools.product(enumerate(WAYS), enumerate(DATA)):
        cell = tuple(CELLS)[(i + j) % len(CELLS)]
        cases[f"{way} {cell} {kind}"] = kind, trained_model(DATA[kind], cell=cell, **way)
    cases["exported"] = "padded numbers", trained_model(DATA["padded numbers"], **WAYS[-1])
    for k, (name, (kind, model)) in enumerate(cases.items()):
        np.save(tmp_path / f"{k}.npy", DATA[kind].x)
        if name == "exported":
            model.export(tmp_path / f"{k}", verbose=False)
        else:
            model.save(tmp_path / f"{k}.keras")
    command = [sys.executable, "-c", LOAD, str(tmp_path)]
    loaded = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert loaded.returncode == 0, loaded.stderr
    for k, (name, (kind, model)) in enumerate(cases.items()):
        predictions = np.load(tmp_path / f"{k}.predicted.npy")
        np.testing.assert_allclose(predictions, model(DATA[kind].x), atol=1e-6, err_msg=name)
