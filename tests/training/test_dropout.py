"""What dropout leaves out, and what it leaves alone."""

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
    """So many masks, one after the other, scaled to 0 and 1: (count, *ONES.shape)."""
    layer = Dropout(rate, seed=seed)
    return np.stack([np.asarray(layer(ONES, training=True)) for _ in range(count)]) * (1 - rate)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_so_large_a_share_is_left_out_at_every_place_and_time(rate: float) -> None:
    drawn = masks(rate, 40)
    np.testing.assert_allclose(np.unique(drawn), [0, 1], atol=1e-6)
    error = np.sqrt(rate * (1 - rate))
    assert drawn.mean() == pytest.approx(1 - rate, abs=5 * error / np.sqrt(drawn.size))
    for axis in range(drawn.ndim):  # no batch, sequence, step or unit is treated in its own way
        means = drawn.mean(axis=tuple(other for other in range(drawn.ndim) if other != axis))
        bound = 5 * error / np.sqrt(drawn.size / len(means))
        np.testing.assert_allclose(means, 1 - rate, atol=bound)


def test_what_is_left_out_here_says_nothing_of_what_is_left_out_there() -> None:
    drawn = masks(0.5, 40) - 0.5
    for axis in range(drawn.ndim):
        both = drawn * np.roll(drawn, 1, axis)
        assert abs(both.mean() / 0.25) < 5 / np.sqrt(drawn.size)


def test_a_mask_follows_from_the_seed_and_the_number_of_masks_before() -> None:
    drawn = masks(0.5, 3)
    np.testing.assert_array_equal(drawn, masks(0.5, 3))
    assert not np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], masks(0.5, 1, seed=4)[0])


def test_xla_leaves_out_the_same_places() -> None:
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


def left_out(model: keras.Model, depth: int = 0) -> Array:
    layer = model.get_layer(f"dropout_{depth}")
    ones = np.ones((10, *layer.input.shape[1:]), np.float32)
    return np.asarray(np.asarray(layer(ones, training=True)) == 0)


def test_arms_of_one_seed_and_width_leave_out_the_same() -> None:
    first = left_out(build(direction="forward"))
    np.testing.assert_array_equal(first, left_out(build(direction="go_backwards", cell="gru")))
    both = build(direction="bidirectional", merge_mode="sum")
    np.testing.assert_array_equal(first, left_out(both))
    assert not np.array_equal(first, left_out(build(direction="forward", seed=1)))
    deep = build(direction="forward", layers=2)
    np.testing.assert_array_equal(first, left_out(deep, 0))
    assert not np.array_equal(first, left_out(deep, 1))


def test_answers_and_weights_are_those_without_dropout() -> None:
    x = np.random.default_rng(0).random((10, 4, 1)).astype(np.float32)
    dropping, plain = build(layers=2), build(layers=2, dropout=None)
    for a, b in zip(dropping.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    answers = np.asarray(dropping(x, training=False))
    np.testing.assert_array_equal(answers, np.asarray(plain(x, training=False)))
    assert not np.allclose(np.asarray(dropping(x, training=True)), answers, atol=1e-3)


def test_every_recurrent_layer_is_followed_by_one() -> None:
    names = [layer.name for layer in build(direction="go_backwards", layers=2).layers]
    for depth in range(2):
        place = names.index(f"dropout_{depth}")
        assert names[place - 2 : place] == [f"backward_{depth}", f"reverse_time_{depth}"]
