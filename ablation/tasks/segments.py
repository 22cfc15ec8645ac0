"""Spans of tags, such as the names that B-person I-person mark, counted as conlleval counts them.

A span begins at each B-x, and at an I-x that no tag of x stands before. It ends before the next
span or O. It is right if the prediction has a span of the same type with the same first and last
step (Tjong Kim Sang and Buchholz 2000).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ablation.data import Array, Sequences
from ablation.storage import Classes

TAG = r"O|[BI](-.+)?"


def are_tags(names: Sequence[str]) -> bool:
    """Whether these classes are tags: O, B-x and I-x, or B and I where there is one type."""
    return "O" in names and len(names) > 1 and all(re.fullmatch(TAG, name) for name in names)


def count_segments(predictions: Array, data: Sequences, names: Sequence[str]) -> Classes:
    """How many spans of each type the labels have, the predictions have, and both have alike.

    predictions: int, (n, steps). names: of the classes, which must be tags. A step whose label does
    not count is O in both.
    """
    kinds = list(dict.fromkeys(name[2:] for name in names if name != "O"))
    kind = np.array([kinds.index(name[2:]) if name != "O" else -1 for name in names])
    begins = np.array([name[0] == "B" for name in names])
    counted = data.weights > 0
    spans = [
        _spans(np.where(counted, kind[tags], -1), begins[tags]) for tags in (data.y, predictions)
    ]
    (first, last, of), (also_first, also_last, also_of) = spans
    _, here, there = np.intersect1d(first, also_first, assume_unique=True, return_indices=True)
    alike = (last[here] == also_last[there]) & (of[here] == also_of[there])
    labels, predicted, hits = (
        np.bincount(found, minlength=len(kinds)).tolist()
        for found in (of, also_of, of[here[alike]])
    )
    return Classes(names=kinds, labels=labels, predictions=predicted, hits=hits, confusion=[])


def _spans(kind: Array, begins: Array) -> tuple[Array, Array, Array]:
    """The first step of each span, the step behind its last one, and its type.

    kind: (n, steps), -1 outside. begins: (n, steps). Steps count through all sequences, each of
    which is followed by a step outside.
    """
    ends = ((0, 0), (1, 1))
    kind, begins = np.pad(kind, ends, constant_values=-1), np.pad(begins, ends)
    outside = kind < 0
    starts = ~outside & (begins | (np.roll(kind, 1, axis=1) != kind))
    first, breaks = np.flatnonzero(starts), np.flatnonzero(starts | outside)
    behind = breaks[np.searchsorted(breaks, first, side="right")]
    return first, behind, kind.ravel()[first]
