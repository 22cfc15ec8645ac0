"""A table of raw values: a cell holds the value, its column says how it is shown.

It loads no pandas: a finished sweep shows its stored table (record.py) at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

MISSING = "–"
LEAST_P = 0.001  # a smaller one is shown as being below this

Count = Annotated[int, Field(ge=-(2**53), le=2**53)]  # what a float can hold, and so be shown as
Pair = tuple[Count | float | None, Count | float | None]
Value = bool | Count | float | str | Pair | None

TEXTS = ("text", "long", "verdict", "flag")
JOINTS = {"interval": "–", "limits": " to ", "share": " of "}
Kind = Literal[
    "text",
    "long",  # a text that needs room, such as a message
    "verdict",  # better, worse, equivalent, undecided
    "flag",  # yes or no
    "number",
    "general",  # a number with as many digits as it has
    "difference",  # a number with its sign
    "p",
    "interval",  # two numbers with a dash between them
    "limits",  # the same with "to", for ends that may have a minus
    "share",  # 4 of 8
]

STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


class Cell(NamedTuple):
    """A value as it is shown, and by what it is sorted: None goes last."""

    text: str
    order: float | None


@dataclass(frozen=True, config=STRICT)
class Column:
    """How the values below a name are shown.

    digits: decimal places; several: one for each row, where rows are of different measures.
    brief: whether it is worth its room in a terminal of 80 columns.
    """

    name: str
    kind: Kind = "text"
    digits: Annotated[int, Field(ge=0, le=9)] | tuple[Annotated[int, Field(ge=0, le=9)], ...] = 0
    brief: bool = False

    @property
    def numeric(self) -> bool:
        return self.kind not in TEXTS

    def cell(self, value: Value, row: int = 0) -> Cell:
        """A value of this column as it is shown in a row of the table."""
        return Cell(self._text(value, row), self._order(value) if self.numeric else None)

    def _text(self, value: Value, row: int) -> str:
        match value:
            case None:
                return MISSING
            case str():
                return value
            case bool():
                return "yes" if value else "no"
            case (first, second):
                ends = (self._text(first, row), self._text(second, row))
                return JOINTS.get(self.kind, ", ").join(ends)
        digits = self.digits if isinstance(self.digits, int) else self.digits[row]
        match self.kind:
            case "p":
                return "< .001" if value < LEAST_P else f"{value:.3f}"
            case "general":
                return f"{value:g}"
            case "difference":  # what rounds to nothing has no minus
                return f"{round(value, digits) + 0.0:+,.{digits}f}"
        return f"{value:,.{digits}f}"

    def _order(self, value: Value) -> float | None:
        match value:
            case (first, second) if self.kind == "share":
                return first / second if first is not None and second else None
            case (first, _):
                return first
            case str():
                return None
        return value


@dataclass(frozen=True, config=STRICT)
class Table:
    """Rows of raw values under their columns; the first column names the row.

    best: the names of rows that have the best mean of what is compared.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    best: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_rectangular(self) -> Table:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError("a row has another number of cells than there are columns")
        for column in self.columns:
            if isinstance(column.digits, tuple) and len(column.digits) != len(self.rows):
                raise ValueError(f"{column.name}: digits for {len(column.digits)} rows")
        return self

    def cells(self) -> list[list[Cell]]:
        """The rows as they are shown."""
        return [
            [column.cell(value, place) for column, value in zip(self.columns, row, strict=True)]
            for place, row in enumerate(self.rows)
        ]

    def texts(self, brief: bool = False) -> list[dict[str, str]]:
        """The rows as texts by column; brief: of the columns that a terminal has room for."""
        return [
            {
                column.name: cell.text
                for column, cell in zip(self.columns, row, strict=True)
                if column.brief or not brief
            }
            for row in self.cells()
        ]


def make_table(*fields: tuple[Column, Iterable[Any]], best: Iterable[str] = ()) -> Table | None:
    """A table of columns and their values, such as those of a data frame; None if it has no row."""
    columns, values = zip(*fields, strict=True)
    rows = tuple(tuple(map(_raw, row)) for row in zip(*values, strict=True))
    return Table(columns, rows, tuple(best)) if rows else None


def _raw(value: Any) -> Value:
    """The value as plain Python; what is not a number, whoever says it how, is None."""
    if isinstance(value, tuple):
        first, second = map(_raw, value)
        return None if first is None and second is None else (first, second)  # type: ignore[return-value]
    plain = value.item() if hasattr(value, "item") else value
    if isinstance(plain, float) and not math.isfinite(plain):
        return None
    return plain  # type: ignore[no-any-return]
