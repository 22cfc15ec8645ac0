"""The keys of problem=file: what may be said about a file, checked before it is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ablation.errors import RequestError, suggest

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " "}
CHOICES = {
    "label_per": ("step", "sequence"),
    "decimal": ("point", "comma"),
    "missing": ("error", "mean", "forward"),
    "unseen": ("error", "ignore", "count"),
    "zero": ("padding", "symbol"),
}
COLUMN = ("sequence", "time", "group", "part")
COLUMNS = ("features", "categorical", "symbols")
FORMAT = ("separator", "encoding", "decimal")  # only text has these
DRAWN = ("resplit", "folds", "stratify")  # how a test part is drawn, if the file has none
FOR_TABLES = (*COLUMN, "label", *COLUMNS, *FORMAT, "time_format", "fill_down")


@dataclass(frozen=True)
class Keys:
    """What the keys say; None where the file itself has to tell.

    sequence, time, group, part: each names a column. features: None: all other columns.
    label: the column of classes, or several of 0 and 1. target: columns of numbers to predict, or
    the array y of an .npz.
    categorical: features that are categories although they are numbers.
    symbols: categories that get a learnt vector a level, and not a column a level.
    label_per: "step" or "sequence". separator: one character. decimal: "point" or "comma".
    time_format: as datetime.strptime has it. fill_down: an empty cell means the one above.
    missing: "error", "mean" or "forward". unseen: "error", "ignore" or "count".
    resplit: each seed has a test part of its own. folds: likewise, one of so many equal parts.
    stratify: a drawn test part has the same share of each class.
    zero: "padding" or "symbol". embedding: dimensions of a learnt vector; None: as many as units.
    """

    sequence: str | None = None
    time: str | None = None
    label: tuple[str, ...] | None = None
    target: tuple[str, ...] | None = None
    label_per: str | None = None
    features: tuple[str, ...] | None = None
    categorical: tuple[str, ...] = ()
    symbols: tuple[str, ...] | None = None
    group: str | None = None
    part: str | None = None
    separator: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    time_format: str | None = None
    fill_down: bool = False
    missing: str = "error"
    unseen: str = "error"
    zero: str | None = None
    embedding: int | None = None
    test_share: float = 0.2
    resplit: bool = False
    folds: int | None = None
    stratify: bool = False
    standardize: bool = True

    @property
    def divided(self) -> bool:
        """Whether each seed has a training and a test part of its own."""
        return self.resplit or self.folds is not None

    def given(self, names: tuple[str, ...]) -> str | None:
        """The first of these keys that is set."""
        return next((name for name in names if getattr(self, name) != getattr(Keys, name)), None)


def checked(values: dict[str, Any]) -> Keys:
    """The keys as typed values; raises RequestError with the key and what is possible."""
    found = {key: _CHECKS[key](key, value) for key, value in values.items() if key in _CHECKS}
    keys = Keys(**{**values, **found})
    if not 0 < keys.test_share < 1:
        raise RequestError(f"problem.test_share={keys.test_share}: it must lie between 0 and 1")
    if keys.label and keys.target:
        raise RequestError(
            f"problem.target={shown_columns(keys.target)}: problem.label is set too, and only one "
            "of them can say what is predicted"
        )
    _check_drawn(keys)
    if keys.time_format and not keys.time:
        raise RequestError(
            f"problem.time_format={keys.time_format}: problem.time has to name the column"
        )
    return keys


def _check_drawn(keys: Keys) -> None:
    """Raise RequestError where the keys that draw a test part contradict each other."""
    key = keys.given(DRAWN)
    if key and keys.part:
        value = str(getattr(keys, key)).lower()
        raise RequestError(
            f"problem.{key}={value}: problem.part={keys.part} says which sequences are for "
            "testing, so that nothing is drawn"
        )
    if keys.folds is None:
        return
    if keys.resplit:
        raise RequestError(
            f"problem.folds={keys.folds}: problem.resplit is set too, and only one of them can "
            "divide the data"
        )
    if keys.test_share != Keys.test_share:
        raise RequestError(
            f"problem.test_share={keys.test_share}: problem.folds={keys.folds} says how large the "
            "test part is; leave one of the two out"
        )


def shown_columns(names: tuple[str, ...]) -> str:
    """Columns as they are typed."""
    return names[0] if len(names) == 1 else f"[{','.join(names)}]"


def _predicted(key: str, value: Any) -> tuple[str, ...] | None:
    names = _columns(key, value) or None
    if names and len(set(names)) < len(names):
        raise RequestError(f"problem.{key}={shown_columns(names)}: a column is named twice")
    return names


def _column(key: str, value: Any) -> str | None:
    # What looks like a number may be a column's name as well.
    if value is None or (isinstance(value, str | int) and not isinstance(value, bool)):
        return None if value is None else str(value)
    raise RequestError(f"problem.{key}={value}: a column's name is needed")


def _columns(key: str, value: Any) -> tuple[str, ...] | None:
    if value is None:
        return () if key == "categorical" else None
    if not isinstance(value, list | tuple):
        return (str(_column(key, value)),)
    return tuple(str(_column(f"{key} (of each)", name)) for name in value)


def _choice(key: str, value: Any) -> str | None:
    default = getattr(Keys, key)
    if value is None and default is None:
        return None
    if key == "decimal":
        value = {".": "point", ",": "comma"}.get(value, value)
    if value not in CHOICES[key]:
        shown = "null" if value is None else value
        raise RequestError(f"problem.{key}={shown}: {suggest(str(value), CHOICES[key])}")
    return str(value)


def _separator(key: str, value: Any) -> str | None:
    if value is None:
        return None
    found = SEPARATORS.get(str(value), "\t" if value == "\\t" else value)
    if not isinstance(found, str) or len(found) != 1 or found in '"\r\n':
        possible = suggest(str(value), SEPARATORS)
        raise RequestError(f"problem.separator={value}: {possible} (or give one character)")
    return found


def _encoding(key: str, value: Any) -> str | None:
    try:
        if value is not None:
            "x".encode(value)
    except (LookupError, TypeError, ValueError):
        raise RequestError(
            f"problem.encoding={value}: Python knows no such encoding; usual ones are utf-8, "
            "latin-1, cp1252, utf-16"
        ) from None
    return None if value is None else str(value)


def _time_format(key: str, value: Any) -> str | None:
    if value is None:
        return None
    try:
        datetime.strptime("", str(value))
        right = False
    except (ValueError, re.error) as error:
        # An empty text fits no format; any other complaint is about the format itself.
        right = "does not match" in str(error) and "%" in str(value)
    if not right:
        raise RequestError(
            f"problem.time_format={value}: %d, %m, %Y, %H, %M and %S stand for day, month, year, "
            "hour, minute and second, as in %d.%m.%Y"
        )
    return str(value)


def _embedding(key: str, value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    raise RequestError(f"problem.embedding={value}: a whole number above 0 is needed, or null")


def _folds(key: str, value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value > 1):
        return value
    raise RequestError(f"problem.folds={value}: a whole number from 2 on is needed, or null")


_CHECKS = {
    **dict.fromkeys(COLUMN, _column),
    **dict.fromkeys(COLUMNS, _columns),
    "label": _predicted,
    "target": _predicted,
    **dict.fromkeys(CHOICES, _choice),
    "separator": _separator,
    "encoding": _encoding,
    "time_format": _time_format,
    "embedding": _embedding,
    "folds": _folds,
}
