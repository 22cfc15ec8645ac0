"""What a results folder holds, found out by looking alone: nothing in it is moved or made."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from ablation.errors import RequestError
from ablation.planning import Plan, load_plan
from ablation.storage import DamagedFile, Store

SHOWN = 3  # of several that are alike; the others are counted
ID = re.compile(r"[0-9a-f]{64}")


class Check(NamedTuple):
    """What was looked at, how it is, and in words what is so and what to do."""

    what: str
    state: Literal["ok", "attention", "wrong"]
    said: str


def check_results(root: Path) -> Iterator[Check]:
    """Each thing that is to be said of the results, their sweeps and what went wrong."""
    store = Store(root)
    if not root.is_dir():
        yield Check("results", "ok", f"{root} is not there yet; the first sweep makes it")
        return
    sweeps, unreadable = _sweeps(root)
    named = {entry.id for plan in sweeps.values() for entry in plan.entries}
    done = yield from _results(store, named)
    yield from _leftovers(store)
    for line in unreadable:
        yield Check("plan", "wrong", f"{line}; run the sweep's command again, which replaces it")
    yield from _progress(sweeps, done)
    yield from _failures(store, done)


def _results(store: Store, named: set[str]) -> Generator[Check, None, set[str]]:
    """Reads every result; returns the ids of those that are whole."""
    whole: set[str] = set()
    damaged: list[str] = []
    foreign: list[str] = []
    for name in _names(store.trials):
        id, suffix = os.path.splitext(name)
        if suffix == ".json" and not ID.fullmatch(id):
            foreign.append(f"{name}: no trial has this name")
        elif suffix == ".json":
            try:
                if store.inspect(id):
                    whole.add(id)
            except DamagedFile as error:
                damaged.append(f"{name[:12]}…: {error}")
            except RequestError as error:
                foreign.append(str(error).removeprefix(f"{store.trials}{os.sep}"))
    orphans = len(whole - named)
    spare = f", {orphans} of them in no sweep's plan" if orphans else ""
    yield Check("results", "ok", f"{len(whole)} in {store.trials}{spare}")
    if damaged:
        what = f"{_count(damaged, 'result')} damaged ({_some(damaged)}); the sweep's command puts "
        yield Check("results", "wrong", f"{what}them aside and trains them again")
    if foreign:
        what = f"{_count(foreign, 'file')} not to be read here ({_some(foreign)}); "
        yield Check("results", "wrong", f"{what}move them to a results folder of their own")
    return whole


def _leftovers(store: Store) -> Iterator[Check]:
    aside = [name for name in _names(store.trials) if ".damaged-" in name]
    if aside:
        what = f"{_count(aside, 'damaged file')} put aside ({_some(aside)}); "
        yield Check("put aside", "attention", f"{what}look at what is left, and delete it")
    folders = (store.trials, *_folders(store.root), *_folders(store.attempts))
    torn = [
        str(folder / name)
        for folder in dict.fromkeys(folders)
        for name in _names(folder)
        if name.startswith(".") and name.endswith(".tmp")
    ]
    if torn:
        what = f"{_count(torn, 'file')} of an interrupted write ({_some(torn)}); "
        yield Check("temporary", "attention", f"{what}delete what is there while nothing runs")


def _progress(sweeps: dict[str, Plan], done: set[str]) -> Iterator[Check]:
    complete = 0
    for name, plan in sweeps.items():
        there = sum(entry.id in done for entry in plan.entries)
        complete += there == len(plan.entries)
        if there < len(plan.entries):
            rest = f"{there} of {len(plan.entries)} trials done; goes on with: {plan.command}"
            yield Check(f"sweep {name}", "attention", rest)
    yield Check("sweeps", "ok", f"{complete} complete of {len(sweeps)}")


def _failures(store: Store, done: set[str]) -> Iterator[Check]:
    failed = []
    for name in _names(store.attempts):
        last = store.last_attempt(name) if ID.fullmatch(name) and name not in done else None
        if last:
            failed.append(f"{name[:12]}…: {last.kind}: {last.message[:60]}")
    if failed:
        what = f"{_count(failed, 'trial')} failed and not done since ({_some(failed)}); "
        where = f"{store.attempts / '<id>'} says why, the sweep's command tries again"
        yield Check("failures", "attention", f"{what}{where}")


def _sweeps(root: Path) -> tuple[dict[str, Plan], list[str]]:
    """The plans below the folder by their sweep's name, and a line for each that is none."""
    sweeps, unreadable = {}, []
    for folder in _folders(root):
        if os.path.lexists(folder / "plan.json"):
            try:
                sweeps[folder.name] = load_plan(folder)
            except RequestError as error:
                unreadable.append(str(error))
    return sweeps, unreadable


def _folders(root: Path) -> list[Path]:
    return [root / name for name in _names(root) if (root / name).is_dir()]


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _some(lines: Sequence[str]) -> str:
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "; ".join([*lines[:SHOWN], *more])


def _count(things: Sequence[str], noun: str) -> str:
    return f"{len(things)} {noun}{'' if len(things) == 1 else 's'}"
