"""The parts of a file, for training, validation and test: who is in which, and is it of use."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np

from ablation.data import Array
from ablation.errors import RequestError
from ablation.problems.own.examples import Examples, shown
from ablation.problems.own.labels import may_be_numbers
from ablation.seeding import stream

NAMED = 5  # labels that a sentence lists before it says how many more there are


def find_parts(found: Examples, share: float, path: str) -> dict[str, Array]:
    """The sequences of each part, (n,) bool by its name: as the file says, or drawn.

    The parts are "train", "test" and, where the file has one, "validation".
    """
    test = _drawn(found, share, path) if found.test is None else found.test
    parts = {"train": ~test, "test": test}
    if found.validation is not None:
        parts |= {"train": ~test & ~found.validation, "validation": found.validation}
    for part, members in parts.items():
        if not members.any():
            raise RequestError(f"{path}: no sequence is in the {part} part")
    _check_groups(found, parts, path)
    return parts


def _drawn(found: Examples, share: float, path: str) -> Array:
    """A test part of that share of the sequences, or of the groups, the same for every seed."""
    group = np.arange(len(found.sizes)) if found.group is None else found.group
    n = int(group.max()) + 1
    if n < 2:
        what = "sequence" if found.group is None else "group"
        raise RequestError(f"{path}: one {what} alone cannot be split into training and test")
    size = min(max(round(n * share), 1), n - 1)
    return np.isin(group, stream(None, "file/split").permutation(n)[:size])


def _check_groups(found: Examples, parts: dict[str, Array], path: str) -> None:
    if found.group is None:
        return
    for pair in combinations(parts, 2):
        one, other = (found.group[parts[part]] for part in pair)
        both = np.intersect1d(one, other)
        if len(both):
            shared = found.group == both[0]
            firsts = [int(np.argmax(shared & parts[part])) for part in pair]
            places = [f"{found.names[i]} in {part}" for i, part in zip(firsts, pair, strict=True)]
            raise RequestError(f"{path}: a group is in both parts ({', '.join(places)})")


def with_usable_labels(
    found: Examples, parts: dict[str, Array], unseen: str, path: str
) -> Examples:
    """The examples with labels that can be learnt and tested.

    unseen: what becomes of labels that the training part does not have: "error", "ignore" (not
    scored) or "count" (scored, and a model that never saw them gets them wrong).
    Raises RequestError if a part has no label, or the training part only one class.
    """
    of_label = found.of_row if found.per_step else np.arange(len(found.sizes))
    known = found.known
    labelled = {part: known & members[of_label] for part, members in parts.items()}
    for part, members in labelled.items():
        if not members.any():
            raise RequestError(f"{path}: the {part} part has no label")
    if found.task != "classes":
        return _varying(found, labelled["train"], path)
    train = np.unique(found.y[labelled.pop("train")])
    rest = np.logical_or.reduce(list(labelled.values()))
    strange = np.setdiff1d(found.y[rest], train)
    hit = rest & np.isin(found.y, strange)
    if len(strange) and unseen == "error":
        first = int(np.argmax(hit & (found.y == strange[0])))
        place, part = of_label[first], next(part for part in labelled if labelled[part][first])
        numbers = "; problem.target predicts numbers" * may_be_numbers(found.classes)
        raise RequestError(
            f"{path}: label {shown(found.classes[strange[0]])} is in the {part} part alone "
            f"({found.names[place]}); what cannot be learnt cannot be tested; problem.unseen=count "
            f"counts such labels as wrong, =ignore leaves them out{numbers}"
        )
    if len(train) == 1:
        name = shown(found.classes[train[0]])
        raise RequestError(f"{path}: all labels of the train part are {name}; two are needed")
    if not len(strange):
        return found
    what = "count as wrong" if unseen == "count" else "are not scored"
    remark = (
        f"{int(hit.sum())} of {int(rest.sum())} labels of the {' and the '.join(labelled)} part "
        f"{what}, because the "
        f"training part does not have their {len(strange)} "
        f"class{'es' * (len(strange) > 1)}: {listed([found.classes[i] for i in strange])}"
    )
    found = replace(found, remarks=(*found.remarks, remark))
    if unseen == "count":
        return found
    for part, members in labelled.items():
        if not (members & ~hit).any():
            raise RequestError(f"{path}: no label of the {part} part is in the training part too")
    code = np.full(len(found.classes), -1, np.int32)
    code[train] = np.arange(len(train))
    y = np.where(known, code[found.y], -1).astype(np.int32)
    return replace(found, y=y, classes=[found.classes[i] for i in train])


def _varying(found: Examples, train: Array, path: str) -> Examples:
    """The examples, if there is something to learn of what they predict.

    train: which labels the training part has, bool.
    """
    constant = np.ptp(found.y[train], axis=0) == 0
    names = [name for name, same in zip(found.classes, constant, strict=True) if same]
    if names and (found.task == "numbers" or len(names) == len(found.classes)):
        value = shown(found.y[train][0, int(np.argmax(constant))])
        raise RequestError(
            f"{path}: {names[0]} is {value} throughout the train part; two values are needed"
        )
    if not names:
        return found
    remark = f"{listed(names)}: the same throughout the training part, so there is nothing to learn"
    return replace(found, remarks=(*found.remarks, remark))


def listed(names: list[str]) -> str:
    """The first of the names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(map(shown, names[:NAMED])) + more
