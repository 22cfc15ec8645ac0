"""When a report that stands is one of what is there now."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablation.report.build import build_report
from ablation.report.record import current_report
from ablation.spec import Request
from ablation.storage import Store
from tests.helpers import make_result, make_sweep, make_trial

TRIAL = make_trial()
OTHER = make_trial(units=4)


@pytest.fixture
def folder(store: Store, request_as_composed: Request) -> Path:
    """A sweep of two arms with one trial done, and its report."""
    plan = make_sweep(store, request_as_composed, TRIAL, OTHER, seeds=1)
    store.commit(make_result(TRIAL))
    build_report(store.root / plan.name)
    return store.root / plan.name


def test_it_stands_until_something_is_committed(folder: Path, store: Store) -> None:
    assert current_report(folder) is not None
    store.commit(make_result(make_trial(units=9)))  # of no arm here
    assert current_report(folder) is not None
    store.commit(make_result(OTHER))
    assert current_report(folder) is None


def test_each_failure_makes_it_stale(folder: Path, store: Store) -> None:
    store.log(OTHER.id).parent.mkdir()
    store.log(OTHER.id).write_text("killed half way")  # that is no failure yet
    assert current_report(folder) is not None
    for message in ("first", "second"):
        store.fail(OTHER, "LookupError", message, "")
        assert current_report(folder) is None
        (failure,) = build_report(folder).failures
        assert message in failure.why
        assert current_report(folder) is not None


def test_a_report_that_was_not_finished_does_not_stand(folder: Path, store: Store) -> None:
    before = store.path(TRIAL.id).read_bytes()
    store.path(TRIAL.id).unlink()
    (folder / "report.md").unlink()
    (folder / "report.md").mkdir()  # the next one dies of it
    with pytest.raises(OSError, match=r"report\.md"):
        build_report(folder)
    store.path(TRIAL.id).write_bytes(before)  # what was there when the one before was made
    assert current_report(folder) is None
