"""Our two engines, called as the training loop calls them: one chunk of updates per call."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from ablation.data import Sequences
from ablation.spec import Arm, Problem, Training, Trial
from ablation.training import ENGINES, Programs, build_model, chunk_shape
from benchmarks.peers import Size, Turn, batches

UPDATES = 5000  # of a trial of the lesson; they determine the size of a chunk


def xla(size: Size) -> Turn:
    """The compiled engine, `engine=xla`."""
    return _turn(size, "xla", ENGINES["xla"])


def fit(size: Size) -> Turn:
    """The reference engine, `engine=fit`: one model.fit per chunk."""
    return _turn(size, "fit", ENGINES["fit"])


def _turn(
    size: Size,
    engine: str,
    programs: Callable[[keras.Model, Sequences, Training], Programs],
) -> Turn:
    tf.config.experimental.enable_op_determinism()  # as a worker does
    training = Training(
        sequences=UPDATES * size.batch,
        epochs=1,
        batch_size=size.batch,
        optimizer="adam",
        learning_rate=0.001,
    )
    arm = Arm(
        problem=Problem(name="cumsum"),
        length=size.length,
        direction="bidirectional",
        merge_mode="concat",
        cell="lstm",
        units=size.units,
        layers=1,
        training=training,
        engine=engine,
    )
    trial = Trial(arm=arm, seed=0)
    x, y = batches(size)
    data = Sequences(x.reshape(-1, size.length, 1), y.reshape(-1, size.length).astype(np.int32))
    model = build_model(trial, data)
    model.optimizer.build(model.trainable_variables)
    program = programs(model, data, training)
    weights, targets = data.weights, data.targets
    rows = np.arange(size.updates * size.batch).reshape(size.updates, size.batch)
    chunk, _ = chunk_shape(training)

    def turn() -> float:
        loss = 0.0
        for start in range(0, size.updates, chunk):
            batch = rows[start : start + chunk]
            n = len(batch)
            if n < chunk:
                batch = np.concatenate([batch, np.repeat(batch[:1], chunk - n, axis=0)])
            loss = program.update(data.x[batch], targets[batch], weights[batch], n)
        return loss

    return turn
