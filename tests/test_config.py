from __future__ import annotations

from typing import Any

import pytest
from omegaconf import OmegaConf

from ablation.config import MERGE_MODES, Arm, Request, Settings, Trial, labels, parse, trials_of
from ablation.errors import RequestError
from tests.helpers import TRIAL, compose, make_request, make_trial, parse_all

GOLDEN = "1d8e78765dddd5715bfef85bfba65abdb386e1949be3a1ce5f16728e3718d6d2"

MEANING: list[dict[str, Any]] = [
    {"problem": {"name": "balance"}},
    {"problem": {"test_size": 61}},
    {"problem": {"threshold": 0.5}},
    {"length": 5},
    {"direction": "go_backwards"},
    {"direction": "go_backwards_raw"},
    *({"direction": "bidirectional", "merge_mode": mode} for mode in MERGE_MODES),
    {"cell": "gru"},
    {"units": 4},
    {"layers": 2},
    {"training": {"sequences": 50}},
    {"training": {"epochs": 2}},
    {"training": {"batch_size": 20}},
    {"training": {"optimizer": "sgd"}},
    {"training": {"learning_rate": 0.01}},
    {"engine": "fit"},
    {"seed": 1},
]


def test_the_id_is_that_of_every_stored_result() -> None:
    """A change here makes strangers of all stored results: raise SCHEMA, and say so."""
    assert make_trial().id == GOLDEN


def test_everything_that_a_trial_means_is_in_its_id() -> None:
    trials = [make_trial(), *(make_trial(**change) for change in MEANING)]
    assert len({trial.id for trial in trials}) == len(trials)
    touched = {key for change in MEANING for key in change}
    assert touched == Trial.model_fields.keys()
    assert touched == TRIAL.keys()


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
    trials = [make_trial(direction=direction, merge_mode=mode) for mode in (None, *MERGE_MODES)]
    assert len({trial.id for trial in trials}) == 1
    assert trials[0].merge_mode is None


def test_both_directions_need_a_merge() -> None:
    with pytest.raises(ValueError, match="merge_mode: choose one of concat, sum, mul, ave"):
        Trial.model_validate({**TRIAL, "direction": "bidirectional"})


def test_updates_leave_out_the_incomplete_batch() -> None:
    assert make_trial(training={"sequences": 45, "epochs": 3}).training.updates == 12


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


WRONG: list[tuple[list[str], list[str]]] = [
    (["units=0"], ["units=0", "greater than 0"]),
    (["units=-3"], ["units=-3", "greater than 0"]),
    (["units=abc"], ["units=abc", "whole number"]),
    (["units=010"], ["units=010", "whole number"]),
    (["units=1.5"], ["units=1.5", "whole number"]),
    (["units=true"], ["units=True", "whole number"]),
    (["units=[1]"], ["units=[1]", "whole number"]),
    (["units=null"], ["units=None", "whole number"]),
    (["~units"], ["units", "missing"]),
    (["length=0"], ["length=0", "greater than 0"]),
    (["layers=0"], ["layers=0", "greater than 0"]),
    (["seeds=0"], ["seeds=0", "whole number"]),
    (["workers=0"], ["workers=0", "greater than 0"]),
    (["time_limit=0"], ["time_limit=0", "greater than 0"]),
    (["plan=maybe"], ["plan=maybe", "true or false"]),
    (["training=smoke", "training.batch_size=201"], ["batch_size=201", "sequences=200"]),
    (["training.optimizer=admm"], ["training.optimizer=admm", "sgd", "did you mean adam?"]),
    (["training.learning_rate=0"], ["training.learning_rate=0", "greater than 0"]),
    (["training.learning_rate=nan"], ["training.learning_rate=nan"]),
    (["training.learning_rate=inf"], ["training.learning_rate=inf", "finite"]),
    (["problem.test_size=0"], ["problem.test_size=0", "greater than 0"]),
    (["+unit=5"], ["unit ", "did you mean units?"]),
    (["+training.batchsize=5"], ["training.batchsize", "did you mean batch_size?"]),
    (["merge_mode=[sum,mul]"], ["merge_mode=[sum,mul]", "-m merge_mode=sum,mul"]),
    (["direction=[forward]"], ["direction=[forward]", "one choice"]),
    (["+_target_=os.system"], ["_target_", "code"]),
    (["+training._target_=os.system"], ["training._target_", "code"]),
    (["+problem._target_=os.system"], ["problem._target_", "code"]),
    (["name=../x"], ["name", "folder"]),
    (["name=/tmp/x"], ["name", "folder"]),
    (["name=.hidden"], ["name", "folder"]),
    (["name='<script>'"], ["name", "folder"]),
    (["name=''"], ["name", "folder"]),
    (["name=" + "a" * 300], ["name", "80"]),
    (["name='" + "\N{DESERET CAPITAL LETTER LONG I}" * 80 + "'"], ["name"]),  # 320 bytes
    (["name=trials"], ["name: trials", "another"]),
    (["name=attempts"], ["name: attempts", "another"]),
    (["name=trials.lock"], ["name: trials.lock", "another"]),
]


@pytest.mark.parametrize(("overrides", "said"), WRONG, ids=[" ".join(w[0])[:24] for w in WRONG])
def test_a_wrong_value_is_one_line_with_its_key(overrides: list[str], said: list[str]) -> None:
    config = compose(*overrides)
    with pytest.raises(RequestError) as caught:
        parse_all(config, *overrides)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    for part in said:
        assert part in message


def test_what_is_possible_is_told_of_every_choice() -> None:
    for key in ("direction", "merge_mode", "cell", "engine"):
        wrong = compose()
        OmegaConf.update(wrong, key, "nothing")
        with pytest.raises(RequestError, match=f"^{key}=nothing: choose one of [a-z_]+, "):
            parse(wrong)


@pytest.mark.parametrize("name", ["a", "été_2", "lr=0.1,0.2", "no", "010", "x" * 80])
def test_a_good_name_is_taken(name: str) -> None:
    assert parse(compose(f"name='{name}'")).settings.name == name


def test_the_settings_are_what_a_request_has_beside_its_arm() -> None:
    assert set(compose()) == (Settings.model_fields.keys() | Arm.model_fields.keys())


def arms(*changes: dict[str, Any]) -> list[Arm]:
    return [make_trial(**change).arm for change in changes]


def test_labels_say_only_what_differs() -> None:
    both = {"direction": "bidirectional"}
    assert list(labels(arms({"units": 3}, {"units": 5})).values()) == ["units=3", "units=5"]
    modes = arms({**both, "merge_mode": "sum"}, {**both, "merge_mode": "mul"})
    assert list(labels(modes).values()) == ["sum", "mul"]
    directions = arms({}, {**both, "merge_mode": "sum"})
    assert list(labels(directions).values()) == ["forward", "bidirectional sum"]
    problems = arms({"problem": {"threshold": 0.25}}, {"problem": {"threshold": 0.5}})
    assert list(labels(problems).values()) == ["problem.threshold=0.25", "problem.threshold=0.5"]
    optimizers = arms({"units": 3}, {"units": 5, "training": {"optimizer": "sgd"}})
    assert list(labels(optimizers).values()) == ["units=3 adam", "units=5 sgd"]


def test_a_single_arm_is_its_direction_and_merge() -> None:
    assert list(labels(arms({})).values()) == ["forward"]
    assert list(labels(arms({"direction": "bidirectional"})).values()) == ["bidirectional concat"]


def test_labels_are_different_for_different_arms() -> None:
    everything = [make_trial(**c).arm for c in MEANING if "seed" not in c] + [make_trial().arm]
    assert len(set(labels(everything).values())) == len(everything)
