"""Plain `model.fit` on the same batches in the same order: the reference for the compiled loop."""

from __future__ import annotations

import keras
import numpy as np

from ablation.data import Array, Sequences
from ablation.spec import Training
from ablation.training.loop import Programs


def programs(model: keras.Model, data: Sequences, training: Training) -> Programs:
    """Train with `model.fit` and predict with `model.predict_on_batch`."""

    def update(x: Array, y: Array, weights: Array, n: int) -> float:
        def flat(chunk: Array) -> Array:
            return chunk[:n].reshape(-1, *chunk.shape[2:])

        history = model.fit(
            flat(x),
            flat(y),
            sample_weight=flat(weights),
            batch_size=training.batch_size,
            shuffle=False,
            verbose=0,
        )
        return float(history.history["loss"][0])

    def predict(x: Array) -> Array:
        return np.asarray(model.predict_on_batch(x))

    return Programs(model, update, predict, compiled=False)
