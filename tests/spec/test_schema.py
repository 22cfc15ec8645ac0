from __future__ import annotations

from typing import Any

import pytest

from ablation.errors import RequestError
from ablation.spec.labels import label_arms
from ablation.spec.layers import MERGES
from ablation.spec.schema import Arm, Trial, trials_of
from ablation.spec.settings import Request, Settings
from tests.helpers import TRIAL, compose, make_request, make_trial, parse_all

GOLDEN = "1d8e78765dddd5715bfef85bfba65abdb386e1949be3a1ce5f16728e3718d6d2"

MEANING: list[dict[str, Any]] = [
    {"problem": {"name": "balance"}},
    {"problem": {"test_size": 61}},
    {"problem": {"threshold": 0.5}},
    {"length": 5},
    {"direction": "go_backwards"},
    {"direction": "go_backwards_raw"},
    *({"direction": "bidirectional", "merge_mode": mode} for mode in MERGES),
    {"cell": "gru"},
    {"units": 4},
    {"layers": 2},
    {"training": {"sequences": 50}},
    {"training": {"epochs": 2}},
    {"training": {"batch_size": 20}},
    {"training": {"optimizer": "sgd"}},
    {"training": {"learning_rate": 0.01}},
    {"training": {"clip_norm": 1.0}},
    {"training": {"dropout": 0.1}},
    {"training": {"schedule": "cosine"}},
    {"training": {"stop_at": 0.9}},
    {"training": {"class_weights": "balanced"}},
    {"engine": "fit"},
    {"digest": "0" * 64},
    {"seed": 1},
]


def test_the_id_is_that_of_every_stored_result() -> None:
    """A change here makes strangers of all stored results: raise SCHEMA, and say so."""
    assert make_trial().id == GOLDEN


def test_everything_that_a_trial_means_is_in_its_id() -> None:
    trials = [make_trial(), *(make_trial(**change) for change in MEANING)]
    assert len({trial.id for trial in trials}) == len(trials)
    touched = {key for change in MEANING for key in change}
    assert touched == {*Arm.model_fields, "seed"}
    assert touched == TRIAL.keys() | {"digest"}


def test_a_trial_read_back_has_its_id() -> None:
    for change in MEANING:
        trial = make_trial(**change)
        again = Trial.model_validate_json(trial.model_dump_json())
        assert (again, again.id) == (trial, trial.id)


@pytest.mark.parametrize(
    "setting",
    [
        {"name": "other"},
        {"workers": 1},
        {"results": "/elsewhere"},
        {"plan": True},
        {"time_limit": 5.0},
        {"yes": True},
    ],
)
def test_settings_are_not_in_the_id(setting: dict[str, Any], request_as_composed: Request) -> None:
    changed = make_request(request_as_composed, **setting)
    assert getattr(changed.settings, *setting) != getattr(request_as_composed.settings, *setting)
    assert [t.id for t in trials_of(changed.arm, range(2))] == [
        make_trial(seed=s).id for s in (0, 1)
    ]


def test_every_seed_is_a_trial_of_the_same_arm() -> None:
    trials = trials_of(make_trial().arm, range(5))
    assert [trial.seed for trial in trials] == [0, 1, 2, 3, 4]
    assert {trial.arm for trial in trials} == {make_trial().arm}


@pytest.mark.parametrize("direction", ["forward", "go_backwards", "go_backwards_raw"])
def test_one_direction_has_nothing_to_merge(direction: str) -> None:
    trials = [make_trial(direction=direction, merge_mode=mode) for mode in (None, *MERGES)]
    assert len({trial.id for trial in trials}) == 1
    assert trials[0].arm.merge_mode is None


def test_both_directions_need_a_merge() -> None:
    with pytest.raises(ValueError, match="merge_mode: choose one of concat, sum, mul, ave"):
        Trial.model_validate({**TRIAL, "direction": "bidirectional"})


def test_updates_leave_out_the_incomplete_batch() -> None:
    assert make_trial(training={"sequences": 45, "epochs": 3}).arm.training.updates == 12


def test_a_plain_command_is_the_lesson(request_as_composed: Request) -> None:
    arm, settings = request_as_composed.arm, request_as_composed.settings
    assert (arm.direction, arm.merge_mode, arm.units, arm.length) == (
        "bidirectional",
        "concat",
        50,
        10,
    )
    training = arm.training
    assert (training.sequences, training.batch_size, training.epochs) == (50_000, 10, 1)
    assert (arm.problem.name, arm.problem.test_size, settings.seeds) == ("cumsum", 10_000, 10)


def test_the_settings_are_what_a_request_has_beside_its_arm() -> None:
    assert set(compose()) == (Settings.model_fields.keys() | Arm.model_fields.keys()) - {"digest"}


def arms(*changes: dict[str, Any]) -> list[Arm]:
    return [make_trial(**change).arm for change in changes]


def test_labels_say_only_what_differs() -> None:
    both = {"direction": "bidirectional"}
    assert list(label_arms(arms({"units": 3}, {"units": 5})).values()) == ["units=3", "units=5"]
    modes = arms({**both, "merge_mode": "sum"}, {**both, "merge_mode": "mul"})
    assert list(label_arms(modes).values()) == ["sum", "mul"]
    directions = arms({}, {**both, "merge_mode": "sum"})
    assert list(label_arms(directions).values()) == ["forward", "bidirectional sum"]
    problems = arms({"problem": {"threshold": 0.25}}, {"problem": {"threshold": 0.5}})
    assert list(label_arms(problems).values()) == [
        "problem.threshold=0.25",
        "problem.threshold=0.5",
    ]
    optimizers = arms({"units": 3}, {"units": 5, "training": {"optimizer": "sgd"}})
    assert list(label_arms(optimizers).values()) == ["units=3 adam", "units=5 sgd"]


def test_a_single_arm_is_its_direction_and_merge() -> None:
    assert list(label_arms(arms({})).values()) == ["forward"]
    assert list(label_arms(arms({"direction": "bidirectional"})).values()) == [
        "bidirectional concat"
    ]


def test_labels_are_different_for_different_arms() -> None:
    everything = [
        make_trial(**c).arm for c in MEANING if c.keys().isdisjoint({"seed", "digest"})
    ] + [make_trial().arm]
    assert len(set(label_arms(everything).values())) == len(everything)


def test_claims_are_values_from_yaml_and_json_alike() -> None:
    claim = "{says: it is so, arm: forward, other: go_backwards, verdict: worse, margin: 1}"
    settings = parse_all(compose(f"report.claims=[{claim}]")).settings
    (made,) = settings.report.claims
    assert (made.says, made.metric, made.margin) == ("it is so", "accuracy", 1.0)
    again = type(settings.report).model_validate_json(settings.report.model_dump_json())
    assert again == settings.report
    assert hash(again) == hash(settings.report)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("report.claims=3", "report.claims=3: a list is needed, of claims with says, arm, other"),
        ("report.claims=[3]", "a list is needed"),
        ("report.claims=[{says: x, arm: a, verdict: better}]", "claims.0.other: missing"),
        (
            "report.claims=[{says: x, arm: a, other: b, verdict: beter}]",
            "report.claims.0.verdict=beter: choose one of better, .*mean better",
        ),
        (
            "report.claims=[{says: x, arm: a, other: b, verdict: better, metrik: loss}]",
            "report.claims.0.metrik: a claim has no such key; .*mean metric",
        ),
        ("report.reached_by=0", "report.reached_by=0: it must be greater than 0"),
        ("+report.targt=1", "report.targt: unknown key; .*mean target"),
    ],
)
def test_a_report_that_cannot_be_is_refused_in_one_line(override: str, said: str) -> None:
    with pytest.raises(RequestError, match=said) as caught:
        parse_all(compose(override))
    assert len(str(caught.value).splitlines()) == 1
