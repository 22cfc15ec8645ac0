"""Tables on disk, as text or as .parquet: both become named columns of text."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from ablation.errors import RequestError
from ablation.problems.own.examples import WITHOUT, shown
from ablation.problems.own.keys import FORMAT, SEPARATORS, Keys

SAMPLE = 8192  # characters by which the separator is recognised
COMMA = re.compile(r"[+-]?\d*,?\d+([eE][+-]?\d+)?", re.ASCII)  # a number with a decimal comma
POINT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?", re.ASCII)
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)  # or a decimal comma, who knows


@dataclass(frozen=True)
class Table:
    """A table as text, whatever it was written as.

    place: of each row, such as "line 7". cells: gives a column's text; "" where there is nothing.
    decimal: "point" or "comma". layout: how the file was read.
    """

    path: Path
    names: list[str]
    place: Callable[[int], str]
    cells: Callable[[str], list[str]]
    decimal: str
    layout: str

    def where(self, row: int, column: str) -> str:
        return f"{self.path}, {self.place(row)}, column {column}"


def read_table(path: Path, keys: Keys) -> Table:
    """The table in a file; raises RequestError with the line where it is unsound."""
    return _parquet(path, keys) if path.suffix.lower() == ".parquet" else _csv(path, keys)


def _csv(path: Path, keys: Keys) -> Table:
    text, encoding = _text(path, keys.encoding)
    separator = keys.separator or _separator(text)
    lines: list[int] = []
    rows: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begins, last, between = 1, 0, 0
    try:
        for row in reader:
            if row and not (len(row) == 1 and not row[0].strip()):  # nothing in it
                between += len(rows) > 1 and begins > last + 1
                last = reader.line_num
                lines.append(begins)
                rows.append(row)
                if len(row) != len(rows[0]):
                    raise RequestError(
                        f"{path}, line {begins}: {len(row)} cells; the first line has "
                        f"{len(rows[0])}, {_separated(separator)} (problem.separator)"
                    )
            begins = reader.line_num + 1
    except csv.Error as error:
        raise RequestError(f"{path}, line {begins}: {error}") from None
    if len(rows) < 2:
        raise RequestError(f"{path}: {'a header without rows' if rows else 'it is empty'}")
    names = [name.strip() for name in rows[0]]
    texts = dict(zip(names, zip(*rows[1:], strict=True), strict=True))

    def cells(name: str) -> list[str]:
        return [cell.strip() for cell in texts[name]]

    decimal = keys.decimal or _decimal(path, {name: cells(name) for name in texts}, separator)
    comma = ", decimal comma" if decimal == "comma" else ""
    # They may be meant as the ends of sequences, which a column has to say here.
    skipped = f", empty lines at {between:,} places skipped" if between else ""
    return Table(
        path,
        names,
        lambda row: f"line {lines[row + 1]}",
        cells,
        decimal,
        f"{_separated(separator)}{comma}, {encoding}{skipped}",
    )


def _separated(separator: str) -> str:
    names = {character: f"{name}s" for name, character in SEPARATORS.items()}
    return f"separated by {names.get(separator, separator)}"


def _text(path: Path, encoding: str | None) -> tuple[str, str]:
    """The text of a file, unpacked and decoded, and the name of its encoding."""
    content = path.read_bytes()
    if path.suffix.lower() == ".gz":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise RequestError(f"{path}: not a sound .gz ({error})") from None
    if encoding is None:
        wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        encoding = "UTF-16" if wide else "UTF-8"
    try:
        return content.decode(encoding).removeprefix("\ufeff"), encoding
    except UnicodeDecodeError as error:
        line = content[: error.start].decode(encoding, "ignore").count("\n") + 1
        raise RequestError(
            f"{path}, line {line}: not {encoding} text; problem.encoding names another encoding, "
            "such as latin-1"
        ) from None
    except UnicodeError as error:
        raise RequestError(f"{path}: not {encoding} text ({error}); problem.encoding") from None


def _separator(text: str) -> str:
    """What stands between the cells, recognised from the first lines."""
    possible = "".join(SEPARATORS[name] for name in ("comma", "semicolon", "tab", "pipe"))
    try:
        found = csv.Sniffer().sniff(text[:SAMPLE], possible).delimiter
    except csv.Error:
        found = ""
    # A separator also separates the names; commas inside all texts of a column do not.
    header = text.lstrip("\r\n").partition("\n")[0]
    return found if found and found in header else max(possible, key=header.count)


def _decimal(path: Path, columns: dict[str, list[str]], separator: str) -> str:
    """Whether numbers have a decimal point or a comma; RequestError if that cannot be told."""
    commas = {name: _commas(cells) for name, cells in columns.items()}
    with_comma = {name: cells for name, cells in commas.items() if cells}
    if not with_comma:
        return "point"
    name, cells = next(iter(with_comma.items()))
    sure = any(not THOUSANDS.fullmatch(cell) for found in with_comma.values() for cell in found)
    point = any(POINT.fullmatch(cell) for found in columns.values() for cell in found)
    if sure and not point and separator != ",":
        return "comma"
    raise RequestError(
        f"{path}, column {name}: {shown(cells[0])} may be a number with a decimal comma or not; "
        "problem.decimal=comma or problem.decimal=point says which"
    )


def _commas(cells: list[str]) -> list[str]:
    """The cells with a comma, if all of the column can be numbers with a decimal comma."""
    found = [cell for cell in cells if "," in cell]
    numbers = found and all(COMMA.fullmatch(c) or c.lower() in WITHOUT for c in cells)
    return found if numbers else []


def _parquet(path: Path, keys: Keys) -> Table:
    key = keys.given(FORMAT)
    if key:
        raise RequestError(f"problem.{key}={getattr(keys, key)}: it is for text, such as .csv")
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

    return Table(path, table.column_names, lambda row: f"row {row + 1}", cells, "point", "Parquet")
