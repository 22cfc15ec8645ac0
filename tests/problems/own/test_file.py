from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ablation import problems
from ablation.data import PADDING, Sequences
from ablation.errors import RequestError
from ablation.planning import Plan, pinned
from ablation.problems.own import file
from ablation.spec import Problem, Trial, trials_of
from tests.helpers import compose, make_request, make_sweep, parse_all

ROLES = {"sequence": "id", "time": "t", "label": "y"}


def table(path: Path, rows: list[str], header: str = "id,t,a,y") -> str:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return str(path)


def ragged(path: Path, sequences: int = 20) -> str:
    """Sequence i has i % 4 + 1 steps; its feature says which sequence and step it is."""
    rows = [
        f"s{i},{t},{10 * i + t},{(i + t) % 2}" for i in range(sequences) for t in range(i % 4 + 1)
    ]
    return table(path, rows)


def both(length: int, **parameters: Any) -> tuple[Sequences, Sequences]:
    rng = np.random.default_rng(0)
    train, test = (
        file.generate(rng, 10**6, length, split=split, **parameters) for split in ("train", "test")
    )
    return train, test


def test_every_step_keeps_its_sequence_its_place_and_its_label(tmp_path: Path) -> None:
    path = ragged(tmp_path / "a.csv")
    train, test = both(4, path=path, standardize=False, **ROLES)
    assert (len(train), len(test)) == (16, 4)
    seen = []
    for split in (train, test):
        assert split.x.dtype == np.float32
        assert split.y.dtype == np.int32
        assert split.scored is None
        assert split.present is not None
        for x, y, present in zip(split.x[..., 0], split.y, split.present, strict=True):
            i = int(x[0]) // 10
            seen.append(i)
            assert x.tolist() == [10 * i + t if t <= i % 4 else 0 for t in range(4)]
            assert present.tolist() == [t <= i % 4 for t in range(4)]
            assert y[present].tolist() == [(i + t) % 2 for t in range(i % 4 + 1)]
    assert sorted(seen) == list(range(20))


def test_the_order_of_the_rows_does_not_matter_where_there_is_a_time(tmp_path: Path) -> None:
    path = Path(ragged(tmp_path / "a.csv"))
    _, *rows = path.read_text().splitlines()
    straight = both(4, path=str(path), **ROLES)
    turned = sorted(rows, key=lambda row: (row.split(",")[0][::-1], -int(row.split(",")[1])))
    # Sequences are numbered as they come, so each one's first row stays where it was.
    first = [next(r for r in rows if r.startswith(f"s{i},")) for i in range(20)]
    mixed = table(tmp_path / "b.csv", first + [row for row in turned if row not in first])
    for one, other in zip(straight, both(4, path=mixed, **ROLES), strict=True):
        np.testing.assert_array_equal(one.x, other.x)
        np.testing.assert_array_equal(one.y, other.y)


def test_a_longer_sequence_is_cut_to_its_first_steps(tmp_path: Path) -> None:
    path = ragged(tmp_path / "a.csv")
    whole, cut = (both(n, path=path, **ROLES)[0] for n in (4, 2))
    np.testing.assert_array_equal(whole.x[:, :2], cut.x)
    np.testing.assert_array_equal(whole.y[:, :2], cut.y)
    assert both(1, path=path, **ROLES)[0].present is None  # nothing is missing there
    assert file.longest(path, **ROLES) == 4
    assert file.available(2, path, **ROLES) == 16
    with pytest.raises(RequestError, match=r"^length=5: the longest .*a\.csv has 4 steps$"):
        both(5, path=path, **ROLES)


def test_numbers_are_scaled_by_what_the_training_part_holds(tmp_path: Path) -> None:
    rows = [
        f"{i},{t},{i + t},7,{t % 2},{'test' if i >= 8 else 'train'}"
        for i in range(10)
        for t in (0, 1)
    ]
    path = table(tmp_path / "a.csv", rows, "id,t,a,b,y,part")
    train, test = both(2, path=path, part="part", **ROLES)
    a = np.array([i + t for i in range(8) for t in (0, 1)])
    np.testing.assert_allclose(train.x[..., 0].mean(), 0, atol=1e-6)
    np.testing.assert_allclose(train.x[..., 0].std(), 1, atol=1e-6)
    found = np.sort(test.x[..., 0].ravel())
    np.testing.assert_allclose(found, (np.array([8, 9, 9, 10]) - a.mean()) / a.std(), rtol=1e-5)
    assert not train.x[..., 1].any()
    assert not test.x[..., 1].any()


def test_words_become_a_feature_for_each_level_of_the_training_part(tmp_path: Path) -> None:
    rows = [
        f"{i},0,{'zyx'[i // 4]},{i % 2},{i % 2},{'test' if i >= 8 else 'train'}" for i in range(12)
    ]
    path = table(tmp_path / "a.csv", rows, "id,t,a,b,y,part")
    roles = {**ROLES, "part": "part"}
    train, test = both(1, path=path, features=["a"], **roles)
    assert train.x.shape == (8, 1, 2)  # z and y; x is in the test part alone
    assert (train.x.sum(axis=2) == 1).all()
    assert not test.x.any()
    assert train.symbols == 0
    coded, _ = both(1, path=path, features=["a", "b"], categorical=["b"], **roles)
    assert coded.x.shape == (8, 1, 4)
    np.testing.assert_array_equal(coded.x[:, 0, 3], coded.y[:, 0])


def test_a_label_a_sequence(tmp_path: Path) -> None:
    rows = [
        f"s{i},{t},{i},{['even', 'odd'][i % 2] if t else ''}" for i in range(10) for t in (0, 1)
    ]
    path = table(tmp_path / "a.csv", rows)
    train, _ = both(2, path=path, label_per="sequence", standardize=False, **ROLES)
    assert not train.per_step
    np.testing.assert_array_equal(train.y, train.x[:, 0, 0] % 2)
    assert len(both(1, path=path, label_per="sequence", **ROLES)[0]) == 8


def test_a_step_without_a_label_is_not_scored(tmp_path: Path) -> None:
    rows = [
        f"s{i},{t},{i},{(i // 2 + t) % 2 if t > i % 2 else ''}" for i in range(10) for t in range(3)
    ]
    path = table(tmp_path / "a.csv", rows)
    train, _ = both(3, path=path, standardize=False, **ROLES)
    assert train.scored is not None
    first = 1 + train.x[:, 0, 0] % 2
    np.testing.assert_array_equal(train.scored, np.arange(3) >= first[:, None])
    # The odd ones have nothing to learn from in two steps.
    assert file.available(2, path, **ROLES) < file.available(3, path, **ROLES) == 8
    with pytest.raises(RequestError, match=r"^length=1: no sequence of the train part .* so early"):
        file.available(1, path, **ROLES)


def test_labels_that_differ_only_later_are_one_line(tmp_path: Path) -> None:
    rows = [f"s{i},{t},{i},{'ab'[t > 1]}" for i in range(10) for t in range(3)]
    path = table(tmp_path / "a.csv", rows)
    said = r"^length=2: all labels of the train part of .*a\.csv are 'a' so early; two are needed$"
    for ask in (lambda: both(2, path=path, **ROLES), lambda: file.available(2, path, **ROLES)):
        with pytest.raises(RequestError, match=said):
            ask()
    assert file.available(3, path, **ROLES) == 8


def test_the_split_is_the_same_for_every_seed_and_a_group_is_never_parted(tmp_path: Path) -> None:
    rows = [f"{i},0,{i},{i % 2},g{i // 4}" for i in range(40)]
    path = table(tmp_path / "a.csv", rows, "id,t,a,y,g")
    known: dict[str, Any] = {"path": path, "group": "g", "standardize": False, **ROLES}
    rngs = [np.random.default_rng(seed) for seed in (1, 2)]
    tests = [set(file.generate(r, 99, 1, split="test", **known).x.ravel()) for r in rngs]
    assert tests[0] == tests[1]
    train, test = both(1, **known)
    assert len(test) == 8
    assert not {x // 4 for x in train.x.ravel()} & {x // 4 for x in test.x.ravel()}
    few = [file.generate(r, 5, 1, **known).x.ravel().tolist() for r in rngs]
    assert few[0] != few[1]
    assert len(both(1, **known, test_share=0.5)[1]) == 20


def test_a_group_is_never_parted_by_validation_either(tmp_path: Path) -> None:
    rows = [f"{i},0,{i},{i % 2},g{i // (4 + i % 2)}" for i in range(40)]
    path = table(tmp_path / "a.csv", rows, "id,t,a,y,g")
    known = {"path": path, "group": "g", "standardize": False, **ROLES}
    problem = Problem.model_validate({"name": "file", **known})
    held = set()
    for seed in range(5):
        data = problems.load(problem, 1, 30, seed, validation=0.25)
        assert data.validation is not None
        ours, theirs = data.train.group, data.validation.group
        assert ours is not None
        assert theirs is not None
        assert not np.intersect1d(ours, theirs).size
        assert len(ours) + len(theirs) == 30
        held.add(frozenset(theirs.tolist()))
    assert len(held) > 1  # it depends on the seed


def test_a_file_may_say_which_sequences_are_for_validation(tmp_path: Path) -> None:
    parts = ["train"] * 12 + ["validation"] * 5 + ["test"] * 3
    rows = [f"{i},{t},{i},{(i + t) % 2},{part}" for i, part in enumerate(parts) for t in (0, 1)]
    path = table(tmp_path / "a.csv", rows, "id,t,a,y,part")
    arm = file_request(path, "problem.part=part").arm
    training = arm.training
    assert (training.validation, training.sequences, training.held_out) == ("validation", 12, 0)
    asked = ("problem.part=part", "training.validation=validation", "training.patience=2")
    assert file_request(path, *asked).arm.training.patience == 2
    plain = Problem.model_validate({**arm.problem.model_dump(), "standardize": False})
    data = problems.load(plain, 2, 12, 0, training.validation)
    assert data.validation is not None
    found = [{*part.x[:, 0, 0]} for part in (data.train, data.validation, data.test)]
    assert found == [{*range(12)}, {*range(12, 17)}, {*range(17, 20)}]
    scaled = problems.load(arm.problem, 2, 12, 0, training.validation)
    np.testing.assert_allclose(scaled.train.x.mean(), 0, atol=1e-6)  # by the training part alone
    said = dict(problems.understood(arm.problem))
    assert said["sequences"] == "20: 12 training, 5 validation, 3 test"
    with pytest.raises(RequestError, match=r"^training\.validation=0\.1: problem\.part says which"):
        file_request(path, "problem.part=part", "training.validation=0.1")


def test_a_label_of_the_validation_part_has_to_be_learnt_too(tmp_path: Path) -> None:
    parts = ["train"] * 12 + ["validation"] * 2 + ["test"] * 2
    rows = [f"{i},0,{i},{'c' if i == 13 else i % 2},{part}" for i, part in enumerate(parts)]
    path = table(tmp_path / "a.csv", rows, "id,t,a,y,part")
    with pytest.raises(RequestError, match=r"label 'c' is in the validation part alone \(sequence"):
        file_request(path, "problem.part=part")
    arm = file_request(path, "problem.part=part", "problem.unseen=ignore").arm
    data = problems.load(arm.problem, 1, 12, 0, arm.training.validation)
    assert data.validation is not None
    assert data.validation.weights.sum() == 1
    grouped = table(
        tmp_path / "b.csv", [f"{r},{i // 13}" for i, r in enumerate(rows)], "id,t,a,y,part,g"
    )
    with pytest.raises(
        RequestError, match=r"both parts \(sequence '0' in train, .* in validation\)"
    ):
        file_request(grouped, "problem.part=part", "problem.group=g")


def test_one_group_alone_is_refused_before_anything_starts(tmp_path: Path) -> None:
    rows = [f"{i},0,{i},{i % 2},g{i // 10}" for i in range(20)]
    path = table(tmp_path / "a.csv", rows, "id,t,a,y,g")
    with pytest.raises(RequestError, match=r"^training\.validation=0\.1: the training sequences"):
        file_request(path, "problem.group=g", "training.validation=0.1", "training.batch_size=5")
    assert file_request(path, "problem.group=g").arm.training.held_out == 0


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = ragged(tmp_path / "a.csv")
    assert file.longest(path, **ROLES) == 4
    table(Path(path), [f"{i},{t},{i},{t % 2}" for i in range(9) for t in range(6)])
    assert file.longest(path, **ROLES) == 6


def test_padding_is_told_to_the_model_whatever_the_numbers_are(tmp_path: Path) -> None:
    path = ragged(tmp_path / "a.csv")
    problem = Problem.model_validate({"name": "file", "path": path, **ROLES})
    data = problems.load(problem, 4, 10, 0)
    assert data.train.present is not None
    np.testing.assert_array_equal(data.train.x[..., 0] == PADDING, ~data.train.present)


def file_request(path: str, *overrides: str) -> Any:
    columns = [f"problem.{key}={name}" for key, name in ROLES.items()]
    return parse_all(
        compose("problem=file", f"problem.path={path}", *columns, *overrides, "direction=forward")
    )


def test_the_request_takes_length_and_size_from_the_file(tmp_path: Path) -> None:
    path = ragged(tmp_path / "a.csv")
    arm = file_request(path).arm
    assert (arm.length, arm.training.sequences, arm.training.updates) == (4, 16, 1)
    assert arm.digest == pinned(arm).digest
    assert file_request(path, "length=2").arm.length == 2


def test_a_trial_is_what_the_file_holds_and_not_where_it_lies(tmp_path: Path) -> None:
    path = ragged(tmp_path / "a.csv")
    (tmp_path / "elsewhere").mkdir()
    moved = ragged(tmp_path / "elsewhere" / "b.csv")
    other = ragged(tmp_path / "c.csv", 24)
    ids = [trials_of(file_request(p).arm, [0])[0].id for p in (path, moved, other)]
    assert ids[0] == ids[1] != ids[2]


def test_a_list_of_columns_goes_through_plan_and_labels(
    tmp_path: Path, store: Any, request_as_composed: Any
) -> None:
    path = table(tmp_path / "a.csv", [f"{i},0,{i},1,{i % 2}" for i in range(20)], "id,t,a,b,y")
    arms = [file_request(path, f"problem.features={f}").arm for f in ("[a]", "[a,b]")]
    trials = [trials_of(arm, [0])[0] for arm in arms]
    plan = make_sweep(store, request_as_composed, *trials)
    again = Plan.model_validate_json(plan.model_dump_json())
    assert again == plan
    assert [Trial.model_validate(t.model_dump()).id for t in again.trials] == [
        t.id for t in plan.trials
    ]
    assert list(again.labels.values()) == ["problem.features=a", "problem.features=a,b"]
    assert make_request(request_as_composed, trials[0]).arm == arms[0]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"path": None}, r"^problem\.path=null: the name of a file is needed, one of \.npz, \.csv"),
        ({"path": 5}, r"^problem\.path=5: the name of a file is needed"),
        ({"path": "no.csv"}, r"^problem\.path=no\.csv: no such file \(looked for in /"),
        ({"path": "a.txt"}, r"^problem\.path=a\.txt: it must end with one of \.npz, \.csv, \.tsv"),
        ({"path": "folder.csv"}, r"^problem\.path=folder\.csv: no such file"),
        ({"path": "pipe.csv"}, r"^problem\.path=pipe\.csv: no such file"),
        ({"test_share": 1}, r"^problem\.test_share=1: it must lie between 0 and 1$"),
        ({"test_share": "half"}, r"^problem\.test_share=half: a finite number is needed$"),
        ({"test_share": True}, r"^problem\.test_share=True: a finite number is needed$"),
        ({"standardize": 1}, r"^problem\.standardize=1: true or false is needed$"),
        ({"label_per": "steps"}, r"^problem\.label_per=steps: .* did you mean step\?$"),
        ({"label": True}, r"^problem\.label=True: a column's name is needed$"),
        ({"label": [["y"]]}, r"^problem\.label \(of each\)=\['y'\]: a column's name is needed$"),
        (
            {"features": [["a"]]},
            r"^problem\.features \(of each\)=\['a'\]: a column's name is neede",
        ),
        ({"feature": "a"}, r"^problem\.feature: file has no such key; .* did you mean features\?$"),
        ({"split": "train"}, r"^problem\.split: file has no such key; "),
    ],
)
def test_a_wrong_key_is_one_line(
    changes: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ragged(tmp_path / "a.csv")
    (tmp_path / "a.txt").touch()
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo("pipe.csv")
    problem = Problem.model_validate({"name": "file", "path": "a.csv", **ROLES, **changes})
    with pytest.raises(RequestError, match=said):
        problems.longest(problem)


@pytest.mark.parametrize(
    ("rows", "roles", "said"),
    [
        (["1,0,5,a", "1,1,6,b"], {}, "one sequence alone cannot be split into training and test"),
        (
            ["1,0,5,a", "1,1,6,b", "2,0,5,a", "2,1,6,b"],
            {"group": "a", "time": None, "features": ["t"]},
            r"line 3, column a: '6', but the same sequence has '5' in line 2",
        ),
        (
            ["1,train,5,a", "2,train,6,b"],
            {"time": None, "part": "t"},
            "no sequence is in the test part",
        ),
        (
            ["1,train,5,a", "1,train,5,b", "2,test,6,c"],
            {"time": None, "part": "t"},
            r"label 'c' is in the test part alone \(sequence '2'\)",
        ),
        (
            ["1,train,5,a", "2,test,6,b", "2,test,6,a"],
            {"time": None, "part": "t"},
            r"label 'b' is in the test part alone",
        ),
        (
            ["1,train,5,a", "2,test,6,a", "3,train,6,a", "4,test,5,b"],
            {"time": None, "part": "t", "group": "a", "features": ["t"]},
            r"problem\.features: t is problem\.part",
        ),
        (
            ["1,train,5,a", "2,test,5,a", "3,train,6,b"],
            {"time": None, "part": "t", "group": "a", "features": ["a"]},
            r"a group is in both parts \(sequence '1' in train, sequence '2' in test\)",
        ),
        (
            ["1,train,5,a", "2,test,5,a", "3,test,5,b", "1,train,5,a"],
            {"time": None, "part": "t"},
            "label 'b' is in the test part alone",
        ),
        (
            ["1,train,5,a", "2,test,5,", "3,train,5,b"],
            {"time": None, "part": "t"},
            "the test part has no label",
        ),
        (
            ["1,train,1,a", "2,test,1e29,a", "3,train,1.0000000000000002,b"],
            {"time": None, "part": "t"},
            "a feature of the test part is more than 1e.30 deviations off",
        ),
    ],
)
def test_what_cannot_be_split_is_one_line(
    rows: list[str], roles: dict[str, Any], said: str, tmp_path: Path
) -> None:
    path = table(tmp_path / "a.csv", rows)
    with pytest.raises(RequestError, match=said) as caught:
        file.longest(path, **{**ROLES, **roles})
    assert len(str(caught.value).splitlines()) == 1
