"""Scores of several labels at once, against scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, hamming_loss, log_loss

from ablation.data import Sequences
from ablation.tasks.labels import baseline, details, evaluate, head

RNG = np.random.default_rng(0)
Y = RNG.integers(0, 2, (40, 3, 4), np.int32)
SCORED = RNG.random((40, 3)) < 0.7
OUTPUTS = np.clip(RNG.random((40, 3, 4)), 0.01, 0.99)
DATA = Sequences(np.zeros((40, 3, 1), np.float32), Y, SCORED, task="labels")


def test_scores_equal_those_of_scikit_learn() -> None:
    metrics = evaluate(OUTPUTS, DATA)
    y, predicted = Y[SCORED], OUTPUTS[SCORED] > 0.5
    assert metrics.accuracy == pytest.approx(1 - hamming_loss(y, predicted))
    assert metrics.further["macro_f1"] == pytest.approx(f1_score(y, predicted, average="macro"))
    losses = [log_loss(y[:, k], OUTPUTS[SCORED][:, k]) for k in range(4)]
    assert metrics.loss == pytest.approx(np.mean(losses))


def test_a_sequence_is_right_if_all_labels_of_all_its_steps_are() -> None:
    y = np.array([[[0, 1], [1, 1]], [[0, 0], [1, 0]]], np.int32)
    data = Sequences(np.zeros((2, 2, 1), np.float32), y, task="labels")
    outputs = np.where(y, 0.9, 0.1)
    outputs[1, 0, 0] = 0.8
    metrics = evaluate(outputs, data)
    assert (metrics.exact, metrics.accuracy) == (1 / 2, 7 / 8)
    assert metrics.accuracy_by_position == [3 / 4, 1]


def test_each_label_is_counted_where_it_is_one() -> None:
    counts = details(np.asarray(OUTPUTS > 0.5, np.int32), DATA, ["a", "b", "c", "d"])["classes"]
    assert counts.labels == Y[SCORED].sum(axis=0).tolist()
    assert counts.hits == (Y[SCORED] * (OUTPUTS[SCORED] > 0.5)).sum(axis=0).tolist()
    assert (counts.names, counts.confusion) == (["a", "b", "c", "d"], [])
    assert head(DATA) == (4, "sigmoid")


def test_the_baseline_answers_the_more_frequent_value_of_each_label() -> None:
    x = np.zeros((3, 1), np.float32)[..., None]
    train = Sequences(x, np.array([[1, 0], [1, 0], [0, 0]], np.int32), task="labels")
    test = Sequences(x, np.array([[1, 1], [0, 0], [1, 1]], np.int32), task="labels")
    assert baseline(train, test) == {"majority": pytest.approx(3 / 6)}
