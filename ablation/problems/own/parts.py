"""The training and the test part of a file: who is in which, and whether both can be used."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ablation.data import Array
from ablation.errors import RequestError
from ablation.problems.own.examples import Examples, shown
from ablation.seeding import stream

NAMED = 5  # labels that a sentence lists before it says how many more there are


def find_test_part(found: Examples, share: float, path: str) -> Array:
    """Which sequences are in the test part, (n,) bool: as the file says, or drawn."""
    test = _drawn(found, share, path) if found.test is None else found.test
    for part, members in (("train", ~test), ("test", test)):
        if not members.any():
            raise RequestError(f"{path}: no sequence is in the {part} part")
    _check_groups(found, test, path)
    return test


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


def with_usable_labels(found: Examples, test: Array, unseen: str, path: str) -> Examples:
    """The examples with labels that can be learnt and tested.

    unseen: what becomes of labels that only the test part has: "error", "ignore" (not scored) or
    "count" (scored, and a model that never saw them gets them wrong).
    Raises RequestError if a part has no label, or the training part only one class.
    """
    of_label = found.of_row if found.per_step else np.arange(len(test))
    known = found.y >= 0
    train, tested = (np.unique(found.y[known & part[of_label]]) for part in (~test, test))
    for part, labels in (("train", train), ("test", tested)):
        if not len(labels):
            raise RequestError(f"{path}: the {part} part has no label")
    strange = np.setdiff1d(tested, train)
    in_test = known & test[of_label]
    hit = in_test & np.isin(found.y, strange)
    if len(strange) and unseen == "error":
        place = int(of_label[np.argmax(hit & (found.y == strange[0]))])
        raise RequestError(
            f"{path}: label {shown(found.classes[strange[0]])} is in the test part alone "
            f"({found.names[place]}); what cannot be learnt cannot be tested; problem.unseen=count "
            "counts such labels as wrong, =ignore leaves them out"
        )
    if len(train) == 1:
        name = shown(found.classes[train[0]])
        raise RequestError(f"{path}: all labels of the train part are {name}; two are needed")
    if not len(strange):
        return found
    what = "count as wrong" if unseen == "count" else "are not scored"
    remark = (
        f"{int(hit.sum())} of {int(in_test.sum())} labels of the test part {what}, because the "
        f"training part does not have their {len(strange)} "
        f"class{'es' * (len(strange) > 1)}: {listed([found.classes[i] for i in strange])}"
    )
    found = replace(found, remarks=(*found.remarks, remark))
    if unseen == "count":
        return found
    if not (in_test & ~hit).any():
        raise RequestError(f"{path}: no label of the test part is in the training part too")
    code = np.full(len(found.classes), -1, np.int32)
    code[train] = np.arange(len(train))
    y = np.where(known, code[found.y], -1).astype(np.int32)
    return replace(found, y=y, classes=[found.classes[i] for i in train])


def listed(names: list[str]) -> str:
    """The first of the names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(map(shown, names[:NAMED])) + more
