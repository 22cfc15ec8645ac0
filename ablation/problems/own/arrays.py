"""Sequences in an .npz: arrays x and y, and what else is needed, under names of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ablation.data import Array
from ablation.errors import RequestError, suggest
from ablation.problems.own import labels, targets
from ablation.problems.own.examples import (
    LARGEST,
    MOST_SYMBOLS,
    Examples,
    codes_of,
    parts_of,
    shown,
)
from ablation.problems.own.keys import FOR_TABLES, Keys, shown_columns

NAMES = ("x", "y", "mask", "lengths", "group", "part")


def read(path: Path, keys: Keys) -> Examples:
    """The examples of an .npz; raises RequestError with the array and the place in it.

    x: (n, steps, features) numbers, (n, steps) floats, or (n, steps) integers, which are symbols.
    y: as `targets.of_array` or `labels.of_array` takes it.
    mask: (n, steps) bool, the steps that exist; or lengths: (n,) integers, how many do; without
    both, all do but symbols that are padding.
    group: (n,) integers or text. part: (n,) bool (True is test), or "train" and "test".
    """
    key = keys.given(FOR_TABLES)
    if key:
        raise RequestError(
            f"problem.{key}={_typed(getattr(keys, key))}: it is for tables; an .npz has arrays "
            f"named {', '.join(NAMES)}"
        )
    if keys.target not in (None, ("y",)):
        raise RequestError(
            f"problem.target={shown_columns(keys.target)}: the numbers of an .npz are its array y; "
            "problem.target=y says that they are no classes"
        )
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
    if keys.zero is not None and not symbolic:
        raise RequestError(
            f"problem.zero={keys.zero}: it is for symbols, and x of {path} are numbers "
            "(symbols are integers of shape (sequences, steps))"
        )
    n, steps = x.shape[:2]
    mask = _mask(path, arrays, n, steps)
    remarks: list[str] = []
    zero = None
    if symbolic:
        zero = keys.zero or ("symbol" if _zeros_inside(x, mask).any() else "padding")
        remarks = _about_zeros(x, mask, zero)
        if mask is None:
            mask = np.ones(x.shape, bool) if zero == "symbol" else x != 0
    elif mask is None:
        mask, remarks = np.ones((n, steps), bool), _zero_steps(x)
    if not mask.any(axis=1).all():
        raise RequestError(f"{path}, x[{int(np.argmin(mask.any(axis=1)))}]: it has no step")
    found = targets.of_array(path, y, mask, keys) or labels.of_array(path, y, mask, keys.label_per)
    group, part = (_of_each(path, name, arrays.get(name), n) for name in ("group", "part"))
    if part is not None and part.dtype.kind == "b":
        part = np.where(part, "test", "train")
    test = validation = None
    if part is not None:
        says = [str(value) for value in part.tolist()]
        test, validation = parts_of(says, lambda i: f"{path}, part[{i}]")
    features = x.shape[2] if x.ndim == 3 else 1
    return Examples(
        names=[f"x[{i}]" for i in range(n)],
        ids=[f"{i}" for i in range(n)],
        sizes=mask.sum(axis=1),
        x=_symbols(path, x, mask, zero) if symbolic else _numbers(path, x, mask, keys.missing),
        codes=np.zeros((int(mask.sum()), 0), np.int32),
        y=found.y,
        per_step=found.per_step,
        classes=found.classes,
        task=found.task,
        numbers=[] if symbolic else [f"x[..., {i}]" for i in range(features)],
        symbols=int(x.max()) + 1 + (zero == "symbol") if symbolic else 0,
        zero=zero,
        group=None if group is None else codes_of([str(value) for value in group.tolist()])[0],
        layout="arrays",
        remarks=(*remarks, *labels.odd_names(found)),
        test=test,
        validation=validation,
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


def _typed(value: object) -> object:
    return shown_columns(value) if isinstance(value, tuple) else value


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


def _about_zeros(x: Array, mask: Array | None, zero: str) -> list[str]:
    """A sentence for each way in which the zeros among symbols may be meant otherwise.

    zero: what they are taken as, "padding" or "symbol".
    """
    inside = _zeros_inside(x, mask)
    if zero == "symbol" and not inside.any():
        return []
    if zero == "symbol":
        place = ", ".join(map(str, np.argwhere(inside)[0]))
        ends = 0 if mask is not None else int(((x == 0) & ~inside).sum())
        more = f" ({ends} zeros are at the ends: if they are padding, add an array lengths)"
        return [
            f"x: 0 stands inside sequences, as at x[{place}]: it is taken as a symbol, and not as "
            "padding; problem.zero=padding leaves all zeros out" + more * bool(ends)
        ]
    remarks = []
    front = int((x[:, 0] == 0).sum()) if mask is None else 0
    if front:
        remarks.append(
            f"x: {front} sequences begin with 0, which is padding: their steps are moved to the "
            "front, and all padding to the end"
        )
    if mask is None and inside.any():
        remarks.append(
            f"x: {int(inside.sum())} zeros inside sequences are left out with their labels, as "
            "problem.zero=padding asks"
        )
    return remarks


def _zeros_inside(x: Array, mask: Array | None) -> Array:
    """The zeros that cannot be padding: (n, steps) bool."""
    if mask is not None:
        return np.asarray((x == 0) & mask)
    return np.asarray((x == 0) & ~_ends(x == 0))


def _ends(zero: Array) -> Array:
    """The True of each row (n, steps) that reach from its begin or its end without a gap."""
    begin = np.logical_and.accumulate(zero, axis=1)
    end = np.logical_and.accumulate(zero[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(begin | end)


def _zero_steps(x: Array) -> list[str]:
    """A sentence if steps of zeros look like padding: most of them are at the ends."""
    zero = (x == 0) if x.ndim == 2 else (x == 0).all(axis=2)
    ends = _ends(zero)
    if 2 * ends.sum() <= zero.sum():
        return []
    return [
        f"x: {int(ends.sum())} of {zero.size} steps, at the ends of {int(ends.any(axis=1).sum())} "
        "sequences, are all zero, and are taken as steps that exist; if they are padding, add an "
        "array lengths (or mask)"
    ]


def _numbers(path: Path, x: Array, mask: Array, missing: str) -> Array:
    """The steps that exist as (rows, features) float64."""
    with np.errstate(all="ignore"):  # what does not fit into a float64 is found below
        rows = (x if x.ndim == 3 else x[..., None])[mask].astype(np.float64)
    wrong = ~(np.abs(rows) <= LARGEST) & ~(np.isnan(rows) & (missing != "error"))
    if wrong.any():
        row, feature = np.argwhere(wrong)[0]
        place = [*np.argwhere(mask)[row], feature][: x.ndim]
        remedy = "; problem.missing=mean or forward fills it in" if np.isnan(rows).any() else ""
        raise RequestError(
            f"{path}, x[{', '.join(map(str, place))}]: {rows[row, feature]}; a finite number is "
            f"needed (a step that does not exist is told by mask or lengths){remedy}"
        )
    return rows


def _symbols(path: Path, x: Array, mask: Array, zero: str | None) -> Array:
    """The steps that exist as (rows,) int32, from 1 on; zero: "padding" or "symbol"."""
    rows = x[mask]
    least = 0 if zero == "symbol" else 1
    wrong = (rows < least) | (rows >= MOST_SYMBOLS - 1 + least)
    if wrong.any():
        i, t = np.argwhere(mask)[np.argmax(wrong)]
        raise RequestError(
            f"{path}, x[{i}, {t}]: {x[i, t]}; integers are symbols, {least} .. "
            f"{MOST_SYMBOLS - 2 + least}"
            + ", and 0 is padding" * least
            + " (store numbers as floats)"
        )
    return (rows.astype(np.int32) + (1 - least)).astype(np.int32)


def _of_each(path: Path, name: str, values: Array | None, n: int) -> Array | None:
    """An array that says something of each sequence."""
    if values is not None and (values.shape != (n,) or values.dtype.kind not in "biuU"):
        raise RequestError(f"{path}, {name}: {_told(values)}; text or integers ({n},) are needed")
    if values is not None and name == "part" and values.dtype.kind in "iu":
        raise RequestError(
            f"{path}, part[0]: {shown(values[0])} is neither 'train' nor 'test', nor 'validation'"
        )
    return values
