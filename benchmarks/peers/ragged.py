"""Epochs of sequences of very different length, in several programs: see `benchmarks.ragged`.

The network is a bidirectional LSTM merged by concat, a sigmoid unit for each step and Adam. A turn
is an epoch, in batches of the same sequences for all programs that group them by length, and for
all that do not. A score is the accuracy on further sequences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ablation.data import Sequences
from ablation.spec import Arm, Problem, Training, Trial
from benchmarks.peers import Array, Size, Turn

FEATURES, RATE, EPOCHS, TESTED = 4, 0.003, 25, 800
MEAN, SPREAD = 19, 0.8  # of the lengths, which are log-normal: steps, and of their logarithm


def sequences(count: int, longest: int, seed: int) -> tuple[Array, Array, Array]:
    """Inputs (n, steps, features), labels (n, steps) and lengths (n,), from 2 to `longest` steps.

    A label is about a number of the step before, one of the step after, and one of the step.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.lognormal(np.log(MEAN) - SPREAD**2 / 2, SPREAD, count)
    lengths = np.clip(np.round(drawn), 2, longest).astype(int)
    lengths[0] = longest
    present = np.arange(longest) < lengths[:, None]
    x = rng.normal(size=(count, longest, FEATURES)) * present[..., None]
    before, after = np.zeros((2, count, longest))
    before[:, 1:], after[:, :-1] = x[:, :-1, 0], x[:, 1:, 1]
    y = (before + after + 0.5 * x[..., 2] > 0) & present
    return x.astype(np.float32), y.astype(np.int32), lengths


def ours_by_length(size: Size) -> tuple[Turn, Turn]:
    """This program, training.batches=by_length."""
    return _ours(size, "by_length")


def ours_random(size: Size) -> tuple[Turn, Turn]:
    """This program, batches at random."""
    return _ours(size, None)


def keras_longest(size: Size) -> tuple[Turn, Turn]:
    """model.fit, all sequences padded to the longest."""
    return _keras(size, "longest")


def keras_batch(size: Size) -> tuple[Turn, Turn]:
    """model.fit, each batch padded to its longest sequence."""
    return _keras(size, None)


def keras_by_length(size: Size) -> tuple[Turn, Turn]:
    """The same, with batches by length."""
    return _keras(size, "by_length")


def torch_packed(size: Size) -> tuple[Turn, Turn]:
    """PyTorch's packed sequences."""
    return _torch(size, None)


def torch_by_length(size: Size) -> tuple[Turn, Turn]:
    """The same, with batches by length."""
    return _torch(size, "by_length")


def _training(size: Size, batches: str | None) -> Training:
    return Training(
        sequences=size.updates * size.batch,
        epochs=EPOCHS,
        batch_size=size.batch,
        optimizer="adam",
        learning_rate=RATE,
        batches=batches,
    )


def _epochs(size: Size, lengths: Array, batches: str | None) -> Iterator[Array]:
    """The rows of each batch of an epoch, (updates, batch), epoch by epoch."""
    from ablation.training import batch_rows

    seed = 0
    while True:
        rows = batch_rows(_training(size, batches), lengths, seed)
        yield from rows.reshape(-1, size.updates, size.batch)
        seed += 1


def _ours(size: Size, batches: str | None) -> tuple[Turn, Turn]:
    from ablation.training import ENGINES, build_model, chunk_shape, predict

    def made(count: int, seed: int) -> Sequences:
        x, y, lengths = sequences(count, size.length, seed)
        return Sequences(x, y, present=np.arange(size.length) < lengths[:, None]).padded()

    training = _training(size, batches)
    data, test = made(training.sequences, 0), made(TESTED, 1)
    arm = Arm(
        problem=Problem(name="cumsum"),
        length=size.length,
        direction="bidirectional",
        merge_mode="concat",
        cell="lstm",
        units=size.units,
        layers=1,
        training=training,
        engine="xla",
    )
    model = build_model(Trial(arm=arm, seed=0), data)
    model.optimizer.build(model.trainable_variables)
    program = ENGINES["xla"](model, data, training)
    weights, targets = data.weights, data.targets
    epochs, (chunk, _) = _epochs(size, data.lengths, batches), chunk_shape(training)

    def turn() -> float:
        loss, epoch = 0.0, next(epochs)
        for start in range(0, size.updates, chunk):
            rows = epoch[start : start + chunk]
            loss = program.update(data.x[rows], targets[rows], weights[rows], len(rows))
        return loss

    return turn, lambda: _accuracy(predict(program, test)[..., 0], test.y, test.lengths)


def _keras(size: Size, batches: str | None) -> tuple[Turn, Turn]:
    import keras
    import tensorflow as tf
    from keras import layers

    x, y, lengths = sequences(size.updates * size.batch, size.length, 0)
    model = keras.Sequential(
        [
            keras.Input((None, FEATURES)),
            layers.Masking(0.0),
            layers.Bidirectional(layers.LSTM(size.units, return_sequences=True)),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.Adam(RATE))
    epochs = _epochs(size, lengths, None if batches == "longest" else batches)

    def padded() -> Iterator[tuple[Array, Array]]:
        for rows in next(epochs):
            steps = size.length if batches == "longest" else lengths[rows].max()
            yield x[rows, :steps], y[rows, :steps, None]

    kinds = (tf.TensorSpec((None, None, FEATURES)), tf.TensorSpec((None, None, 1), tf.int32))

    def turn() -> float:
        epoch = tf.data.Dataset.from_generator(padded, output_signature=kinds).prefetch(2)
        return float(model.fit(epoch, verbose=0).history["loss"][0])

    def score() -> float:
        test, labels, steps = sequences(TESTED, size.length, 1)
        return _accuracy(model.predict(test, verbose=0)[..., 0], labels, steps)

    return turn, score


def _torch(size: Size, batches: str | None) -> tuple[Turn, Turn]:
    import torch
    from torch import nn

    torch.set_num_threads(1)
    torch.manual_seed(0)
    x, y, lengths = map(torch.from_numpy, sequences(size.updates * size.batch, size.length, 0))
    labels = y.float()
    lstm = nn.LSTM(FEATURES, size.units, batch_first=True, bidirectional=True)
    head = nn.Linear(2 * size.units, 1)
    parameters = [*lstm.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=RATE, fused=True)
    loss_of = nn.BCEWithLogitsLoss()
    epochs = _epochs(size, lengths.numpy(), batches)

    def packed(values: Any, steps: Any) -> Any:
        longest = int(steps.max())
        return nn.utils.rnn.pack_padded_sequence(
            values[:, :longest], steps, batch_first=True, enforce_sorted=False
        )

    def turn() -> float:
        losses = []
        for rows in map(torch.from_numpy, next(epochs)):
            optimizer.zero_grad()
            outputs, _ = lstm(packed(x[rows], lengths[rows]))
            wanted = packed(labels[rows], lengths[rows]).data
            loss = loss_of(head(outputs.data)[:, 0], wanted)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return float(np.mean(losses))

    def score() -> float:
        test, wanted, steps = map(torch.from_numpy, sequences(TESTED, size.length, 1))
        with torch.no_grad():
            outputs = head(lstm(packed(test, steps))[0].data)[:, 0]
        return float(((outputs > 0) == (packed(wanted, steps).data > 0)).float().mean())

    return turn, score


def _accuracy(probabilities: Array, y: Array, lengths: Array) -> float:
    present = np.arange(y.shape[1]) < lengths[:, None]
    return float(((probabilities > 0.5) == y)[present].mean())


CONTESTANTS: dict[str, tuple[str, Callable[[Size], tuple[Turn, Turn]]]] = {
    "ours-by-length": ("ablation, training.batches=by_length", ours_by_length),
    "ours-random": ("ablation, batches at random", ours_random),
    "torch-by-length": ("PyTorch, packed, batches by length", torch_by_length),
    "torch-packed": ("PyTorch, packed", torch_packed),
    "keras-by-length": ("Keras, batches by length, padded to their longest", keras_by_length),
    "keras-batch": ("Keras, each batch padded to its longest", keras_batch),
    "keras-longest": ("Keras, all padded to the longest", keras_longest),
}
