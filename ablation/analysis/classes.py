"""What each arm takes for what: its predictions by class, summed over its seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from ablation.data import Array
from ablation.storage import TrialResult

Results = Mapping[str, Sequence[TrialResult]]


class Counts(NamedTuple):
    """The sums over an arm's seeds.

    seeds: how many results have counts. names: of the classes. by_class: (3, classes) int, labels,
    predictions and hits. confusion: (classes, classes) int, or (0,) where there are too many.
    """

    arm: str
    seeds: int
    names: list[str]
    by_class: Array
    confusion: Array


def score_classes(results: Results, spans: bool = False) -> pd.DataFrame:
    """Precision, recall and F1 of each class, one row per arm and class.

    results: of each arm. spans: of each type of span that the classes mark, where they are tags.
    Columns: those of `Study.classes`; precision is NaN for a class that is
    never predicted, recall for one that is never a label, F1 for one that is neither.
    """
    table = _stacked(
        {
            "arm": counts.arm,
            "seeds": counts.seeds,
            "class": counts.names,
            **dict(zip(("support", "predicted", "hits"), counts.by_class, strict=True)),
        }
        for counts in _counted(results, spans)
    )
    if table.empty:
        return table
    support, predicted, hits = (table[name] for name in ("support", "predicted", "hits"))
    return table.assign(
        precision=hits / predicted.where(predicted > 0),
        recall=hits / support.where(support > 0),
        f1=2 * hits / (support + predicted).where(support + predicted > 0),
    )


def count_confusions(results: Results) -> pd.DataFrame:
    """How often each class is taken for each other one; columns: those of `Study.confusion`."""
    return _stacked(
        {
            "arm": counts.arm,
            "label": np.repeat(counts.names, len(counts.names)),
            "predicted": np.tile(counts.names, len(counts.names)),
            "count": counts.confusion.ravel(),
        }
        for counts in _counted(results)
        if counts.confusion.size
    )


def _counted(results: Results, spans: bool = False) -> Iterator[Counts]:
    for arm, of_arm in results.items():
        counts = [result.segments if spans else result.classes for result in of_arm]
        found = [classes for classes in counts if classes]
        if not found:
            continue
        names = found[0].known_names
        same = [classes for classes in found if len(classes.labels) == len(names)]
        by_class = np.sum([(c.labels, c.predictions, c.hits) for c in same], axis=0)
        tables = [classes.confusion for classes in same if classes.confusion]
        confusion = np.sum(tables, axis=0) if tables else np.empty(0, int)
        yield Counts(arm, len(same), names, by_class, confusion)


def _stacked(tables: Iterator[dict[str, object]]) -> pd.DataFrame:
    frames = [pd.DataFrame(table) for table in tables]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
