"""What each arm takes for what, held against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from ablation.analysis import Study
from ablation.spec import Request
from ablation.storage import Classes, Store
from tests.helpers import make_result, make_sweep, make_trial

NAMES = ["rain", "snow", "sun"]


def counts_of(y: np.ndarray, predicted: np.ndarray, names: list[str]) -> Classes:
    matrix = confusion_matrix(y, predicted, labels=range(3))
    return Classes(
        names=names,
        labels=matrix.sum(axis=1).tolist(),
        predictions=matrix.sum(axis=0).tolist(),
        hits=matrix.diagonal().tolist(),
        confusion=matrix.tolist(),
    )


@pytest.mark.parametrize("names", [NAMES, []])
def test_the_seeds_of_an_arm_are_summed(
    names: list[str], store: Store, request_as_composed: Request
) -> None:
    plan = make_sweep(store, request_as_composed, make_trial(), make_trial(units=4), seeds=3)
    rng = np.random.default_rng(0)
    seen: dict[int, list[np.ndarray]] = {3: [], 4: []}
    for trial in plan.trials:
        y, predicted = rng.integers(0, 3, (2, 50))
        if trial.arm.units == 4:
            predicted = predicted % 2  # the last class is never predicted
        seen[trial.arm.units].append(np.array([y, predicted]))
        store.commit(make_result(trial, classes=counts_of(y, predicted, names)))
    study = Study(store.root / plan.name)
    table = study.classes()
    assert table["seeds"].eq(3).all()
    for units, pairs in seen.items():
        y, predicted = np.concatenate(pairs, axis=1)
        rows = table[table["arm"] == f"units={units}"]
        assert rows["class"].tolist() == (names or ["0", "1", "2"])
        expected = precision_recall_fscore_support(y, predicted, zero_division=np.nan)
        for column, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
            np.testing.assert_allclose(rows[column].to_numpy(float), values)
        pairs_of_arm = study.confusion().query("arm == @rows['arm'].iloc[0]")
        matrix = confusion_matrix(y, predicted).ravel().tolist()
        assert pairs_of_arm["count"].tolist() == matrix
        assert pairs_of_arm["label"].tolist() == np.repeat(rows["class"], 3).tolist()


def test_results_of_older_versions_have_no_rows(store: Store, request_as_composed: Request) -> None:
    plan = make_sweep(store, request_as_composed, make_trial(), seeds=2)
    old, new = plan.trials
    store.commit(make_result(old))
    study = Study(store.root / plan.name)
    assert study.classes().empty
    assert study.confusion().empty
    many = Classes(labels=[1] * 60, predictions=[1] * 60, hits=[0] * 60, confusion=[])
    store.commit(make_result(new, classes=many))
    study = Study(store.root / plan.name)
    assert len(study.classes()) == 60
    assert study.classes()["seeds"].eq(1).all()
    assert study.confusion().empty


@pytest.mark.parametrize(
    "wrong",
    [{"hits": [1]}, {"confusion": [[1, 2]]}, {"confusion": [[1], [2]]}, {"names": ["a", "a"]}],
)
def test_counts_that_do_not_fit_together_are_refused(wrong: dict[str, object]) -> None:
    right = {"labels": [1, 2], "predictions": [3, 0], "hits": [1, 0], "confusion": [[1, 0], [2, 0]]}
    assert Classes.model_validate(right).names == []
    with pytest.raises(ValueError, match="classes"):
        Classes.model_validate({**right, **wrong})
