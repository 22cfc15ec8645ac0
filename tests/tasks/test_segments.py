"""Spans of tags: cases made by hand, and a plain loop over random tags."""

from __future__ import annotations

import numpy as np
import pytest

from ablation.data import Sequences
from ablation.storage import Classes
from ablation.tasks.segments import are_tags, count_segments

NAMES = ["B-loc", "B-per", "I-loc", "I-per", "O"]


def count(labels: list[str], predictions: list[str], scored: list[str] | None = None) -> Classes:
    """Sequences written as words of tags: 'B-per I-per O'."""

    def coded(texts: list[str]) -> np.ndarray:
        return np.array([[NAMES.index(tag) for tag in text.split()] for text in texts], np.int32)

    y = coded(labels)
    mask = None if scored is None else np.array([[c == "1" for c in row] for row in scored])
    data = Sequences(np.zeros((*y.shape, 1), np.float32), y, scored=mask, classes=len(NAMES))
    return count_segments(coded(predictions), data, NAMES)


def numbers(counts: Classes) -> tuple[int, int, int]:
    return sum(counts.labels), sum(counts.predictions), sum(counts.hits)


@pytest.mark.parametrize(
    ("labels", "predictions", "expected"),
    [
        ("B-per I-per O B-loc", "B-per I-per O B-loc", (2, 2, 2)),
        ("B-per I-per O B-loc", "B-per O O B-loc", (2, 2, 1)),  # cut short
        ("B-per I-per O B-loc", "B-per I-per I-per B-loc", (2, 2, 1)),  # too long
        ("B-per I-per O B-loc", "B-loc I-loc O B-loc", (2, 2, 1)),  # of another type
        ("B-per I-per O B-loc", "B-per B-per O B-loc", (2, 3, 1)),  # two instead of one
        ("B-per I-per O B-loc", "B-per I-loc O B-loc", (2, 3, 1)),  # a new type is a new span
        ("B-per I-per O O", "I-per I-per O O", (1, 1, 1)),  # an I that follows nothing begins
        ("B-per B-per O O", "I-per I-per O O", (2, 1, 0)),
        ("B-per I-per O O", "O B-per O O", (1, 1, 0)),  # one end in common
        ("O O O O", "O O O O", (0, 0, 0)),
        ("O O O B-per", "O O O B-per", (1, 1, 1)),
    ],
)
def test_spans_worked_out_by_hand(
    labels: str, predictions: str, expected: tuple[int, int, int]
) -> None:
    assert numbers(count([labels], [predictions])) == expected


def test_spans_are_counted_by_type() -> None:
    found = count(["B-per I-per O B-loc"], ["B-per I-per O B-per"])
    assert found.names == ["loc", "per"]
    assert (found.labels, found.predictions, found.hits) == ([1, 1], [0, 2], [0, 1])


def test_a_span_ends_with_its_sequence() -> None:
    found = count(["O B-per", "I-per O"], ["O B-per", "O O"])
    assert numbers(found) == (2, 1, 1)


def test_a_step_that_does_not_count_is_outside() -> None:
    tags = ["B-per I-per I-per O"]
    assert numbers(count(tags, ["B-per I-per B-loc B-loc"], ["1100"])) == (1, 1, 1)
    assert numbers(count(tags, tags, ["1011"])) == (2, 2, 2)


def spans_of(tags: list[str]) -> set[tuple[int, int, str]]:
    """The same in a plain loop."""
    spans, begun, kind = set(), 0, ""
    for step, tag in enumerate([*tags, "O"]):
        new = tag[2:] if tag != "O" else ""
        if kind and (tag[0] != "I" or new != kind):
            spans.add((begun, step, kind))
            kind = ""
        if new and not kind:
            begun, kind = step, new
    return spans


def test_random_tags_give_what_a_plain_loop_gives() -> None:
    rng = np.random.default_rng(0)
    y, predicted = rng.integers(0, len(NAMES), (2, 200, 8))
    mix = rng.random(y.shape) < 0.8
    predicted = np.where(mix, y, predicted)
    expected = np.zeros(3, int)
    for row, also in zip(y, predicted, strict=True):
        one, other = (spans_of([NAMES[tag] for tag in tags]) for tags in (row, also))
        expected += len(one), len(other), len(one & other)
    data = Sequences(np.zeros((*y.shape, 1), np.float32), y.astype(np.int32), classes=len(NAMES))
    assert numbers(count_segments(predicted, data, NAMES)) == tuple(expected)


@pytest.mark.parametrize(
    ("names", "tags"),
    [
        (NAMES, True),
        (["B", "I", "O"], True),
        (["B-geo-x", "O"], True),
        (["O"], False),
        (["A", "B", "O"], False),
        (["B-x", "I-x"], False),
        (["B-x", "E-x", "O"], False),
        ([], False),
    ],
)
def test_tags_are_recognised_by_their_names(names: list[str], tags: bool) -> None:
    assert are_tags(names) == tags
