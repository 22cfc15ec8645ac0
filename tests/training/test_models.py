"""The model builder, checked against arithmetic, NumPy and what Keras documents."""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from ablation import problems
from ablation.data import Array, Sequences
from ablation.planning import count_parameters, parameters_for
from ablation.spec import CELLS, DIRECTIONS, MERGES, Cell, Merge
from ablation.training import recurrence
from ablation.training.models import build_model
from tests.helpers import make_trial


def build(**changes: Any) -> keras.Model:
    trial = make_trial(**changes)
    return build_model(trial, problems.sample(trial.arm.problem, trial.arm.length))


def halves(model: keras.Model) -> tuple[Array, Array]:
    """The kernels of the forward and the backward half, or the single layer's kernel twice."""
    kernels = [w for w in model.trainable_variables if w.path.endswith("/kernel")]
    recurrent = [w.numpy() for w in kernels if "ward_" in w.path]
    return recurrent[0], recurrent[-1]


@pytest.mark.parametrize(
    ("direction", "merge_mode", "units", "count"),
    [
        ("forward", None, 50, 10_451),
        ("go_backwards", None, 50, 10_451),
        ("bidirectional", "concat", 50, 20_901),
        ("bidirectional", "sum", 50, 20_851),
        ("bidirectional", "ave", 50, 20_851),
        ("bidirectional", "mul", 50, 20_851),
        ("forward", None, 71, 20_804),
        ("bidirectional", "concat", 35, 10_431),
    ],
)
def test_parameter_counts_of_the_lesson(
    direction: str, merge_mode: str | None, units: int, count: int
) -> None:
    model = build(direction=direction, merge_mode=merge_mode, units=units)
    assert model.count_params() == count


@pytest.mark.parametrize("cell", CELLS)
def test_count_parameters_equals_the_count_of_keras(cell: str) -> None:
    ways: list[tuple[str, str | None]] = [("forward", None), ("go_backwards_raw", None)]
    ways += [("bidirectional", merge) for merge in ("concat", "mul")]
    for (direction, merge), layers in itertools.product(ways, (1, 2)):
        changes = {"direction": direction, "merge_mode": merge, "layers": layers, "cell": cell}
        trial = make_trial(**changes)
        assert count_parameters(trial.arm) == build(**changes).count_params(), changes


def test_count_parameters_includes_embedding_and_classes() -> None:
    trial = make_trial(units=4, direction="bidirectional")
    x = np.zeros((2, 5), np.int32)
    data = Sequences(x, x, classes=3, symbols=7)
    expected = build_model(trial, data).count_params()
    assert parameters_for(trial.arm, outputs=3, symbols=7) == expected


def test_arms_of_one_seed_start_from_the_same_weights() -> None:
    forward, _ = halves(build(direction="forward"))
    backward, _ = halves(build(direction="go_backwards"))
    for merge in MERGES:
        first, second = halves(build(direction="bidirectional", merge_mode=merge))
        np.testing.assert_array_equal(first, forward)
        np.testing.assert_array_equal(second, backward)
    assert not np.array_equal(forward, backward)
    other, _ = halves(build(direction="forward", seed=1))
    assert not np.array_equal(forward, other)


@pytest.mark.parametrize("merge_mode", MERGES)
def test_merge_modes_equal_their_definition_in_numpy(merge_mode: str) -> None:
    x = np.random.default_rng(0).random((3, 4, 1)).astype(np.float32)
    forward, backward = (
        np.asarray(keras.Model(model.input, model.layers[-2].output)(x))
        for model in (build(direction="forward"), build(direction="go_backwards"))
    )
    both = build(direction="bidirectional", merge_mode=merge_mode)
    merged = np.asarray(keras.Model(both.input, both.layers[-2].output)(x))
    np.testing.assert_allclose(merged, MERGES[merge_mode].twin(forward, backward), atol=1e-6)


ARMS = [
    {"direction": direction, "merge_mode": merge, "cell": cell}
    for (direction, row), cell in itertools.product(DIRECTIONS.items(), CELLS)
    for merge in (MERGES if row.merges else [None])
]


@pytest.mark.parametrize("arm", ARMS, ids=lambda arm: " ".join(filter(None, arm.values())))
def test_an_update_changes_each_weight_of_every_arm(arm: dict[str, Any]) -> None:
    """Every combination of direction, merge mode and cell can be built and trained."""
    trial = make_trial(**arm, training={"learning_rate": 0.01})
    data = problems.load(trial.arm.problem, trial.arm.length, 40, 0).train
    model = build_model(trial, data)
    assert model.count_params() == count_parameters(trial.arm)
    before = model.get_weights()
    with tf.GradientTape() as tape:
        loss = model.loss(data.y[..., None], model(data.x, training=True))
    variables = model.trainable_variables
    model.optimizer.apply(tape.gradient(loss, variables), variables)
    for weights, old, new in zip(model.weights, before, model.get_weights(), strict=True):
        assert np.isfinite(new).all(), weights.path
        assert (new != old).any(), weights.path


def build_unlisted(cell: str, merge_mode: str) -> tuple[keras.Model, int]:
    """A bidirectional arm with rows added after import, which the schema does not accept."""
    trial = make_trial(direction="bidirectional")
    arm = trial.arm.model_copy(update={"cell": cell, "merge_mode": merge_mode})
    data = problems.sample(arm.problem, arm.length)
    return build_model(trial.model_copy(update={"arm": arm}), data), count_parameters(arm)


def test_a_merge_mode_that_bidirectional_lacks_uses_its_merging_layer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(MERGES, "max", Merge("Maximum", np.maximum, additive=False))
    model, parameters = build_unlisted("lstm", "max")
    assert isinstance(model.get_layer("merge_0"), keras.layers.Maximum)
    assert model.count_params() == parameters


def test_a_cell_uses_its_layer_and_options(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"reset_after": False}
    monkeypatch.setitem(CELLS, "cho_2014", Cell("GRU", gates=3, options=options))
    model, parameters = build_unlisted("cho_2014", "sum")
    layer = model.get_layer("bidirectional_0")
    assert not layer.forward_layer.reset_after
    assert not layer.backward_layer.reset_after
    assert model.count_params() == parameters


def test_both_halves_use_the_layer_type_of_the_engine() -> None:
    for engine, module in (("xla", recurrence), ("fit", keras.layers)):
        for name, cell in CELLS.items():
            layer = build(direction="bidirectional", cell=name, engine=engine).layers[1]
            layer_type = getattr(module, cell.layer)
            assert type(layer.forward_layer) is type(layer.backward_layer) is layer_type


def affected_steps(direction: str, step: int) -> list[bool]:
    """The steps whose output changes if the input at one step changes."""
    model = build(direction=direction)
    x = np.full((1, 4, 1), 0.5, np.float32)
    changed = x.copy()
    changed[0, step] = 0.9
    difference = np.asarray(model(x)) - np.asarray(model(changed))
    return [bool(changed) for changed in np.abs(difference[0, :, 0]) > 0]


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_each_direction_sees_the_inputs_given_by_its_row(direction: str) -> None:
    row, steps = DIRECTIONS[direction], range(4)
    for index in steps:
        forward = [step >= index for step in steps]
        backward = [step <= index for step in steps]
        backward = backward if row.aligned else backward[::-1]
        both = {"forward": forward, "backward": backward}
        assert affected_steps(direction, index) == [
            any(both[w][s] for w in row.ways) for s in steps
        ]


def test_each_direction_sees_the_right_inputs_at_each_label() -> None:
    everywhere = [True] * 4
    assert affected_steps("forward", 0) == everywhere
    assert affected_steps("forward", 3) == [False, False, False, True]
    assert affected_steps("go_backwards", 3) == everywhere
    assert affected_steps("go_backwards", 0) == [True, False, False, False]
    assert affected_steps("bidirectional", 0) == affected_steps("bidirectional", 3) == everywhere


def test_go_backwards_raw_gives_its_outputs_in_reversed_order() -> None:
    assert affected_steps("go_backwards_raw", 3) == [True] * 4
    assert affected_steps("go_backwards_raw", 0) == [False, False, False, True]


def test_one_label_per_sequence_gives_one_row_of_outputs() -> None:
    trial = make_trial(direction="go_backwards", layers=2)
    x = np.zeros((2, 4, 5), np.float32)
    model = build_model(trial, Sequences(x, np.array([0, 2]), classes=3))
    assert model.output_shape == (None, 3)
    assert "reverse_time_1" not in [layer.name for layer in model.layers]


def test_padding_differs_from_a_step_of_zeros() -> None:
    present = np.array([[True, True, False, False]])
    x = np.zeros((1, 4, 2), np.float32)
    data = Sequences(x, np.zeros((1, 4), np.int32), present=present).padded()
    short = Sequences(x[:, :2], np.zeros((1, 2), np.int32))
    ways, engines = ("forward", "go_backwards", "bidirectional"), ("xla", "fit")
    for direction, engine, layers in itertools.product(ways, engines, (1, 2)):
        trial = make_trial(direction=direction, engine=engine, layers=layers, cell="gru")
        padded, alone = build_model(trial, data), build_model(trial, short)
        # With nonzero biases, a step of zeros changes the state; padding must not.
        weights = [np.full_like(weight, 0.3) for weight in padded.get_weights()]
        padded.set_weights(weights)
        alone.set_weights(weights)
        outputs, expected = padded(data.x), alone(short.x)
        np.testing.assert_allclose(outputs[:, :2], expected, atol=1e-6, err_msg=str(trial))
        losses = padded.loss(data.y[..., None], outputs), alone.loss(short.y[..., None], expected)
        assert float(losses[0]) == pytest.approx(float(losses[1]), abs=1e-6), trial


def test_padded_symbols_do_not_change_the_real_steps() -> None:
    x = np.array([[1, 2, 0, 0]], np.int32)
    present = x > 0
    data = Sequences(x, np.zeros_like(x), present=present, classes=3, symbols=4)
    short = Sequences(x[:, :2], np.zeros((1, 2), np.int32), classes=3, symbols=4)
    for direction in ("forward", "go_backwards", "bidirectional"):
        trial = make_trial(direction=direction)
        padded = np.asarray(build_model(trial, data)(x))
        alone = np.asarray(build_model(trial, short)(x[:, :2]))
        np.testing.assert_allclose(padded[:, :2], alone, atol=1e-6, err_msg=direction)
