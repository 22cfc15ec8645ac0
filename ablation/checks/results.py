"""Checks a results folder without changing anything in it."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from ablation.errors import RequestError
from ablation.planning import Plan, load_plan
from ablation.storage import DamagedFile, Store

SHOWN = 3  # examples per problem; the others are only counted
ID = re.compile(r"[0-9a-f]{64}")


class Check(NamedTuple):
    """What was checked, its state, and a message that says what to do if it is not "ok"."""

    subject: str
    state: Literal["ok", "attention", "wrong"]
    message: str


def check_results(root: Path) -> Iterator[Check]:
    """Check the results in the folder, its sweeps, and the trials that failed."""
    store = Store(root)
    if not root.is_dir():
        yield Check("results", "ok", f"{root} does not exist yet; the first sweep creates it")
        return
    sweeps, unreadable = _sweeps(root)
    planned = {entry.id for plan in sweeps.values() for entry in plan.entries}
    done = yield from _results(store, planned)
    yield from _leftovers(store)
    for line in unreadable:
        yield Check("plan", "wrong", f"{line}; run the sweep's command again to replace it")
    yield from _progress(sweeps, done)
    yield from _failures(store, done)


def _results(store: Store, planned: set[str]) -> Generator[Check, None, set[str]]:
    """Read every result; returns the ids of the valid ones."""
    valid: set[str] = set()
    damaged: list[str] = []
    foreign: list[str] = []
    for name in _names(store.trials):
        id, suffix = os.path.splitext(name)
        if suffix == ".json" and not ID.fullmatch(id):
            foreign.append(f"{name}: not the id of a trial")
        elif suffix == ".json":
            try:
                if store.inspect(id):
                    valid.add(id)
            except DamagedFile as error:
                damaged.append(f"{name[:12]}…: {error}")
            except RequestError as error:
                foreign.append(str(error).removeprefix(f"{store.trials}{os.sep}"))
    orphans = len(valid - planned)
    note = f", {orphans} of them in no sweep's plan" if orphans else ""
    yield Check("results", "ok", f"{len(valid)} in {store.trials}{note}")
    if damaged:
        summary = f"{_count(damaged, 'result')} damaged ({_examples(damaged)})"
        yield Check("results", "wrong", f"{summary}; the sweep's command renames and retrains them")
    if foreign:
        summary = f"{_count(foreign, 'file')} that cannot be used here ({_examples(foreign)})"
        yield Check("results", "wrong", f"{summary}; move them to another results folder")
    return valid


def _leftovers(store: Store) -> Iterator[Check]:
    renamed = [name for name in _names(store.trials) if ".damaged-" in name]
    if renamed:
        summary = f"{_count(renamed, 'damaged file')} kept under another name"
        hint = "delete them when you no longer need them"
        yield Check("damaged", "attention", f"{summary} ({_examples(renamed)}); {hint}")
    folders = (store.trials, *_folders(store.root), *_folders(store.attempts))
    temporary = [
        str(folder / name)
        for folder in dict.fromkeys(folders)
        for name in _names(folder)
        if name.startswith(".") and name.endswith(".tmp")
    ]
    if temporary:
        summary = f"{_count(temporary, 'file')} left by an interrupted write"
        hint = "delete them when no sweep is running"
        yield Check("temporary", "attention", f"{summary} ({_examples(temporary)}); {hint}")


def _progress(sweeps: dict[str, Plan], done: set[str]) -> Iterator[Check]:
    complete = 0
    for name, plan in sweeps.items():
        finished = sum(entry.id in done for entry in plan.entries)
        complete += finished == plan.total
        if finished < plan.total:
            status = f"{finished} of {plan.total} trials done"
            yield Check(f"sweep {name}", "attention", f"{status}; to continue: {plan.command}")
    yield Check("sweeps", "ok", f"{complete} of {len(sweeps)} complete")


def _failures(store: Store, done: set[str]) -> Iterator[Check]:
    failed = []
    for name in _names(store.attempts):
        last = store.last_attempt(name) if ID.fullmatch(name) and name not in done else None
        if last:
            failed.append(f"{name[:12]}…: {last.kind}: {last.message[:60]}")
    if failed:
        summary = f"{_count(failed, 'trial')} failed and still without a result"
        hint = f"see {store.attempts / '<id>'}; the sweep's command retries them"
        yield Check("failures", "attention", f"{summary} ({_examples(failed)}); {hint}")


def _sweeps(root: Path) -> tuple[dict[str, Plan], list[str]]:
    """The plans in the folder by the sweep's name, and a message for each unreadable one."""
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


def _examples(lines: Sequence[str]) -> str:
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "; ".join([*lines[:SHOWN], *more])


def _count(items: Sequence[str], noun: str) -> str:
    return f"{len(items)} {noun}{'' if len(items) == 1 else 's'}"
