"""Tables on disk, .csv and .parquet, as text with names: both are read in one way."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from ablation.errors import RequestError


@dataclass(frozen=True)
class Table:
    """A table as text, whatever it was written as.

    place: of each row, such as "line 7". cells: gives a column's text; "" where there is nothing.
    """

    path: Path
    names: list[str]
    place: Callable[[int], str]
    cells: Callable[[str], list[str]]

    def where(self, row: int, column: str) -> str:
        return f"{self.path}, {self.place(row)}, column {column}"


def read_table(path: Path) -> Table:
    """The table in a .csv or .parquet; raises RequestError with the line where it is unsound."""
    return _parquet(path) if path.suffix.lower() == ".parquet" else _csv(path)


def _csv(path: Path) -> Table:
    lines: list[int] = []
    rows: list[list[str]] = []
    with open(path, newline="", encoding="utf-8-sig") as file:
        reader = csv.reader(file, strict=True)
        begins = 1
        try:
            for row in reader:
                if row and not (len(row) == 1 and not row[0].strip()):  # nothing in it
                    lines.append(begins)
                    rows.append(row)
                    if len(row) != len(rows[0]):
                        raise RequestError(
                            f"{path}, line {begins}: {len(row)} cells; "
                            f"the first line has {len(rows[0])}"
                        )
                begins = reader.line_num + 1
        except UnicodeDecodeError:
            raise RequestError(f"{path}, line {begins} or later: not UTF-8 text") from None
        except csv.Error as error:
            raise RequestError(f"{path}, line {begins}: {error}") from None
    if len(rows) < 2:
        raise RequestError(f"{path}: {'a header without rows' if rows else 'it is empty'}")
    names = [name.strip() for name in rows[0]]
    texts = dict(zip(names, zip(*rows[1:], strict=True), strict=True))
    return Table(
        path,
        names,
        lambda row: f"line {lines[row + 1]}",
        lambda name: [cell.strip() for cell in texts[name]],
    )


def _parquet(path: Path) -> Table:
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise RequestError(
            f'problem.path={path} needs pyarrow: pip install "ablation[parquet]"'
        ) from None
    # Whatever the bytes are, Arrow's answer to them is one line here.
    try:
        table = parquet.ParquetFile(path).read(use_threads=False)
    except MemoryError:
        raise RequestError(f"{path}: it does not fit into memory") from None
    except Exception as error:
        first = str(error).partition("\n")[0]
        raise RequestError(f"{path}: not a sound .parquet ({first})") from None
    if not table.num_rows:
        raise RequestError(f"{path}: it is empty")

    def cells(name: str) -> list[str]:
        column = table.column(name)
        try:  # as the text that a .csv would have: one way to read both
            texts = column.cast(arrow.string()).to_pylist()
        except Exception:
            raise RequestError(
                f"{path}, column {name}: {column.type} is neither numbers nor text nor a date"
            ) from None
        return ["" if text is None else text.strip() for text in texts]

    return Table(path, table.column_names, lambda row: f"row {row + 1}", cells)
