"""The user's own sequences, from an .npz, a text table or a .parquet: own data without any code.

`arrays` and `columns` read the two kinds of file, `parts` splits them, `features` scales numbers
and encodes categories (`prepared`); here they become padded sequences. The test part is the same
for every seed and arm, or every seed has its own (problem.resplit, problem.folds), the same in all
arms. Only the training part decides how features are scaled and encoded.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ablation.data import Sequences
from ablation.errors import RequestError
from ablation.problems.own.features import embedded
from ablation.problems.own.keys import checked
from ablation.problems.own.prepared import Labelled, file_of, read_data, read_labels
from ablation.problems.own.recipe import recipe
from ablation.problems.own.understood import describe


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
    resplit: bool = False,
    folds: int | None = None,
    stratify: bool = False,
    standardize: bool = True,
    split: str = "train",
    seed: int | None = None,
) -> Sequences:
    """A random choice of the sequences of one part; all of them if there are not so many.

    length: steps that are kept of each sequence, from its first on; 1 .. `longest`.
    path: .npz (arrays.read), or a table (columns.read). The other keys are those of keys.Keys.
    test_share: of the sequences, or of the groups, where the file does not say their part.
    split: "train" or "test", or "validation" if the file has such a part.
    seed: whose parts these are, where resplit or folds gives each seed its own.
    x: (n, length, features) float32, or (n, length) int32 symbols, padded on the right with 0;
    y: (n, length) or (n,) int32; of several labels or numbers as in data.Sequences, and numbers
    come with mean and scale of the training part. A sequence without any label in these steps is
    left out.
    """
    data = read_data(
        path,
        seed,
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
        resplit=resplit,
        folds=folds,
        stratify=stratify,
        standardize=standardize,
    )
    found = data.examples
    members = data.members(length, split)
    divided = resplit or folds is not None
    if divided and split == "train" and sequences >= _typical(data, length):
        sequences = len(members)  # all were asked for, and some seeds have a few more
    chosen = rng.permutation(members)[:sequences]
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
    return int(read_data(path, None, **parameters).examples.sizes.max())


def available(length: int, path: str | None = None, **parameters: Any) -> int:
    """Number of training sequences that have a label in so many steps.

    Where each seed has its own training part, a typical one: a trial means the same with any seed.
    """
    data = read_data(path, None, **parameters)
    members = data.members(length, "train")
    return _typical(data, length) if checked(parameters).divided else len(members)


def _typical(data: Labelled, length: int) -> int:
    """How many training sequences a seed has on average, by the share of its training part."""
    group = data.examples.group
    train = data.parts["train"]
    share = train.mean() if group is None else len(np.unique(group[train])) / (group.max() + 1)
    return max(round(float(share * (data.first_label < length).sum())), 1)


def check_seeds(seeds: Iterable[int], length: int, path: str | None = None, **keys: Any) -> None:
    """Raise RequestError where the parts of one of the seeds cannot be learnt or tested."""
    for seed in seeds:
        found = read_labels(path, seed, **keys)
        for split in ("train", "test"):
            try:
                found.members(length, split)
            except RequestError as error:
                raise RequestError(f"seed {seed}: {error}") from None


def overlap(seed: int, length: int, most: int, path: str | None = None, **keys: Any) -> float:
    """How many test sequences there are for each one of training, or groups of them, by seed.

    most: test sequences that are used.
    """
    data = read_labels(path, seed, **keys)
    train, test = (data.members(length, split) for split in ("train", "test"))
    group = data.examples.group
    if group is not None:
        return len(np.unique(group[test])) / len(np.unique(group[train]))
    return min(len(test), most) / len(train)


def has_validation(path: str | None = None, **parameters: Any) -> bool:
    """Whether the file says which sequences are for validation."""
    return "validation" in read_data(path, None, **parameters).parts


def files(path: str | None = None, **parameters: Any) -> list[Path]:
    """The file itself."""
    return [file_of(path)]


def settled(path: str | None = None, **parameters: Any) -> dict[str, Any]:
    """The parameters, with what they leave to the file filled in.

    What is found in a file may be found otherwise one day; a trial says what it was trained on.
    """
    data, keys = read_data(path, None, **parameters), checked(parameters)
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


def remarks(seeds: Iterable[int], path: str | None = None, **parameters: Any) -> list[str]:
    """A sentence for each thing in the file that may be meant otherwise than it was read.

    seeds: those that are trained, each of which may have parts of its own.
    """
    if not checked(parameters).divided:
        return list(read_data(path, None, **parameters).examples.remarks)
    by_seed = {seed: read_labels(path, seed, **parameters).examples.remarks for seed in seeds}
    of_all = set.intersection(*map(set, by_seed.values())) if by_seed else set()
    common = [remark for remark in next(iter(by_seed.values()), ()) if remark in of_all]
    own = {seed: [r for r in found if r not in of_all] for seed, found in by_seed.items()}
    concerned = [seed for seed, found in own.items() if found]
    if not concerned:
        return common
    more = f" (and the like in {len(concerned) - 1} more seeds)" if len(concerned) > 1 else ""
    return [*common, f"seed {concerned[0]}: {own[concerned[0]][0]}{more}"]


def understood(path: str | None = None, **parameters: Any) -> list[tuple[str, str]]:
    """How the file was read, as pairs of a name and a text; of parts by seed those of seed 0."""
    data, keys = read_data(path, None, **parameters), checked(parameters)
    return describe(data.examples, data.parts, embedded(data.examples, keys.symbols), keys)


def preprocessing(seed: int, path: str | None = None, **parameters: Any) -> dict[str, Any]:
    """How to make inputs from new data of this kind, as `recipe.recipe` says it."""
    data = read_data(path, seed, **parameters)
    return recipe(data.examples, data.parts["train"], checked(parameters))


def ids(
    rng: np.random.Generator,
    sequences: int,
    length: int,
    seed: int,
    path: str | None = None,
    **parameters: Any,
) -> list[str]:
    """What the file calls the test sequences that `generate` gives, in its order."""
    data = read_data(path, seed, **parameters)
    chosen = rng.permutation(data.members(length, "test"))[:sequences]
    return [data.examples.ids[i] for i in chosen]


def class_names(path: str | None = None, **parameters: Any) -> list[str]:
    """The labels in the file, in the order of their classes, or what the numbers are called."""
    return list(read_data(path, None, **parameters).examples.classes)
