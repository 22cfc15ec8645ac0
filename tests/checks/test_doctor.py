"""What doctor says of folders with a defect each, and of this machine."""

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
    check_written,
)
from ablation.spec import SCHEMA, Request
from ablation.storage import Store
from tests.helpers import make_result, make_sweep, make_trial

TRIALS = [make_trial(seed=seed) for seed in range(2)]
DONE, OTHER = TRIALS


@pytest.fixture
def sound(store: Store, request_as_composed: Request) -> Store:
    """A folder with one sweep of two trials, both of which are done."""
    make_sweep(store, request_as_composed, DONE)
    for trial in TRIALS:
        store.commit(make_result(trial))
    return store


def content(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything below a folder: inode, time of change and bytes of each file."""
    paths = [path for path in root.rglob("*") if path.is_file()]
    stats = {path: path.stat() for path in paths}
    return {str(p): (s.st_ino, s.st_mtime_ns, p.read_bytes()) for p, s in stats.items()}


def test_of_a_sound_folder_all_is_well(sound: Store) -> None:
    assert list(check_results(sound.root)) == [
        Check("results", "ok", f"2 in {sound.trials}"),
        Check("sweeps", "ok", "1 complete of 1"),
    ]


def test_a_folder_that_is_not_there_is_fine(tmp_path: Path) -> None:
    (check,) = check_results(tmp_path / "nowhere")
    assert check.state == "ok"
    assert not (tmp_path / "nowhere").exists()


def garbage(store: Store) -> None:
    store.path(DONE.id).write_bytes(b"\x00\xff")


def changed(store: Store) -> None:
    text = store.path(DONE.id).read_text()
    store.path(DONE.id).write_text(text.replace('"accuracy": 0.9', '"accuracy": 0.8', 1))


def a_pipe(store: Store) -> None:
    store.path(DONE.id).unlink()
    os.mkfifo(store.path(DONE.id))


def another_version(store: Store) -> None:
    whole = json.loads(store.path(DONE.id).read_text())
    store.path(DONE.id).write_text(json.dumps({**whole, "schema": SCHEMA + 1}))


def a_stranger(store: Store) -> None:
    (store.trials / "notes.json").write_text("{}")


def put_aside(store: Store) -> None:
    (store.trials / f"{DONE.id}.damaged-17").write_text("")


def an_orphan(store: Store) -> None:
    store.commit(make_result(make_trial(seed=7)))


def torn(store: Store) -> None:
    (store.trials / ".abc.tmp").touch()
    (store.root / "study" / ".def.tmp").touch()


def failed(store: Store) -> None:
    store.path(OTHER.id).unlink()
    store.fail(OTHER, "ValueError", "no such thing", "")
    store.fail(DONE, "ValueError", "an old story", "")  # done since


def no_plan(store: Store) -> None:
    (store.root / "study" / "plan.json").write_text("{")


def missing(store: Store) -> None:
    store.path(OTHER.id).unlink()


DEFECTS: list[tuple[Callable[[Store], None], Check]] = [
    (garbage, Check("results", "wrong", r"1 result damaged \(.*the sweep's command puts them")),
    (changed, Check("results", "wrong", r"1 result damaged \(.*its checksum does not match\);")),
    (a_pipe, Check("results", "wrong", r"1 result damaged \(.*it is not a regular file\);")),
    (another_version, Check("results", "wrong", r"1 file .*another version.*schema 2, this is 1")),
    (a_stranger, Check("results", "wrong", r"1 file .*notes\.json: no trial has this name")),
    (put_aside, Check("put aside", "attention", r"1 damaged file put aside .*delete it")),
    (an_orphan, Check("results", "ok", r"3 in .*, 1 of them in no sweep's plan")),
    (torn, Check("temporary", "attention", r"2 files of an interrupted write .*\.abc.*\.def")),
    (failed, Check("failures", "attention", r"^1 trial failed .*ValueError: no such thing")),
    (no_plan, Check("plan", "wrong", r"study/plan\.json: not a plan .*run the sweep's command")),
    (missing, Check("sweep study", "attention", r"1 of 2 .*goes on with: python -m ablation -m s")),
]


@pytest.mark.parametrize(("plant", "said"), DEFECTS, ids=[plant.__name__ for plant, _ in DEFECTS])
def test_each_defect_has_its_line_and_nothing_is_touched(
    plant: Callable[[Store], None], said: Check, sound: Store
) -> None:
    plant(sound)
    files = content(sound.root)
    checks = list(check_results(sound.root))
    assert content(sound.root) == files
    about = [check for check in checks if (check.what, check.state) == (said.what, said.state)]
    assert len(about) == 1, checks
    assert re.search(said.said, about[0].said), about[0].said


def test_many_of_a_kind_are_counted_and_a_few_named(store: Store) -> None:
    for k in range(9):
        (store.trials / f".{k}.tmp").touch()
    (line,) = [check.said for check in check_results(store.root) if check.what == "temporary"]
    assert line.startswith("9 files")
    assert "and 6 more" in line


@pytest.mark.parametrize(
    ("quota", "state", "said"),
    [(None, "ok", "2 of 8"), (2.0, "ok", "2 of 8"), (1.5, "attention", "workers=1")],
)
def test_a_container_may_use_less_than_it_sees(quota: float | None, state: str, said: str) -> None:
    check = check_cores(2, quota, 8)
    assert check.state == state
    assert said in check.said


@pytest.mark.parametrize(
    ("free", "state", "said"),
    [
        (9.5, "ok", "room for 9 workers"),
        (3.9, "attention", "say workers=3"),
        (0.5, "wrong", "end other programs"),
        (None, "ok", "unknown here; 4 workers need 4 GiB"),
    ],
)
def test_workers_must_fit_into_memory(free: float | None, state: str, said: str) -> None:
    check = check_memory(free, 4)
    assert check.state == state
    assert said in check.said


def test_what_a_file_system_lacks_is_named(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    assert check_written("results", tmp_path).state == "ok"
    assert "results=" in check_written("results", nowhere).said
    assert check_written("temporary", Path("/proc")).state == "wrong"
    assert check_locks(tmp_path / "lock").state == "ok"
    assert check_locks(nowhere / "lock").state == "wrong"
    (tmp_path / "there").touch()
    assert check_links(tmp_path / "one", tmp_path / "other").state == "ok"
    assert check_links(tmp_path / "one", tmp_path / "there").state == "wrong"


def test_a_lock_that_does_not_hold_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system that grants a lock to everybody, played by one that is held by nobody."""
    monkeypatch.setattr(fcntl, "lockf", lambda *arguments: None)
    check = check_locks(tmp_path / "lock")
    assert check.state == "wrong"
    assert "two processes got one lock" in check.said


def examine(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ablation", "doctor", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_wrong_folder_ends_with_exit_code_one_in_80_columns(sound: Store) -> None:
    garbage(sound)
    files = content(sound.root)
    shown = examine(sound.root.parent, "--quick")
    assert shown.returncode == 1
    assert shown.stderr == ""
    assert "1 to be put right." in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert content(sound.root) == files
    assert not list(sound.root.glob(".doctor-*"))


def test_this_machine_trains_and_keeps_nothing_of_it(tmp_path: Path) -> None:
    shown = examine(tmp_path)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    words = " ".join(shown.stdout.split())
    for part in ("ok Python 3.", "ok Hydra plugin found once", "ok locks", "ok hard links"):
        assert part in words
    assert "ok XLA compiled in" in words
    assert "ok model.fit" in words
    assert "times as fast as engine=fit" in words
    assert words.endswith("All is well.")
    assert list(tmp_path.iterdir()) == []
