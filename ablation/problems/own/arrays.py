"""Sequences in an .npz: arrays x and y, and what else is needed, under names of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ablation.data import Array
from ablation.errors import RequestError, suggest
from ablation.problems.own.examples import (
    LARGEST,
    MOST_SYMBOLS,
    WITHOUT,
    Examples,
    codes_of,
    encode,
    in_test,
    shown,
)

NAMES = ("x", "y", "mask", "lengths", "group", "part")


def read(path: Path) -> Examples:
    """The examples of an .npz; raises RequestError with the array and the place in it.

    x: (n, steps, features) numbers, (n, steps) floats, or (n, steps) integers, which are symbols
    with 0 for padding. y: (n, steps) or (n,), integers or text; NaN or "" is no label.
    mask: (n, steps) bool, the steps that exist; or lengths: (n,) integers, how many do.
    group: (n,) integers or text. part: (n,) bool (True is test), or "train" and "test".
    """
    arrays = _load(path)
    for name in ("x", "y"):
        if name not in arrays:
            raise RequestError(f"{path}: no array {name}; it has {', '.join(arrays) or 'none'}")
    x, y = arrays["x"], arrays["y"]
    symbolic = x.ndim == 2 and x.dtype.kind in "iu"
    if x.dtype.kind not in "biuf" or x.ndim not in (2, 3) or 0 in x.shape:
        raise RequestError(
            f"{path}, x: {_told(x)}; numbers of shape (sequences, steps, features) are needed"
        )
    n, steps = x.shape[:2]
    mask = _mask(path, arrays, n, steps)
    if mask is None:
        mask = x != 0 if symbolic else np.ones((n, steps), bool)
    if not mask.any(axis=1).all():
        raise RequestError(f"{path}, x[{int(np.argmin(mask.any(axis=1)))}]: it has no step")
    labels, classes = _labels(path, y, mask)
    group, part = (_of_each(path, name, arrays.get(name), n) for name in ("group", "part"))
    if part is not None and part.dtype.kind == "b":
        part = np.where(part, "test", "train")
    return Examples(
        names=[f"x[{i}]" for i in range(n)],
        sizes=mask.sum(axis=1),
        x=_symbols(path, x, mask) if symbolic else _numbers(path, x, mask),
        codes=np.zeros((int(mask.sum()), 0), np.int32),
        y=labels,
        per_step=y.ndim == 2,
        classes=classes,
        symbols=int(x.max()) + 1 if symbolic else 0,
        group=None if group is None else codes_of([str(value) for value in group.tolist()])[0],
        test=None
        if part is None
        else in_test([str(value) for value in part.tolist()], lambda i: f"{path}, part[{i}]"),
    )


def _load(path: Path) -> dict[str, Array]:
    # Whatever the bytes are, NumPy's answer to them is one line here; objects are never unpickled.
    try:
        with open(path, "rb") as file:  # our own, so that it is closed whatever NumPy finds
            if file.read(2) != b"PK":
                raise ValueError("it does not begin as one")
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                names = list(archive.files)
                unknown = [name for name in names if name not in NAMES]
                if not unknown:
                    return {name: np.asarray(archive[name]) for name in names}
    except MemoryError:
        raise RequestError(f"{path}: its arrays do not fit into memory") from None
    except Exception as error:
        if "Object arrays" in str(error):
            raise RequestError(
                f"{path}: an array of objects, as ragged sequences give; pad them to one length, "
                "and say in an array lengths how many steps each has"
            ) from None
        raise RequestError(f"{path}: not a sound .npz ({_first(error)})") from None
    raise RequestError(f"{path}: array {unknown[0]}: {suggest(unknown[0], NAMES)}")


def _first(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def _told(array: Array) -> str:
    return f"{array.dtype} of shape {array.shape}"


def _mask(path: Path, arrays: dict[str, Array], n: int, steps: int) -> Array | None:
    """Which steps exist, (n, steps); None where nothing is said."""
    if "mask" in arrays and "lengths" in arrays:
        raise RequestError(f"{path}: mask and lengths; one of the two is needed")
    if "lengths" in arrays:
        lengths = arrays["lengths"]
        if lengths.shape != (n,) or lengths.dtype.kind not in "iu":
            raise RequestError(f"{path}, lengths: {_told(lengths)}; integers ({n},) are needed")
        wrong = (lengths < 1) | (lengths > steps)
        if wrong.any():
            i = int(np.argmax(wrong))
            raise RequestError(f"{path}, lengths[{i}]: {lengths[i]}; possible is 1 .. {steps}")
        return np.asarray(np.arange(steps) < lengths.astype(np.int64)[:, None])
    if "mask" in arrays:
        mask = arrays["mask"]
        if mask.shape != (n, steps) or mask.dtype.kind != "b":
            raise RequestError(f"{path}, mask: {_told(mask)}; bool ({n}, {steps}) is needed")
        return mask
    return None


def _numbers(path: Path, x: Array, mask: Array) -> Array:
    """The steps that exist as (rows, features) float64."""
    with np.errstate(all="ignore"):  # what does not fit into a float64 is found below
        rows = (x if x.ndim == 3 else x[..., None])[mask].astype(np.float64)
    wrong = ~(np.abs(rows) <= LARGEST)
    if wrong.any():
        row, feature = np.argwhere(wrong)[0]
        place = [*np.argwhere(mask)[row], feature][: x.ndim]
        raise RequestError(
            f"{path}, x[{', '.join(map(str, place))}]: {rows[row, feature]}; a finite number is "
            "needed (a step that does not exist is told by mask or lengths)"
        )
    return rows


def _symbols(path: Path, x: Array, mask: Array) -> Array:
    """The steps that exist as (rows,) int32, from 1 on."""
    rows = x[mask]
    wrong = (rows < 1) | (rows >= MOST_SYMBOLS)
    if wrong.any():
        i, t = np.argwhere(mask)[np.argmax(wrong)]
        raise RequestError(
            f"{path}, x[{i}, {t}]: {x[i, t]}; integers are symbols, 1 .. {MOST_SYMBOLS - 1}, and 0 "
            "is padding (store numbers as floats)"
        )
    return rows.astype(np.int32)


def _labels(path: Path, y: Array, mask: Array) -> tuple[Array, list[str]]:
    """Labels of the steps that exist, (rows,), or of the sequences, (n,), and their names."""
    if y.shape not in (mask.shape, mask.shape[:1]):
        raise RequestError(
            f"{path}, y: shape {y.shape}; {mask.shape} is needed for a label a step, "
            f"{mask.shape[:1]} for a label a sequence"
        )
    if y.dtype.kind not in "biufUS":
        raise RequestError(f"{path}, y: {y.dtype}; integers or text are needed")
    places = np.argwhere(mask) if y.ndim == 2 else np.arange(len(y))[:, None]
    values = y[mask] if y.ndim == 2 else y
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "U":
        there = ~np.isin(np.char.lower(values), WITHOUT)
    else:
        there = values == values  # a NaN does not
    if y.ndim == 1 and not there.all():
        raise RequestError(f"{path}, y[{int(np.argmin(there))}]: no label")
    return encode(values, there, lambda i: f"{path}, y[{', '.join(map(str, places[i]))}]")


def _of_each(path: Path, name: str, values: Array | None, n: int) -> Array | None:
    """An array that says something of each sequence."""
    if values is not None and (values.shape != (n,) or values.dtype.kind not in "biuU"):
        raise RequestError(f"{path}, {name}: {_told(values)}; text or integers ({n},) are needed")
    if values is not None and name == "part" and values.dtype.kind in "iu":
        raise RequestError(f"{path}, part[0]: {shown(values[0])} is neither 'train' nor 'test'")
    return values
