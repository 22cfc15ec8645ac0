"""Own data that each seed divides for itself: who is tested by which seed, and what stays alike."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ablation import problems
from ablation.errors import RequestError
from ablation.planning import Plan, make_plan
from ablation.spec import Problem
from tests.helpers import compose, parse_all

pytestmark = pytest.mark.filterwarnings("error")
WHOLE = 10**6
STEPS = 2


def table(path: Path, sequences: int = 43, groups: int = 15) -> Path:
    """A number and a word a step; a class a sequence, of which c is rare; groups of sequences."""
    rng = np.random.default_rng(0)
    rows = ["id,v,w,y,g"]
    for i in range(sequences):
        word, label = f"w{i % 30}", "c" if i in (3, 20, 33, 41, 42) else "ab"[i % 2]
        rows += [f"s{i},{rng.normal():.3f},{word},{label},g{i % groups}" for _ in range(STEPS)]
    path.write_text("\n".join(rows) + "\n")
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return table(tmp_path / "a.csv")


def problem(path: Path, **keys: Any) -> Problem:
    given: dict[str, Any] = {"label": "y", "label_per": "sequence", "unseen": "count"}
    if path.suffix == ".csv":
        given |= {"sequence": "id", "features": ["v", "w"]}
    given |= keys
    return problems.settled(Problem.model_validate({"name": "file", "path": str(path), **given}))


def names_of(found: Problem, seed: int) -> list[str]:
    return sorted(problems.ids(found, STEPS, seed) or [])


@pytest.mark.parametrize("keys", [{}, {"stratify": True}, {"group": "g"}])
def test_the_folds_of_a_repetition_test_each_sequence_once(
    path: Path, keys: dict[str, Any]
) -> None:
    found = problem(path, folds=5, **keys)
    everybody = sorted(f"s{i}" for i in range(43))
    parts = [names_of(found, seed) for seed in range(10)]
    first, second = parts[:5], parts[5:]
    for repetition in (first, second):
        assert sorted(chain.from_iterable(repetition)) == everybody
    assert first != second  # divided anew
    sizes = [len(names) for names in first]
    assert max(sizes) - min(sizes) <= (1 if "group" not in keys else 3)


def test_a_new_division_for_each_seed_and_the_same_for_whoever_asks(path: Path) -> None:
    found = problem(path, resplit=True, test_share=0.3)
    parts = [names_of(found, seed) for seed in range(4)]
    assert all(len(names) == 13 for names in parts)
    assert len({tuple(names) for names in parts}) == 4
    data = problems.load(found, STEPS, WHOLE, 2)
    again = problems.load(problem(path, resplit=True, test_share=0.3), STEPS, WHOLE, 2)
    np.testing.assert_array_equal(data.test.x, again.test.x)
    np.testing.assert_array_equal(data.train.x, again.train.x)
    assert (len(data.train), len(data.test)) == (30, 13)
    assert data.test_to_train == 13 / 30
    assert problems.load(problem(path), STEPS, WHOLE, 2).test_to_train is None
    # Of 13 test sequences 5 are used; they still stand for 30 of training.
    few = found.model_copy(update={"test_size": 5})
    assert problems.load(few, STEPS, WHOLE, 2).test_to_train == 5 / 30


def test_a_group_is_in_one_part_and_counts_as_one(path: Path) -> None:
    found = problem(path, resplit=True, group="g")
    for seed in range(5):
        data = problems.load(found, STEPS, WHOLE, seed, 0.25)
        parts = [data.train, data.test, *([data.validation] if data.validation else [])]
        groups = [set(part.group.tolist()) for part in parts if part.group is not None]
        assert len(groups) == 3
        assert sum(map(len, groups)) == len(set.union(*groups)) == 15
        assert data.test_to_train == 3 / 12
        assert sum(map(len, parts)) == 43  # none is left out, however large its groups are


@pytest.mark.parametrize("keys", [{"folds": 5}, {"resplit": True}, {}])
def test_stratified_parts_have_their_share_of_each_class(path: Path, keys: dict[str, Any]) -> None:
    found = problem(path, stratify=True, **keys)
    share = 0.2
    for seed in range(8):
        data = problems.load(found, STEPS, WHOLE, seed)
        counts = np.bincount(data.test.y, minlength=3)
        whole = counts + np.bincount(data.train.y, minlength=3)
        assert (np.abs(counts - share * whole) < 1.01).all()
    # Without it, the rare class is at times in no training part or test part at all.
    plain = [problems.load(problem(path, resplit=True), STEPS, WHOLE, s).test.y for s in range(8)]
    assert {int((y == 2).sum()) for y in plain} > {0, 1}


def test_a_model_has_one_shape_and_a_seed_knows_only_its_training_part(path: Path) -> None:
    for symbols in ([], ["w"]):
        found = problem(path, resplit=True, symbols=symbols)
        shapes, unknown = set(), 0
        for seed in range(6):
            data = problems.load(found, STEPS, WHOLE, seed)
            numbers = data.train.x[..., 0]
            np.testing.assert_allclose([numbers.mean(), numbers.std()], [0, 1], atol=1e-5)
            shapes.add((data.train.x.shape[2], data.train.levels, data.train.classes))
            words = data.train.x[:, 0, 1:], data.test.x[:, 0, 1:]
            if symbols:
                assert (words[0] > 1).all()
                unknown += int((words[1] == 1).sum())
                assert set(words[1][words[1] > 1]) <= set(words[0].ravel())
            else:
                assert (words[0].sum(axis=1) == 1).all()
                unknown += int((words[1].sum(axis=1) == 0).sum())
                assert not words[1][:, ~words[0].any(axis=0)].any()
        assert len(shapes) == 1
        assert unknown > 0


def test_labels_that_a_training_part_lacks(path: Path) -> None:
    found = problem(path, folds=20, unseen="error")  # c is in few folds, never in one alone
    problems.check_seeds(found, STEPS, range(20))
    lone = path.read_text().replace(",c,g3", ",d,g3", 2)  # only s3 is a d
    path.write_text(lone)
    error = problem(path, folds=20, unseen="error")
    alone = r"^seed \d+: .*label 'd' is in the test part alone"
    with pytest.raises(RequestError, match=alone) as caught:
        problems.check_seeds(error, STEPS, range(20))
    seed = int(str(caught.value).split()[1][:-1])
    problems.check_seeds(error, STEPS, range(seed))
    counted, ignored = (problem(path, folds=20, unseen=how) for how in ("count", "ignore"))
    for found in (counted, ignored):
        (remark,) = problems.remarks(found, range(20))
        assert remark.startswith(f"seed {seed}: ")
        classes = {problems.load(found, STEPS, WHOLE, s).train.classes for s in (0, seed)}
        assert classes == {4}
        assert problems.class_names(found) == ["a", "b", "c", "d"]
    sizes = [len(problems.load(found, STEPS, WHOLE, seed).test) for found in (counted, ignored)]
    assert sizes[0] == sizes[1] + 1


def test_arrays_are_divided_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays: dict[str, Any] = {"x": rng.normal(size=(20, STEPS, 1)), "y": np.arange(20) % 2}
    np.savez(tmp_path / "a.npz", **arrays)
    keys: dict[str, Any] = {"label": None, "label_per": None, "folds": 4}
    found = problem(tmp_path / "a.npz", **keys)
    names = chain.from_iterable(names_of(found, seed) for seed in range(4))
    assert sorted(names, key=int) == [str(i) for i in range(20)]
    part = np.where(np.arange(20) < 4, "test", "train")
    np.savez(tmp_path / "b.npz", **arrays, part=part)
    with pytest.raises(RequestError, match=r"^problem\.folds=4: .*b\.npz says which sequences are"):
        problem(tmp_path / "b.npz", **keys)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"folds": 1}, "problem.folds=1: a whole number from 2 on is needed, or null"),
        ({"folds": 2.5}, "problem.folds=2.5: a whole number from 2 on"),
        ({"folds": 44}, "problem.folds=44: {path} has 43 sequences, and so many folds at most"),
        ({"folds": 16, "group": "g"}, "problem.folds=16: {path} has 15 groups, and so many"),
        ({"folds": 3, "resplit": True}, "problem.folds=3: problem.resplit is set too"),
        ({"folds": 3, "test_share": 0.3}, "problem.test_share=0.3: problem.folds=3 says how"),
        ({"folds": 3, "part": "g"}, "problem.folds=3: problem.part=g says which sequences are"),
        ({"resplit": True, "part": "g"}, "problem.resplit=true: problem.part=g says which"),
        ({"stratify": True, "part": "g"}, "problem.stratify=true: problem.part=g says which"),
        ({"resplit": 1}, "problem.resplit=1: true or false is needed"),
        (
            {
                "stratify": True,
                "label": None,
                "label_per": "step",
                "target": "v",
                "features": ["w"],
            },
            "problem.stratify=true: {path} has no classes to divide by",
        ),
    ],
)
def test_what_cannot_be_divided_is_one_line(path: Path, keys: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError) as caught:
        problem(path, **keys)
    assert str(caught.value).startswith(said.format(path=path))
    assert len(str(caught.value).splitlines()) == 1


def test_the_plan_says_what_it_divides(path: Path) -> None:
    keys = [f"problem.path={path}", "problem.sequence=id", "problem.label=y"]
    keys += ["problem=file", "problem.label_per=sequence", "training=smoke", "problem.unseen=count"]

    def plan(*more: str) -> Plan:
        return make_plan([parse_all(compose(*keys, *more))], "", None, (None, None))

    said = "8 seeds of 5 folds test some sequences once more than others; seeds=10 tests all alike"
    assert said in plan("problem.folds=5", "seeds=8").notes
    for fitting in (("problem.folds=5", "seeds=10"), ("problem.folds=5", "seeds=auto")):
        assert not any("folds" in note for note in plan(*fitting).notes)
    assert any("seeds=auto may" in note for note in plan("problem.folds=4", "seeds=auto").notes)
    with pytest.raises(RequestError, match=r"^report\.population=seeds: with problem\.resplit or"):
        plan("problem.folds=5", "report.population=seeds")
