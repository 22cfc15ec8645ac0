"""The user's own sequences, from an .npz, .csv or .parquet: own data without any code.

`arrays` and `columns` read the two kinds of file; here they are split, scaled and padded. The test
part is the same for every seed and arm, numbers are scaled by what the training part holds, and
categories become a feature for each of the training part's levels.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ablation.data import Array, Sequences
from ablation.errors import RequestError, suggest
from ablation.problems.own import arrays
from ablation.problems.own.columns import Columns, read
from ablation.problems.own.examples import LARGEST, Examples, shown
from ablation.seeding import stream

SUFFIXES = (".npz", ".csv", ".parquet")


@dataclass(frozen=True)
class Data:
    """A file's examples, split and scaled; their steps lie one after the other, as rows.

    x: (rows, features) float32, or (rows,) int32 symbols. test: (n,) bool. begins: (n,) int, the
    first row of each sequence. first_label: (n,) int, the steps before its first label.
    """

    path: str
    examples: Examples
    x: Array
    test: Array
    begins: Array
    first_label: Array


def generate(
    rng: np.random.Generator,
    sequences: int,
    length: int,
    *,
    path: str | None = None,
    sequence: str | None = None,
    time: str | None = None,
    label: str | None = None,
    label_per: str = "step",
    features: list[str] | None = None,
    categorical: list[str] | None = None,
    group: str | None = None,
    part: str | None = None,
    test_share: float = 0.2,
    standardize: bool = True,
    split: str = "train",
) -> Sequences:
    """A random choice of the sequences of one part; all of them if there are not so many.

    length: steps that are kept of each sequence, from its first on; 1 .. `longest`.
    path: .npz (arrays.read), or a table, whose columns the next keys name (columns.Columns).
    test_share: of the sequences, or of the groups, where the file does not part them.
    split: "train" or "test".
    x: (n, length, features) float32, or (n, length) int32 symbols, padded on the right with 0;
    y: (n, length) or (n,) int32. A sequence without any label in these steps is left out.
    """
    data = _data(
        path,
        test_share,
        standardize,
        sequence=sequence,
        time=time,
        label=label,
        label_per=label_per,
        features=features,
        categorical=categorical,
        group=group,
        part=part,
    )
    found = data.examples
    chosen = rng.permutation(_members(data, length, split))[:sequences]
    whole = bool((found.sizes >= length).all())  # in both parts, for the model is one
    steps = np.arange(length)
    present = steps < found.sizes[chosen, None]
    rows = np.where(present, data.begins[chosen, None] + steps, 0)
    x = data.x[rows]
    x[~present] = 0
    y = np.where(present, found.y[rows], -1) if found.per_step else found.y[chosen]
    scored = y >= 0 if found.per_step and (found.y < 0).any() else None
    return Sequences(
        x,
        np.maximum(y, 0),
        scored,
        None if whole else present,
        classes=len(found.classes),
        symbols=found.symbols,
    )


def longest(path: str | None = None, **parameters: Any) -> int:
    """Steps of the longest sequence."""
    return int(_data(path, **parameters).examples.sizes.max())


def available(length: int, path: str | None = None, **parameters: Any) -> int:
    """Number of training sequences that have a label in so many steps."""
    return len(_members(_data(path, **parameters), length, "train"))


def files(path: str | None = None, **parameters: Any) -> list[Path]:
    """The file itself."""
    return [_file(path)]


def _data(
    path: str | None, test_share: float = 0.2, standardize: bool = True, **columns: Any
) -> Data:
    if not 0 < test_share < 1:
        raise RequestError(f"problem.test_share={test_share}: it must lie between 0 and 1")
    named = {key: _column(key, value) for key, value in columns.items()}
    per = str(named.get("label_per", "step"))
    if per not in ("step", "sequence"):
        raise RequestError(f"problem.label_per={per}: {suggest(per, ['step', 'sequence'])}")
    file = _file(path)
    try:
        stat = file.stat()
        stamp = (stat.st_mtime_ns, stat.st_size)
        return _prepared(str(file), stamp, test_share, standardize, Columns(**named))
    except OSError as error:
        raise RequestError(f"{file}: cannot be read ({error.strerror})") from None


def _column(key: str, value: Any) -> Any:
    """A column's name, or a tuple of them; what looks like a number may be a name as well."""
    several = key in ("features", "categorical")
    if several and value is None:
        return () if key == "categorical" else None
    if several:
        value = value if isinstance(value, list | tuple) else [value]
        return tuple(_column(f"{key} (of each)", one) for one in value)
    if value is None or (isinstance(value, str | int) and not isinstance(value, bool)):
        return None if value is None else str(value)
    raise RequestError(f"problem.{key}={value}: a column's name is needed")


def _file(path: object) -> Path:
    if not isinstance(path, str) or not path:
        raise RequestError(
            f"problem.path={'null' if path is None else path}: the name of a file is needed, "
            f"one of {', '.join(SUFFIXES)}"
        )
    file = Path(path).expanduser()
    if file.suffix.lower() not in SUFFIXES:
        raise RequestError(
            f"problem.path={path}: it must end with one of {', '.join(SUFFIXES)}, which says how "
            "it is read"
        )
    if not file.is_file():  # a pipe would keep its reader waiting for ever
        raise RequestError(f"problem.path={path}: no such file (looked for in {Path.cwd()})")
    return file


@lru_cache(maxsize=8)
def _prepared(
    path: str, stamp: tuple[int, int], test_share: float, standardize: bool, columns: Columns
) -> Data:
    """The file's data; stamp makes a changed file another one."""
    found = _read(Path(path), columns)
    test = _drawn(found, test_share, path) if found.test is None else found.test
    for part, members in (("train", ~test), ("test", test)):
        if not members.any():
            raise RequestError(f"{path}: no sequence is in the {part} part")
    _check_groups(found, test, path)
    of_row = np.repeat(np.arange(len(test)), found.sizes)
    _check_labels(found, test, of_row, path)
    train = ~test[of_row]
    x = found.x
    if not found.symbols:
        numbers = _scaled(found.x, train, path) if standardize else found.x
        x = np.concatenate([numbers, *_one_hot(found.codes, train)], axis=1).astype(np.float32)
    begins = np.cumsum(found.sizes) - found.sizes
    first_label = np.zeros(len(test), np.int64)
    if found.per_step:
        step = np.arange(len(of_row)) - begins[of_row]
        first_label = np.minimum.reduceat(np.where(found.y >= 0, step, len(step)), begins)
    return Data(path, found, x, test, begins, first_label)


def _read(path: Path, columns: Columns) -> Examples:
    if path.suffix.lower() != ".npz":
        return read(path, columns)
    for key, default in vars(Columns()).items():
        given = getattr(columns, key)
        if key != "label_per" and given != default:
            raise RequestError(
                f"problem.{key}={given}: it is for tables; an .npz has arrays named "
                f"{', '.join(arrays.NAMES)}"
            )
    found = arrays.read(path)
    if found.per_step and columns.label_per == "sequence":
        raise RequestError(f"problem.label_per=sequence: y of {path} has a label for each step")
    return found


def _drawn(found: Examples, share: float, path: str) -> Array:
    """A test part of that share of the sequences, or of the groups, the same for every seed."""
    group = np.arange(len(found.sizes)) if found.group is None else found.group
    n = int(group.max()) + 1
    if n < 2:
        what = "sequence" if found.group is None else "group"
        raise RequestError(f"{path}: one {what} alone cannot be split into training and test")
    size = min(max(round(n * share), 1), n - 1)
    return np.isin(group, stream(None, "file/split").permutation(n)[:size])


def _check_groups(found: Examples, test: Array, path: str) -> None:
    if found.group is None:
        return
    both = np.intersect1d(found.group[test], found.group[~test])
    if len(both):
        one, other = (np.flatnonzero((found.group == both[0]) & part)[0] for part in (~test, test))
        raise RequestError(
            f"{path}: a group is in both parts ({found.names[one]} in train, "
            f"{found.names[other]} in test)"
        )


def _check_labels(found: Examples, test: Array, of_row: Array, path: str) -> None:
    """Raise RequestError where the training part has not all classes, or one part has none."""
    of_label = of_row if found.per_step else np.arange(len(test))
    known = found.y >= 0
    train, tested = (np.unique(found.y[known & part[of_label]]) for part in (~test, test))
    for part, labels in (("train", train), ("test", tested)):
        if not len(labels):
            raise RequestError(f"{path}: the {part} part has no label")
    strange = np.setdiff1d(tested, train)
    if len(strange):
        place = int(of_label[np.argmax(known & test[of_label] & (found.y == strange[0]))])
        raise RequestError(
            f"{path}: label {shown(found.classes[strange[0]])} is in the test part alone "
            f"({found.names[place]}); what cannot be learnt cannot be tested"
        )
    if len(train) == 1:
        name = shown(found.classes[train[0]])
        raise RequestError(f"{path}: all labels of the train part are {name}; two are needed")


def _scaled(x: Array, train: Array, path: str) -> Array:
    """The features with mean 0 and deviation 1 in the training part; 0 where they are constant."""
    known = x[train]
    constant = np.ptp(known, axis=0) == 0
    deviation = np.where(constant, 0, known.std(axis=0))
    scaled: Array = np.divide(
        x - known.mean(axis=0), deviation, where=deviation > 0, out=np.zeros_like(x)
    )
    if (np.abs(scaled) > LARGEST).any():
        raise RequestError(
            f"{path}: a feature of the test part is more than {LARGEST:g} deviations off the "
            "training part's mean"
        )
    return scaled


def _one_hot(codes: Array, train: Array) -> list[Array]:
    """A feature for each level that the training part has; another level is 0 in all of them."""
    return [column[:, None] == np.unique(column[train]) for column in codes.T]


def _members(data: Data, length: int, split: str) -> Array:
    """The sequences of a part that have a label in so many steps."""
    if split not in ("train", "test"):
        raise ValueError(f"split: {split!r} is not possible, possible are 'train' and 'test'")
    most = int(data.examples.sizes.max())
    if length > most:
        raise RequestError(f"length={length}: the longest sequence of {data.path} has {most} steps")
    in_part = data.test == (split == "test")
    members = np.flatnonzero(in_part & (data.first_label < length))
    if not len(members):
        raise RequestError(
            f"length={length}: no sequence of the {split} part of {data.path} has a label so early"
        )
    if data.examples.per_step and split == "train":
        _check_early(data, length, in_part)
    return members


def _check_early(data: Data, length: int, train: Array) -> None:
    found = data.examples
    step = np.arange(len(found.y)) - np.repeat(data.begins, found.sizes)
    early = np.repeat(train, found.sizes) & (step < length) & (found.y >= 0)
    labels = np.unique(found.y[early])
    if len(labels) == 1:
        raise RequestError(
            f"length={length}: all labels of the train part of {data.path} are "
            f"{shown(found.classes[labels[0]])} so early; two are needed"
        )
