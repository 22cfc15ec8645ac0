"""Numbers and several labels of a file: which they are, their parts and scales."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ablation import problems
from ablation.data import Array, Dataset
from ablation.errors import RequestError
from ablation.problems.own import file
from ablation.spec import Problem

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 10, 1))
SUMS = np.cumsum(X, axis=1)
BITS = np.concatenate([X > 0, SUMS > 0], axis=-1).astype(int)


def load(path: Path, **keys: Any) -> Dataset:
    problem = Problem.model_validate({"name": "file", "path": str(path), **keys})
    return problems.load(problem, problems.longest(problem), 100, 0)


def said(path: Path, **keys: Any) -> dict[str, str]:
    return dict(
        problems.understood(Problem.model_validate({"name": "file", "path": str(path), **keys}))
    )


def saved(path: Path, y: Any, **arrays: Any) -> Path:
    np.savez(path, x=X, y=y, **arrays)
    return path


@pytest.mark.parametrize(
    ("y", "shape"),
    [
        (SUMS, (10, 1)),
        (SUMS[..., 0], (10, 1)),
        (np.concatenate([SUMS, X], axis=-1), (10, 2)),
        (SUMS[:, -1], (1,)),
        (SUMS[:, -1, 0], (1,)),
        (SUMS[:, :3, 0], (3,)),
        (SUMS.astype(np.float32), (10, 1)),
    ],
)
def test_floats_that_are_not_all_whole_are_numbers(
    y: Array, shape: tuple[int, ...], tmp_path: Path
) -> None:
    data = load(saved(tmp_path / "a.npz", y))
    assert (data.train.task, data.train.y.shape[1:]) == ("numbers", shape)
    assert data.train.per_step == (len(shape) == 2)
    assert data.train.weights.all()
    assert data.train.mean is not None
    scaled = data.train.targets.reshape(-1, shape[-1])
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(axis=0), 1, atol=1e-5)
    np.testing.assert_allclose(data.test.in_own_units(data.test.targets), data.test.y, atol=1e-5)
    assert "numbers" in said(tmp_path / "a.npz")


def test_whole_numbers_are_classes_unless_the_key_says_otherwise(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.npz", np.round(10 * SUMS[..., 0]))
    assert load(path, unseen="count").train.task == "classes"
    problem = {"name": "file", "path": str(path), "unseen": "count"}
    remark, *_ = problems.remarks(Problem.model_validate(problem))
    assert "whole numbers are taken as classes; problem.target predicts them" in remark
    with pytest.raises(RequestError, match=r"in the test part alone .*; problem\.target predicts"):
        load(path)
    data = load(path, target="y")
    assert (data.train.task, data.train.y.dtype.name) == ("numbers", "float64")


def test_zeros_and_ones_that_are_not_one_hot_are_several_labels(tmp_path: Path) -> None:
    data = load(saved(tmp_path / "a.npz", BITS))
    assert (data.train.task, data.train.y.shape[1:]) == ("labels", (10, 2))
    assert set(np.unique(data.train.y)) == {0, 1}
    assert "ones" in said(tmp_path / "a.npz")
    assert load(saved(tmp_path / "b.npz", BITS[:, -1])).train.y.shape[1:] == (2,)
    one_hot = np.stack([1 - BITS[..., 0], BITS[..., 0]], axis=-1)
    assert load(saved(tmp_path / "c.npz", one_hot)).train.task == "classes"


def test_a_step_that_lacks_a_number_or_a_label_is_not_scored(tmp_path: Path) -> None:
    for y in (np.concatenate([SUMS, X], axis=-1), BITS.astype(float)):
        y = y.copy()
        y[:, 3, 1] = np.nan
        data = load(saved(tmp_path / "a.npz", y))
        assert data.train.weights[:, 3].sum() == 0
        assert data.train.weights.sum() == 9 * len(data.train)
        assert np.isfinite(data.train.targets).all()


def test_only_the_training_part_decides_the_scale(tmp_path: Path) -> None:
    part = np.where(np.arange(60) < 45, "train", "test")
    y = np.where(np.arange(60)[:, None, None] < 45, SUMS, 1e6 + SUMS)
    data = load(saved(tmp_path / "a.npz", y, part=part))
    assert data.train.mean == pytest.approx(SUMS[:45].mean())
    assert data.train.scale == pytest.approx(SUMS[:45].std())
    assert data.test.mean is not None
    assert data.test.mean == data.train.mean
    assert data.test.y.min() > 1e6 - 100


def table(path: Path, **columns: Any) -> Path:
    """A row a step of the same sequences."""
    frame = pd.DataFrame(
        {"id": np.repeat(np.arange(60), 10), "t": np.tile(np.arange(10), 60), "v": X.ravel()}
    )
    frame.assign(total=SUMS.ravel(), **columns).to_csv(path, index=False)
    return path


ROLES: dict[str, Any] = {"sequence": "id", "time": "t", "features": ["v"]}


def test_columns_of_numbers_are_those_of_the_table(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", twice=2 * SUMS.ravel())
    one = load(path, **ROLES, target="total")
    two = load(path, **ROLES, target=["total", "twice"])
    assert np.array_equal(two.train.y[..., :1], one.train.y)
    np.testing.assert_allclose(two.train.y[..., 1], 2 * one.train.y[..., 0])
    np.testing.assert_allclose(two.train.targets[..., 0], two.train.targets[..., 1], atol=1e-5)
    names = problems.class_names(
        Problem.model_validate(
            {"name": "file", "path": str(path), **ROLES, "target": ["total", "twice"]}
        )
    )
    assert names == ["total", "twice"]
    assert said(path, **ROLES, target="total")["numbers"].startswith("1 (range, mean ± deviation")


def test_one_number_a_sequence(tmp_path: Path) -> None:
    last = np.repeat(SUMS[:, -1, 0], 10)
    data = load(table(tmp_path / "a.csv", last=last), **ROLES, target="last", label_per="sequence")
    assert data.train.y.shape == (48, 1)


def test_columns_of_labels_are_those_of_the_table(tmp_path: Path) -> None:
    up, high = BITS.reshape(-1, 2).T
    path = table(tmp_path / "a.csv", up=up, high=np.where(high, "True", "false"))
    data = load(path, **ROLES, label=["up", "high"])
    assert (data.train.task, data.train.y.shape[1:]) == ("labels", (10, 2))
    alone = load(path, **ROLES, label=["up"])
    assert (alone.train.task, alone.train.classes) == ("classes", 2)
    assert np.array_equal(alone.train.y, data.train.y[..., 0])
    rng = np.random.default_rng(0)
    assert len(file.generate(rng, 5, 10, path=str(path), **ROLES, label=["up", "high"])) == 5


@pytest.mark.parametrize(
    ("columns", "keys", "expected"),
    [
        ({}, {"label": "total"}, r"is no class; .* \(problem\.target, in place of problem\.label"),
        ({}, {"label": "total", "target": "v"}, r"^problem\.target=v: problem\.label is set to"),
        ({}, {"target": "totl"}, r"^problem\.target=totl: choose one of .*mean total\?"),
        (
            {},
            {"target": ["total", "total"]},
            r"^problem\.target=\[total,total\]: a column is named",
        ),
        ({}, {"target": "id"}, r"^problem\.target=id: it is problem\.sequence as well$"),
        ({}, {"target": "v"}, r"^problem\.features: v is problem\.target$"),
        ({}, {"target": 1.5}, r"^problem\.target=1\.5: a column's name is needed$"),
        ({}, {}, r"^problem\.label: choose one of id, t, v, total"),
        ({"word": "a"}, {"target": "word"}, r"line 2, column word: 'a'; a finite number is needed"),
        ({"same": 1.5}, {"target": "same"}, r"same is 1\.5 throughout the train part; two values"),
        ({"none": ""}, {"target": "none"}, r"the train part has no label$"),
        ({"a": 2, "b": 1}, {"label": ["a", "b"]}, r"line 2, column a: '2' is neither 0 nor 1"),
        ({"a": 0, "b": 1}, {"label": ["a", "b"]}, r"a is 0 throughout the train part; two values"),
        (
            {"gap": ""},
            {"target": "gap", "label_per": "sequence"},
            r"line 2, column gap: none in the whole sequence$",
        ),
        (
            {},
            {"target": "total", "label_per": "sequence"},
            r"line 3, column total: .*, but the same sequence has",
        ),
    ],
)
def test_a_defect_is_one_line_that_names_the_key_or_the_place(
    columns: dict[str, Any], keys: dict[str, Any], expected: str, tmp_path: Path
) -> None:
    path = table(tmp_path / "a.csv", **columns)
    with pytest.raises(RequestError, match=expected) as caught:
        load(path, **ROLES, **keys)
    assert len(str(caught.value).splitlines()) == 1


def test_a_label_that_never_changes_is_said(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", up=BITS[..., 0].ravel(), never=0)
    problem = {"name": "file", "path": str(path), **ROLES, "label": ["up", "never"]}
    (remark,) = problems.remarks(Problem.model_validate(problem))
    assert remark.startswith("'never': the same throughout the training part")
