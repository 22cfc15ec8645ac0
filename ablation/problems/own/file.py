"""The user's own sequences, from an .npz, a text table or a .parquet: own data without any code.

`arrays` and `columns` read the two kinds of file, `parts` splits them, `features` scales numbers
and encodes categories; here they become padded sequences. The test part is the same for every seed
and arm, and only the training part decides how features are scaled and encoded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ablation.data import Array, Sequences
from ablation.errors import RequestError
from ablation.problems.own import arrays, columns
from ablation.problems.own.examples import Examples, shown
from ablation.problems.own.features import Inputs, embedded, make_inputs, scale_of
from ablation.problems.own.keys import Keys, checked
from ablation.problems.own.parts import find_parts, with_usable_labels
from ablation.problems.own.recipe import recipe
from ablation.problems.own.understood import describe

SUFFIXES = (".npz", ".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")


@dataclass(frozen=True)
class Data:
    """A file's examples, split and encoded; their steps lie one after the other, as rows.

    parts: the sequences of each part, (n,) bool by its name. first_label: (n,) int, the steps
    before its first label, which are all of them where a sequence has none.
    mean, scale: of the numbers to predict, (targets,) of the training part; None for other tasks.
    """

    path: str
    examples: Examples
    inputs: Inputs
    parts: dict[str, Array]
    first_label: Array
    mean: Array | None = None
    scale: Array | None = None


def generate(
    rng: np.random.Generator,
    sequences: int,
    length: int,
    *,
    path: str | None = None,
    sequence: str | None = None,
    time: str | None = None,
    label: str | list[str] | None = None,
    target: str | list[str] | None = None,
    label_per: str | None = None,
    features: list[str] | None = None,
    categorical: list[str] | None = None,
    symbols: list[str] | None = None,
    embedding: int | None = None,
    group: str | None = None,
    part: str | None = None,
    separator: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    time_format: str | None = None,
    fill_down: bool = False,
    missing: str = "error",
    unseen: str = "error",
    zero: str | None = None,
    test_share: float = 0.2,
    standardize: bool = True,
    split: str = "train",
) -> Sequences:
    """A random choice of the sequences of one part; all of them if there are not so many.

    length: steps that are kept of each sequence, from its first on; 1 .. `longest`.
    path: .npz (arrays.read), or a table (columns.read). The other keys are those of keys.Keys.
    test_share: of the sequences, or of the groups, where the file does not say their part.
    split: "train" or "test", or "validation" if the file has such a part.
    x: (n, length, features) float32, or (n, length) int32 symbols, padded on the right with 0;
    y: (n, length) or (n,) int32; of several labels or numbers as in data.Sequences, and numbers
    come with mean and scale of the training part. A sequence without any label in these steps is
    left out.
    """
    data = _data(
        path,
        sequence=sequence,
        time=time,
        label=label,
        target=target,
        label_per=label_per,
        features=features,
        categorical=categorical,
        symbols=symbols,
        embedding=embedding,
        group=group,
        part=part,
        separator=separator,
        decimal=decimal,
        encoding=encoding,
        time_format=time_format,
        fill_down=fill_down,
        missing=missing,
        unseen=unseen,
        zero=zero,
        test_share=test_share,
        standardize=standardize,
    )
    found = data.examples
    chosen = rng.permutation(_members(data, length, split))[:sequences]
    whole = bool((found.sizes >= length).all())  # in both parts, for the model is one
    steps = np.arange(length)
    present = steps < found.sizes[chosen, None]
    rows = np.where(present, found.begins[chosen, None] + steps, 0)
    x = data.inputs.x[rows]
    x[~present] = 0
    at = rows if found.per_step else chosen
    known = found.known[at] & present if found.per_step else found.known[at]
    counts = known if found.task == "classes" else known[..., None]
    return Sequences(
        x,
        np.where(counts, found.y[at], 0 if data.mean is None else data.mean),
        known if found.per_step and not found.known.all() else None,
        None if whole else present,
        task=found.task,
        classes=len(found.classes),
        mean=data.mean,
        scale=data.scale,
        symbols=data.inputs.symbols,
        levels=data.inputs.levels,
        embedding=embedding,
        group=None if found.group is None else found.group[chosen],
    )


def longest(path: str | None = None, **parameters: Any) -> int:
    """Steps of the longest sequence."""
    return int(_data(path, **parameters).examples.sizes.max())


def available(length: int, path: str | None = None, **parameters: Any) -> int:
    """Number of training sequences that have a label in so many steps."""
    return len(_members(_data(path, **parameters), length, "train"))


def has_validation(path: str | None = None, **parameters: Any) -> bool:
    """Whether the file says which sequences are for validation."""
    return "validation" in _data(path, **parameters).parts


def files(path: str | None = None, **parameters: Any) -> list[Path]:
    """The file itself."""
    return [_file(path)]


def settled(path: str | None = None, **parameters: Any) -> dict[str, Any]:
    """The parameters, with what they leave to the file filled in.

    What is found in a file may be found otherwise one day; a trial says what it was trained on.
    """
    data, keys = _data(path, **parameters), checked(parameters)
    filled: dict[str, Any] = {"label_per": keys.label_per or "step"}
    if keys.label and len(keys.label) == 1:
        filled["label"] = keys.label[0]
    if data.examples.task == "numbers":
        filled["target"] = list(keys.target or ("y",))
    if data.examples.zero:
        filled["zero"] = data.examples.zero
    if data.examples.levels:
        filled["symbols"] = list(embedded(data.examples, keys.symbols))
    return {"path": path, **parameters, **filled}


def remarks(path: str | None = None, **parameters: Any) -> list[str]:
    """A sentence for each thing in the file that may be meant otherwise than it was read."""
    return list(_data(path, **parameters).examples.remarks)


def understood(path: str | None = None, **parameters: Any) -> list[tuple[str, str]]:
    """How the file was read, as pairs of a name and a text."""
    data = _data(path, **parameters)
    return describe(data.examples, data.parts, embedded(data.examples, checked(parameters).symbols))


def preprocessing(path: str | None = None, **parameters: Any) -> dict[str, Any]:
    """How to make inputs from new data of this kind, as `recipe.recipe` says it."""
    data = _data(path, **parameters)
    return recipe(data.examples, data.parts["train"], checked(parameters))


def ids(
    rng: np.random.Generator,
    sequences: int,
    length: int,
    path: str | None = None,
    **parameters: Any,
) -> list[str]:
    """What the file calls the test sequences that `generate` gives, in its order."""
    data = _data(path, **parameters)
    chosen = rng.permutation(_members(data, length, "test"))[:sequences]
    return [data.examples.ids[i] for i in chosen]


def class_names(path: str | None = None, **parameters: Any) -> list[str]:
    """The labels in the file, in the order of their classes, or what the numbers are called."""
    return list(_data(path, **parameters).examples.classes)


def _data(path: str | None, **parameters: Any) -> Data:
    keys = checked(parameters)
    file = _file(path)
    try:
        stat = file.stat()
        return _prepared(str(file), (stat.st_mtime_ns, stat.st_size), keys)
    except OSError as error:
        raise RequestError(f"{file}: cannot be read ({error.strerror})") from None


def _file(path: object) -> Path:
    if not isinstance(path, str) or not path:
        raise RequestError(
            f"problem.path={'null' if path is None else path}: the name of a file is needed, "
            f"one of {', '.join(SUFFIXES)}"
        )
    file = Path(path).expanduser()
    if not file.name.lower().endswith(SUFFIXES):
        raise RequestError(
            f"problem.path={path}: it must end with one of {', '.join(SUFFIXES)}, which says how "
            "it is read"
        )
    if not file.is_file():  # a pipe would keep its reader waiting for ever
        raise RequestError(f"problem.path={path}: no such file (looked for in {Path.cwd()})")
    return file


@lru_cache(maxsize=8)
def _prepared(path: str, stamp: tuple[int, int], keys: Keys) -> Data:
    """The file's data; stamp changes when the file does."""
    read = arrays.read if path.lower().endswith(".npz") else columns.read
    found = read(Path(path), keys)
    parts = find_parts(found, keys.test_share, path)
    found = with_usable_labels(found, parts, keys.unseen, path)
    inputs = make_inputs(found, parts["train"][found.of_row], keys, path)
    if keys.embedding and not (inputs.symbols or inputs.levels):
        raise RequestError(
            f"problem.embedding={keys.embedding}: nothing in {path} is embedded; problem.symbols "
            "names categories to embed"
        )
    if found.per_step:
        step = np.arange(len(found.of_row)) - found.begins[found.of_row]
        first_label = np.minimum.reduceat(np.where(found.known, step, len(step)), found.begins)
    else:
        first_label = np.where(found.known, 0, len(found.of_row))
    mean, scale = scale_of(found, parts["train"])
    return Data(path, found, inputs, parts, first_label, mean, scale)


def _members(data: Data, length: int, split: str) -> Array:
    """The sequences of a part that have a label in so many steps."""
    if split not in data.parts:
        possible = " and ".join(map(repr, data.parts))
        raise ValueError(f"split: {split!r} is not possible, possible are {possible}")
    most = int(data.examples.sizes.max())
    if length > most:
        raise RequestError(f"length={length}: the longest sequence of {data.path} has {most} steps")
    in_part = data.parts[split]
    members = np.flatnonzero(in_part & (data.first_label < length))
    if not len(members):
        raise RequestError(
            f"length={length}: no sequence of the {split} part of {data.path} has a label so early"
        )
    if data.examples.per_step and data.examples.task == "classes" and split == "train":
        _check_early(data, length, in_part)
    return members


def _check_early(data: Data, length: int, train: Array) -> None:
    found = data.examples
    step = np.arange(len(found.y)) - found.begins[found.of_row]
    early = train[found.of_row] & (step < length) & found.known
    labels = np.unique(found.y[early])
    if len(labels) == 1:
        raise RequestError(
            f"length={length}: all labels of the train part of {data.path} are "
            f"{shown(found.classes[labels[0]])} so early; two are needed"
        )
