"""Dropout drops the right share of elements, the same ones in every engine and arm of a seed."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from ablation import problems
from ablation.data import Array
from ablation.training.dropout import Dropout
from ablation.training.models import build_model
from tests.helpers import make_trial

ONES = np.ones((10, 20, 50), np.float32)


def masks(rate: float, count: int, seed: int = 3) -> Array:
    """Consecutive masks of 0 and 1: (count, *ONES.shape)."""
    layer = Dropout(rate, seed=seed)
    return np.stack([np.asarray(layer(ONES, training=True)) for _ in range(count)]) * (1 - rate)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_share_of_dropped_elements_is_the_rate_along_every_axis(rate: float) -> None:
    drawn = masks(rate, 40)
    np.testing.assert_allclose(np.unique(drawn), [0, 1], atol=1e-6)
    error = np.sqrt(rate * (1 - rate))
    assert drawn.mean() == pytest.approx(1 - rate, abs=5 * error / np.sqrt(drawn.size))
    for axis in range(drawn.ndim):  # mask, sequence, step, unit
        means = drawn.mean(axis=tuple(other for other in range(drawn.ndim) if other != axis))
        bound = 5 * error / np.sqrt(drawn.size / len(means))
        np.testing.assert_allclose(means, 1 - rate, atol=bound)


def test_neighbouring_elements_are_dropped_independently() -> None:
    drawn = masks(0.5, 40) - 0.5
    for axis in range(drawn.ndim):
        products = drawn * np.roll(drawn, 1, axis)
        assert abs(products.mean() / 0.25) < 5 / np.sqrt(drawn.size)


def test_a_mask_depends_only_on_the_seed_and_on_its_number_in_the_sequence() -> None:
    drawn = masks(0.5, 3)
    np.testing.assert_array_equal(drawn, masks(0.5, 3))
    assert not np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], masks(0.5, 1, seed=4)[0])


def test_xla_drops_the_same_elements() -> None:
    def compiled(layer: Dropout) -> Any:
        return tf.function(lambda x: layer(x, training=True), jit_compile=True)

    layer = Dropout(0.3, seed=3)
    draw = compiled(layer)
    drawn = np.stack([draw(ONES) for _ in range(3)]) * 0.7
    np.testing.assert_allclose(drawn, masks(0.3, 3), atol=1e-6)


def build(**changes: Any) -> keras.Model:
    training = {"dropout": changes.pop("dropout", 0.5)}
    trial = make_trial(training=training, **changes)
    return build_model(trial, problems.sample(trial.arm.problem, trial.arm.length))


def dropped(model: keras.Model, depth: int = 0) -> Array:
    layer = model.get_layer(f"dropout_{depth}")
    ones = np.ones((10, *layer.input.shape[1:]), np.float32)
    return np.asarray(np.asarray(layer(ones, training=True)) == 0)


def test_arms_with_the_same_seed_and_width_drop_the_same_elements() -> None:
    forward = dropped(build(direction="forward"))
    np.testing.assert_array_equal(forward, dropped(build(direction="go_backwards", cell="gru")))
    bidirectional = build(direction="bidirectional", merge_mode="sum")
    np.testing.assert_array_equal(forward, dropped(bidirectional))
    assert not np.array_equal(forward, dropped(build(direction="forward", seed=1)))
    deep = build(direction="forward", layers=2)
    np.testing.assert_array_equal(forward, dropped(deep, 0))
    assert not np.array_equal(forward, dropped(deep, 1))


def test_dropout_changes_neither_initial_weights_nor_predictions() -> None:
    x = np.random.default_rng(0).random((10, 4, 1)).astype(np.float32)
    model, plain = build(layers=2), build(layers=2, dropout=None)
    for a, b in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    predictions = np.asarray(model(x, training=False))
    np.testing.assert_array_equal(predictions, np.asarray(plain(x, training=False)))
    assert not np.allclose(np.asarray(model(x, training=True)), predictions, atol=1e-3)


def test_dropout_follows_every_recurrent_layer() -> None:
    names = [layer.name for layer in build(direction="go_backwards", layers=2).layers]
    for depth in range(2):
        index = names.index(f"dropout_{depth}")
        assert names[index - 2 : index] == [f"backward_{depth}", f"reverse_time_{depth}"]
