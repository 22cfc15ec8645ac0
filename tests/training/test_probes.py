"""Probes of models whose accuracies can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from ablation import problems
from ablation.data import Sequences
from ablation.spec import MERGES
from ablation.tasks import TASKS
from ablation.training.models import build_model
from ablation.training.probes import halves_of, probe
from tests.helpers import make_trial

evaluate = TASKS["classes"].evaluate


@pytest.mark.parametrize("merge", MERGES)
def test_the_intact_probe_equals_the_accuracy_of_the_model(merge: str) -> None:
    trial = make_trial(direction="bidirectional", merge_mode=merge)
    test = problems.load(trial.arm.problem, trial.arm.length, 10, 0).test
    model = build_model(trial, test)
    accuracies = probe(halves_of(model, True), model, merge, test)
    assert accuracies["intact"] == evaluate(np.asarray(model(test.x)), test).accuracy
    width = MERGES[merge].width
    others = {other for other, row in MERGES.items() if row.width == width} - {merge}
    assert {name for name in accuracies if name.startswith("merged")} == {
        f"merged_by_{o}" for o in others
    }


@pytest.mark.parametrize("symbols", [0, 4])
@pytest.mark.parametrize("per_step", [True, False])
def test_the_intact_probe_equals_the_accuracy_of_the_model_with_padding(
    symbols: int, per_step: bool
) -> None:
    rng = np.random.default_rng(0)
    present = np.arange(4) < rng.integers(1, 5, (60, 1))
    x = rng.integers(1, 4, (60, 4), dtype=np.int32) * present
    values = x if symbols else rng.normal(size=(60, 4, 2)).astype(np.float32)
    y = rng.integers(0, 2, (60, 4) if per_step else 60, dtype=np.int32)
    test = Sequences(values, y, present=present, symbols=symbols).padded()
    model = build_model(make_trial(direction="bidirectional"), test)
    accuracies = probe(halves_of(model, per_step), model, "concat", test)
    assert accuracies["intact"] == evaluate(np.asarray(model(test.x)), test).accuracy


def test_silencing_a_half_that_the_head_ignores_changes_nothing() -> None:
    trial = make_trial(direction="bidirectional", merge_mode="concat", units=4)
    test = problems.load(trial.arm.problem, trial.arm.length, 10, 0).test
    model = build_model(trial, test)
    head = model.get_layer("head")
    kernel, bias = head.get_weights()
    kernel[:4], kernel[4:] = 40.0, 0.0  # only the forward half is read
    head.set_weights([kernel, bias])
    accuracies = probe(halves_of(model, True), model, "concat", test)
    assert accuracies["without_backward"] == accuracies["intact"]
    # Without the forward half, the model predicts the same label for all sequences at a step.
    by_step = [max(share, 1 - share) for share in test.y.mean(0)]
    assert accuracies["without_forward"] <= np.mean(by_step) + 1e-9


def test_probe_accuracies_worked_out_by_hand() -> None:
    """Four sequences of one step, one unit per half, and a head that subtracts 2 from the merge."""
    forward = np.array([1, 3, 1, 3], np.float32).reshape(4, 1, 1)  # mean 2
    backward = np.array([-3, -0.5, 0.5, 3], np.float32).reshape(4, 1, 1)  # mean 0
    test = Sequences(np.zeros((4, 1, 1), np.float32), np.array([[0], [1], [0], [1]], np.int32))
    model = build_model(make_trial(direction="bidirectional", merge_mode="sum", units=1), test)
    model.get_layer("head").set_weights([np.ones((1, 1)), np.array([-2.0])])
    found = probe(lambda x: (forward, backward), model, "sum", test)
    right = {
        "intact": 1.0,  # -4, 0.5, -0.5, 4
        "without_forward": 0.5,  # 2 + backward - 2
        "without_backward": 1.0,  # forward - 2
        "merged_by_mul": 0.75,  # -5, -3.5, -1.5, 7
        "merged_by_ave": 0.75,  # -3, -0.75, -1.25, 1
    }
    assert found.items() >= right.items()  # and other merges, where there are more
