from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, f1_score, recall_score

from ablation.data import Sequences
from ablation.measures import MEASURES
from ablation.storage import Metrics
from ablation.training.scores import EPSILON, FURTHER, evaluate, predict_classes


def sequences(y: Any, classes: int = 2, **masks: Any) -> Sequences:
    y = np.array(y, np.int32)
    masks = {name: np.array(mask, bool) for name, mask in masks.items()}
    return Sequences(np.zeros((len(y), 3, 1), np.float32), y, classes=classes, **masks)


def probabilities(rows: Any) -> Any:
    return np.array(rows, np.float32)


def test_classes_of_one_output_and_of_several() -> None:
    one = probabilities([[[0.2], [0.5], [0.7]]])
    assert predict_classes(one).tolist() == [[0, 0, 1]]
    three = probabilities([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]])
    assert predict_classes(three).tolist() == [1, 0]
    assert predict_classes(three).dtype == np.int32


def test_a_tiny_table_by_hand() -> None:
    data = sequences([[0, 1, 1], [0, 0, 1]])
    found = evaluate(probabilities([[[0.1], [0.8], [0.6]], [[0.7], [0.2], [0.9]]]), data)
    assert found.accuracy == pytest.approx(5 / 6)
    assert found.exact == pytest.approx(1 / 2)
    assert found.accuracy_by_position == [0.5, 1, 1]
    assert found.loss == pytest.approx(-np.log([0.9, 0.8, 0.6, 0.3, 0.8, 0.9]).mean(), rel=1e-6)
    assert found.accuracy_error == pytest.approx((1 / 6) / np.sqrt(2))


def test_masked_steps_do_not_count() -> None:
    y = [[0, 1, 1], [0, 0, 1]]
    answers = probabilities([[[0.1], [0.2], [0.6]], [[0.7], [0.2], [0.9]]])
    scored = [[1, 0, 1], [1, 0, 0]]
    found = evaluate(answers, sequences(y, scored=scored))
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.exact == pytest.approx(1 / 2)
    assert found.accuracy_by_position == [0.5, None, 1]
    assert found.loss == pytest.approx(-np.log([0.9, 0.6, 0.3]).mean(), rel=1e-6)
    assert evaluate(answers, sequences(y, present=scored)) == found
    # (right - accuracy * counted) / mean counted, of the two sequences
    deviations = np.array([2 - 2 / 3 * 2, 0 - 2 / 3]) / 1.5
    assert found.accuracy_error == pytest.approx(np.sqrt((deviations**2).mean() / 2))


def test_a_sequence_without_a_label_is_neither_right_nor_wrong() -> None:
    data = sequences([[1, 1], [1, 1]], scored=[[1, 1], [0, 0]])
    assert evaluate(np.ones((2, 2, 1), np.float32), data).exact == 1


def test_several_classes() -> None:
    data = sequences([[2, 0], [1, 1]], classes=3)
    rows = [[[0.1, 0.2, 0.7], [0.3, 0.4, 0.3]], [[0.1, 0.8, 0.1], [0.2, 0.5, 0.3]]]
    found = evaluate(probabilities(rows), data)
    assert found.accuracy == pytest.approx(3 / 4)
    assert found.accuracy_by_position == [1, 0.5]
    assert found.exact == pytest.approx(1 / 2)
    assert found.loss == pytest.approx(-np.log([0.7, 0.3, 0.8, 0.5]).mean(), rel=1e-6)


def test_one_label_a_sequence() -> None:
    found = evaluate(probabilities([[0.9], [0.2], [0.4], [0.1]]), sequences([1, 0, 1, 0]))
    assert found.accuracy == found.exact == pytest.approx(3 / 4)
    assert found.accuracy_by_position == []
    assert found.loss == pytest.approx(-np.log([0.9, 0.8, 0.4, 0.9]).mean(), rel=1e-6)
    assert found.accuracy_error == pytest.approx(np.sqrt(0.75 * 0.25 / 4))


def test_one_label_of_several_a_sequence() -> None:
    rows = [[0.1, 0.2, 0.7], [0.3, 0.4, 0.3]]
    found = evaluate(probabilities(rows), sequences([2, 0], classes=3))
    assert (found.accuracy, found.accuracy_by_position) == (0.5, [])
    assert found.loss == pytest.approx(-np.log([0.7, 0.3]).mean(), rel=1e-6)


def test_a_sure_mistake_costs_what_it_costs_in_keras() -> None:
    found = evaluate(probabilities([[1.0], [0.0]]), sequences([0, 0]))
    assert found.loss == pytest.approx(-(np.log(EPSILON) + np.log(1 - EPSILON)) / 2)


def test_the_error_is_that_of_the_sequences_means() -> None:
    rng = np.random.default_rng(0)
    data = sequences(rng.integers(0, 2, (500, 6)))
    answers = rng.random((500, 6, 1))
    found = evaluate(answers, data)
    means = (predict_classes(answers) == data.y).mean(axis=1)
    assert found.accuracy == pytest.approx(means.mean())
    assert found.accuracy_error == pytest.approx(means.std() / np.sqrt(500))


def test_the_accuracy_is_not_rounded_to_single_precision() -> None:
    assert evaluate(probabilities([[0.9], [0.9], [0.9]]), sequences([1, 1, 0])).accuracy == 2 / 3


def test_probabilities_that_are_no_numbers_have_no_loss() -> None:
    found = evaluate(np.full((4, 3, 1), np.nan, np.float32), sequences(np.ones((4, 3))))
    assert found.loss is None
    assert found.accuracy == 0
    assert found.further["brier"] is None


@pytest.mark.parametrize("labels", [[0, 1], [0, 1, 3], [2]])
def test_scores_by_class_are_those_of_scikit_learn(labels: list[int]) -> None:
    """Answers may be classes that are no label, and classes may be neither."""
    rng = np.random.default_rng(0)
    y = rng.choice(labels, (40, 3))
    scored = rng.random((40, 3)) < 0.7
    answers = probabilities(rng.random((40, 3, 6)) * [1, 1, 1, 1, 0.9, 0])
    found = evaluate(answers, sequences(y, classes=6, scored=scored))
    given = predict_classes(answers)[scored]
    recall = recall_score(y[scored], given, average=None, labels=labels)
    assert found.further["balanced_accuracy"] == pytest.approx(recall.mean())
    assert found.further["macro_f1"] == pytest.approx(f1_score(y[scored], given, average="macro"))


def test_whoever_always_says_the_same_is_told_by_the_scores_by_class() -> None:
    y = np.zeros((10, 3), np.int32)
    y[0] = 1
    found = evaluate(probabilities(np.zeros((10, 3, 1))), sequences(y))
    assert found.accuracy == pytest.approx(0.9)
    assert found.further["balanced_accuracy"] == pytest.approx(0.5)
    assert found.further["macro_f1"] == pytest.approx((2 * 27 / (27 + 30) + 0) / 2)


def test_classes_as_frequent_as_each_other_are_balanced_already() -> None:
    found = evaluate(probabilities([[0.9], [0.2], [0.4], [0.1]]), sequences([1, 0, 1, 0]))
    assert found.further["balanced_accuracy"] == found.accuracy == pytest.approx(3 / 4)


@pytest.mark.parametrize("classes", [2, 4])
def test_the_brier_score_is_that_of_scikit_learn(classes: int) -> None:
    rng = np.random.default_rng(0)
    y, scored = rng.integers(0, classes, (40, 3)), rng.random((40, 3)) < 0.7
    answers = rng.dirichlet(np.ones(classes), (40, 3))
    given = answers[..., 1:] if classes == 2 else answers
    found = evaluate(given, sequences(y, classes=classes, scored=scored))
    each = [
        brier_score_loss(y[scored] == label, answers[scored][:, label]) for label in range(classes)
    ]
    assert found.further["brier"] == pytest.approx(sum(each))


def test_the_brier_score_of_a_guess_and_of_certainty_by_hand() -> None:
    def brier(row: list[list[float]], label: int, classes: int) -> float | None:
        data = sequences([label], classes=classes)
        return evaluate(probabilities(row), data).further["brier"]

    assert brier([[0.5]], 1, 2) == pytest.approx(0.5)
    assert [brier([[p]], 1, 2) for p in (1.0, 0.0)] == [0, 2]
    assert brier([[0.5, 0.25, 0.25]], 0, 3) == pytest.approx(0.25 + 2 * 0.0625)


def test_every_score_has_a_row_and_every_row_its_score() -> None:
    sources = [measure.source for measure in MEASURES.values()]
    wanted = {s.removeprefix("metrics.") for s in sources if s.startswith("metrics.")}
    assert wanted <= {*Metrics.model_fields, *FURTHER}
    assert set(FURTHER) <= MEASURES.keys()
