"""The one model builder: a trial becomes a Keras model whose weights are that trial's start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from ablation.config import Trial
from ablation.data import Sequences
from ablation.seeding import stream

CELLS: dict[str, type[layers.RNN]] = {
    "lstm": layers.LSTM,
    "gru": layers.GRU,
    "simple_rnn": layers.SimpleRNN,
}


@keras.saving.register_keras_serializable("ablation")
class ReverseTime(layers.Layer):
    """Turns (batch, steps, ...) round in time.

    A bare Keras layer with go_backwards=True returns its outputs latest step first; this puts
    them back beside their labels.
    """

    supports_masking = True  # the mask belongs to the steps, which come back to their places

    def call(self, inputs: Any) -> Any:
        return keras.ops.flip(inputs, axis=1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape


def build_model(trial: Trial, data: Sequences) -> keras.Model:
    """Build the trial's network for data of this shape, compiled, with its initial weights.

    Takes (batch, steps, features) floats, or (batch, steps) symbols; returns probabilities,
    (..., 1) for two classes and (..., classes) for more, one row a step or one a sequence.
    """
    inputs = hidden = keras.Input(data.x.shape[1:], dtype=data.x.dtype.name, name="x")
    if data.symbols:
        hidden = layers.Embedding(
            data.symbols,
            trial.units,
            mask_zero=True,
            embeddings_initializer=keras.initializers.RandomUniform(seed=_seed(trial, "embedding")),
            name="embedding",
        )(hidden)
    elif data.present is not None:
        hidden = layers.Masking(name="masking")(hidden)
    for depth in range(trial.layers):
        every_step = data.per_step or depth < trial.layers - 1
        hidden = DIRECTIONS[trial.direction](trial, depth, every_step, hidden)
    head = layers.Dense(
        1 if data.classes == 2 else data.classes,
        activation="sigmoid" if data.classes == 2 else "softmax",
        kernel_initializer=keras.initializers.GlorotUniform(seed=_seed(trial, "head")),
        name="head",
    )
    outputs = layers.TimeDistributed(head, name="steps")(hidden) if data.per_step else head(hidden)
    model = keras.Model(inputs, outputs, name="ablation")
    model.compile(
        optimizer={
            "class_name": trial.training.optimizer,
            "config": {"learning_rate": trial.training.learning_rate},
        },
        loss=keras.losses.BinaryCrossentropy()
        if data.classes == 2
        else keras.losses.SparseCategoricalCrossentropy(),
        jit_compile=False,
    )
    return model


def _forward(trial: Trial, depth: int, every_step: bool, inputs: Any) -> Any:
    return _recurrent(trial, "forward", depth, every_step)(inputs)


def _go_backwards_raw(trial: Trial, depth: int, every_step: bool, inputs: Any) -> Any:
    return _recurrent(trial, "backward", depth, every_step)(inputs)


def _go_backwards(trial: Trial, depth: int, every_step: bool, inputs: Any) -> Any:
    outputs = _go_backwards_raw(trial, depth, every_step, inputs)
    return ReverseTime(name=f"reverse_time_{depth}")(outputs) if every_step else outputs


def _bidirectional(trial: Trial, depth: int, every_step: bool, inputs: Any) -> Any:
    # Bidirectional clones a single layer's configuration, seeds included, and both halves would
    # start with the same weights: the backward half comes with seeds of its own.
    return layers.Bidirectional(
        _recurrent(trial, "forward", depth, every_step),
        backward_layer=_recurrent(trial, "backward", depth, every_step),
        merge_mode=trial.merge_mode,
        name=f"bidirectional_{depth}",
    )(inputs)


DIRECTIONS: dict[str, Callable[[Trial, int, bool, Any], Any]] = {
    "forward": _forward,
    "go_backwards": _go_backwards,
    "go_backwards_raw": _go_backwards_raw,
    "bidirectional": _bidirectional,
}


def _recurrent(trial: Trial, way: str, depth: int, every_step: bool) -> layers.RNN:
    # Each half's weights depend on the seed, its way and its depth alone, so that arms share them.
    role = f"{way}_{depth}"
    return CELLS[trial.cell](
        trial.units,
        return_sequences=every_step,
        go_backwards=way == "backward",
        kernel_initializer=keras.initializers.GlorotUniform(seed=_seed(trial, f"{role}/kernel")),
        recurrent_initializer=keras.initializers.Orthogonal(seed=_seed(trial, f"{role}/recurrent")),
        name=role,
        **({} if trial.cell == "simple_rnn" else {"use_cudnn": False}),
    )


def _seed(trial: Trial, role: str) -> int:
    return int(stream(trial.seed, f"weights/{role}").integers(2**31))
