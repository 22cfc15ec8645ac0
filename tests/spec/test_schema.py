from __future__ import annotations

import pickle
import subprocess
import sys
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
    {"direction": "bidirectional_raw", "merge_mode": "sum"},
    {"lookahead": 1},
    {"model": {"name": "mine.build", "width": 2}},
    {"model": {"name": "mine.build", "width": 3}},
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
    {"training": {"warmup": 0.1}},
    {"training": {"weight_decay": 0.01}},
    {"training": {"validation": 0.1}},
    {"training": {"validation": 0.1, "patience": 5}},
    {"training": {"stop_at": 0.9}},
    {"training": {"class_weights": "balanced"}},
    {"training": {"loss": "mae"}},
    {"training": {"batches": "by_length"}},
    {"engine": "fit"},
    {"digest": "0" * 64},
    {"seed": 1},
]


def test_the_id_has_not_changed_since_results_were_stored() -> None:
    """If this id changes, stored results are no longer found: raise SCHEMA and say so."""
    assert make_trial().id == GOLDEN


def test_every_field_of_a_trial_is_part_of_its_id() -> None:
    trials = [make_trial(), *(make_trial(**change) for change in MEANING)]
    assert len({trial.id for trial in trials}) == len(trials)
    changed_fields = {key for change in MEANING for key in change}
    assert changed_fields == {*Arm.model_fields, "seed"}
    assert changed_fields == TRIAL.keys() | {"digest", "model", "lookahead"}


def test_a_trial_read_back_from_json_keeps_its_id() -> None:
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
def test_settings_are_not_part_of_the_id(
    setting: dict[str, Any], request_as_composed: Request
) -> None:
    changed = make_request(request_as_composed, **setting)
    assert getattr(changed.settings, *setting) != getattr(request_as_composed.settings, *setting)
    assert [t.id for t in trials_of(changed.arm, range(2))] == [
        make_trial(seed=s).id for s in (0, 1)
    ]


def test_each_seed_gives_one_trial_of_the_arm() -> None:
    trials = trials_of(make_trial().arm, range(5))
    assert [trial.seed for trial in trials] == [0, 1, 2, 3, 4]
    assert {trial.arm for trial in trials} == {make_trial().arm}


@pytest.mark.parametrize("direction", ["forward", "go_backwards", "go_backwards_raw"])
def test_a_single_direction_has_no_merge_mode(direction: str) -> None:
    trials = [make_trial(direction=direction, merge_mode=mode) for mode in (None, *MERGES)]
    assert len({trial.id for trial in trials}) == 1
    assert trials[0].arm.merge_mode is None


def test_a_bidirectional_arm_needs_a_merge_mode() -> None:
    with pytest.raises(ValueError, match="merge_mode: choose one of concat, sum, mul, ave"):
        Trial.model_validate({**TRIAL, "direction": "bidirectional"})


def test_updates_do_not_count_the_incomplete_batch() -> None:
    assert make_trial(training={"sequences": 45, "epochs": 3}).arm.training.updates == 12


def test_validation_takes_its_share_of_the_sequences() -> None:
    training = make_trial(training={"sequences": 50, "epochs": 3, "validation": 0.1}).arm.training
    assert (training.held_out, training.updates) == (5, 12)


def test_the_defaults_are_those_of_the_lesson(request_as_composed: Request) -> None:
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


def test_every_key_of_the_configuration_belongs_to_the_settings_or_the_arm() -> None:
    assert set(compose()) == (Settings.model_fields.keys() | Arm.model_fields.keys()) - {"digest"}


def arms(*changes: dict[str, Any]) -> list[Arm]:
    return [make_trial(**change).arm for change in changes]


def test_labels_contain_only_what_differs() -> None:
    bidirectional = {"direction": "bidirectional"}
    assert list(label_arms(arms({"units": 3}, {"units": 5})).values()) == ["units=3", "units=5"]
    modes = arms({**bidirectional, "merge_mode": "sum"}, {**bidirectional, "merge_mode": "mul"})
    assert list(label_arms(modes).values()) == ["sum", "mul"]
    directions = arms({}, {**bidirectional, "merge_mode": "sum"})
    assert list(label_arms(directions).values()) == ["forward", "bidirectional sum"]
    problems = arms({"problem": {"threshold": 0.25}}, {"problem": {"threshold": 0.5}})
    assert list(label_arms(problems).values()) == [
        "problem.threshold=0.25",
        "problem.threshold=0.5",
    ]
    optimizers = arms({"units": 3}, {"units": 5, "training": {"optimizer": "sgd"}})
    assert list(label_arms(optimizers).values()) == ["units=3 adam", "units=5 sgd"]


def test_the_label_of_a_single_arm_is_its_direction_and_merge_mode() -> None:
    assert list(label_arms(arms({})).values()) == ["forward"]
    assert list(label_arms(arms({"direction": "bidirectional"})).values()) == [
        "bidirectional concat"
    ]


def test_different_arms_have_different_labels() -> None:
    all_arms = [make_trial(**c).arm for c in MEANING if c.keys().isdisjoint({"seed", "digest"})] + [
        make_trial().arm
    ]
    assert len(set(label_arms(all_arms).values())) == len(all_arms)


def test_claims_can_be_read_from_yaml_and_json() -> None:
    claim = "{says: it is so, arm: forward, other: go_backwards, verdict: worse, margin: 1}"
    settings = parse_all(compose(f"report.claims=[{claim}]")).settings
    (parsed,) = settings.report.claims
    assert (parsed.says, parsed.metric, parsed.margin) == ("it is so", None, 1.0)
    from_json = type(settings.report).model_validate_json(settings.report.model_dump_json())
    assert from_json == settings.report
    assert hash(from_json) == hash(settings.report)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("report.claims=3", "report.claims=3: a list of claims is needed, each with says, arm"),
        ("report.claims=[3]", "a list of claims is needed"),
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
def test_a_wrong_report_setting_is_refused_in_one_line(override: str, message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        parse_all(compose(override))
    assert len(str(caught.value).splitlines()) == 1


def test_equal_arms_have_the_same_hash_in_every_process() -> None:
    arm, same = make_trial().arm, make_trial(seed=7).arm
    assert {arm, same} == {arm}
    script = (
        "import pickle, sys; arm = pickle.loads(bytes.fromhex(sys.argv[1])); "
        "print(hash(arm), arm in {type(arm).model_validate(arm.model_dump())})"
    )
    hash(arm)  # is kept in what is pickled
    command = [sys.executable, "-c", script, pickle.dumps(arm).hex()]
    completed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert completed.stdout.split() == [str(hash(arm)), "True"]


def test_a_changed_copy_is_the_same_as_one_that_was_made_so() -> None:
    trial = make_trial()
    assert trial.id
    assert hash(trial.arm)
    copy, made = trial.arm.model_copy(update={"units": 7}), make_trial(units=7)
    assert (copy, hash(copy)) == (made.arm, hash(made.arm))
    assert Trial(arm=copy, seed=0).id == trial.model_copy(update={"arm": copy}).id == made.id
