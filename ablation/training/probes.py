"""What each half of a trained bidirectional model contributes, without training anything again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from ablation.data import Array, Sequences
from ablation.spec import MERGES
from ablation.tasks import task_of

PROBED = 2000  # sequences of the test set

Halves = Callable[[Array], tuple[Array, ...]]


def halves_of(model: keras.Model, per_step: bool) -> Halves:
    """A function from x to the outputs of the forward and the backward half of the one layer.

    Each is (n, steps, units), beside its label; or (n, units) for a label a sequence.
    """
    if any(layer.name == "merge_0" for layer in model.layers):  # of parts, with something own
        both = keras.Model(model.input, model.get_layer("merge_0").input)
        return lambda x: tuple(np.asarray(half) for half in both(tf.constant(x), training=False))
    layer = model.get_layer("bidirectional_0")
    before = keras.Model(model.input, layer.input)

    @tf.function  # type: ignore[untyped-decorator]
    def halves(x: Any) -> Any:
        values = before(x)  # with padding there is a mask beside them
        inputs, mask = values if isinstance(values, list | tuple) else (values, None)
        backward = layer.backward_layer(inputs, mask=mask)
        if per_step:
            backward = keras.ops.flip(backward, axis=1)
        return layer.forward_layer(inputs, mask=mask), backward

    return lambda x: tuple(np.asarray(half) for half in halves(tf.constant(x)))


def probe(
    halves: Halves, model: keras.Model, merge: str, test: Sequences
) -> dict[str, float | None]:
    """The task's own metric of a trained model on some test sequences, with a part changed.

    intact: nothing is. without_forward, without_backward: that half silenced, its output replaced
    by its mean over the sequences at each step, so that what is the same in all of them stays.
    merged_by_sum, ...: another merge in the place of the one that it was trained with.
    A merge of the user's own is not told here which steps are padding.
    """
    data, task = test.first(PROBED), task_of(test)
    activate = ACTIVATIONS[task.head(data)[1]]
    forward, backward = halves(data.x)
    kernel, bias = model.get_layer("head").get_weights()

    def score(first: Array, second: Array, by: str) -> float | None:
        if by in MERGES:
            merged = MERGES[by].twin(first, second)
        else:  # the user's own
            merged = np.asarray(model.get_layer("merge_0")([first, second], training=False))
        value: float | None = getattr(
            task.evaluate(activate(merged @ kernel + bias), data), task.METRIC
        )
        return value

    found = {
        "intact": score(forward, backward, merge),
        "without_forward": score(_silent(forward), backward, merge),
        "without_backward": score(forward, _silent(backward), merge),
    }
    # The head can read what another merge gives only if that is as wide.
    width = MERGES[merge].width if merge in MERGES else None
    others = [by for by in MERGES if by != merge and MERGES[by].width == width]
    return found | {f"merged_by_{by}": score(forward, backward, by) for by in others}


def _silent(half: Array) -> Array:
    return np.broadcast_to(half.mean(0), half.shape)


def _sigmoid(scores: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-scores)))


def _softmax(scores: Array) -> Array:
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "sigmoid": _sigmoid,
    "softmax": _softmax,
    "linear": np.asarray,
}
