"""When a report that stands is one of what is there now."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ablation.report import record
from ablation.report.build import build_report
from ablation.report.record import current_report
from ablation.spec import Request, trials_of
from ablation.storage import Store
from tests.helpers import CONF, compose, make_result, make_sweep, make_trial, parse_all

TRIAL = make_trial()
OTHER = make_trial(units=4)


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory, request_as_composed: Request) -> Path:
    """Results of a sweep of two arms with one trial done, and its report."""
    store = Store(tmp_path_factory.mktemp("reported"))
    store.prepare()
    plan = make_sweep(store, request_as_composed, TRIAL, OTHER, seeds=1)
    store.commit(make_result(TRIAL))
    build_report(store.root / plan.name)
    return store.root


@pytest.fixture
def folder(reported: Path, store: Store) -> Path:
    """The sweep's folder, in a copy of the results."""
    shutil.copytree(reported, store.root, dirs_exist_ok=True)
    return store.root / "study"


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


OVERRIDES = ("units=3", "length=4", "seeds=2", "name=study")


def copy_program(folder: Path) -> Path:
    """The program as an installation of its own; returns its package."""
    for name in ("ablation", "conf", "hydra_plugins"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(CONF.parent / name, folder / name, ignore=ignored)
    return folder / "ablation"


def answer_of(package: Path, home: Path) -> str:
    """What the command prints in a folder, run by the program that lies in the package."""
    command = [sys.executable, "-m", "ablation", *OVERRIDES]
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    ended = subprocess.run(
        command, cwd=home, env=environment, capture_output=True, text=True, check=True
    )
    return ended.stdout


def test_a_report_of_another_program_is_made_again(tmp_path: Path, store: Store) -> None:
    request = parse_all(compose(*OVERRIDES))
    for trial in trials_of(request.arm, range(2)):
        store.commit(make_result(trial))
    folder = store.root / "study"
    package = copy_program(tmp_path / "program")
    shown = answer_of(package, tmp_path)
    first = (folder / "report.html").stat().st_mtime_ns
    assert answer_of(package, tmp_path) == shown
    assert (folder / "report.html").stat().st_mtime_ns == first
    # A statistic is changed in a checkout, or an installed package is replaced by a newer one.
    source = package / "report" / "sentences" / "comparison.py"
    source.write_text(source.read_text().replace("} over {", "} over all {"))
    assert ": accuracy 0.9000 ± 0.0000 over all 2 seeds." in answer_of(package, tmp_path)
    assert (folder / "report.html").stat().st_mtime_ns > first


@pytest.mark.parametrize(
    ("file", "stands"),
    [
        ("analysis/contrasts.py", False),
        ("report/templates/report.css", False),
        ("report/templates/report.html.j2", False),
        ("conf/config.yaml", True),
    ],
)
def test_every_file_that_makes_a_report_counts(
    file: str, stands: bool, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = copy_program(tmp_path / "program")
    with as_program(monkeypatch, PACKAGE=package):
        assert current_report(folder) is not None  # the same files elsewhere
    (package / file).parent.mkdir(exist_ok=True)
    with open(package / file, "a") as source:
        source.write("\n")
    with as_program(monkeypatch, PACKAGE=package):
        assert (current_report(folder) is not None) is stands


def test_a_newer_library_makes_it_stale(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with as_program(monkeypatch, version=lambda name: f"{name} of tomorrow"):
        assert current_report(folder) is None
    assert current_report(folder) is not None


@contextmanager
def as_program(monkeypatch: pytest.MonkeyPatch, **changes: object) -> Iterator[None]:
    """As in a process of a program of which this is another."""
    with monkeypatch.context() as patch:
        for name, value in changes.items():
            patch.setattr(record, name, value)
        record.program_digest.cache_clear()
        yield
    record.program_digest.cache_clear()
