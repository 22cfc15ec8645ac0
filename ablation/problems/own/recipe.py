"""How a file became inputs and labels, as values that can be written down and followed."""

from __future__ import annotations

from typing import Any

import numpy as np

from ablation.data import Array
from ablation.problems.own.examples import Examples
from ablation.problems.own.features import deviation_of, embedded, places_of, scale_of
from ablation.problems.own.keys import Keys


def recipe(found: Examples, train: Array, keys: Keys) -> dict[str, Any]:
    """How each feature is written in a model's input, and what its outputs mean.

    train: (n,) bool, the sequences of the training part. The columns have the order of
    `features.make_inputs`; a column is the place on the last axis of the input. A number that is
    predicted is output * deviation + mean.
    """
    mean, scale = scale_of(found, train)
    predicted: dict[str, Any] = {found.task: found.classes}
    if mean is not None and scale is not None:
        rows = zip(found.classes, mean.tolist(), scale.tolist(), strict=True)
        predicted = {"numbers": [{"name": n, "mean": m, "deviation": d} for n, m, d in rows]}
    return {
        "features": _features(found, train[found.of_row], keys),
        **predicted,
        "label_per": "step" if found.per_step else "sequence",
    }


def _features(found: Examples, train: Array, keys: Keys) -> list[dict[str, Any]]:
    if found.symbols:
        return [{"name": "x", "kind": "symbols", "added": int(found.zero == "symbol")}]
    codes = dict(zip(found.levels, found.codes.T, strict=True))
    vectors = embedded(found, keys.symbols)
    features = _numbers(found, train, keys)
    column = len(features)
    for name, levels in found.levels.items():
        if name not in vectors:
            known, places, width = places_of(codes[name], train, len(levels), keys)
            columns = {levels[k]: column + int(i) for k, i in zip(known, places, strict=True)}
            features.append({"name": name, "kind": "category", "columns": columns})
            column += width
    for name, gaps in zip(found.numbers, _gaps(found), strict=True):
        if gaps:
            features.append({"name": name, "kind": "is missing", "column": column})
            column += 1
    for name in vectors:
        levels = found.levels[name]
        known, places, _ = places_of(codes[name], train, len(levels), keys)
        numbers = {levels[k]: int(i) + 2 for k, i in zip(known, places, strict=True)}
        place = {} if len(found.levels) == 1 and not found.numbers else {"column": column}
        features.append({"name": name, "kind": "codes", **place, "codes": numbers, "unknown": 1})
        column += 1
    return features


def _numbers(found: Examples, train: Array, keys: Keys) -> list[dict[str, Any]]:
    """The numbers, which are the first columns: input = (value - mean) / deviation."""
    known = found.x[train]
    mean = np.nanmean(known, axis=0)
    deviation = deviation_of(known)
    features = []
    for i, (name, gaps) in enumerate(zip(found.numbers, _gaps(found), strict=True)):
        feature: dict[str, Any] = {"name": name, "kind": "number", "column": i}
        if keys.standardize:
            feature |= {"mean": float(mean[i]), "deviation": float(deviation[i])}
        if gaps:
            feature |= {"missing": keys.missing, "mean": float(mean[i])}
        features.append(feature)
    return features


def _gaps(found: Examples) -> list[bool]:
    """Whether a number is missing somewhere, for each column of numbers."""
    return [bool(np.isnan(column).any()) for column in found.x.T]
