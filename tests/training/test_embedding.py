"""Learnt vectors beside numbers: counted as they are built, and blind to padding."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from ablation.data import PADDING, Sequences
from ablation.planning import parameters_for
from ablation.training.embedding import with_vectors
from ablation.training.models import build_model
from tests.helpers import make_trial


def mixed(embedding: int | None = None, padded: bool = True) -> Sequences:
    """40 sequences of a number and two categories, whose labels follow from the categories."""
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(1, 7, (40, 4)), rng.integers(1, 4, (40, 4))], axis=-1)
    x = np.concatenate([rng.normal(size=(40, 4, 1)), codes], axis=-1).astype(np.float32)
    present = np.arange(4) < rng.integers(1, 5, 40)[:, None] if padded else None
    y = (codes[..., 0] % 2).astype(np.int32)
    data = Sequences(x, y, present=present, levels=(7, 4), embedding=embedding)
    return data.padded()


@pytest.mark.parametrize("direction", ["forward", "bidirectional"])
@pytest.mark.parametrize("embedding", [None, 5])
def test_the_weights_are_counted_as_they_are_built(embedding: int | None, direction: str) -> None:
    data = mixed(embedding)
    trial = make_trial(direction=direction)
    width = embedding or 3
    model = build_model(trial, data)
    assert model.count_params() == parameters_for(
        trial.arm, 3, levels=data.levels, embedding=data.embedding
    )
    vectors = {w.shape for w in model.weights if "embeddings" in w.path}
    assert vectors == {(7, width), (4, width)}


def test_vectors_stand_in_the_place_of_codes() -> None:
    data = mixed(embedding=2, padded=False)
    inputs = keras.Input(data.x.shape[1:])
    model = keras.Model(inputs, with_vectors(make_trial(), data, inputs))
    first, second = (w.numpy() for w in model.weights)
    found = model(data.x).numpy()
    codes = data.x[..., 1:].astype(int)
    expected = [data.x[..., :1], first[codes[..., 0]], second[codes[..., 1]]]
    np.testing.assert_array_equal(found, np.concatenate(expected, axis=-1))


@pytest.mark.parametrize(
    "arm",
    [
        {"direction": "forward"},
        {"direction": "forward", "lookahead": 1},
        {"direction": "go_backwards"},
        {"direction": "bidirectional"},
    ],
)
def test_what_is_padding_does_not_matter(arm: dict[str, Any]) -> None:
    """The answers for a sequence are those without its padding."""
    keras.utils.clear_session()  # as in a new process, where Keras has given no names yet
    data = mixed()
    assert data.present is not None
    assert (data.x[~data.present] == PADDING).all()
    trial = make_trial(**arm)
    padded = build_model(trial, data)(data.x).numpy()
    for i in range(5):
        n = int(data.present[i].sum())
        alone = replace(data, x=data.x[i : i + 1, :n], y=data.y[i : i + 1, :n], present=None)
        bare = build_model(trial, alone)(alone.x).numpy()
        np.testing.assert_allclose(padded[i, :n], bare[0], atol=1e-6)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's
def test_a_saved_model_is_of_keras_alone(tmp_path: Path) -> None:
    data = mixed()
    model = build_model(make_trial(direction="bidirectional"), data)
    model.save(tmp_path / "a.keras")
    again = keras.saving.load_model(tmp_path / "a.keras", compile=False)
    np.testing.assert_allclose(model(data.x), again(data.x), atol=1e-6)
