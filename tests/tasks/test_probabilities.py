"""Scores of probabilities, held against scikit-learn where it has them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, roc_auc_score

from ablation.data import Sequences
from ablation.tasks.probabilities import (
    BINS,
    MOST_RANKED,
    auc,
    average_precision,
    calibration_error,
)

Array = NDArray[Any]


def of_labels(y: Any, classes: int = 2, **masks: Any) -> Sequences:
    y = np.array(y, np.int32)
    return Sequences(np.zeros((*y.shape[:1], 3, 1), np.float32), y, classes=classes, **masks)


@pytest.mark.parametrize("decimals", [1, 9])  # with many ties, and with none
@pytest.mark.parametrize("classes", [2, 4])
def test_rankings_equal_those_of_scikit_learn(classes: int, decimals: int) -> None:
    rng = np.random.default_rng(0)
    y, scored = rng.integers(0, classes, (60, 3)), rng.random((60, 3)) < 0.7
    of_class = rng.dirichlet(np.ones(classes), (60, 3)).round(decimals)
    of_class /= of_class.sum(axis=-1, keepdims=True)
    outputs = of_class[..., 1:] if classes == 2 else of_class
    data = of_labels(y, classes, scored=scored)
    right, given = y[scored], outputs[scored]
    given = given[:, 0] if classes == 2 else given
    assert auc(outputs, data) == pytest.approx(
        roc_auc_score(right, given, multi_class="ovr", average="macro")
    )
    assert average_precision(outputs, data) == pytest.approx(average_precision_score(right, given))


def test_rankings_worked_out_by_hand() -> None:
    data = of_labels([0, 0, 1, 1])
    outputs = np.array([[0.1], [0.4], [0.35], [0.8]])
    assert auc(outputs, data) == pytest.approx(3 / 4)
    assert average_precision(outputs, data) == pytest.approx((1 + 2 / 3) / 2)
    assert auc(np.full((4, 1), 0.5), data) == pytest.approx(1 / 2)
    assert auc(-outputs, data) == pytest.approx(1 / 4)


def test_a_class_that_is_no_label_has_no_part_in_the_mean() -> None:
    outputs = np.array([[0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [0.4, 0.3, 0.3]])
    data = of_labels([0, 1, 0], classes=3)
    assert auc(outputs, data) == average_precision(outputs, data) == 1


def test_of_several_labels_it_is_the_mean_of_those_that_differ() -> None:
    rng = np.random.default_rng(0)
    y, given = rng.integers(0, 2, (50, 3)), rng.random((50, 3))
    expected = roc_auc_score(y, given), average_precision_score(y, given)
    never = ((0, 0), (0, 1))  # a label that is never 1
    data, outputs = of_labels(np.pad(y, never), task="labels"), np.pad(given, never)
    assert (auc(outputs, data), average_precision(outputs, data)) == pytest.approx(expected)


@pytest.mark.parametrize("score", [auc, average_precision])
def test_without_two_classes_there_is_no_ranking(score: Any) -> None:
    assert np.isnan(score(np.array([[0.1], [0.2]]), of_labels([1, 1])))
    assert np.isnan(score(np.array([[np.nan], [0.2]]), of_labels([0, 1])))
    many = MOST_RANKED + 1
    y = np.arange(many)
    assert np.isnan(score(np.eye(many), of_labels(y, many)))
    assert score(np.eye(many - 1), of_labels(y[:-1], many - 1)) == 1


@pytest.mark.parametrize("classes", [2, 5])
def test_the_calibration_error_is_that_of_the_calibration_curve(classes: int) -> None:
    rng = np.random.default_rng(1)
    y, scored = rng.integers(0, classes, (80, 3)), rng.random((80, 3)) < 0.7
    of_class = rng.dirichlet(np.ones(classes), (80, 3))
    outputs = of_class[..., 1:] if classes == 2 else of_class
    confidence = of_class[scored].max(axis=-1)
    right = of_class[scored].argmax(axis=-1) == y[scored]
    shares, means = calibration_curve(right, confidence, n_bins=BINS)
    counts, _ = np.histogram(confidence, np.linspace(0, 1, BINS + 1))
    expected = np.average(np.abs(shares - means), weights=counts[counts > 0])
    found = calibration_error(outputs, of_labels(y, classes, scored=scored))
    assert found == pytest.approx(expected)


def test_calibration_errors_worked_out_by_hand() -> None:
    def error(given: list[float], y: list[int]) -> float:
        return calibration_error(np.array(given)[:, None], of_labels(y))

    assert error([1.0, 0.0], [1, 0]) == 0
    assert error([1.0, 1.0], [1, 0]) == pytest.approx(0.5)
    assert error([0.75, 0.25, 0.75, 0.75], [1, 0, 1, 0]) == pytest.approx(0)
    # Two bins: confidence .9 is right in one of two, .6 in one of one.
    assert error([0.9, 0.1, 0.6], [1, 1, 1]) == pytest.approx((2 * 0.4 + 0.4) / 3)
    assert np.isnan(error([np.nan, 0.5], [0, 1]))


def test_in_large_samples_probabilities_that_are_true_have_no_calibration_error() -> None:
    rng = np.random.default_rng(2)
    chance = rng.random((100_000, 1))
    data = of_labels(rng.random(len(chance)) < chance[:, 0])
    assert calibration_error(chance, data) < 0.01
    assert calibration_error(chance**3, data) > 0.1
