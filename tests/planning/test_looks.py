"""Looks at a question are remembered beside the plan, whatever the sweep is called."""

from __future__ import annotations

from pathlib import Path

import pytest

import ablation
from ablation.errors import RequestError
from ablation.planning import LOOKS, earlier_looks, remember_looks
from ablation.report import build_report
from ablation.spec import ReportSettings, Request, Trial
from ablation.storage import Store
from tests.helpers import make_result, make_sweep, make_trial

TEST = {"test_size": 10_000}
ARMS = [make_trial(direction=name, problem=TEST) for name in ("forward", "go_backwards")]
SUM = make_trial(direction="bidirectional", merge_mode="sum", problem=TEST)


def sweep(
    store: Store, request: Request, *arms: Trial, seeds: int, name: str, trained: int | None = None
) -> ablation.Study:
    """A reported sweep; trained: seeds that are trained, None: all."""
    settings = ReportSettings()
    plan = make_sweep(store, request, *arms, seeds=seeds, name=name, report=settings)
    for trial in plan.trials:
        if trained is None or trial.seed < trained:
            store.commit(make_result(trial, 0.9 + 0.01 * (trial.seed % 3)))
    build_report(store.root / name)
    return ablation.load(name, store.root)


def test_a_report_with_more_seeds_is_a_further_look_under_any_name(
    store: Store, request_as_composed: Request
) -> None:
    first = sweep(store, request_as_composed, *ARMS, seeds=3, name="first")
    assert (first.looks().seeds, first.looks().planned) == ((3,), 3)
    grown = sweep(store, request_as_composed, *ARMS, seeds=5, name="grown")
    assert (grown.looks().seeds, grown.looks().planned) == ((3, 5), 3)
    again = ablation.load("first", store.root)
    assert again.looks().seeds == (3,)  # its own verdicts stay as they are


def test_the_same_report_again_is_no_new_look(store: Store, request_as_composed: Request) -> None:
    sweep(store, request_as_composed, *ARMS, seeds=3, name="one")
    memory = (store.root / "one" / LOOKS).read_text()
    build_report(store.root / "one")
    assert (store.root / "one" / LOOKS).read_text() == memory
    assert len(earlier_looks(store.root)) == 1


def test_fewer_arms_are_the_same_question_and_another_arm_is_a_new_one(
    store: Store, request_as_composed: Request
) -> None:
    sweep(store, request_as_composed, *ARMS, seeds=3, name="two")
    more = sweep(store, request_as_composed, *ARMS, SUM, seeds=4, name="three")
    assert more.looks().seeds == (4,)
    fewer = sweep(store, request_as_composed, *ARMS, seeds=5, name="undecided")
    assert fewer.looks().seeds == (3, 4, 5)


def test_an_interrupted_sweep_is_a_look_at_a_part_of_its_plan(
    store: Store, request_as_composed: Request
) -> None:
    part = sweep(store, request_as_composed, *ARMS, seeds=6, name="part", trained=3)
    assert (part.looks().seeds, part.looks().planned) == ((3,), 6)
    whole = sweep(store, request_as_composed, *ARMS, seeds=6, name="part")
    assert (whole.looks().seeds, whole.looks().planned) == ((3, 6), 6)
    assert sum(whole.looks().alphas()) == pytest.approx(0.045)


def test_a_memory_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "sweep").mkdir()
    remember_looks(tmp_path / "sweep", ["a", "b"], [3], 3, False)
    (tmp_path / "sweep" / LOOKS).write_text("[{")
    with pytest.raises(RequestError, match=r"looks\.json: not a list of looks"):
        earlier_looks(tmp_path)
