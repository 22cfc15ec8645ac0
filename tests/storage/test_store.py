from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import pytest

from ablation.errors import RequestError
from ablation.spec import SCHEMA, Trial
from ablation.storage.files import replace_file, write_once
from ablation.storage.store import Store
from tests.helpers import make_result, make_trial

TRIAL = make_trial()

HOLDER = """
import sys
from ablation.storage import Store
with Store(sys.argv[1]).claim(sys.argv[2]) as claimed:
    print(claimed, flush=True)
    sys.stdin.read()
"""

FULL_DISK = """
import resource, signal, sys
from ablation.errors import UnwritableFolder
from ablation.storage import Store
from tests.helpers import make_result, make_trial
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
try:
    Store(sys.argv[1]).commit(make_result(make_trial()))
except UnwritableFolder as error:
    print(error)
"""


def temporary_files(store: Store) -> list[Path]:
    return [path for path in store.root.rglob("*") if path.suffix == ".tmp"]


def test_a_committed_result_is_read_back_unchanged(store: Store) -> None:
    result = make_result(TRIAL)
    assert store.read(TRIAL.id) is None
    assert store.commit(result)
    assert store.read(TRIAL.id) == result
    assert not temporary_files(store)


def test_a_commit_never_overwrites(store: Store) -> None:
    first = make_result(TRIAL, accuracy=0.8)
    assert store.commit(first)
    assert not store.commit(make_result(TRIAL, accuracy=0.7))
    assert store.read(TRIAL.id) == first
    assert not temporary_files(store)


def test_a_full_disk_leaves_no_file(store: Store) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(store.root)]
    completed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert completed.stdout.startswith(f"results={store.root}: no longer writable (")
    assert list(store.trials.iterdir()) == []
    assert store.commit(make_result(TRIAL))


def test_one_of_many_writers_wins_and_its_file_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "file"
    context = multiprocessing.get_context("fork")
    with context.Pool(4) as workers:
        texts = [f"{k}" * 20_000 for k in range(8)]
        written = workers.starmap(write_once, [(path, text) for text in texts])
    assert [text for text, won in zip(texts, written, strict=True) if won] == [path.read_text()]
    assert os.listdir(tmp_path) == ["file"]


def test_replace_file_overwrites(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for text in ("first\n", "second é\n"):
        replace_file(path, text)
        assert path.read_text(encoding="utf-8") == text
    assert os.listdir(tmp_path) == ["file"]


def test_a_trial_with_a_result_is_done(store: Store) -> None:
    trials = [make_trial(seed=seed) for seed in range(3)]
    ids = {trial.id for trial in trials}
    assert store.done(ids) == set()
    assert Store(store.root / "nowhere").done(ids) == set()
    store.commit(make_result(trials[1]))
    store.commit(make_result(make_trial(seed=9)))
    store.fail(trials[2], "ValueError", "no", "")
    assert store.done(ids) == {trials[1].id}


def committed(store: Store) -> tuple[Path, str]:
    store.commit(make_result(TRIAL))
    path = store.path(TRIAL.id)
    return path, path.read_text()


def damage(kind: str, text: str) -> bytes:
    """The bytes of a result file after the given kind of damage."""
    envelope = json.loads(text)
    if kind == "another trial's":
        return result_file(make_trial(seed=5))
    if kind == "changed":
        envelope["result"]["metrics"]["accuracy"] += 0.01
    if kind == "without a checksum":
        del envelope["sha256"]
    if kind == "not a number":
        envelope["result"]["metrics"]["accuracy"] = float("nan")
    return {
        "truncated": text[: len(text) // 2].encode(),
        "empty": b"",
        "garbage": b"\x00\xff\xfe" * 99,
        "a list": b"[1, 2]",
        "null": b"null",
    }.get(kind, json.dumps(envelope).encode())


def result_file(trial: Trial) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        other = Store(folder)
        other.prepare()
        other.commit(make_result(trial))
        return other.path(trial.id).read_bytes()


@pytest.mark.parametrize(
    "kind",
    [
        "truncated",
        "empty",
        "garbage",
        "a list",
        "null",
        "changed",
        "without a checksum",
        "not a number",
        "another trial's",
    ],
)
def test_a_damaged_file_is_renamed_and_its_trial_is_not_done(kind: str, store: Store) -> None:
    path, text = committed(store)
    content = damage(kind, text)
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="is damaged") as caught:
        assert store.read(TRIAL.id) is None
    assert len(caught) == 1
    (renamed,) = store.trials.iterdir()
    assert renamed.read_bytes() == content
    assert renamed.name in str(caught[0].message)
    assert store.done([TRIAL.id]) == set()
    assert store.commit(make_result(TRIAL))


def test_a_second_damaged_file_does_not_replace_the_first(store: Store) -> None:
    path, _ = committed(store)
    for garbage in (b"one", b"two"):
        path.write_bytes(garbage)
        with pytest.warns(UserWarning, match="is damaged"):
            store.read(TRIAL.id)
    assert sorted(p.read_bytes() for p in store.trials.iterdir()) == [b"one", b"two"]


def read_and_commit(root: Path) -> str | None:
    """Read the damaged file, and commit a valid one, while other processes do the same."""
    store = Store(root)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if store.read(TRIAL.id) is None:
            store.commit(make_result(TRIAL))
    return "".join(str(warning.message) for warning in caught)


def test_one_of_many_readers_renames_a_damaged_file_and_none_a_valid_one(store: Store) -> None:
    context = multiprocessing.get_context("fork")
    with context.Pool(4) as workers:
        for n in range(30):
            store.path(TRIAL.id).write_bytes(b"garbage %d" % n)
            messages = workers.map(read_and_commit, [store.root] * 4, chunksize=1)
            assert sum(map(bool, messages)) == 1
            assert store.read(TRIAL.id) == make_result(TRIAL)
            store.path(TRIAL.id).unlink()
    renamed = [path.read_bytes() for path in store.trials.glob("*.damaged-*")]
    assert sorted(renamed) == sorted(b"garbage %d" % n for n in range(30))


def test_a_result_of_a_newer_version_is_refused_and_kept(store: Store) -> None:
    path, text = committed(store)
    newer = text.replace(f'{{"schema": {SCHEMA}', f'{{"schema": {SCHEMA + 1}', 1)
    assert newer != text
    path.write_text(newer)
    with pytest.raises(RequestError, match=f"schema {SCHEMA + 1}, this is {SCHEMA}"):
        store.read(TRIAL.id)
    assert path.read_text() == newer


def test_a_claim_excludes_other_processes_until_its_process_is_killed(store: Store) -> None:
    other = make_trial(seed=1)
    command = [sys.executable, "-c", HOLDER, str(store.root), TRIAL.id]
    pipes = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipes, stdout=pipes, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        with store.claim(TRIAL.id) as claimed:
            assert not claimed
        with store.claim(other.id) as claimed:
            assert claimed  # each trial has its own lock
        holder.kill()
        holder.wait()
        with store.claim(TRIAL.id) as claimed:
            assert claimed


def test_a_claim_ends_with_its_block(store: Store) -> None:
    with store.claim(TRIAL.id) as claimed:
        assert claimed
    command = [sys.executable, "-c", HOLDER, str(store.root), TRIAL.id]
    completed = subprocess.run(command, input="", capture_output=True, text=True, check=True)
    assert completed.stdout == "True\n"


def test_last_attempt_returns_the_most_recent(store: Store) -> None:
    assert store.last_attempt(TRIAL.id) is None
    for n in range(3):
        store.fail(TRIAL, "ValueError", f"number {n}", "Traceback: naïve")
    last = store.last_attempt(TRIAL.id)
    assert last is not None
    assert (last.trial, last.kind, last.message) == (TRIAL, "ValueError", "number 2")
    assert last.traceback == "Traceback: naïve"
    assert len(store.failures(TRIAL.id)) == 3
    log = store.log(TRIAL.id).read_text(encoding="utf-8")
    assert [log.count(f"number {n}\nTraceback: naïve\n") for n in range(3)] == [1, 1, 1]
    assert not temporary_files(store)


def test_a_log_alone_is_not_an_attempt(store: Store) -> None:
    store.log(TRIAL.id).parent.mkdir()
    store.log(TRIAL.id).write_text("words")
    assert store.last_attempt(TRIAL.id) is None


@pytest.mark.parametrize("place", ["below a file", "in /proc"])
def test_a_folder_that_is_not_writable_is_named(place: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    root = tmp_path / "file" / "results" if place == "below a file" else Path("/proc/results")
    with pytest.raises(RequestError, match=r"^results=.*cannot write there") as caught:
        Store(root).prepare()
    assert str(root) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_old_temporary_files_of_killed_writers_are_deleted(store: Store) -> None:
    store.commit(make_result(TRIAL))
    store.fail(TRIAL, "ValueError", "no", "")
    (store.root / "sweep").mkdir()
    places = [store.trials, store.attempts / TRIAL.id, store.root / "sweep"]
    for place in places:
        for name, age in (("old", 2 * Store.stale), ("new", 0)):
            path = place / f".{name}.tmp"
            path.touch()
            os.utime(path, (time.time() - age,) * 2)
    os.link(store.path(TRIAL.id), store.trials / ".linked.tmp")  # killed after its commit
    os.utime(store.path(TRIAL.id), (0, 0))
    store.prepare()
    assert {p for place in places for p in place.glob(".*")} == {p / ".new.tmp" for p in places}
    assert store.read(TRIAL.id) == make_result(TRIAL)
    assert len(store.failures(TRIAL.id)) == 1


def test_preparing_again_changes_nothing(store: Store) -> None:
    store.commit(make_result(TRIAL))
    store.prepare()
    assert store.done([TRIAL.id]) == {TRIAL.id}
    assert sorted(path.name for path in store.root.iterdir()) == ["attempts", "trials"]
