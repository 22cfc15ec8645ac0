"""How a file was understood, in words: what a plan shows before anything is trained."""

from __future__ import annotations

import numpy as np

from ablation.data import Array
from ablation.problems.own.examples import Examples
from ablation.problems.own.keys import Keys

SHOWN = 12  # names or classes that are listed before the rest is counted


def describe(
    found: Examples, parts: dict[str, Array], embedded: tuple[str, ...], keys: Keys
) -> list[tuple[str, str]]:
    """Pairs of a name and a text: layout, features, sequences, steps and labels.

    parts: the sequences of each part, (n,) bool by its name. embedded: the categories that get a
    vector a level.
    """
    least, middle, most = (int(f(found.sizes)) for f in (np.min, np.median, np.max))
    named = {"train": "training", "validation": "validation", "test": "test"}
    sizes = [f"{int(parts[part].sum()):,} {name}" for part, name in named.items() if part in parts]
    return [
        ("read as", found.layout),
        ("features", _features(found, embedded)),
        ("sequences", f"{len(found.sizes):,}: {', '.join(sizes)}"),
        *_division(keys),
        ("steps", f"{least:,} shortest, {middle:,} median, {most:,} longest"),
        ("labels", f"one a {'step' if found.per_step else 'sequence'}, {_labels(found)}"),
        {"classes": _classes, "labels": _ones, "numbers": _numbers}[found.task](found, parts),
    ]


def _division(keys: Keys) -> list[tuple[str, str]]:
    """How the test part is drawn, where that is not once for all seeds."""
    by_class = ", by class" if keys.stratify else ""
    if keys.folds is not None:
        folds = f"{keys.folds} folds{by_class}, one a seed, drawn anew every {keys.folds} seeds"
        return [("division", f"{folds}; shown is seed 0")]
    if keys.resplit:
        return [("division", f"a new one for each seed{by_class}; shown is seed 0")]
    return [("division", by_class.removeprefix(", "))] if by_class else []


def _features(found: Examples, embedded: tuple[str, ...]) -> str:
    if found.symbols:
        first = "0 is a symbol too" if found.zero == "symbol" else "0 is padding"
        return f"x: symbols, a vocabulary of {found.symbols - 1:,} ({first})"
    names = [f"{name} (number)" for name in found.numbers]
    if found.layout == "arrays":  # whose numbers have no names of their own
        names = [f"x: {len(names):,} number{'s' * (len(names) > 1)} a step"]
    for name, levels in found.levels.items():
        how = "an embedding" if name in embedded else "a column each"
        names.append(f"{name} (category, {len(levels):,} levels, {how})")
    gaps = np.isnan(found.x).sum(axis=0)
    missing = [f"{name} {n:,}" for name, n in zip(found.numbers, gaps, strict=True) if n]
    return _cut(names) + (f"; missing: {_cut(missing)}" if missing else "")


def _labels(found: Examples) -> str:
    missing = int((~found.known).sum())
    return f"{len(found.y) - missing:,} scored" + (f", {missing:,} not scored" if missing else "")


def _known(found: Examples, parts: dict[str, Array]) -> list[Array]:
    """The labels of the training and of the test part."""
    of_part = [parts[name] for name in ("train", "test")]
    rows = [part[found.of_row] if found.per_step else part for part in of_part]
    return [found.y[part & found.known] for part in rows]


def _numbers(found: Examples, parts: dict[str, Array]) -> tuple[str, str]:
    """The range of each number that is predicted, and its mean and deviation."""
    train, _ = _known(found, parts)
    columns = zip(found.classes, train.T, strict=True)
    names = [
        f"{name} {y.min():g} to {y.max():g}, {y.mean():.4g} ± {y.std():.4g}" for name, y in columns
    ]
    return "numbers", f"{len(names):,} (range, mean ± deviation in training): {_cut(names, '; ')}"


def _ones(found: Examples, parts: dict[str, Array]) -> tuple[str, str]:
    """The share of ones of each of several labels in training and test part."""
    shares = zip(found.classes, *(y.mean(axis=0) for y in _known(found, parts)), strict=True)
    names = [f"{name} {train:.3f}/{test:.3f}" for name, train, test in shares]
    return "ones", f"{len(names):,} labels (share in training/test): {_cut(names)}"


def _classes(found: Examples, parts: dict[str, Array]) -> tuple[str, str]:
    """The share of each class in training and test part, the most frequent first."""
    shares = []
    for y in _known(found, parts):
        counts = np.bincount(y, minlength=len(found.classes))
        shares.append(counts / counts.sum())
    order = np.argsort(-shares[0], kind="stable")
    names = [f"{found.classes[i]} {shares[0][i]:.3f}/{shares[1][i]:.3f}" for i in order]
    return "classes", f"{len(names):,} (share in training/test): {_cut(names)}"


def _cut(names: list[str], between: str = ", ") -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return between.join(names[:SHOWN]) + more
