"""The lesson's script in plain Keras: one model.fit per turn."""

from __future__ import annotations

import keras
from keras import layers

from benchmarks.peers import Size, Turn, batches


def fit(size: Size) -> Turn:
    """With Keras's defaults."""
    return _turn(size, "auto")


def jit(size: Size) -> Turn:
    """With jit_compile=True: each update is one compiled program."""
    return _turn(size, True)


def _turn(size: Size, jit_compile: bool | str) -> Turn:
    x, y = (part.reshape(-1, size.length, 1) for part in batches(size))
    model = keras.Sequential(
        [
            keras.Input((size.length, 1)),
            layers.Bidirectional(layers.LSTM(size.units, return_sequences=True)),
            layers.TimeDistributed(layers.Dense(1, activation="sigmoid")),
        ]
    )
    model.compile(
        loss="binary_crossentropy", optimizer="adam", metrics=["acc"], jit_compile=jit_compile
    )

    def turn() -> float:
        history = model.fit(x, y, epochs=1, batch_size=size.batch, verbose=0)
        return float(history.history["loss"][0])

    return turn
