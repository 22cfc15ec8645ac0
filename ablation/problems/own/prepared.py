"""A file's examples, divided into parts and encoded: what `file` takes sequences from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ablation.data import Array
from ablation.errors import RequestError
from ablation.problems.own import arrays, columns
from ablation.problems.own.examples import Examples, shown
from ablation.problems.own.features import Inputs, check_numbers, make_inputs, scale_of
from ablation.problems.own.keys import Keys, checked
from ablation.problems.own.parts import find_parts, with_usable_labels

SUFFIXES = (".npz", ".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")
Stamp = tuple[int, int]


@dataclass(frozen=True)
class Labelled:
    """A file's examples, divided; their steps lie one after the other, as rows.

    parts: the sequences of each part, (n,) bool by its name. first_label: (n,) int, the steps
    before its first label, which are all of them where a sequence has none.
    """

    path: str
    examples: Examples
    parts: dict[str, Array]
    first_label: Array

    def members(self, length: int, split: str) -> Array:
        """The sequences of a part that have a label in so many steps."""
        if split not in self.parts:
            possible = " and ".join(map(repr, self.parts))
            raise ValueError(f"split: {split!r} is not possible, possible are {possible}")
        most = int(self.examples.sizes.max())
        if length > most:
            raise RequestError(
                f"length={length}: the longest sequence of {self.path} has {most} steps"
            )
        in_part = self.parts[split]
        members = np.flatnonzero(in_part & (self.first_label < length))
        if not len(members):
            raise RequestError(
                f"length={length}: no sequence of the {split} part of {self.path} has a label so "
                "early"
            )
        if self.examples.per_step and self.examples.task == "classes" and split == "train":
            self._check_early(length, in_part)
        return members

    def _check_early(self, length: int, train: Array) -> None:
        found = self.examples
        step = np.arange(len(found.y)) - found.begins[found.of_row]
        early = train[found.of_row] & (step < length) & found.known
        labels = np.unique(found.y[early])
        if len(labels) == 1:
            raise RequestError(
                f"length={length}: all labels of the train part of {self.path} are "
                f"{shown(found.classes[labels[0]])} so early; two are needed"
            )


@dataclass(frozen=True)
class Data(Labelled):
    """The same, encoded.

    mean, scale: of the numbers to predict, (targets,) of the training part; None for other tasks.
    """

    inputs: Inputs
    mean: Array | None
    scale: Array | None


def read_data(path: str | None, seed: int | None, **parameters: Any) -> Data:
    """The file as the keys say; seed: whose parts, where each has its own; None: the first's."""
    file, stamp, keys = _source(path, parameters)
    return _prepared(file, stamp, keys, (seed or 0) if keys.divided else None)


def read_labels(path: str | None, seed: int | None, **parameters: Any) -> Labelled:
    """The same without its inputs, which take longest."""
    file, stamp, keys = _source(path, parameters)
    return _labelled(file, stamp, keys, (seed or 0) if keys.divided else None)


def file_of(path: object) -> Path:
    """The file; raises RequestError where there is none, or none of a kind that is read."""
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


def _source(path: str | None, parameters: dict[str, Any]) -> tuple[str, Stamp, Keys]:
    """The file, a stamp that changes when it does, and what the keys say of it."""
    keys = checked(parameters)
    file = file_of(path)
    try:
        stat = file.stat()
    except OSError as error:
        raise RequestError(f"{file}: cannot be read ({error.strerror})") from None
    return str(file), (stat.st_mtime_ns, stat.st_size), keys


@lru_cache(maxsize=8)
def _examples(path: str, stamp: Stamp, keys: Keys) -> Examples:
    read = arrays.read if path.lower().endswith(".npz") else columns.read
    try:
        return read(Path(path), keys)
    except OSError as error:
        raise RequestError(f"{path}: cannot be read ({error.strerror})") from None


@lru_cache(maxsize=8)
def _labelled(path: str, stamp: Stamp, keys: Keys, seed: int | None) -> Labelled:
    found = _examples(path, stamp, keys)
    parts = find_parts(found, keys, path, seed)
    try:
        found = with_usable_labels(found, parts, keys, path)
        check_numbers(found, parts["train"][found.of_row], path)
    except RequestError as error:
        raise error if seed is None else RequestError(f"seed {seed}: {error}") from None
    if found.per_step:
        step = np.arange(len(found.of_row)) - found.begins[found.of_row]
        first_label = np.minimum.reduceat(np.where(found.known, step, len(step)), found.begins)
    else:
        first_label = np.where(found.known, 0, len(found.of_row))
    return Labelled(path, found, parts, first_label)


@lru_cache(maxsize=4)  # of large files, and each seed may have its own
def _prepared(path: str, stamp: Stamp, keys: Keys, seed: int | None) -> Data:
    labelled = _labelled(path, stamp, keys, seed)
    found, train = labelled.examples, labelled.parts["train"]
    inputs = make_inputs(found, train[found.of_row], keys, path)
    if keys.embedding and not (inputs.symbols or inputs.levels):
        raise RequestError(
            f"problem.embedding={keys.embedding}: nothing in {path} is embedded; problem.symbols "
            "names categories to embed"
        )
    mean, scale = scale_of(found, train)
    return Data(path, found, labelled.parts, labelled.first_label, inputs, mean, scale)
