"""Models of the user's own, as their page shows them: paired, masked, equal in both engines."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from ablation.data import PADDING, Array, Dataset, Sequences
from ablation.errors import RequestError
from ablation.spec import Trial
from ablation.training import loop
from ablation.training.engines import fit, xla
from ablation.training.loop import train
from ablation.training.models import build_model
from ablation.training.saving import classes_needed
from tests.helpers import make_trial
from tests.training.test_saving import LOAD

PAGE = Path(__file__).resolve().parents[2] / "docs" / "own-models.md"
FILES = dict(
    re.findall(r"`(\w+\.py)`:\n\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
)
STEPS, SYMBOLS = 6, 9
RNG = np.random.default_rng(3)
PRESENT = np.arange(STEPS) < RNG.integers(1, STEPS + 1, 40)[:, None]


def sequences(x: Array, y: Array, **options: Any) -> Sequences:
    return Sequences(x, y.astype(np.int32), present=PRESENT, **options).padded()


NUMBERS = RNG.random((40, STEPS, 2), dtype=np.float32)
WORDS = np.where(PRESENT, RNG.integers(1, SYMBOLS, PRESENT.shape), 0).astype(np.int32)
TAGGED = np.concatenate([WORDS[..., None], NUMBERS], axis=-1).astype(np.float32)
DATA = {
    "sensor": sequences(NUMBERS, NUMBERS[..., 0] > 0.5),
    "words": sequences(WORDS, (WORDS == 3).any(axis=1), symbols=SYMBOLS),
    "residual": sequences(NUMBERS, NUMBERS[..., 1] > 0.5),
    "tagger": sequences(TAGGED, WORDS % 3, classes=3),
}
TRAINING = {"sequences": 40, "epochs": 2, "batch_size": 10}
WAYS: list[dict[str, Any]] = [
    {"direction": "forward", "lookahead": 1},
    {"direction": "bidirectional", "merge_mode": "mul", "cell": "gru"},
    {"direction": "go_backwards"},
    {"direction": "bidirectional_raw", "merge_mode": "concat"},
]


@pytest.fixture(autouse=True)
def _page_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's files on the Python path, and the vectors where the command is run."""
    assert set(FILES) == {f"{name}.py" for name in DATA}
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    np.save(tmp_path / "vectors.npy", RNG.normal(size=(SYMBOLS, 5)).astype(np.float32))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)


def trial_of(model: str, **changes: Any) -> Trial:
    name = f"{model}.build" if "." not in model else model
    return make_trial(length=STEPS, model={"name": name}, training=TRAINING, **changes)


def weights(model: keras.Model) -> dict[str, Array]:
    return {weight.path: weight.numpy() for weight in model.weights}


@pytest.mark.parametrize("model", DATA)
def test_both_engines_end_in_the_same_weights(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "CURVE_POINTS", 4)  # each costs a call of model.fit
    way = {**WAYS[list(DATA).index(model)], "cell": "simple_rnn"}  # is compiled soonest
    data = Dataset(DATA[model], DATA[model])
    ends = []
    for engine, programs in (("xla", xla.programs), ("fit", fit.programs)):
        trial = trial_of(model, engine=engine, **way)
        built = build_model(trial, data.train)
        start = weights(built)
        train(programs(built, data.train, trial.arm.training), data, trial.arm.training, 0)
        ends.append(built.get_weights())
        moved = [np.abs(a - b).max() for a, b in zip(start.values(), ends[-1], strict=True)]
        assert max(moved) > 0.001
    for compiled, plain in zip(*ends, strict=True):
        np.testing.assert_allclose(compiled, plain, atol=1e-4)


@pytest.mark.parametrize("model", DATA)
def test_arms_of_a_seed_start_with_the_same_weights(model: str) -> None:

    def own_kernels(seed: int, **way: Any) -> list[Array]:
        built = build_model(trial_of(model, seed=seed, **way), DATA[model])
        recurrent = ("ward_", "merge")
        return [
            weight.numpy()
            for weight in built.trainable_weights
            if weight.ndim > 1 and not any(part in weight.path for part in recurrent)
        ]

    both = WAYS[1]  # a product is as wide as one direction
    reference = own_kernels(0, **both)
    for way in (WAYS[0], WAYS[2]):
        for kernel, same in zip(own_kernels(0, **way), reference, strict=True):
            np.testing.assert_array_equal(kernel, same)
    for kernel, other in zip(own_kernels(1, **both), reference, strict=True):
        assert not np.array_equal(kernel, other)


# Not bidirectional_raw, whose backward outputs stand where the padding was: its mistake.
@pytest.mark.parametrize("way", WAYS[:3], ids=lambda way: way["direction"])
@pytest.mark.parametrize("model", DATA)
def test_steps_that_do_not_exist_change_nothing(model: str, way: dict[str, Any]) -> None:
    """Sequences with more padding behind them get the same answers."""
    data = DATA[model]
    built = build_model(trial_of(model, **way), data)
    longer = Sequences(
        np.pad(data.x, [(0, 0), (0, 3), *[(0, 0)] * (data.x.ndim - 2)]),
        np.pad(data.y, [(0, 0), (0, 3)]) if data.per_step else data.y,
        present=np.pad(PRESENT, ((0, 0), (0, 3))),
        classes=data.classes,
        symbols=data.symbols,
    ).padded()
    wider = build_model(trial_of(model, **way), longer)
    answers, same = built(data.x).numpy(), wider(longer.x).numpy()
    if data.per_step:
        answers, same = answers[PRESENT], same[:, :STEPS][PRESENT]
    np.testing.assert_allclose(answers, same, atol=1e-6)
    assert PADDING not in answers


def test_a_lookahead_is_read_and_no_more() -> None:
    """Step t of a forward arm depends on the input up to step t + lookahead, in deep models too."""
    data = Sequences(NUMBERS, np.zeros((40, STEPS), np.int32))
    changed = np.arange(STEPS)
    # First the step that is changed, then the sequence: all at once, as each call takes long.
    x = np.repeat(NUMBERS[None, :4], STEPS, axis=0)
    x[changed, :, changed] += 1
    for lookahead, layers in ((0, 1), (1, 1), (2, 2), (STEPS - 1, 2)):
        built = build_model(make_trial(length=STEPS, lookahead=lookahead, layers=layers), data)
        answers = built(x.reshape(-1, STEPS, 2)).numpy().reshape(STEPS, 4, STEPS)
        differs = np.abs(answers - built(NUMBERS[:4]).numpy()[..., 0]).max(axis=1) > 1e-7
        np.testing.assert_array_equal(differs, changed >= changed[:, None] - lookahead)


def test_a_lookahead_shares_the_weights_of_the_arm_without() -> None:
    data = Sequences(NUMBERS, np.zeros((40, STEPS), np.int32))
    plain = weights(build_model(make_trial(length=STEPS), data))
    delayed = weights(build_model(make_trial(length=STEPS, lookahead=2), data))
    for path, values in plain.items():
        np.testing.assert_array_equal(delayed[path][: len(values)], values)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's
def test_plain_keras_loads_the_saved_models_without_their_files(tmp_path: Path) -> None:
    tagged = np.concatenate([NUMBERS, WORDS[..., None]], axis=-1).astype(np.float32)
    stacks: dict[str, tuple[dict[str, Any], Sequences]] = {
        "bidirectional_raw": ({"direction": "bidirectional_raw"}, DATA["sensor"]),
        "lookahead": ({"lookahead": 2, "layers": 2}, DATA["sensor"]),
        "levels": ({}, sequences(tagged, NUMBERS[..., 0] > 0.5, levels=(SYMBOLS,))),
    }
    models = {
        name: (build_model(trial_of(name, **way), data), data)
        for way, (name, data) in zip(WAYS, DATA.items(), strict=True)
    } | {
        name: (build_model(make_trial(length=STEPS, **way), data), data)
        for name, (way, data) in stacks.items()
    }
    saved = tmp_path / "saved"
    saved.mkdir()
    for name, (model, data) in models.items():
        assert classes_needed(model) == {}
        np.save(saved / f"{name}.npy", data.x)
        model.save(saved / f"{name}.keras")
    command = [sys.executable, "-c", LOAD, str(saved)]
    loaded = subprocess.run(command, cwd=saved, capture_output=True, text=True, check=False)
    assert loaded.returncode == 0, loaded.stderr
    for name, (model, data) in models.items():
        predicted = np.load(saved / f"{name}.predicted.npy")
        np.testing.assert_allclose(predicted, model(data.x), atol=1e-6, err_msg=name)


WRONG = """
from keras import layers

def ignores(inputs, recurrent, head):
    return head(inputs)

def pools(inputs, recurrent, head):
    return head(recurrent(return_sequences=False)(inputs))

def twice(inputs, recurrent, head):
    layer = recurrent()
    return head(layer(inputs) + layer(inputs))

def forgets(inputs, recurrent, head):
    recurrent()(inputs)
"""


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("ignores", "never calls recurrent"),
        ("pools", r"has the shape \(None, 1\); cumsum has one label per step and needs \(None, 6"),
        ("twice", "called twice; call recurrent"),
        ("forgets", "returns NoneType"),
    ],
)
def test_a_model_that_cannot_be_is_one_line(tmp_path: Path, model: str, said: str) -> None:
    (tmp_path / "wrong.py").write_text(WRONG)
    with pytest.raises(RequestError, match=said) as caught:
        build_model(trial_of(f"wrong.{model}"), DATA["sensor"])
    assert str(caught.value).startswith(f"model=wrong.{model}: ")
