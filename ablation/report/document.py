"""What a report consists of, for every renderer alike: a head, sections, and how it came about."""

from __future__ import annotations

from dataclasses import dataclass

from ablation.report.cells import Table
from ablation.report.figures.catalogue import Picture


@dataclass(frozen=True)
class Group:
    """Tables under a title of their own; unless they are open, the reader unfolds them."""

    title: str
    tables: tuple[Table, ...]
    open: bool


@dataclass(frozen=True)
class Section:
    """What is shown under one heading: the figures, the table, groups of tables, how to read it."""

    id: str
    title: str
    figures: tuple[Picture, ...] = ()
    table: Table | None = None
    note: str = ""
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True)
class Coverage:
    """An arm's trials: how many there are in each state, and each with its seed and state."""

    arm: str
    counts: dict[str, int]
    trials: tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Fact:
    """What has to be known to make the results again, with one value or several."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """A whole report.

    alarms: what must not be. answer: the findings in sentences, the most important first.
    state: what was planned and what is there. remarks: what was noticed when it was planned.
    """

    name: str
    alarms: tuple[str, ...]
    answer: tuple[str, ...]
    state: str
    remarks: tuple[str, ...]
    sections: tuple[Section, ...]
    coverage: tuple[Coverage, ...]
    command: str
    facts: tuple[Fact, ...]
