"""The parts of a file, for training, validation and test: who is in which, and is it of use."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np

from ablation.data import Array
from ablation.errors import RequestError
from ablation.problems.own.division import draw_test
from ablation.problems.own.examples import Examples, shown
from ablation.problems.own.keys import DRAWN, Keys
from ablation.problems.own.labels import may_be_numbers

NAMED = 5  # labels that a sentence lists before it says how many more there are


def find_parts(found: Examples, keys: Keys, path: str, seed: int | None = None) -> dict[str, Array]:
    """The sequences of each part, (n,) bool by its name: as the file says, or drawn.

    The parts are "train", "test" and, where the file has one, "validation".
    seed: as `division.draw_test` takes it.
    """
    key = keys.given(DRAWN)
    if found.test is not None and key:
        value = str(getattr(keys, key)).lower()
        raise RequestError(
            f"problem.{key}={value}: {path} says which sequences are for testing (part), so that "
            "nothing is drawn"
        )
    test = draw_test(found, keys, path, seed) if found.test is None else found.test
    parts = {"train": ~test, "test": test}
    if found.validation is not None:
        parts |= {"train": ~test & ~found.validation, "validation": found.validation}
    for part, members in parts.items():
        if not members.any():
            raise RequestError(f"{path}: no sequence is in the {part} part")
    _check_groups(found, parts, path)
    return parts


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


def with_usable_labels(found: Examples, parts: dict[str, Array], keys: Keys, path: str) -> Examples:
    """The examples with labels that can be learnt and tested.

    keys.unseen: what becomes of labels that the training part does not have: "error", "ignore" (not
    scored) or "count" (scored, and a model that never saw them gets them wrong). Where each seed
    has parts of its own, the classes are all those of the file, so that a model has one shape.
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
    if len(strange) and keys.unseen == "error":
        first = int(np.argmax(hit & (found.y == strange[0])))
        place, part = of_label[first], next(part for part in labelled if labelled[part][first])
        hint = "; problem.target predicts numbers" * may_be_numbers(found.classes)
        if keys.divided and not keys.stratify:
            hint = "; problem.stratify=true divides each class alike" + hint
        raise RequestError(
            f"{path}: label {shown(found.classes[strange[0]])} is in the {part} part alone "
            f"({found.names[place]}); what cannot be learnt cannot be tested; problem.unseen=count "
            f"counts such labels as wrong, =ignore leaves them out{hint}"
        )
    if len(train) == 1:
        name = shown(found.classes[train[0]])
        raise RequestError(f"{path}: all labels of the train part are {name}; two are needed")
    if not len(strange):
        return found
    what = "count as wrong" if keys.unseen == "count" else "are not scored"
    remark = (
        f"{int(hit.sum())} of {int(rest.sum())} labels of the {' and the '.join(labelled)} part "
        f"{what}, because the "
        f"training part does not have their {len(strange)} "
        f"class{'es' * (len(strange) > 1)}: {listed([found.classes[i] for i in strange])}"
    )
    found = replace(found, remarks=(*found.remarks, remark))
    if keys.unseen == "count":
        return found
    for part, members in labelled.items():
        if not (members & ~hit).any():
            raise RequestError(f"{path}: no label of the {part} part is in the training part too")
    code = np.full(len(found.classes), -1, np.int32)
    code[train] = train if keys.divided else np.arange(len(train))
    y = np.where(known, code[found.y], -1).astype(np.int32)
    kept = range(len(found.classes)) if keys.divided else train
    return replace(found, y=y, classes=[found.classes[i] for i in kept])


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
