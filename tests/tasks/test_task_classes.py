from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, confusion_matrix, f1_score, recall_score

from ablation.data import Sequences
from ablation.storage import MOST_CONFUSED
from ablation.tasks.classes import (
    EPSILON,
    count_classes,
    evaluate,
    majority,
    predict_classes,
)


def sequences(y: Any, classes: int = 2, **masks: Any) -> Sequences:
    y = np.array(y, np.int32)
    masks = {name: np.array(mask, bool) for name, mask in masks.items()}
    return Sequences(np.zeros((len(y), 3, 1), np.float32), y, classes=classes, **masks)


def probabilities(rows: Any) -> Any:
    return np.array(rows, np.float32)


def test_predicted_classes_with_one_output_and_with_several() -> None:
    binary = probabilities([[[0.2], [0.5], [0.7]]])
    assert predict_classes(binary).tolist() == [[0, 0, 1]]
    multiclass = probabilities([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]])
    assert predict_classes(multiclass).tolist() == [1, 0]
    assert predict_classes(multiclass).dtype == np.int32


def test_scores_worked_out_by_hand() -> None:
    data = sequences([[0, 1, 1], [0, 0, 1]])
    metrics = evaluate(probabilities([[[0.1], [0.8], [0.6]], [[0.7], [0.2], [0.9]]]), data)
    assert metrics.accuracy == pytest.approx(5 / 6)
    assert metrics.exact == pytest.approx(1 / 2)
    assert metrics.accuracy_by_position == [0.5, 1, 1]
    assert metrics.loss == pytest.approx(-np.log([0.9, 0.8, 0.6, 0.3, 0.8, 0.9]).mean(), rel=1e-6)
    assert metrics.accuracy_error == pytest.approx((1 / 6) / np.sqrt(2))


def test_unscored_and_padded_steps_do_not_count() -> None:
    y = [[0, 1, 1], [0, 0, 1]]
    outputs = probabilities([[[0.1], [0.2], [0.6]], [[0.7], [0.2], [0.9]]])
    scored = [[1, 0, 1], [1, 0, 0]]
    metrics = evaluate(outputs, sequences(y, scored=scored))
    assert metrics.accuracy == pytest.approx(2 / 3)
    assert metrics.exact == pytest.approx(1 / 2)
    assert metrics.accuracy_by_position == [0.5, None, 1]
    assert metrics.loss == pytest.approx(-np.log([0.9, 0.6, 0.3]).mean(), rel=1e-6)
    assert evaluate(outputs, sequences(y, present=scored)) == metrics
    # per sequence: (hits - accuracy * labels) / mean number of labels
    deviations = np.array([2 - 2 / 3 * 2, 0 - 2 / 3]) / 1.5
    assert metrics.accuracy_error == pytest.approx(np.sqrt((deviations**2).mean() / 2))


def test_exact_ignores_sequences_without_a_scored_label() -> None:
    data = sequences([[1, 1], [1, 1]], scored=[[1, 1], [0, 0]])
    assert evaluate(np.ones((2, 2, 1), np.float32), data).exact == 1


def test_several_classes() -> None:
    data = sequences([[2, 0], [1, 1]], classes=3)
    rows = [[[0.1, 0.2, 0.7], [0.3, 0.4, 0.3]], [[0.1, 0.8, 0.1], [0.2, 0.5, 0.3]]]
    metrics = evaluate(probabilities(rows), data)
    assert metrics.accuracy == pytest.approx(3 / 4)
    assert metrics.accuracy_by_position == [1, 0.5]
    assert metrics.exact == pytest.approx(1 / 2)
    assert metrics.loss == pytest.approx(-np.log([0.7, 0.3, 0.8, 0.5]).mean(), rel=1e-6)


def test_one_label_per_sequence() -> None:
    metrics = evaluate(probabilities([[0.9], [0.2], [0.4], [0.1]]), sequences([1, 0, 1, 0]))
    assert metrics.accuracy == metrics.exact == pytest.approx(3 / 4)
    assert metrics.accuracy_by_position == []
    assert metrics.loss == pytest.approx(-np.log([0.9, 0.8, 0.4, 0.9]).mean(), rel=1e-6)
    assert metrics.accuracy_error == pytest.approx(np.sqrt(0.75 * 0.25 / 4))


def test_one_label_per_sequence_and_several_classes() -> None:
    rows = [[0.1, 0.2, 0.7], [0.3, 0.4, 0.3]]
    metrics = evaluate(probabilities(rows), sequences([2, 0], classes=3))
    assert (metrics.accuracy, metrics.accuracy_by_position) == (0.5, [])
    assert metrics.loss == pytest.approx(-np.log([0.7, 0.3]).mean(), rel=1e-6)


def test_probabilities_are_clipped_as_keras_clips_them() -> None:
    metrics = evaluate(probabilities([[1.0], [0.0]]), sequences([0, 0]))
    assert metrics.loss == pytest.approx(-(np.log(EPSILON) + np.log(1 - EPSILON)) / 2)


def test_the_standard_error_is_that_of_the_sequences_means() -> None:
    rng = np.random.default_rng(0)
    data = sequences(rng.integers(0, 2, (500, 6)))
    outputs = rng.random((500, 6, 1))
    metrics = evaluate(outputs, data)
    means = (predict_classes(outputs) == data.y).mean(axis=1)
    assert metrics.accuracy == pytest.approx(means.mean())
    assert metrics.accuracy_error == pytest.approx(means.std() / np.sqrt(500))


def test_the_accuracy_is_not_rounded_to_single_precision() -> None:
    assert evaluate(probabilities([[0.9], [0.9], [0.9]]), sequences([1, 1, 0])).accuracy == 2 / 3


def test_nan_probabilities_have_no_loss_and_accuracy_zero() -> None:
    metrics = evaluate(np.full((4, 3, 1), np.nan, np.float32), sequences(np.ones((4, 3))))
    assert metrics.loss is None
    assert metrics.accuracy == 0
    assert metrics.further["brier"] is None


@pytest.mark.parametrize("labels", [[0, 1], [0, 1, 3], [2]])
def test_class_scores_equal_those_of_scikit_learn(labels: list[int]) -> None:
    """Some classes are predicted but are never a label; some are neither."""
    rng = np.random.default_rng(0)
    y = rng.choice(labels, (40, 3))
    scored = rng.random((40, 3)) < 0.7
    outputs = probabilities(rng.random((40, 3, 6)) * [1, 1, 1, 1, 0.9, 0])
    metrics = evaluate(outputs, sequences(y, classes=6, scored=scored))
    predicted = predict_classes(outputs)[scored]
    recall = recall_score(y[scored], predicted, average=None, labels=labels)
    assert metrics.further["balanced_accuracy"] == pytest.approx(recall.mean())
    assert metrics.further["macro_f1"] == pytest.approx(
        f1_score(y[scored], predicted, average="macro")
    )


def test_class_scores_expose_a_model_that_always_predicts_the_same_class() -> None:
    y = np.zeros((10, 3), np.int32)
    y[0] = 1
    metrics = evaluate(probabilities(np.zeros((10, 3, 1))), sequences(y))
    assert metrics.accuracy == pytest.approx(0.9)
    assert metrics.further["balanced_accuracy"] == pytest.approx(0.5)
    assert metrics.further["macro_f1"] == pytest.approx((2 * 27 / (27 + 30) + 0) / 2)


def test_balanced_accuracy_equals_accuracy_if_classes_are_equally_frequent() -> None:
    metrics = evaluate(probabilities([[0.9], [0.2], [0.4], [0.1]]), sequences([1, 0, 1, 0]))
    assert metrics.further["balanced_accuracy"] == metrics.accuracy == pytest.approx(3 / 4)


@pytest.mark.parametrize("classes", [2, 4])
def test_the_brier_score_equals_that_of_scikit_learn(classes: int) -> None:
    rng = np.random.default_rng(0)
    y, scored = rng.integers(0, classes, (40, 3)), rng.random((40, 3)) < 0.7
    by_class = rng.dirichlet(np.ones(classes), (40, 3))
    outputs = by_class[..., 1:] if classes == 2 else by_class
    metrics = evaluate(outputs, sequences(y, classes=classes, scored=scored))
    scores = [
        brier_score_loss(y[scored] == label, by_class[scored][:, label]) for label in range(classes)
    ]
    assert metrics.further["brier"] == pytest.approx(sum(scores))


def test_brier_scores_worked_out_by_hand() -> None:
    def brier(row: list[list[float]], label: int, classes: int) -> float | None:
        data = sequences([label], classes=classes)
        return evaluate(probabilities(row), data).further["brier"]

    assert brier([[0.5]], 1, 2) == pytest.approx(0.5)
    assert [brier([[p]], 1, 2) for p in (1.0, 0.0)] == [0, 2]
    assert brier([[0.5, 0.25, 0.25]], 0, 3) == pytest.approx(0.25 + 2 * 0.0625)


def test_counts_of_classes_equal_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    y, predicted = rng.integers(0, 4, (40, 3)), rng.integers(0, 3, (40, 3))
    scored = rng.random((40, 3)) < 0.7
    counts = count_classes(predicted, sequences(y, classes=4, scored=scored), "abcd")
    matrix = confusion_matrix(y[scored], predicted[scored], labels=range(4))
    assert counts.confusion == matrix.tolist()
    assert counts.labels == matrix.sum(axis=1).tolist()
    assert counts.predictions == matrix.sum(axis=0).tolist()
    assert counts.hits == matrix.diagonal().tolist()
    assert counts.names == ["a", "b", "c", "d"]


@pytest.mark.parametrize("more", [0, 1])
def test_of_many_classes_only_the_sums_are_kept(more: int) -> None:
    classes = MOST_CONFUSED + more
    data = sequences(np.arange(classes), classes=classes)
    counts = count_classes(np.zeros(classes, int), data)
    assert len(counts.confusion) == (0 if more else classes)
    assert counts.predictions == [classes] + [0] * (classes - 1)
    assert counts.labels == [1] * classes


def test_the_majority_is_that_of_the_training_set_on_the_test_set() -> None:
    train = sequences([[0, 0, 2], [2, 1, 2]], classes=3, scored=[[1, 1, 0], [1, 1, 1]])
    assert majority(train, sequences([[0, 0, 0], [0, 0, 2]], classes=3)) == pytest.approx(5 / 6)
    test = sequences([[0, 0, 0], [0, 0, 2]], classes=3, present=[[1, 1, 0], [0, 0, 1]])
    assert majority(train, test) == pytest.approx(2 / 3)
    two = sequences([[2, 2, 0]], classes=3)
    assert majority(two, test) == pytest.approx(1 / 3)
