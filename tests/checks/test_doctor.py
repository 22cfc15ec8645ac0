"""The checks of `ablation doctor`: results folders with one defect each, and this machine."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ablation.checks import Check, check_results
from ablation.checks.machine import (
    check_cores,
    check_links,
    check_locks,
    check_memory,
    check_writable,
)
from ablation.spec import SCHEMA, Request
from ablation.storage import Store
from tests.command_line import run_here
from tests.helpers import make_result, make_sweep, make_trial

TRIALS = [make_trial(seed=seed) for seed in range(2)]
DONE, OTHER = TRIALS


@pytest.fixture
def complete_store(store: Store, request_as_composed: Request) -> Store:
    """A results folder with one complete sweep of two trials."""
    make_sweep(store, request_as_composed, DONE)
    for trial in TRIALS:
        store.commit(make_result(trial))
    return store


def content(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """Inode, modification time and bytes of each file in a folder and its subfolders."""
    paths = [path for path in root.rglob("*") if path.is_file()]
    stats = {path: path.stat() for path in paths}
    return {str(p): (s.st_ino, s.st_mtime_ns, p.read_bytes()) for p, s in stats.items()}


def test_a_complete_folder_has_no_problems(complete_store: Store) -> None:
    assert list(check_results(complete_store.root)) == [
        Check("results", "ok", f"2 in {complete_store.trials}"),
        Check("sweeps", "ok", "1 of 1 complete"),
    ]


def test_a_folder_that_does_not_exist_is_no_problem(tmp_path: Path) -> None:
    (check,) = check_results(tmp_path / "nowhere")
    assert check.state == "ok"
    assert not (tmp_path / "nowhere").exists()


def garbage(store: Store) -> None:
    store.path(DONE.id).write_bytes(b"\x00\xff")


def changed_value(store: Store) -> None:
    text = store.path(DONE.id).read_text()
    store.path(DONE.id).write_text(text.replace('"accuracy": 0.9', '"accuracy": 0.8', 1))


def pipe(store: Store) -> None:
    store.path(DONE.id).unlink()
    os.mkfifo(store.path(DONE.id))


def another_version(store: Store) -> None:
    envelope = json.loads(store.path(DONE.id).read_text())
    store.path(DONE.id).write_text(json.dumps({**envelope, "schema": SCHEMA + 1}))


def foreign_file(store: Store) -> None:
    (store.trials / "notes.json").write_text("{}")


def renamed_file(store: Store) -> None:
    (store.trials / f"{DONE.id}.damaged-17").write_text("")


def orphan(store: Store) -> None:
    store.commit(make_result(make_trial(seed=7)))


def temporary_files(store: Store) -> None:
    (store.trials / ".abc.tmp").touch()
    (store.root / "study" / ".def.tmp").touch()


def failure(store: Store) -> None:
    store.path(OTHER.id).unlink()
    store.fail(OTHER, "ValueError", "no such thing", "")
    store.fail(DONE, "ValueError", "since done", "")


def broken_plan(store: Store) -> None:
    (store.root / "study" / "plan.json").write_text("{")


def missing_result(store: Store) -> None:
    store.path(OTHER.id).unlink()


DEFECTS: list[tuple[Callable[[Store], None], Check]] = [
    (garbage, Check("results", "wrong", r"1 result damaged \(.*command renames and retrains them")),
    (
        changed_value,
        Check("results", "wrong", r"1 result damaged \(.*its checksum does not match\);"),
    ),
    (pipe, Check("results", "wrong", r"1 result damaged \(.*it is not a regular file\);")),
    (another_version, Check("results", "wrong", r"1 file .*another version.*schema 2, this is 1")),
    (foreign_file, Check("results", "wrong", r"1 file .*notes\.json: not the id of a trial")),
    (renamed_file, Check("damaged", "attention", r"1 damaged file .*delete them")),
    (orphan, Check("results", "ok", r"3 in .*, 1 of them in no sweep's plan")),
    (
        temporary_files,
        Check("temporary", "attention", r"2 files left by an interrupted write .*\.abc.*\.def"),
    ),
    (failure, Check("failures", "attention", r"^1 trial failed .*ValueError: no such thing")),
    (broken_plan, Check("plan", "wrong", r"study/plan\.json: not a plan .*run the sweep's")),
    (
        missing_result,
        Check("sweep study", "attention", r"1 of 2 .*to continue: python -m ablation -m s"),
    ),
]


@pytest.mark.parametrize(
    ("introduce", "expected"), DEFECTS, ids=[introduce.__name__ for introduce, _ in DEFECTS]
)
def test_each_defect_is_reported_and_no_file_changes(
    introduce: Callable[[Store], None], expected: Check, complete_store: Store
) -> None:
    introduce(complete_store)
    files = content(complete_store.root)
    checks = list(check_results(complete_store.root))
    assert content(complete_store.root) == files
    matches = [c for c in checks if (c.subject, c.state) == (expected.subject, expected.state)]
    assert len(matches) == 1, checks
    assert re.search(expected.message, matches[0].message), matches[0].message


def test_many_similar_problems_are_counted_with_a_few_examples(store: Store) -> None:
    for k in range(9):
        (store.trials / f".{k}.tmp").touch()
    (line,) = [check.message for check in check_results(store.root) if check.subject == "temporary"]
    assert line.startswith("9 files")
    assert "and 6 more" in line


@pytest.mark.parametrize(
    ("quota", "state", "message"),
    [(None, "ok", "2 of 8"), (2.0, "ok", "2 of 8"), (1.5, "attention", "workers=1")],
)
def test_a_container_may_use_fewer_cores_than_it_sees(
    quota: float | None, state: str, message: str
) -> None:
    check = check_cores(2, quota, 8)
    assert check.state == state
    assert message in check.message


@pytest.mark.parametrize(
    ("free", "state", "message"),
    [
        (9.5, "ok", "enough for 9 workers"),
        (3.9, "attention", "set workers=3"),
        (0.5, "wrong", "close other programs"),
        (None, "ok", "unknown here; 4 workers need 4 GiB"),
    ],
)
def test_workers_must_fit_into_memory(free: float | None, state: str, message: str) -> None:
    check = check_memory(free, 4)
    assert check.state == state
    assert message in check.message


def test_a_missing_feature_of_a_file_system_is_named(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert check_writable("results", tmp_path).state == "ok"
    assert "results=" in check_writable("results", nowhere).message
    assert check_writable("temporary", Path("/proc")).state == "wrong"
    assert check_locks(tmp_path / "lock").state == "ok"
    assert check_locks(nowhere / "lock").state == "wrong"
    (tmp_path / "existing").touch()
    assert check_links(tmp_path / "source", tmp_path / "link").state == "ok"
    assert check_links(tmp_path / "source", tmp_path / "existing").state == "wrong"


def test_a_file_system_with_ineffective_locks_is_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulated by never locking the file, so that the other process gets the lock too."""
    monkeypatch.setattr(fcntl, "lockf", lambda *arguments: None)
    check = check_locks(tmp_path / "lock")
    assert check.state == "wrong"
    assert "two processes got the same lock" in check.message


def test_a_problem_gives_exit_code_one_in_80_columns(complete_store: Store) -> None:
    garbage(complete_store)
    files = content(complete_store.root)
    doctor = run_here(complete_store.root.parent, "doctor", "--quick")
    assert doctor.returncode == 1
    assert doctor.stderr == ""
    assert "1 problem to fix." in doctor.stdout
    assert max(map(len, doctor.stdout.splitlines())) <= 80
    assert content(complete_store.root) == files
    assert not list(complete_store.root.glob(".doctor-*"))


def test_this_machine_can_train_and_no_file_is_left(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ablation", "doctor"]
    doctor = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    words = " ".join(doctor.stdout.split())
    for part in ("ok Python 3.", "ok Hydra plugin found once", "ok locks", "ok hard links"):
        assert part in words
    assert "ok XLA compiled in" in words
    assert "ok model.fit" in words
    assert "times as fast as engine=fit" in words
    assert words.endswith("No problems found.")
    assert list(tmp_path.iterdir()) == []
