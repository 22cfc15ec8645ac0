"""An .npz: how arrays become examples, and what is said of each defect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ablation.errors import RequestError
from ablation.problems.own import file
from ablation.problems.own.arrays import read
from ablation.problems.own.examples import Examples
from ablation.problems.own.keys import Keys

X = np.arange(24.0).reshape(4, 3, 2)
Y = np.array([0, 1, 0, 1])


def save(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def look(path: Path, **keys: Any) -> Examples:
    return read(path, Keys(**keys))


@pytest.mark.parametrize("dtype", ["f2", "f4", ">f8", "g", "i1", "u8", "?"])
def test_numbers_of_every_kind(dtype: str, tmp_path: Path) -> None:
    found = look(save(tmp_path / "a.npz", x=X.astype(dtype), y=Y))
    np.testing.assert_array_equal(found.x, X.astype(dtype).reshape(12, 2))
    assert (found.symbols, found.per_step, found.classes) == (0, False, ["0", "1"])
    assert found.sizes.tolist() == [3] * 4


def test_floats_without_features_are_one_feature(tmp_path: Path) -> None:
    found = look(save(tmp_path / "a.npz", x=X[..., 0], y=Y))
    assert found.x.shape == (12, 1)


def test_integers_without_features_are_symbols(tmp_path: Path) -> None:
    x = np.array([[3, 1, 0, 0], [2, 2, 2, 0], [1, 0, 0, 0]])
    path = save(tmp_path / "a.npz", x=x, y=x % 2, part=np.array([False, False, True]))
    found = look(path)
    assert found.symbols == 4
    assert found.sizes.tolist() == [2, 3, 1]
    assert found.x.tolist() == [3, 1, 2, 2, 2, 1]
    data = file.generate(np.random.default_rng(0), 9, 3, path=str(path))
    assert data.x.dtype == np.int32
    assert data.present is not None
    np.testing.assert_array_equal(data.present, data.x > 0)
    np.testing.assert_array_equal(data.y, data.x % 2)


@pytest.mark.parametrize("how", ["mask", "lengths"])
def test_steps_that_do_not_exist_need_no_number(how: str, tmp_path: Path) -> None:
    lengths = np.array([1, 3, 2, 3])
    mask = np.arange(3) < lengths[:, None]
    x = np.where(mask[..., None], X, np.nan)
    y = np.where(mask, [[0, 1, 0]], -7)
    given = {"mask": mask} if how == "mask" else {"lengths": lengths}
    found = look(save(tmp_path / "a.npz", x=x, y=y, **given))
    np.testing.assert_array_equal(found.x, X[mask])
    assert found.sizes.tolist() == lengths.tolist()
    assert found.classes == ["0", "1"]
    assert found.y.tolist() == [0, 0, 1, 0, 0, 1, 0, 1, 0]


def test_a_mask_may_have_holes_which_are_closed(tmp_path: Path) -> None:
    mask = np.array([[False, True, True], [True, False, True]])
    found = look(save(tmp_path / "a.npz", x=X[:2], y=np.array([[9, 0, 1], [1, 9, 0]]), mask=mask))
    np.testing.assert_array_equal(found.x, X[:2][mask])
    assert found.y.tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (np.array([7, -1, 7, 100]), ["-1", "7", "100"]),
        (np.array([1.0, 0.0, 1.0, 0.0], "f4"), ["0", "1"]),
        (np.array([True, False, True, False]), ["False", "True"]),
        (np.array(["b", "a", "b", "c"]), ["a", "b", "c"]),
        (np.array([b"b", b"a", b"b", b"a"]), ["a", "b"]),
    ],
)
def test_labels_of_every_kind(y: Any, classes: list[str], tmp_path: Path) -> None:
    found = look(save(tmp_path / "a.npz", x=X, y=y))
    assert found.classes == classes
    names = [value.decode() if isinstance(value, bytes) else value for value in y.tolist()]
    assert found.y.tolist() == np.unique(names, return_inverse=True)[1].tolist()


def test_a_nan_or_an_empty_text_is_no_label_of_a_step(tmp_path: Path) -> None:
    y = np.array([[np.nan, 1, 0]] * 4)
    found = look(save(tmp_path / "a.npz", x=X, y=y))
    assert found.y.tolist() == [-1, 1, 0] * 4
    found = look(save(tmp_path / "a.npz", x=X, y=np.array([["", "b", "a"]] * 4)))
    assert found.y.tolist() == [-1, 1, 0] * 4


def test_the_parts_can_be_told(tmp_path: Path) -> None:
    test = np.array([False, True, True, False])
    for part in (test, np.where(test, "test", "train")):
        path = save(tmp_path / "a.npz", x=X, y=np.array([[0, 1, 0]] * 4), part=part)
        found = file.generate(
            np.random.default_rng(0), 9, 3, path=str(path), split="test", standardize=False
        )
        assert sorted(found.x[:, 0, 0]) == [6, 12]
    groups = np.array([5, 5, 9, 9])
    path = save(tmp_path / "b.npz", x=X, y=np.array([[0, 1, 0]] * 4), group=groups)
    found = file.generate(np.random.default_rng(0), 9, 3, path=str(path), standardize=False)
    assert sorted(found.x[:, 0, 0]) in ([0, 6], [12, 18])


NAN, STEP = X.copy(), X[:, 0].astype(int)
NAN[1, 2, 0] = np.nan
STEP[2, 1] = 0
RAGGED = np.array([np.zeros(2), np.zeros(3), np.zeros(2), np.zeros(1)], object)


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"y": Y}, r"a\.npz: no array x; it has y$"),
        ({}, r"a\.npz: no array x; it has none$"),
        ({"x": X, "labels": Y}, r"a\.npz: array labels: choose one of x, y, mask, lengths, group"),
        ({"x": X, "y": Y, "lenghts": Y}, r"array lenghts: .* did you mean lengths\?$"),
        ({"x": RAGGED, "y": Y}, r"a\.npz: an array of objects, as ragged .* say in an array lengt"),
        ({"x": NAN, "y": Y}, r"a\.npz, x\[1, 2, 0\]: nan; a finite number is needed \(a step that"),
        ({"x": NAN[..., 0], "y": Y}, r"a\.npz, x\[1, 2\]: nan; a finite number is needed"),
        ({"x": X * 1e40, "y": Y}, r"x\[0, 0, 1\]: 1e\+40; a finite number"),
        ({"x": X * 1j, "y": Y}, r"x: complex128 of shape \(4, 3, 2\); numbers of shape \(seq"),
        ({"x": X[0, 0], "y": Y}, r"x: float64 of shape \(2,\); numbers of shape"),
        ({"x": X[:, :0], "y": Y}, r"x: float64 of shape \(4, 0, 2\); numbers of shape"),
        ({"x": X.astype(str), "y": Y}, r"x: <U32 of shape .*; numbers of shape"),
        ({"x": -STEP, "y": Y}, r"x\[0, 1\]: -1; integers are symbols, 1 \.\. 999999, and 0 is pad"),
        ({"x": STEP + 10**6, "y": Y}, r"x\[0, 0\]: 1000000; integers are symbols"),
        ({"x": STEP + 1, "y": Y, "mask": STEP < 0}, r"x\[0\]: it has no step$"),
        ({"x": STEP * 0, "y": Y}, r"x\[0\]: it has no step$"),
        ({"x": X, "y": Y[:3]}, r"y: shape \(3,\); \(4, 3\) is needed for a label a step, \(4,\)"),
        (
            {"x": X, "y": X},
            r"y: shape \(4, 3, 2\); \(4, 3\) is needed .*, or one axis more wi",
        ),
        ({"x": X, "y": X[..., :1] + [[[0.5], [0], [np.inf]]]}, r"y\[0, 2\]: inf; finite numbers"),
        ({"x": X, "y": np.where(Y, 0.5, np.nan)}, r"y\[0\]: nan; finite numbers are needed$"),
        ({"x": X, "y": Y * 1j}, r"y: complex128; integers or text are needed$"),
        ({"x": X, "y": Y * 0}, r"y\[0\]: all labels are 0; two are needed$"),
        ({"x": X, "y": np.where(Y, 1, np.nan)}, r"y\[0\]: no label$"),
        ({"x": X, "y": np.full((4, 3), np.nan)}, r"y\[0, 0\]: neither here nor elsewhere is ther"),
        ({"x": X, "y": Y, "lengths": Y}, r"lengths\[0\]: 0; possible is 1 \.\. 3$"),
        ({"x": X, "y": Y, "lengths": Y + 3}, r"lengths\[1\]: 4; possible is 1 \.\. 3$"),
        ({"x": X, "y": Y, "lengths": Y + 1.0}, r"lengths: float64 of shape \(4,\); integers \(4,"),
        ({"x": X, "y": Y, "mask": Y > 0}, r"mask: bool of shape \(4,\); bool \(4, 3\) is needed$"),
        (
            {"x": X, "y": Y, "mask": X[..., 0] > -1, "lengths": Y},
            r"mask and lengths; one of the tw",
        ),
        ({"x": X, "y": Y, "group": Y[:2]}, r"group: int64 of shape \(2,\); text or integers \(4,"),
        (
            {"x": X, "y": Y, "part": Y},
            r"part\[0\]: 0 is neither 'train' nor 'test', nor 'validation'$",
        ),
        ({"x": X, "y": Y, "part": np.array(["train", "test", "", "x"])}, r"part\[2\]: '' is neit"),
    ],
)
def test_a_defect_is_one_line_with_its_place(
    arrays: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match=said) as caught:
        look(save(tmp_path / "a.npz", **arrays))
    assert len(str(caught.value).splitlines()) == 1
    assert "a.npz" in str(caught.value)


def test_bytes_that_are_no_archive(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.save(tmp_path / "b.npy", X)
    whole = save(tmp_path / "c.npz", x=X, y=Y).read_bytes()
    for content in (
        b"",
        b"PK",
        b"PK\x03\x04" + b"0" * 40,
        (tmp_path / "b.npy").read_bytes(),
        whole[:99],
    ):
        path.write_bytes(content)
        with pytest.raises(RequestError, match=r"a\.npz: not a sound \.npz \(.+\)$"):
            look(path)


def test_what_is_for_tables_is_not_for_arrays(tmp_path: Path) -> None:
    path = str(save(tmp_path / "a.npz", x=X, y=np.array([[0, 1, 0]] * 4)))
    wrong = r"^problem\.time=t: it is for tables; an \.npz has arrays named x, y, mask"
    with pytest.raises(RequestError, match=wrong):
        file.longest(path, time="t")
    with pytest.raises(
        RequestError, match=r"label_per=sequence: y of .* has a label for each step"
    ):
        file.longest(path, label_per="sequence")
    assert file.longest(path, **vars(Keys())) == 3
