"""KerasTuner's grid search over merge modes and seeds: python tuner_grid.py SEQUENCES TRIALS."""

from __future__ import annotations

import sys
import tempfile
from typing import Any

import keras
import keras_tuner
import numpy as np
from keras import layers

sequences, trials = map(int, sys.argv[1:])


def data(n: int) -> tuple[Any, Any]:
    x = np.random.random((n, 10, 1))
    return x, (np.cumsum(x, axis=1) >= 10 / 4).astype(int)


def build(hp: Any) -> Any:
    keras.utils.set_random_seed(hp.Int("seed", 0, 9))
    merge_mode = hp.Choice("merge_mode", ["sum", "mul", "concat", "ave"])
    model = keras.Sequential(
        [
            keras.Input((10, 1)),
            layers.Bidirectional(layers.LSTM(50, return_sequences=True), merge_mode=merge_mode),
            layers.TimeDistributed(layers.Dense(1, activation="sigmoid")),
        ]
    )
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["acc"])
    return model


with tempfile.TemporaryDirectory() as folder:
    tuner = keras_tuner.GridSearch(
        build, objective="val_acc", max_trials=trials, directory=folder, project_name="grid"
    )
    x, y = data(sequences)
    tuner.search(x, y, epochs=1, batch_size=10, validation_data=data(10_000), verbose=0)
    done = [trial for trial in tuner.oracle.trials.values() if trial.status == "COMPLETED"]
    assert len(done) == trials, f"{len(done)} of {trials} trials completed"
