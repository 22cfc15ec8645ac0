from __future__ import annotations

import math

import pytest

from ablation.analysis.frames import load_frames, training_loss
from ablation.spec import Request, Trial
from ablation.storage import Curve, Metrics, Store
from tests.helpers import make_result, make_sweep, make_trial

FORWARD = make_trial()
BACKWARD = make_trial(direction="go_backwards")
BOTH = make_trial(direction="bidirectional")


def test_done_failed_and_pending_trials_all_have_a_row(
    store: Store, request_as_composed: Request
) -> None:
    plan = make_sweep(store, request_as_composed, BOTH, FORWARD, BACKWARD)
    done, failed, pending = plan.trials[0], plan.trials[1], plan.trials[2]
    assert {trial.seed for trial in (done, failed, pending)} == {0}
    store.commit(make_result(done, accuracy=0.75))
    store.fail(failed, "ValueError", "no", "Traceback ...")
    frames = load_frames(plan, store)
    trials = frames.trials.set_index("id")
    assert len(trials) == 6
    assert list(trials["status"].value_counts()[["pending", "done", "failed"]]) == [4, 1, 1]
    assert trials.loc[done.id, "accuracy"] == 0.75
    assert trials.loc[done.id, "direction"] == "bidirectional"
    assert trials.loc[failed.id, "why"] == "ValueError: no"
    assert trials["accuracy"].isna()[pending.id]
    assert [result.trial for result in frames.results] == [done]
    assert frames.positions["step"].tolist() == [1, 2, 3, 4]
    assert frames.positions["accuracy"].tolist() == [0.75] * 4
    assert frames.curves[["seed", "updates", "loss", "accuracy"]].to_numpy().tolist() == [
        [0, 2, 0.7, 0.5],
        [0, 4, 0.5, 0.75],
    ]


def test_arms_are_in_the_order_of_the_plan(store: Store, request_as_composed: Request) -> None:
    plan = make_sweep(store, request_as_composed, FORWARD, BOTH, BACKWARD)
    trials = load_frames(plan, store).trials
    names = ["forward", "bidirectional concat", "go_backwards"]
    assert trials["arm"].tolist() == [name for name in names for _ in range(2)]
    assert trials["seed"].tolist() == [0, 1] * 3


def test_a_trial_that_failed_and_then_succeeded_is_done(
    store: Store, request_as_composed: Request
) -> None:
    plan = make_sweep(store, request_as_composed, FORWARD)
    for trial in plan.trials:
        store.fail(trial, "killed", "SIGKILL", "")
        store.commit(make_result(trial))
    assert set(load_frames(plan, store).trials["status"]) == {"done"}


def test_a_trial_with_a_damaged_result_is_pending(
    store: Store, request_as_composed: Request
) -> None:
    plan = make_sweep(store, request_as_composed, FORWARD)
    for trial in plan.trials:
        store.commit(make_result(trial))
    store.path(plan.trials[1].id).write_text("{")
    with pytest.warns(UserWarning, match="is damaged"):
        frames = load_frames(plan, store)
    assert frames.trials["status"].tolist() == ["done", "pending"]


def test_a_diverged_trial_has_a_row_without_loss(
    store: Store, request_as_composed: Request
) -> None:
    plan = make_sweep(store, request_as_composed, FORWARD)
    for trial in plan.trials:
        result = make_result(trial, accuracy=0.5)
        metrics = result.metrics.model_copy(update={"loss": None})
        curve = result.curve.model_copy(update={"loss": [None, None]})
        store.commit(make_result(trial, status="diverged", metrics=metrics, curve=curve))
    frames = load_frames(plan, store)
    assert frames.trials["status"].tolist() == ["diverged"] * 2
    assert frames.trials["loss"].isna().all()
    assert frames.curves["loss"].isna().all()


def test_one_label_per_sequence_has_no_positions(
    store: Store, request_as_composed: Request
) -> None:
    plan = make_sweep(store, request_as_composed, FORWARD)
    metrics = Metrics(
        loss=0.5, accuracy=0.9, accuracy_error=0.01, exact=0.9, accuracy_by_position=[]
    )
    for trial in plan.trials:
        store.commit(make_result(trial, metrics=metrics))
    frames = load_frames(plan, store)
    assert len(frames.positions) == 0
    assert frames.trials["accuracy"].tolist() == [0.9, 0.9]


def test_a_sweep_without_results_has_a_table_of_pending_trials(
    store: Store, request_as_composed: Request
) -> None:
    frames = load_frames(make_sweep(store, request_as_composed, FORWARD), store)
    assert frames.trials["status"].tolist() == ["pending", "pending"]
    assert (len(frames.curves), len(frames.positions), frames.results) == (0, 0, [])


def test_problems_with_different_parameters_share_a_table(
    store: Store, request_as_composed: Request
) -> None:
    plan = make_sweep(store, request_as_composed, FORWARD, make_trial(problem={"threshold": 0.5}))
    trials = load_frames(plan, store).trials
    assert trials["problem.threshold"].tolist() == [0.25, 0.25, 0.5, 0.5]


def test_the_training_loss_is_weighted_by_updates() -> None:
    curve = Curve(updates=[10, 20, 25], loss=[0.8, 0.6, 0.2], accuracy=[0.5, 0.6, 0.7])
    assert training_loss(curve) == pytest.approx((10 * 0.8 + 10 * 0.6 + 5 * 0.2) / 25)
    assert training_loss(curve, last=0.1) == pytest.approx(0.2)
    # The last ten updates are the last chunk and half of the chunk before it.
    assert training_loss(curve, last=0.4) == pytest.approx((5 * 0.6 + 5 * 0.2) / 10)


def test_the_training_loss_is_nan_only_if_a_counted_chunk_was_not_finite() -> None:
    early = Curve(updates=[5, 10], loss=[None, 0.2], accuracy=[0.5, 0.5])
    assert math.isnan(training_loss(early))
    assert training_loss(early, last=0.1) == 0.2


def test_the_trials_frame_has_the_training_loss(store: Store, request_as_composed: Request) -> None:
    plan = make_sweep(store, request_as_composed, FORWARD)
    for trial in plan.trials:
        store.commit(make_result(trial))
    trials = load_frames(plan, store).trials
    assert trials["train_loss"].tolist() == [0.5, 0.5]
    assert trials["train_loss_mean"].tolist() == pytest.approx([0.6, 0.6])


def test_a_result_older_than_a_metric_has_nan(store: Store, request_as_composed: Request) -> None:
    plan = make_sweep(store, request_as_composed, FORWARD)
    old, new = plan.trials
    store.commit(make_result(old))
    scores = {"balanced_accuracy": 0.7, "macro_f1": 0.6}
    store.commit(make_result(new, metrics=make_result(new).metrics.model_copy(update=scores)))
    trials = load_frames(plan, store).trials
    for name, value in scores.items():
        assert math.isnan(trials[name][0])
        assert trials[name][1] == value


def test_the_majority_is_the_problems_own_and_else_the_measured_one(
    store: Store, request_as_composed: Request
) -> None:
    """Where a problem knows its ceilings, it knows the most frequent class of each step."""
    problem = {"name": "stress", "test_size": 60}
    unknown = Trial.model_validate(FORWARD.model_dump() | {"problem": problem})
    plan = make_sweep(store, request_as_composed, FORWARD, unknown, seeds=2)
    for trial in plan.trials:
        old = trial.arm == unknown.arm and trial.seed
        store.commit(make_result(trial, majority=None if old else 0.625))
    majority = load_frames(plan, store).trials.set_index(["problem", "seed"])["majority"]
    assert majority["stress", 0] == 0.625
    assert math.isnan(majority["stress", 1])
    assert majority["cumsum"].gt(0.8).all()
