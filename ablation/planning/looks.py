"""Remembers at how many seeds a sweep was looked at, beside its plan."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from pathlib import Path

from pydantic import TypeAdapter

from ablation.errors import RequestError
from ablation.spec import Arm, Frozen, Trial
from ablation.storage import locked, read_file, replace_file

LOOKS = "looks.json"


class Look(Frozen):
    """A report that was made.

    arms: what identifies each of its arms (`identity`). seeds: how many seeds an arm had. planned,
    rounds: how many the plan had at the first look, and whether it added them in rounds.
    """

    arms: frozenset[str]
    seeds: int
    planned: int
    rounds: bool


_FILE = TypeAdapter(list[Look])


def identity(arm: Arm) -> str:
    """What an arm means, whatever it is called."""
    return Trial(arm=arm, seed=0).id


def earlier_looks(root: Path) -> list[Look]:
    """The looks of all sweeps of a results folder, whatever these are called.

    Raises RequestError for a file that cannot be read: without it, verdicts would claim too much.
    """
    return [look for path in sorted(root.glob(f"*/{LOOKS}")) for look in _read(path)]


def remember_looks(
    folder: Path, arms: Collection[str], seeds: Iterable[int], planned: int, rounds: bool
) -> None:
    """Add looks with so many seeds to a sweep's memory; those that it has stay as they are."""
    made = [Look(arms=frozenset(arms), seeds=n, planned=planned, rounds=rounds) for n in seeds]
    with locked(folder / ".plan.lock"):
        known = _read(folder / LOOKS)
        before = {(look.arms, look.seeds) for look in known}
        looks = [*known, *(look for look in made if (look.arms, look.seeds) not in before)]
        if len(looks) > len(known):
            rows = [{**look.model_dump(), "arms": sorted(look.arms)} for look in looks]
            replace_file(folder / LOOKS, json.dumps(rows, indent=1) + "\n")


def _read(path: Path) -> list[Look]:
    try:
        return _FILE.validate_json(read_file(path))
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise RequestError(
            f"{path}: not a list of looks ({str(error).splitlines()[0]}); restore it, as without "
            "it earlier looks are forgotten"
        ) from None
