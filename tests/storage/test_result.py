"""Scores that follow from the counts of classes, held against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score, matthews_corrcoef

from ablation.storage import Classes


def counts(matrix: list[list[int]], names: list[str] | None = None) -> Classes:
    table = np.array(matrix)
    return Classes(
        names=names or [],
        labels=table.sum(axis=1).tolist(),
        predictions=table.sum(axis=0).tolist(),
        hits=table.diagonal().tolist(),
        confusion=matrix,
    )


@pytest.mark.parametrize("classes", [2, 4])
def test_scores_of_counts_equal_those_of_scikit_learn(classes: int) -> None:
    rng = np.random.default_rng(classes)
    y, predicted = rng.integers(0, classes, (2, 200))
    predicted = np.where(rng.random(200) < 0.5, y, predicted)
    found = counts(confusion_matrix(y, predicted).tolist())
    assert found.mcc == pytest.approx(matthews_corrcoef(y, predicted))
    assert found.micro_f1 == pytest.approx(f1_score(y, predicted, average="micro"))
    each = [found.f1_of(f"{k}") for k in range(classes)]
    assert each == pytest.approx(f1_score(y, predicted, average=None))


def test_scores_of_counts_at_their_limits() -> None:
    assert counts([[3, 0], [0, 5]]).mcc == 1
    assert counts([[0, 3], [5, 0]]).mcc == pytest.approx(-1)
    guessing = counts([[3, 0], [5, 0]], ["no", "yes"])
    assert guessing.mcc == 0
    assert (guessing.f1_of("yes"), guessing.f1_of("no")) == (0, 6 / 11)
    assert guessing.f1_of("maybe") is None
    assert counts([[3, 0], [0, 0]]).f1_of("1") is None
    spans = Classes(names=["x"], labels=[0], predictions=[0], hits=[0], confusion=[])
    assert spans.micro_f1 is None
    assert spans.mcc is None
