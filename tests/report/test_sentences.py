"""What a study says, word for word, on small studies whose answer is planted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pytest

import ablation
from ablation import problems
from ablation.analysis import Study
from ablation.measures import MEASURES
from ablation.planning import save_plan
from ablation.report.sentences import alarms, answer, recommended
from ablation.spec import Arm, ReportSettings, Request, Trial, trials_of
from ablation.storage import Curve, Seconds, Store
from ablation.training import run_trial
from tests.helpers import make_result, make_sweep, make_trial

TEST = {"test_size": 10_000}  # so that a label is finer than the margins
FORWARD = make_trial(problem=TEST).arm
BACKWARD = make_trial(direction="go_backwards", problem=TEST).arm
CONCAT = make_trial(direction="bidirectional", problem=TEST).arm
SUM = make_trial(direction="bidirectional", merge_mode="sum", problem=TEST).arm
NOISE = (0.001, -0.001)  # by seed, in turn and in every arm: a difference of means is exact
LUCK = (0.02, -0.02)  # of one arm alone: it hides a difference


@pytest.fixture
def study(store: Store, request_as_composed: Request) -> StudyMaker:
    return StudyMaker(store, request_as_composed)


class StudyMaker:
    """Makes studies in a store of which each arm's accuracy is given."""

    def __init__(self, store: Store, base: Request) -> None:
        self.store, self.base = store, base

    def __call__(
        self,
        means: Mapping[Arm, float],
        seeds: int = 10,
        lucky: tuple[Arm, ...] = (),
        fields: Mapping[Arm, Mapping[str, Any]] | None = None,
        **report: Any,
    ) -> Study:
        """lucky: arms whose seeds differ by luck of their own. fields: of the results of an arm."""
        trials = [trial for arm in means for trial in trials_of(arm, [0])]
        if "metric" not in report:
            report = {"margin": 0.002, **report}
        settings = ReportSettings.model_validate(report)
        plan = make_sweep(self.store, self.base, *trials, seeds=seeds, report=settings)
        for trial in plan.trials:
            accuracy = means[trial.arm] + NOISE[trial.seed % 2]
            accuracy += LUCK[trial.seed % 2] if trial.arm in lucky else 0
            changes = (fields or {}).get(trial.arm, {})
            self.store.commit(make_result(trial, accuracy, **changes))
        return Study(self.store.root / plan.name)


def test_nothing_is_trained_yet(store: Store, request_as_composed: Request) -> None:
    make_sweep(store, request_as_composed, make_trial())
    assert answer(Study(store.root / "study")) == ["No trial has been trained yet."]


@pytest.mark.parametrize(
    ("seeds", "text"),
    [
        (1, "forward: accuracy 0.9010 over 1 seed."),
        (10, "forward: accuracy 0.9000 ± 0.0011 over 10 seeds."),
    ],
)
def test_a_single_arm(seeds: int, text: str, study: StudyMaker) -> None:
    assert answer(study({FORWARD: 0.9}, seeds)) == [text]


def test_a_worse_arm_whichever_the_contrast_names_first(study: StudyMaker) -> None:
    # The contrast is forward less go_backwards in both studies.
    assert answer(study({FORWARD: 0.95, BACKWARD: 0.9}))[:2] == [
        "Best mean accuracy: forward, 0.9500.",
        "Worse than forward: go_backwards (-0.0500).",
    ]
    study.store = Store(study.store.root.with_name("other"))
    study.store.prepare()
    assert answer(study({FORWARD: 0.9, BACKWARD: 0.95})) == [
        "Best mean accuracy: go_backwards, 0.9500.",
        "Worse than go_backwards: forward (-0.0500).",
        "Take go_backwards: every other arm is worse.",
    ]


def test_arms_are_compared_with_the_baseline(study: StudyMaker) -> None:
    means = {FORWARD: 0.9, BACKWARD: 0.95, CONCAT: 0.8}
    assert answer(study(means, baseline="forward")) == [
        "Best mean accuracy: go_backwards, 0.9500.",
        "Better than forward: go_backwards (+0.0500).",
        "Worse than forward: bidirectional concat (-0.1000).",
        "Take go_backwards: no other arm was shown to be as good.",
        "Accuracy not shown to be above that of always predicting the most frequent class "
        "(0.8229): bidirectional concat.",
    ]


def test_with_a_baseline_the_best_arm_still_meets_the_others(study: StudyMaker) -> None:
    fields = {BACKWARD: {"parameters": 5678}, CONCAT: {"parameters": 1234}}
    means = {FORWARD: 0.9, BACKWARD: 0.95, CONCAT: 0.949}
    assert answer(study(means, fields=fields, baseline="forward"))[-1] == (
        "As good as go_backwards and cheaper: bidirectional concat (1,234 parameters instead of "
        "5,678)."
    )


def test_less_is_better_of_a_loss(study: StudyMaker) -> None:
    assert answer(study({FORWARD: 0.9, BACKWARD: 0.95}, metric="loss")) == [
        "Best mean loss: go_backwards, 0.0500.",
        "Worse than go_backwards: forward (+0.0500).",
        "Take go_backwards: every other arm is worse.",
    ]


GUESS = "always predicting the most frequent class"


def stress(direction: str) -> Arm:
    """An arm of a problem without known ceilings: its majority is the one that was measured."""
    values = make_trial(direction=direction).model_dump()
    return Trial.model_validate(values | {"problem": {"name": "stress", "test_size": 60}}).arm


def test_arms_that_only_guess_are_not_good_for_being_equivalent(study: StudyMaker) -> None:
    arms = [stress(direction) for direction in ("forward", "go_backwards")]
    fields = {arm: {"majority": 0.811, "parameters": 9 * k} for k, arm in enumerate(arms, 1)}
    means = dict.fromkeys(arms, 0.811)
    made = study(means, fields=fields)
    assert answer(made) == [
        "No arm beats guessing (always the most frequent class: 0.8110): nothing can be said of "
        "direction."
    ]
    assert made.contrasts()["verdict"].tolist() == ["undecided"]


def test_results_without_a_majority_are_judged_as_before(study: StudyMaker) -> None:
    sentences = answer(study(dict.fromkeys(map(stress, ("forward", "go_backwards")), 0.811)))
    assert sentences[-1] == "Take forward: no arm that is as good is cheaper."
    assert GUESS not in " ".join(sentences)


def test_no_arm_that_may_guess_is_taken_for_its_price(study: StudyMaker) -> None:
    good, guess = stress("forward"), stress("go_backwards")
    fields = {
        good: {"majority": 0.99, "parameters": 900},
        guess: {"majority": 0.99, "parameters": 90},
    }
    assert answer(study({good: 0.995, guess: 0.99}, fields=fields, margin=0.01)) == [
        "Best mean accuracy: forward, 0.9950.",
        "Equivalent to forward within 0.01: go_backwards.",
        "Take forward: no other arm was shown to be as good.",
        f"Accuracy not shown to be above that of {GUESS} (0.9900): go_backwards.",
    ]


def test_another_metric_may_see_what_accuracy_does_not(study: StudyMaker) -> None:
    arms = [stress(direction) for direction in ("forward", "go_backwards")]
    fields = {arm: {"majority": 0.99} for arm in arms}
    means = dict(zip(arms, (0.95, 0.9), strict=True))
    assert answer(study(means, fields=fields, metric="loss")) == [
        "No arm’s accuracy beats guessing (always the most frequent class: 0.9900).",
        "Best mean loss: forward, 0.0500.",
        "Worse than forward: go_backwards (+0.0500).",
        "Take forward: every other arm is worse.",
    ]


@pytest.mark.parametrize(("majority", "beats"), [(0.9, False), (0.898, True)])
def test_a_single_seed_beats_a_guess_by_more_than_its_error(
    majority: float, beats: bool, study: StudyMaker
) -> None:
    # The accuracy is 0.901, its standard error over the test sequences 0.001.
    arm = stress("forward")
    first = answer(study({arm: 0.9}, seeds=1, fields={arm: {"majority": majority}}))[0]
    assert first.startswith("No arm beats") is not beats


def test_a_task_whose_arms_all_guess_is_named(study: StudyMaker) -> None:
    arm = stress("forward")
    sentences = answer(study({FORWARD: 0.95, arm: 0.5}, fields={arm: {"majority": 0.6}}))
    assert sentences[0].startswith(
        "No arm beats guessing on stress, length 4 (always the most frequent class: 0.6000)"
    )


def test_a_single_arm_says_the_chosen_metric_first(study: StudyMaker) -> None:
    assert answer(study({FORWARD: 0.9}, metric="loss")) == [
        "forward: loss 0.1000 ± 0.0011, accuracy 0.9000 ± 0.0011 over 10 seeds."
    ]
    assert answer(study({FORWARD: 0.9}, metric="updates_to_target", target=0.85))[-1] == (
        "forward: updates to target 4, accuracy 0.9000 ± 0.0011 over 10 seeds."
    )


def training(seconds: float) -> Seconds:
    return Seconds(training=seconds, compiling=0, evaluating=0, whole=seconds)


def test_an_equivalent_arm_that_is_cheaper(study: StudyMaker) -> None:
    fields = {
        FORWARD: {"parameters": 1234, "seconds": training(2.0)},
        BACKWARD: {"parameters": 5678, "seconds": training(3.0)},
    }
    assert answer(study({FORWARD: 0.949, BACKWARD: 0.95}, fields=fields)) == [
        "Best mean accuracy: go_backwards, 0.9500.",
        "Equivalent to go_backwards within 0.002: forward.",
        "As good as go_backwards and cheaper: forward (1,234 parameters instead of 5,678).",
        "As good as go_backwards and cheaper: forward (2.0 s of training instead of 3.0).",
    ]


def test_the_arm_to_take_is_the_one_of_the_answer(study: StudyMaker) -> None:
    means = {FORWARD: 0.949, BACKWARD: 0.95}
    costs = {
        "forward": {FORWARD: {"parameters": 1234}, BACKWARD: {"parameters": 5678}},
        "go_backwards": {FORWARD: {"parameters": 5678}, BACKWARD: {"parameters": 5678}},
    }
    for arm, fields in costs.items():
        study.store = Store(study.store.root.with_name(f"cheaper_{arm}"))
        study.store.prepare()
        made = study(means, fields=fields)
        assert recommended(made) == [arm]
        assert re.search(f"(Take|cheaper:) {arm}", answer(made)[-1])


def test_the_arm_to_take_where_nothing_is_decided(study: StudyMaker, store: Store) -> None:
    undecided = study({FORWARD: 0.9, BACKWARD: 0.91}, seeds=2)
    assert recommended(undecided) == ["go_backwards"]
    store = Store(store.root.with_name("other"))
    store.prepare()
    study.store = store
    assert recommended(study({FORWARD: 0.9})) == ["forward"]
    make_sweep(store, study.base, make_trial(direction="go_backwards", units=7), name="untrained")
    assert recommended(Study(store.root / "untrained")) == []


def test_an_equivalent_arm_that_costs_as_much(study: StudyMaker) -> None:
    # Seconds are noisy: less by a fiftieth is not cheaper.
    fields = {FORWARD: {"seconds": training(2.94)}, BACKWARD: {"seconds": training(3.0)}}
    assert answer(study({FORWARD: 0.949, BACKWARD: 0.95}, fields=fields))[1:] == [
        "Equivalent to go_backwards within 0.002: forward.",
        "Take go_backwards: no arm that is as good is cheaper.",
    ]


def test_an_undecided_pair(study: StudyMaker) -> None:
    # sd = 0.0211, so that a difference of 0.01 needs ((3.01 + 0.85) / (0.01 / sd))^2 = 67
    # seeds at the level of a second look, 0.05 * 0.1 * 3/4.
    assert answer(study({FORWARD: 0.9, BACKWARD: 0.91}, lucky=(BACKWARD,))) == [
        "Best mean accuracy: go_backwards, 0.9100.",
        "Undecided against go_backwards: forward (-0.0100).",
        "About 57 more seeds should decide it.",
        "With seeds=67 these arms train 114 more trials: 8 min of one core.",
        "Provisional: take go_backwards; its comparison with forward is undecided.",
    ]


def test_one_more_seed_is_no_plural(study: StudyMaker) -> None:
    sentences = answer(study({FORWARD: 0.95, BACKWARD: 0.9495}, seeds=4))
    assert sentences[2] == "About 1 more seed should decide it."


def test_some_pairs_are_undecided(study: StudyMaker) -> None:
    means = {FORWARD: 0.95, BACKWARD: 0.9, CONCAT: 0.94}
    sentences = answer(study(means, lucky=(CONCAT,)))
    assert sentences[1:3] == [
        "Worse than forward: go_backwards (-0.0500).",
        "Undecided against forward: bidirectional concat (-0.0100).",
    ]
    assert sentences[-1] == "Provisional: take forward; 1 of 2 comparisons is still undecided."


def test_all_pairs_are_undecided(study: StudyMaker) -> None:
    means = {FORWARD: 0.95, BACKWARD: 0.942, CONCAT: 0.94}
    sentences = answer(study(means, lucky=(CONCAT, BACKWARD)))
    assert sentences[1] == (
        "Undecided against forward: go_backwards (-0.0080), bidirectional concat (-0.0100)."
    )
    assert sentences[2].endswith(" more seeds should decide all of these.")
    assert sentences[4:] == ["Provisional: take forward; all 2 comparisons are still undecided."]


def test_so_few_seeds_that_nothing_can_be_decided(study: StudyMaker) -> None:
    means = {FORWARD: 0.95, BACKWARD: 0.9}
    assert answer(study(means, seeds=1)) == [
        "Best mean accuracy: forward, 0.9510.",
        "With 1 seed no difference could ever be significant among 2 arms: train more seeds.",
    ]


def test_three_seeds_tell_what_is_far_apart_and_not_what_is_equivalent(study: StudyMaker) -> None:
    means = {FORWARD: 0.95, BACKWARD: 0.9, CONCAT: 0.9495, SUM: 0.8}
    assert answer(study(means, seeds=3)) == [
        "Best mean accuracy: forward, 0.9503.",
        "Worse than forward: go_backwards (-0.0500), bidirectional sum (-0.1500).",
        "Within 0.002 of forward, but not called equivalent because there are fewer than 5 seeds: "
        "bidirectional concat.",
        "About 2 more seeds should decide it.",
        "With seeds=5 these arms train 4 more trials: 16 s of one core.",
        "Provisional: take forward; 1 of 3 comparisons is still undecided.",
        "Accuracy not shown to be above that of always predicting the most frequent class "
        "(0.8229): bidirectional sum.",
    ]


def test_seeds_that_fail_to_train_are_counted(study: StudyMaker) -> None:
    made = study({FORWARD: 0.95, BACKWARD: 0.95})
    (third,) = made.trials.index[(made.trials["arm"] == "forward") & (made.trials["seed"] == 2)]
    made.trials.loc[third, "accuracy"] = 0.8229
    sentences = answer(made)
    assert sentences[0] == "forward trains in 9 of 10 seeds: the others ended far below these."
    assert "Equivalent" not in " ".join(sentences)


def test_a_long_list_is_cut(study: StudyMaker) -> None:
    means = {
        make_trial(direction=direction, cell=cell).arm: 0.9 - 0.01 * place
        for place, (cell, direction) in enumerate(
            (cell, direction)
            for cell in ("lstm", "gru", "simple_rnn")
            for direction in ("forward", "go_backwards", "bidirectional")
        )
    }
    sentences = answer(study(means, seeds=12))
    assert sentences[1] == (
        "Worse than forward lstm: go_backwards lstm (-0.0100), bidirectional concat lstm (-0.0200),"
        " forward gru (-0.0300), go_backwards gru (-0.0400), bidirectional concat gru (-0.0500), "
        "forward simple_rnn (-0.0600), go_backwards simple_rnn (-0.0700) and 1 more."
    )


def curve(*accuracy: float) -> dict[str, Curve]:
    return {"curve": Curve(updates=[2, 4], loss=[0.7, 0.5], accuracy=list(accuracy))}


def test_updates_to_target_may_never_be_reached(study: StudyMaker) -> None:
    fields = {FORWARD: curve(0.9, 0.9), BACKWARD: curve(0.5, 0.9), CONCAT: curve(0.5, 0.6)}
    report: dict[str, Any] = {"metric": "updates_to_target", "target": 0.85, "margin": 1.0}
    sentences = answer(study(dict.fromkeys(fields, 0.9), fields=fields, **report))
    assert sentences[1:] == [  # the first is of the target
        "Best median updates to target: forward, 2.",
        "Worse than forward: go_backwards (+2), bidirectional concat.",
        "Take forward: every other arm is worse.",
    ]


def test_a_median_counts_the_seeds_that_never_get_there(
    store: Store, request_as_composed: Request
) -> None:
    settings = ReportSettings(metric="updates_to_target", target=0.85)
    trials = [trial for arm in (FORWARD, BACKWARD) for trial in trials_of(arm, [0])]
    plan = make_sweep(store, request_as_composed, *trials, seeds=10, report=settings)
    for trial in plan.trials:
        reached = trial.seed < 4 and trial.arm == FORWARD
        store.commit(make_result(trial, 0.8, **curve(0.5, 0.9 if reached else 0.6)))
    assert "Best median updates to target: forward, not reached." in answer(
        Study(store.root / plan.name)
    )


@pytest.mark.parametrize(("reached_by", "least"), [(None, "nine in ten"), (3, "3")])
def test_a_target_of_arms_with_unequal_seeds(
    reached_by: int | None, least: str, store: Store, request_as_composed: Request
) -> None:
    report = ReportSettings(target=0.95, reached_by=reached_by)
    trials = [trial for arm in (FORWARD, BACKWARD) for trial in trials_of(arm, [0])]
    plan = make_sweep(store, request_as_composed, *trials, seeds=10, report=report)
    entries = [e for e in plan.entries if e.trial.arm == FORWARD or e.trial.seed < 4]
    save_plan(plan.model_copy(update={"entries": entries}), store.root / plan.name)
    for entry in entries:
        store.commit(make_result(entry.trial, 0.96 if entry.trial.arm == FORWARD else 0.9))
    assert answer(Study(store.root / plan.name))[0] == (
        f"Smallest and fastest that reaches 0.95 in at least {least} seeds: forward "
        "(67 parameters, 1.5 s of training, 4 updates)."
    )


def claim(verdict: str, margin: float, metric: str = "accuracy") -> dict[str, Any]:
    arms = {"arm": "forward", "other": "go_backwards"}
    return {"says": "so it is", "verdict": verdict, "margin": margin, "metric": metric, **arms}


@pytest.mark.parametrize(
    ("claims", "text"),
    [
        (
            claim("better", 0.01),
            "Holds: so it is (forward is better than go_backwards: accuracy +0.0500).",
        ),
        (
            claim("worse", 0.01, "loss"),
            "Does not hold: so it is (forward is better than go_backwards: loss -0.0500).",
        ),
        (
            claim("equivalent", 0.06),
            "Holds: so it is (forward is equivalent to go_backwards within 0.06: "
            "accuracy +0.0500).",
        ),
    ],
)
def test_a_claim_that_is_decided(claims: dict[str, Any], text: str, study: StudyMaker) -> None:
    assert answer(study({FORWARD: 0.95, BACKWARD: 0.9}, claims=[claims]))[0] == text


def test_a_claim_of_an_arm_that_never_gets_there(study: StudyMaker) -> None:
    fields = {FORWARD: curve(0.9, 0.9), BACKWARD: curve(0.5, 0.6)}
    claims = [claim("better", 1.0, "updates_to_target")]
    made = study(dict.fromkeys(fields, 0.9), fields=fields, claims=claims, target=0.85)
    assert answer(made)[0] == (
        "Holds: so it is (forward is better than go_backwards in updates to target)."
    )


def test_a_claim_that_is_not_decided(study: StudyMaker) -> None:
    means, lucky = {FORWARD: 0.91, BACKWARD: 0.9}, (BACKWARD,)
    assert answer(study(means, lucky=lucky, claims=[claim("better", 0.01)]))[0] == (
        "Undecided: so it is (forward against go_backwards: accuracy +0.0100; "
        "about 57 more seeds should decide it)."
    )


def test_an_equivalence_that_is_neither_shown_nor_refuted(study: StudyMaker) -> None:
    means, lucky = {FORWARD: 0.93, BACKWARD: 0.9}, (BACKWARD,)
    assert answer(study(means, lucky=lucky, claims=[claim("equivalent", 0.03)]))[0] == (
        "Undecided: so it is (forward is better than go_backwards: accuracy +0.0300, "
        "but perhaps within 0.03)."
    )


def test_a_claim_without_trials(store: Store, request_as_composed: Request) -> None:
    report = ReportSettings.model_validate({"claims": [claim("better", 0.01)]})
    trials = [make_trial(), make_trial(direction="go_backwards")]
    make_sweep(store, request_as_composed, *trials, report=report)
    store.commit(make_result(trials[0]))
    assert answer(Study(store.root / "study"))[0] == (
        "Undecided: so it is (forward against go_backwards: no seed of both is trained yet)."
    )


def test_a_planted_leak_sets_off_the_alarm(
    store: Store, request_as_composed: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On results that were really trained."""
    monkeypatch.setitem(problems.PROBLEMS, "leaky", "tests.leaky")
    training = {"sequences": 4000, "learning_rate": 0.01}
    honest = make_trial(
        cell="simple_rnn",  # is compiled soonest
        direction="go_backwards",
        length=10,
        units=8,
        training=training,
        problem={"test_size": 2000},
    )
    values = honest.model_dump() | {"problem": {"name": "leaky", "test_size": 2000}}
    leaky = Trial.model_validate(values)
    plan = make_sweep(store, request_as_composed, honest, leaky, seeds=1)
    for trial in plan.trials:
        store.commit(run_trial(trial))
    study = ablation.load("study", store.root)
    (alarm,) = alarms(study)
    assert alarm.startswith("LEAK? leaky")
    assert study.trials.set_index("problem")["accuracy"]["cumsum"] < 0.915


@pytest.mark.parametrize(("error", "far"), [(0.01, "5 standard errors"), (0.0, "0.0500")])
def test_an_alarm_says_how_far(
    error: float, far: str, study: StudyMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = study({FORWARD: 0.9})
    leak = {"arm": "forward", "accuracy": 0.9, "ceiling": 0.85, "excess": 0.05, "error": error}
    monkeypatch.setattr(made, "leaks", lambda: pd.DataFrame([leak]))
    assert alarms(made) == [
        f"LEAK? forward: accuracy 0.9000 is above its ceiling 0.8500 by {far}. "
        "No model can do that without a bug, or labels in its input."
    ]


def test_differences_are_written_without_a_minus_before_nothing() -> None:
    assert MEASURES["accuracy"].signed(-0.00001) == "+0.0000"
    assert MEASURES["accuracy"].signed(-0.0123) == "-0.0123"
    assert MEASURES["parameters"].signed(1234.0) == "+1,234"
    assert MEASURES["seconds"].digits == 2


@pytest.mark.parametrize(
    ("means", "said"),
    [
        (
            [0.8, 0.9, 0.95],
            "From a lookahead of 2 on, forward is equivalent to bidirectional concat within 0.002.",
        ),
        (
            [0.95, 0.95, 0.95],
            "Even without a lookahead, forward is equivalent to bidirectional concat within 0.002.",
        ),
        (
            [0.95, 0.97, 0.97],
            "Even without a lookahead, forward is no worse than bidirectional concat within 0.002.",
        ),
        (
            [0.8, 0.85, 0.9],
            "A lookahead of 2 is not enough: forward is still worse than bidirectional concat "
            "(-0.0500).",
        ),
    ],
)
def test_how_much_future_is_enough(study: StudyMaker, means: list[float], said: str) -> None:
    arms = [make_trial(lookahead=k, problem=TEST).arm for k in range(3)]
    planted = dict(zip(arms, means, strict=True)) | {CONCAT: 0.95}
    assert answer(study(planted))[0] == said
