"""The one model builder: a trial becomes a Keras model whose weights are that trial's start."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import keras
from keras import layers
from keras.optimizers import schedules

from ablation.data import PADDING, Sequences
from ablation.errors import RequestError
from ablation.seeding import stream
from ablation.spec import CELLS, DIRECTIONS, MERGES, Training, Trial
from ablation.training import recurrence
from ablation.training.dropout import Dropout


def build_model(trial: Trial, data: Sequences) -> keras.Model:
    """Build the trial's network for data of this shape, compiled, with its initial weights.

    Takes (batch, steps, features) floats, or (batch, steps) symbols; returns probabilities,
    (..., 1) for two classes and (..., classes) for more, one row a step or one a sequence.
    """
    inputs = hidden = keras.Input(data.x.shape[1:], dtype=data.x.dtype.name, name="x")
    if data.symbols:
        hidden = layers.Embedding(
            data.symbols,
            trial.arm.units,
            mask_zero=True,
            embeddings_initializer=keras.initializers.RandomUniform(seed=_seed(trial, "embedding")),
            name="embedding",
        )(hidden)
    elif data.present is not None:
        hidden = layers.Masking(PADDING, name="masking")(hidden)
    for depth in range(trial.arm.layers):
        every_step = data.per_step or depth < trial.arm.layers - 1
        hidden = _layer(trial, depth, every_step, hidden)
        if trial.arm.training.dropout is not None:
            # After the merge: arms whose layers are as wide leave out the same places.
            seed = _seed(trial, str(depth), "dropout")
            name = f"dropout_{depth}"
            hidden = Dropout(trial.arm.training.dropout, seed=seed, name=name)(hidden)
    head = layers.Dense(
        1 if data.classes == 2 else data.classes,
        activation="sigmoid" if data.classes == 2 else "softmax",
        kernel_initializer=keras.initializers.GlorotUniform(seed=_seed(trial, "head")),
        name="head",
    )
    # Dense reads each step by itself, as the lesson's TimeDistributed(Dense) does, which would
    # write the steps one by one into the program.
    model = keras.Model(inputs, head(hidden), name="ablation")
    model.compile(
        optimizer=_optimizer(trial.arm.training),
        loss=keras.losses.BinaryCrossentropy()
        if data.classes == 2
        else keras.losses.SparseCategoricalCrossentropy(),
        jit_compile=False,
    )
    return model


def _optimizer(training: Training) -> keras.optimizers.Optimizer:
    rate: Any = training.learning_rate
    if training.schedule is not None:
        rate = SCHEDULES[training.schedule](rate, training.updates)
    config = {"learning_rate": rate, "global_clipnorm": training.clip_norm}
    return keras.optimizers.get({"class_name": training.optimizer, "config": config})


def _linear(rate: float, updates: int) -> schedules.LearningRateSchedule:
    return schedules.PolynomialDecay(rate, updates, end_learning_rate=0.0)


WRAPPED = ("concat", "sum", "mul", "ave")  # the merge modes that Keras's Bidirectional has
SCHEDULES: dict[str, Callable[[float, int], schedules.LearningRateSchedule]] = {
    "linear": _linear,
    "cosine": schedules.CosineDecay,
}


def _layer(trial: Trial, depth: int, every_step: bool, inputs: Any) -> Any:
    """What the arm's direction makes of the inputs at one depth."""
    direction = DIRECTIONS[trial.arm.direction]
    if direction.merges:
        return _bidirectional(trial, depth, every_step, inputs)
    (way,) = direction.ways
    outputs = _recurrent(trial, way, depth, every_step, inputs)(inputs)
    turned = way == "backward" and direction.aligned and every_step
    return _reverse_time(depth, outputs) if turned else outputs


def _reverse_time(depth: int, outputs: Any) -> Any:
    """(batch, steps, ...) turned round in time, with the mask, which belongs to the steps.

    A bare Keras layer with go_backwards=True returns its outputs latest step first; this puts
    them back beside their labels. Of Keras alone, so that a saved model needs nothing else.
    """
    steps = keras.Input(outputs.shape[1:], dtype=outputs.dtype)
    flip = keras.Function(steps, keras.ops.flip(steps, axis=1)).operations[-1]
    return layers.Activation(flip, name=f"reverse_time_{depth}")(outputs)


def _bidirectional(trial: Trial, depth: int, every_step: bool, inputs: Any) -> Any:
    ways = [_recurrent(trial, way, depth, every_step, inputs) for way in ("forward", "backward")]
    if trial.arm.cell not in CELLS or trial.arm.merge_mode not in WRAPPED:
        return _own_bidirectional(trial, depth, every_step, ways, inputs)
    # Bidirectional clones a single layer's configuration, seeds included, and both halves would
    # start with the same weights: the backward half comes with seeds of its own. The forward half
    # is a copy all the same, and of Keras's class, which ours are saved as, unless told otherwise.
    with keras.saving.custom_object_scope({type(ways[0]).__name__: type(ways[0])}):
        layer = layers.Bidirectional(
            ways[0],
            backward_layer=ways[1],
            merge_mode=trial.arm.merge_mode,
            name=f"bidirectional_{depth}",
        )
    return layer(inputs)


def _own_bidirectional(
    trial: Trial, depth: int, every_step: bool, ways: list[layers.RNN], inputs: Any
) -> Any:
    """What Bidirectional does, of its parts.

    It copies the forward layer from a configuration, which own cells would have to know how to
    write and read, and its copy would start from other weights.
    """
    for way in ways:
        way.zero_output_for_mask = every_step
    halves = [way(inputs) for way in ways]
    if every_step:
        halves[1] = _reverse_time(depth, halves[1])
    merge = _merge(trial, depth)
    merged = merge(halves)
    if merged.shape[:-1] != halves[0].shape[:-1] or merged.shape[-1] is None:
        shapes = f"{halves[0].shape[:-1]} and its units, it gives {merged.shape}"
        raise RequestError(
            f"merge_mode={trial.arm.merge_mode}: its output must have the shape {shapes}"
        )
    return merged


def _merge(trial: Trial, depth: int) -> layers.Layer:
    mode = str(trial.arm.merge_mode)
    # Initializers take their seeds from Keras's own when they are made: here, or in the first call.
    keras.utils.set_random_seed(_seed(trial, f"merge_{depth}"))
    layer = getattr(layers, MERGES[mode].layer)() if mode in MERGES else _imported(mode)()
    if not isinstance(layer, layers.Layer):
        raise RequestError(f"merge_mode={mode}: it gives {layer!r}, which is no Keras layer")
    layer.name = f"merge_{depth}"
    layer.supports_masking = True  # the mask belongs to the steps, which stay where they are
    return layer


def _recurrent(trial: Trial, way: str, depth: int, every_step: bool, inputs: Any) -> layers.RNN:
    # Each half's weights depend on the seed, its way and its depth alone, so that arms share them.
    role = f"{way}_{depth}"
    if trial.arm.cell not in CELLS:
        return _own_recurrent(trial, role, every_step, inputs)
    # Ours have a loop that the compiler makes more of; engine=fit trains Keras's and checks them.
    home = recurrence if trial.arm.engine == "xla" else layers
    made: layers.RNN = getattr(home, CELLS[trial.arm.cell].layer)(
        trial.arm.units,
        return_sequences=every_step,
        go_backwards=way == "backward",
        kernel_initializer=keras.initializers.GlorotUniform(seed=_seed(trial, f"{role}/kernel")),
        recurrent_initializer=keras.initializers.Orthogonal(seed=_seed(trial, f"{role}/recurrent")),
        name=role,
        **CELLS[trial.arm.cell].options,
    )
    return made


def _own_recurrent(trial: Trial, role: str, every_step: bool, inputs: Any) -> layers.RNN:
    """A recurrent layer of the user's own, or one around a cell of the user's own."""
    ways = {"return_sequences": every_step, "go_backwards": role.startswith("backward")}
    keras.utils.set_random_seed(_seed(trial, role))
    own = _imported(trial.arm.cell)
    whole = isinstance(own, type) and issubclass(own, layers.RNN)
    layer = own(trial.arm.units, **ways) if whole else layers.RNN(own(trial.arm.units), **ways)
    layer.name = role
    layer.build(inputs.shape)  # now, while its weights follow from the seed and the role
    return layer


def _imported(name: str) -> Any:
    """The user's own class or function, whose module runs here: in a worker, and nowhere else."""
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def _seed(trial: Trial, role: str, purpose: str = "weights") -> int:
    return int(stream(trial.seed, f"{purpose}/{role}").integers(2**31))
