"""Tables: how cells become examples, and what is said of each defect."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ablation.errors import RequestError
from ablation.problems.own.columns import read
from ablation.problems.own.keys import Keys, checked

GOOD = ["1,0,5,a", "1,1,6,b", "2,0,5,a", "2,1,6,b"]


def write(path: Path, rows: list[str], header: str = "id,t,x,y") -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def columns(**changes: Any) -> Keys:
    return checked({"sequence": "id", "time": "t", "label": "y", **changes})


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["10", "9", "-1", "9"], ["-1", "9", "10"]),  # numbers by size
        (["b", "a", "c", "b"], ["a", "b", "c"]),
        (["1.0", "0.0", "", "1.0"], ["0", "1"]),  # as pandas writes integers of which some miss
        (["1", "two", "NaN", "1"], ["1", "two"]),
        (["True", "False", "True", "False"], ["False", "True"]),
        (["9007199254740993", "9007199254740992", "0", "0"], None),
    ],
)
def test_labels_are_numbered_in_their_order(
    labels: list[str], classes: list[str] | None, tmp_path: Path
) -> None:
    rows = [f"s,{t},5,{label}" for t, label in enumerate(labels)]
    found = read(write(tmp_path / "a.csv", rows), columns())
    if classes is None:
        assert len(found.classes) == 3  # which floats could not tell apart
        return
    assert found.classes == classes
    names = [found.classes[y] if y >= 0 else "" for y in found.y]
    assert [
        name == label.removesuffix(".0") for name, label in zip(names, labels, strict=True)
    ] == [label != "NaN" for label in labels]


@pytest.mark.parametrize(
    "times",
    [
        ["10", "9", "100"],
        ["1.5", "1e-3", "2.25"],
        ["2024-02-01", "2024-01-31", "2024-02-01T00:00:01"],
        ["2024-02-01 10:00:00+02:00", "2024-02-01T07:59:59Z", "2024-02-01 08:00:01"],
        ["9007199254740993", "9007199254740992", "9007199254740994"],
    ],
)
def test_times_order_the_steps(times: list[str], tmp_path: Path) -> None:
    rows = [f"s,{time},{value},{value % 2}" for time, value in zip(times, (2, 1, 3), strict=True)]
    found = read(write(tmp_path / "a.csv", rows), columns())
    assert found.x[:, 0].tolist() == [1, 2, 3]
    assert found.y.tolist() == [1, 0, 1]


def test_rows_are_in_order_where_there_is_no_time(tmp_path: Path) -> None:
    found = read(
        write(tmp_path / "a.csv", ["b,3,0", "a,1,1", "b,2,1"], "id,x,y"), columns(time=None)
    )
    assert found.sizes.tolist() == [2, 1]
    assert found.x[:, 0].tolist() == [3, 2, 1]


def test_names_cells_and_ends_of_lines_may_be_untidy(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes('﻿id,t,x ,y\r\n\r\n1,0," +5e0 ",ä\r\n"1",1,.5,"b\nc"\r\n'.encode())
    found = read(path, columns())
    assert found.x[:, 0].tolist() == [5, 0.5]
    assert found.classes == ["b\nc", "ä"]


DEFECTS: list[tuple[list[str], dict[str, Any], str]] = [
    ([], {}, r"a\.csv: a header without rows$"),
    (
        [*GOOD[:1], "1,1,6"],
        {},
        r"a\.csv, line 3: 3 cells; the first line has 4, separated by c",
    ),
    ([*GOOD[:1], '1,1,"6,b'], {}, r"a\.csv, line 3: unexpected end of data$"),
    (
        [*GOOD, "3,0,,a"],
        {},
        r"a\.csv, line 6, column x: empty; a finite number is needed; problem\.missing",
    ),
    (
        [*GOOD, "3,0,NaN,a"],
        {},
        r"line 6, column x: NaN; a finite number is needed; problem\.missing=m",
    ),
    ([*GOOD, "3,0,-inf,a"], {}, r"line 6, column x: -inf; a finite number is needed$"),
    ([*GOOD, "3,0,1e31,a"], {}, r"line 6, column x: 1e31; a finite number is needed$"),
    ([*GOOD, "3,0,NA,a"], {}, r"line 6, column x: NA; a finite number is needed; problem\.missing"),
    (
        [*GOOD, "3,0,low,a"],
        {},
        r"column x: 'low' is no number, as line 2 has one; problem\.categ",
    ),
    (["1,0,,a", "1,1,,b"], {"missing": "mean"}, r"a\.csv, column x: it has no number at all$"),
    (["1,0,a,a", "", "1,1,7,b"], {}, r"line 2, column x: 'a' is no number, as line 4 has one"),
    ([*GOOD, "3,0,1_0,a"], {}, r"line 6, column x: '1_0' is no number"),
    ([*GOOD, "3,0,٣,a"], {}, r"line 6, column x: '٣' is no number"),
    (["1,0,u,a", "1,1,,b"], {}, r"line 3, column x: empty; a word is needed; problem\.missing"),
    (
        [*GOOD, "3,0,0.5,a"],
        {"label": "x", "features": ("t",)},
        r"line 6, column x: 0\.5 is no class; a whole number or a word is needed \(problem\.target",
    ),
    (["1,0,5,0.5", "1,1,5,1"], {}, r"line 2, column y: 0\.5 is no class; a whole number or a word"),
    (["1,0,5,1", "1,1,5,inf"], {}, r"line 3, column y: inf is no class"),
    (["1,0,5,a", "1,1,5,a"], {}, r"line 2, column y: all labels are 'a'; two are needed$"),
    (["1,0,5,", "1,1,5,nan"], {}, r"line 2, column y: neither here nor elsewhere is there a label"),
    ([f"1,{i},5,{i}" for i in range(10_001)], {}, r"y: 10001 different labels; at most 10000 can"),
    ([*GOOD, "2,1,7,a"], {}, r"line 6, column t: 1 is in line 5 already \(sequence '2'\)$"),
    ([*GOOD, "2,1.0,7,a"], {}, r"line 6, column t: 1\.0 is in line 5 already"),
    ([*GOOD, "2,,7,a"], {}, r"line 6, column t: it is empty"),
    ([*GOOD, "2,soon,7,a"], {}, r"line 2, column t: '0' is no time; numbers or ISO dates"),
    (["1,2024-01-01,5,a", "1,later,5,b"], {}, r"line 3, column t: 'later' is no time"),
    (
        [*GOOD, ",0,7,a"],
        {},
        r"line 6, column id: it is empty; problem\.fill_down=true takes",
    ),
    (
        GOOD,
        {"sequence": None},
        r"^problem\.sequence: choose one of id, t, x, y \(.*a\.csv, separated by commas",
    ),
    (GOOD, {"label": None}, r"^problem\.label: choose one of id, t, x, y"),
    (
        GOOD,
        {"label": "yy"},
        r"^problem\.label=yy: choose one of id, t, x, y; did you mean y\? \(.*, sep",
    ),
    (GOOD, {"label": "id"}, r"^problem\.label=id: it is problem\.sequence as well$"),
    (GOOD, {"features": ("x", "y")}, r"^problem\.features: y is problem\.label$"),
    (GOOD, {"features": ("z",)}, r"^problem\.features=z: choose one of id, t, x, y"),
    (
        GOOD,
        {"features": ("t",), "categorical": ("x",)},
        r"^problem\.categorical: x is none of prob",
    ),
    (GOOD, {"features": ()}, r"a\.csv: no column is left for features$"),
    (
        GOOD,
        {"part": "x", "features": ("t",)},
        r"line 3, column x: '6', but the same sequence has '5' in line 2$",
    ),
    (
        ["1,0,Train,a", "2,0,test,b"],
        {"part": "x", "features": ("t",)},
        r"line 2, column x: 'Train' is neither 'train'",
    ),
    (GOOD, {"label_per": "sequence"}, r"line 3, column y: 'b', but the same sequence has 'a' in l"),
    (["1,0,5,a", "2,0,5,b", "3,0,5,"], {"label_per": "sequence"}, r"line 4, column y: no label in"),
]


@pytest.mark.parametrize(("rows", "changes", "said"), DEFECTS)
def test_a_defect_is_one_line_with_its_place(
    rows: list[str], changes: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match=said) as caught:
        read(write(tmp_path / "a.csv", rows), columns(**changes))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", r"a\.csv: it is empty$"),
        (b"\n\n", r"a\.csv: it is empty$"),
        (
            b"id,t,x,y\n1,0,5,a\n1,1,\xff,a\n",
            r"a\.csv, line 3: not UTF-8 text; problem\.encoding n",
        ),
        (
            b"id:t:x:y\n1:0:5:a\n",
            r"problem\.sequence=id: choose one of id:t:x:y .*, separated by ",
        ),
        (b"id,t,y,y\n1,0,5,a\n", r"a\.csv, column y: two columns have this name$"),
        (b",id,t,y\n0,1,5,a\n", r"a\.csv, column 1: it has no name \(an index\? write it without:"),
        (b'id,t,x,y\n1,0,"5"6,a\n', r"a\.csv, line 2: ',' expected after '\"'$"),
        (b"id,t,x,y\n1,0," + b"5" * 200_000 + b",a\n", r"a\.csv, line 2: field larger than"),
    ],
)
def test_bytes_that_are_no_table(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(RequestError, match=said):
        read(path, columns())


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": [7, 7, 3, 3],
            "t": pd.to_datetime(["2024-01-02", "2024-01-01", "2024-01-01", "2024-01-02"]),
            "x": np.array([0.1, 1e-17, 3, -2], np.float32),
            "kind": pd.Categorical(["u", "v", "u", "u"]),
            "flag": [True, False, True, True],
            "y": pd.array([1, 0, None, 1], "Int64"),
        }
    )


def test_parquet_is_read_as_the_same_table_in_csv(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    frame().to_parquet(tmp_path / "a.parquet", index=False)
    frame().to_csv(tmp_path / "a.csv", index=False)
    one, other = (read(tmp_path / name, columns()) for name in ("a.parquet", "a.csv"))
    for key in ("sizes", "codes", "y"):
        np.testing.assert_array_equal(getattr(one, key), getattr(other, key))
    np.testing.assert_allclose(one.x, other.x, rtol=1e-6)  # a float32 in text is a little off
    # In the order of time; a number is what a float32 says, or the shortest text that means it.
    expected = np.array([1e-17, 0.1, 3, -2], np.float32)
    for found in (one, other):
        np.testing.assert_array_equal(found.x[:, 0].astype(np.float32), expected)
    assert one.codes.shape == (4, 2)
    assert one.classes == other.classes == ["0", "1"]
    assert one.y.tolist() == [0, 1, -1, 1]


def test_defects_of_parquet_name_the_row(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(RequestError, match=r"a\.parquet: not a sound \.parquet \(.+\)$"):
        read(path, columns())
    wrong = {
        r"row 3, column x: empty; a finite number": frame().assign(x=pd.Series([1, 2, None, 4])),
        r"row 2, column t: .* is in row 1 already": frame().assign(t=0),
        r"column x: .*list.* is neither numbers nor text": frame().assign(x=pd.Series([[1]] * 4)),
        r"a\.parquet: it is empty": frame()[:0],
    }
    for said, table in wrong.items():
        table.to_parquet(path, index=False)
        with pytest.raises(RequestError, match=said):
            read(path, columns())
    frame().set_index("kind").to_parquet(path)
    frame().rename_axis(None).loc[[1, 0, 2, 3]].to_parquet(path)
    with pytest.raises(RequestError, match=r"column 7: it has no name \(an index\?"):
        read(path, columns())


def test_a_missing_package_names_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(RequestError, match=r'needs pyarrow: pip install "ablation\[parquet\]"$'):
        read(tmp_path / "a.parquet", columns())
