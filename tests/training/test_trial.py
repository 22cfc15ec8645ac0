"""Small trials, run as a worker runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ablation.planning import pinned
from ablation.spec import Trial
from ablation.training.trial import run_trial
from tests.helpers import make_trial

OPTIONS = {"dropout": 0.5, "clip_norm": 0.1, "schedule": "linear", "class_weights": "balanced"}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"training": OPTIONS, "layers": 2, "cell": "simple_rnn"},  # is compiled soonest
        {"training": OPTIONS, "engine": "fit"},
    ],
    ids=["plain", "options", "fit"],
)
def test_a_repeated_trial_is_identical_bit_for_bit(changes: dict[str, Any]) -> None:
    trial, other = make_trial(seed=1, **changes), make_trial(seed=2, **changes)
    first = run_trial(trial)
    between = run_trial(other)  # uses the same compiled arm, which must not keep its state
    repeated = run_trial(trial)
    assert repeated.weights == first.weights != between.weights
    assert repeated.metrics == first.metrics
    assert repeated.curve == first.curve
    assert repeated.examples == first.examples


def test_a_result_records_everything_that_a_report_needs() -> None:
    trial = make_trial(direction="forward")
    result = run_trial(trial, commit="abc", dirty=True)
    assert result.trial == trial
    assert result.status == "done"
    assert result.compiled
    assert len(result.metrics.accuracy_by_position) == trial.arm.length
    assert result.metrics.accuracy == pytest.approx(
        sum(step or 0 for step in result.metrics.accuracy_by_position) / trial.arm.length
    )
    assert result.classes is not None
    labels, hits = sum(result.classes.labels), sum(result.classes.hits)
    assert labels == trial.arm.problem.test_size * trial.arm.length
    assert hits / labels == pytest.approx(result.metrics.accuracy)
    assert result.majority in [pytest.approx(n / labels) for n in result.classes.labels]
    scores = result.by_sequence
    assert scores is not None
    assert (scores.score, scores.sequences) == ("hits", trial.arm.problem.test_size)
    assert (scores.sums.sum(), scores.labels.sum()) == (hits, labels)
    right = [(np.array(e.y) == np.array(e.yhat)).sum() for e in result.examples]
    assert scores.sums[:10].tolist() == right
    assert result.updates == result.curve.updates[-1] == 4
    assert result.kept is None  # without patience, the weights are the last
    assert len(result.examples) == 10
    assert result.examples[0].y in ([0, 0, 0, 1], [0, 0, 1, 1], [0, 1, 1, 1], [1, 1, 1, 1])
    assert f"Total params: {result.parameters:,}" in result.summary
    assert "forward_0 (LSTM)" in result.summary
    assert result.seconds.training > 0
    assert result.seconds.whole >= result.seconds.training + result.seconds.evaluating
    assert result.peak_memory_mb > 50
    assert result.origin.commit == "abc"
    assert result.origin.dirty
    assert {"tensorflow", "keras", "numpy", "python"} <= result.origin.versions.keys()


def test_a_diverged_trial_is_a_result() -> None:
    training = {"learning_rate": 3e38, "optimizer": "adam", "epochs": 20}
    result = run_trial(make_trial(cell="simple_rnn", training=training))
    assert result.status == "diverged"
    assert result.metrics.loss is None
    assert result.updates < 80  # it stopped


def test_a_trial_that_reaches_stop_at_ends_early_and_records_its_updates() -> None:
    result = run_trial(make_trial(cell="simple_rnn", training={"stop_at": 0.1}))
    assert result.status == "done"
    assert result.updates == 1  # of 4
    assert result.curve.updates == [1]


def test_spans_of_tags_are_counted(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 6, 2))
    y = np.array(["O", "B-x", "I-x"])[(x[..., 0] > 0.5) * (1 + (x[..., 1] > 0))]
    np.savez(tmp_path / "tags.npz", x=x, y=y)
    problem = {"name": "file", "path": str(tmp_path / "tags.npz"), "test_size": 60}
    arm = Trial.model_validate(make_trial().model_dump() | {"problem": problem, "length": 6}).arm
    result = run_trial(Trial(arm=pinned(arm), seed=0))
    assert result.classes is not None
    assert result.segments is not None
    assert result.segments.names == ["x"]
    begun = result.classes.labels[result.classes.names.index("B-x")]
    assert sum(result.segments.labels) >= begun  # an I-x after O begins one too
    assert result.measured["segment_f1"] == result.segments.micro_f1
    assert result.measured["mcc"] == result.classes.mcc
    assert {"auc", "average_precision", "calibration_error"} <= result.metrics.further.keys()
