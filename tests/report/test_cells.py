"""How raw values are shown and sorted, and which tables cannot be."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from ablation.report.cells import Column, Kind, Table, Value, make_table


@pytest.mark.parametrize(
    ("column", "value", "text", "order"),
    [
        (Column("x"), "sum", "sum", None),
        (Column("x"), None, "–", None),
        (Column("x", "flag"), True, "yes", None),
        (Column("x", "flag"), False, "no", None),
        (Column("x", "verdict"), "better", "better", None),
        (Column("x", "number"), 20901, "20,901", 20901),
        (Column("x", "number", 4), 0.98765, "0.9877", 0.98765),
        (Column("x", "number", 4), None, "–", None),
        (Column("x", "general"), 0.05, "0.05", 0.05),
        (Column("x", "difference", 4), 0.0038, "+0.0038", 0.0038),
        (Column("x", "difference", 4), -0.00001, "+0.0000", -0.00001),
        (Column("x", "difference"), -1250.0, "-1,250", -1250.0),
        (Column("x", "p"), 0.00099, "< .001", 0.00099),
        (Column("x", "p"), 0.001, "0.001", 0.001),
        (Column("x", "interval", 2), (0.25, 1), "0.25–1.00", 0.25),
        (Column("x", "limits", 3), (-0.1, 0.2), "-0.100 to 0.200", -0.1),
        (Column("x", "limits"), (None, 250.0), "– to 250", None),
        (Column("x", "share"), (4, 8), "4 of 8", 0.5),
        (Column("x", "share"), (0, 0), "0 of 0", None),
    ],
)
def test_a_value_is_shown_as_its_column_says(
    column: Column, value: Value, text: str, order: float | None
) -> None:
    assert column.cell(value) == (text, order)


def test_numbers_go_to_the_right_and_texts_do_not() -> None:
    texts: list[Kind] = ["text", "long", "verdict", "flag"]
    numbers: list[Kind] = ["number", "p", "interval", "share"]
    columns = [Column("x", kind) for kind in texts + numbers]
    assert [column.numeric for column in columns] == [False] * 4 + [True] * 4


def test_rows_may_have_digits_of_their_own() -> None:
    table = make_table((Column("x", "difference", (4, 0)), [0.5, 250.0]))
    assert table is not None
    assert table.texts() == [{"x": "+0.5000"}, {"x": "+250"}]


def test_whatever_is_missing_is_none() -> None:
    missing = [
        None,
        math.nan,
        math.inf,
        np.float64("nan"),
        np.datetime64("NaT", "s"),
        (math.nan, None),
    ]
    table = make_table((Column("x", "number"), missing))
    assert table is not None
    assert table.rows == ((None,),) * len(missing)


def test_a_table_of_arrays_holds_plain_values() -> None:
    table = make_table(
        (Column("arm", brief=True), np.array(["a", "b"])),
        (Column("n", "number"), np.array([1, 2])),
        (
            Column("x", "interval", 1),
            zip(np.array([0.1, np.nan]), np.array([0.2, 0.3]), strict=True),
        ),
    )
    assert table is not None
    assert table.rows == (("a", 1, (0.1, 0.2)), ("b", 2, (None, 0.3)))
    assert [type(value) for value in table.rows[0]] == [str, int, tuple]
    assert table.texts(brief=True) == [{"arm": "a"}, {"arm": "b"}]
    adapter = TypeAdapter(Table)
    assert adapter.validate_json(adapter.dump_json(table)) == table


def test_no_rows_are_no_table() -> None:
    assert make_table((Column("arm"), [])) is None


@pytest.mark.parametrize(
    "values",
    [
        {"columns": [{"name": "arm"}], "rows": [["a", "b"]]},
        {"columns": [{"name": "arm", "kind": "html"}], "rows": []},
        {"columns": [{"name": "arm", "digits": 5000}], "rows": [[1]]},
        {"columns": [{"name": "arm", "digits": [1]}], "rows": []},
        {"columns": [{"name": "arm"}], "rows": [[{}]]},
        {"columns": [{"name": "arm"}], "rows": [[1e999]]},
        {"columns": [{"name": "arm"}], "rows": [[10**400]]},
        {"columns": [{"name": "arm", "style": ""}], "rows": []},
    ],
)
def test_a_table_that_cannot_be_shown_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Table).validate_json(json.dumps(values))
