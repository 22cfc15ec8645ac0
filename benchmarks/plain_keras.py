"""The loop that people write: python plain_keras.py SEQUENCES MERGE_MODE...

Fits the lesson's model once for each merge mode, on the given number of sequences.
"""

from __future__ import annotations

import sys

import keras
import numpy as np
from keras import layers

sequences, *merge_modes = sys.argv[1:]
for merge_mode in merge_modes:
    x = np.random.random((int(sequences), 10, 1))
    y = (np.cumsum(x, axis=1) >= 10 / 4).astype(int)
    model = keras.Sequential(
        [
            keras.Input((10, 1)),
            layers.Bidirectional(layers.LSTM(50, return_sequences=True), merge_mode=merge_mode),
            layers.TimeDistributed(layers.Dense(1, activation="sigmoid")),
        ]
    )
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["acc"])
    model.fit(x, y, epochs=1, batch_size=10, verbose=0)
    x = np.random.random((10_000, 10, 1))
    y = (np.cumsum(x, axis=1) >= 10 / 4).astype(int)
    print(merge_mode, model.evaluate(x, y, verbose=0))
