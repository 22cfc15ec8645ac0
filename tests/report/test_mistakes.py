"""Which arms' mistakes a report shows, and how."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ablation.analysis import Study
from ablation.report.build import build_report
from ablation.report.mistakes import (
    MOST_ARMS,
    MOST_PREDICTED,
    MOST_SEQUENCES,
    disagreements,
    mistakes,
)
from ablation.spec import ReportSettings, Request
from ablation.storage import BySequence, Classes, Store
from tests.helpers import make_result, make_sweep, make_trial

WEATHER = Classes(
    names=["rain", "<b>sun"],
    labels=[3, 5],
    predictions=[6, 2],
    hits=[3, 2],
    confusion=[[3, 0], [3, 2]],
)


def study_of(
    store: Store, base: Request, sizes: range, classes: Classes = WEATHER, **report: Any
) -> Study:
    """Arms of these units, of which more are better."""
    settings = ReportSettings.model_validate(report)
    trials = [make_trial(units=units) for units in sizes]
    plan = make_sweep(store, base, *trials, seeds=2, report=settings)
    for trial in plan.trials:
        store.commit(make_result(trial, 0.9 + trial.arm.units / 1000, classes=classes))
    return Study(store.root / plan.name)


def test_both_arms_of_a_pair_are_open(store: Store, request_as_composed: Request) -> None:
    groups = mistakes(study_of(store, request_as_composed, range(3, 5)))
    assert [(group.title, group.open) for group in groups] == [("units=3", True), ("units=4", True)]
    confusion, by_class = groups[0].tables
    assert confusion.texts() == [
        {"label": "rain", "as rain": "6", "as <b>sun": "0"},
        {"label": "<b>sun", "as rain": "6", "as <b>sun": "4"},
    ]
    assert by_class.texts()[0] == {
        "class": "rain",
        "precision": "0.500",
        "recall": "1.000",
        "F1": "0.667",
        "support": "6",
    }


@pytest.mark.parametrize(
    ("report", "second"),
    [({}, "units=5 (second best mean accuracy)"), ({"baseline": "units=3"}, "units=3 (baseline)")],
)
def test_of_several_arms_the_best_and_what_it_is_held_against_are_open(
    report: dict[str, Any], second: str, store: Store, request_as_composed: Request
) -> None:
    groups = mistakes(study_of(store, request_as_composed, range(3, 7), **report))
    assert {g.title for g in groups if g.open} == {"units=6 (best mean accuracy)", second}
    assert [group.open for group in groups] == [True, True, False, False]
    assert all(len(group.tables) == 2 for group in groups)


def test_of_very_many_arms_only_those_have_tables(
    store: Store, request_as_composed: Request
) -> None:
    study = study_of(store, request_as_composed, range(3, 4 + MOST_ARMS))
    assert [group.open for group in mistakes(study)] == [True, True]


def test_a_wide_table_of_predictions_is_left_out(
    store: Store, request_as_composed: Request
) -> None:
    n = MOST_PREDICTED + 1
    ones = [[int(row == column) for column in range(n)] for row in range(n)]
    many = Classes(labels=[1] * n, predictions=[1] * n, hits=[1] * n, confusion=ones)
    first, _ = mistakes(study_of(store, request_as_composed, range(3, 5), many))
    (by_class,) = first.tables
    assert len(by_class.rows) == n


def test_tags_have_a_table_of_their_spans(store: Store, request_as_composed: Request) -> None:
    plan = make_sweep(store, request_as_composed, make_trial(units=3), make_trial(units=4), seeds=2)
    spans = Classes(names=["geo"], labels=[4], predictions=[2], hits=[1], confusion=[])
    for trial in plan.trials:
        store.commit(make_result(trial, classes=WEATHER, segments=spans))
    first, _ = mistakes(Study(store.root / plan.name))
    (row,) = first.tables[2].texts()
    assert row == {
        "span": "geo",
        "precision": "0.500",
        "recall": "0.250",
        "F1": "0.333",
        "support": "8",
    }


def test_a_report_shows_them_and_the_page_folds_the_others(
    store: Store, request_as_composed: Request
) -> None:
    study = study_of(store, request_as_composed, range(3, 6))
    folder = store.root / study.plan.name
    build_report(folder)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count('<details class="group" open>') == 2
    assert page.count('<details class="group">') == 1
    assert "<summary>units=3</summary>" in page
    assert "as &lt;b&gt;sun" in page
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert "### units=5 (best mean accuracy)" in text
    assert "| label | as rain | as &lt;b>sun |" in text
    assert "### units=3" not in text
    assert "The same of 1 other arm: in `report.html`." in text
    assert text.index("## Accuracy by position") < text.index("## What the arms get wrong")
    classes = (folder / "classes.csv").read_text(encoding="utf-8").splitlines()
    assert len(classes) == 1 + 2 * 3


def scored(score: Any, sums: list[int], names: list[str] | None = None) -> BySequence:
    """Sequences of two labels."""
    halves = np.repeat(np.array(sums)[:, None] / 2, 2, axis=1)
    return BySequence.of(score, halves, np.ones(halves.shape), names=names)


def two_arms(
    store: Store, base: Request, score: Any, first: list[int], second: list[int], **more: Any
) -> Study:
    """The same scores in each seed of an arm."""
    plan = make_sweep(store, base, make_trial(units=3), make_trial(units=4), seeds=2)
    for trial in plan.trials:
        scores = scored(score, first if trial.arm.units == 3 else second, **more)
        store.commit(make_result(trial, by_sequence=scores))
    return Study(store.root / plan.name)


@pytest.mark.parametrize(("score", "sides"), [("hits", (1, 2)), ("squared_error", (2, 1))])
def test_the_sequences_on_which_two_arms_differ_most_come_first(
    score: Any, sides: tuple[int, int], store: Store, request_as_composed: Request
) -> None:
    names = ["ann", "bob", "<b>", "dan"]
    study = two_arms(store, request_as_composed, score, [2, 1, 0, 1], [0, 1, 1, 2], names=names)
    (group,) = disagreements(study)
    assert group.open
    assert group.title == (
        f"units=3 against units=4: better on {sides[0]} test sequence{'s' * (sides[0] > 1)}, "
        f"worse on {sides[1]}, the same on 1"
    )
    (table,) = group.tables
    assert table.texts() == [
        {"sequence": a, "labels": "2", "units=3": b, "units=4": c, "difference": d}
        for a, b, c, d in [
            ("ann", "1.000", "0.000", "+1.000"),
            ("<b>", "0.000", "0.500", "-0.500"),
            ("dan", "0.500", "1.000", "-0.500"),
        ]
    ]
    build_report(store.root / study.plan.name)
    text = (store.root / study.plan.name / "report.md").read_text(encoding="utf-8")
    assert f"### {group.title}" in text
    assert "sequence has the name that the data gives it" in text
    assert "precision is the share" not in text  # these results have no counts of classes


def test_only_some_sequences_are_shown_and_none_where_two_arms_agree(
    store: Store, request_as_composed: Request
) -> None:
    ones, zeros = [1] * 50, [0] * 50
    (group,) = disagreements(two_arms(store, request_as_composed, "hits", ones, zeros))
    (table,) = group.tables
    assert [row["sequence"] for row in table.texts()] == [f"{n}" for n in range(MOST_SEQUENCES)]
    other = Store(store.root / "other")
    other.prepare()
    assert disagreements(two_arms(other, request_as_composed, "hits", ones, ones)) == ()
