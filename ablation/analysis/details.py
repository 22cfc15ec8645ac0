"""The questions about single classes, numbers and test sequences."""

from __future__ import annotations

import pandas as pd

from ablation.analysis.classes import count_confusions, score_classes
from ablation.analysis.sequences import compare_sequences
from ablation.analysis.sweep_results import SweepResults
from ablation.analysis.targets import score_targets
from ablation.errors import RequestError, suggest


class Details(SweepResults):
    """What each arm gets right and wrong, by class, number and test sequence; part of `Study`."""

    def classes(self, spans: bool = False) -> pd.DataFrame:
        """How well each arm tells the classes apart, one row per arm and class.

        spans: one row per arm and type of span instead, where the classes are tags. Columns: arm,
        seeds (with counts), class (its name), support (labels), predicted (predictions), hits
        (predictions that are right), precision, recall, f1; counts are sums over the seeds. No rows
        for results of older versions, which did not count.

        Example:
            >>> study = ablation.load("directions")
            >>> study.classes().empty  # trained before classes were counted
            True
        """
        return score_classes(self._results_by_arm, spans)

    def confusion(self) -> pd.DataFrame:
        """How often each class is taken for each other one, one row per arm, label and prediction.

        Columns: arm, label, predicted (names of classes), count (summed over the seeds). No rows
        for arms of more than 50 classes.

        Example:
            >>> study = ablation.load("directions")
            >>> study.confusion().empty  # trained before classes were counted
            True
        """
        return count_confusions(self._results_by_arm)

    def targets(self) -> pd.DataFrame:
        """How well each arm predicts each number, one row per arm and number.

        Columns: arm, seeds, target (its name), mse, mae, r2 (means over the seeds, in the number's
        own units). No rows where no numbers are predicted.

        Example:
            >>> study = ablation.load("directions")
            >>> study.targets().empty
            True
        """
        return score_targets(self._results_by_arm)

    def sequences(self, arm: str | None = None, other: str | None = None) -> pd.DataFrame:
        """What two arms score on each test sequence, those on which they differ most first.

        arm, other: None: the sweep's first two. Columns: sequence (its name, or its number from 0),
        labels (that count), seeds (that both arms have), metric ("accuracy" or "mse"), score (of
        arm, mean over the seeds), other_score, difference. No rows for results of
        older versions, or if the arms have different test sequences. Raises RequestError for an
        unknown arm.

        Example:
            >>> study = ablation.load("directions")
            >>> study.sequences("forward", "go_backwards").empty  # trained before these were kept
            True
        """
        arms = [arm or self.arms[0], other or self.arms[min(1, len(self.arms) - 1)]]
        for key, name in zip(("arm", "other"), arms, strict=True):
            if name not in self.arms:
                raise RequestError(f"{key}={name}: {suggest(name, self.arms)}")
        return compare_sequences(*(self._results_by_arm[name] for name in arms))
