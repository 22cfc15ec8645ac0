"""Draws the test part of a file that does not name one: once for all seeds, or anew for each."""

from __future__ import annotations

import numpy as np

from ablation.data import Array
from ablation.errors import RequestError
from ablation.problems.own.examples import Examples
from ablation.problems.own.keys import Keys
from ablation.seeding import stream


def draw_test(found: Examples, keys: Keys, path: str, seed: int | None) -> Array:
    """The test sequences, (n,) bool: a share of the sequences, or of the groups.

    seed: None: the same part for every seed. With problem.folds=k, seed s tests fold s mod k of
    repetition s // k, and each repetition divides anew.
    With problem.stratify each class has about the same share of both parts: a sequence or group
    counts as its most frequent class.
    """
    unit = np.arange(len(found.sizes)) if found.group is None else found.group
    n, what = int(unit.max()) + 1, "sequence" if found.group is None else "group"
    if n < 2:
        raise RequestError(f"{path}: one {what} alone cannot be split into training and test")
    if keys.folds is not None and keys.folds > n:
        raise RequestError(
            f"problem.folds={keys.folds}: {path} has {n} {what}s, and so many folds at most"
        )
    strata = _strata(found, unit, path) if keys.stratify else np.zeros(n, int)
    if keys.folds is not None:
        repetition, fold = divmod(seed or 0, keys.folds)
        order = stream(repetition, "file/folds").permutation(n)
        order = order[np.argsort(strata[order], kind="stable")]
        return np.isin(unit, order[fold :: keys.folds])
    size = min(max(round(n * keys.test_share), 1), n - 1)
    rng = stream(seed, "file/split")
    order = rng.permutation(n)
    if not keys.stratify:
        return np.isin(unit, order[:size])
    # Every so many units of the order by class, from a random one on: a systematic sample.
    order = order[np.argsort(strata[order], kind="stable")]
    places = np.floor((np.arange(size) + rng.random()) * n / size).astype(int)
    return np.isin(unit, order[places])


def _strata(found: Examples, unit: Array, path: str) -> Array:
    """The most frequent class of each sequence or group, (units,) int; 0 where it has no label."""
    if found.task != "classes":
        raise RequestError(f"problem.stratify=true: {path} has no classes to divide by")
    of_label = unit[found.of_row] if found.per_step else unit
    counts = np.zeros((int(unit.max()) + 1, len(found.classes)), np.int64)
    np.add.at(counts, (of_label[found.known], found.y[found.known]), 1)
    return np.asarray(counts.argmax(axis=1))
