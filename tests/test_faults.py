"""Trials that misbehave in every way, through the command line; and what docs/faults.md says."""

from __future__ import annotations

import errno
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ablation import sweep
from tests.command_line import run_here

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "faults.md").read_text()
WORK = "tests.sweep_work:with_data"  # for tests to which Keras does not matter
COMMAND = [sys.executable, "-m", "ablation"]
WITHOUT_KERAS = [sys.executable, "-c", f"from tests import simulated; simulated.main({WORK!r})"]
INTERRUPTED = "ablation: interrupted; run the same command to continue"

MINE = """
import ctypes, os, signal, sys, time
from ablation.problems.suite import cumsum

def bad(rng, sequences, length, *, what="well"):
    if sequences == 40:  # in training, and not when the parent looks at its shape
        match what:
            case "raise": raise LookupError("no such <script>alert(1)</script>")
            case "exit": sys.exit("enough")
            case "vanish": os._exit(0)
            case "crash": ctypes.string_at(0)
            case "kill": os.kill(os.getpid(), signal.SIGKILL)
            case "hang": time.sleep(600)
            case "slow": time.sleep(0.5)
        with open("trained", "a") as file:
            print(os.getpid(), file=file)
    return cumsum.generate(rng, sequences, length)
"""

SMALL = ["problem=bad", "training=smoke", "training.sequences=40", "units=3", "length=4"]
SMALL += ["direction=forward", "workers=1", "cell=simple_rnn"]  # is compiled soonest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder, with a space and a letter that is not ASCII, and a problem of their own."""
    folder = tmp_path / "my stüdy"
    (folder / "conf" / "problem").mkdir(parents=True)
    (folder / "mine.py").write_text(MINE)
    text = "name: mine.bad\ntest_size: 60\nwhat: well\n"
    (folder / "conf" / "problem" / "bad.yaml").write_text(text)
    return folder


@pytest.fixture
def without_keras(fork_server: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Train nothing in the sweeps of this process either."""
    monkeypatch.setattr(sweep, "WORK", WORK)


def start(
    folder: Path, *arguments: str, command: Sequence[str] = WITHOUT_KERAS, **options: Any
) -> subprocess.Popen[str]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen(
        [*command, "-m", *SMALL, "problem.what=slow", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
        start_new_session=True,
        # A test run in the background ignores Ctrl-C, and its children would inherit that.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
        **pipes,
    )


def results(folder: Path) -> dict[Path, int]:
    """The committed results and when they were."""
    paths = (folder / "results" / "trials").glob("*.json")
    return {path: path.stat().st_mtime_ns for path in paths}


def wait_for(process: subprocess.Popen[str], folder: Path, count: int) -> None:
    deadline = time.monotonic() + 240
    while len(results(folder)) < count:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ends(process: subprocess.Popen[str], code: int) -> tuple[str, str]:
    """What the program has printed on either way when it has ended as it should."""
    out, err = process.communicate(timeout=240)
    assert process.returncode == code, out + err
    return out, err


@pytest.mark.usefixtures("without_keras")
def test_every_way_to_fail_is_told_and_costs_its_trial_only(folder: Path) -> None:
    ways = "raise,exit,vanish,crash,kill,hang,well"
    words = ["-m", *SMALL, f"problem.what={ways}", "seeds=1", "time_limit=4", "name=faults"]
    shown = run_here(folder, *words)
    assert shown.returncode == 1
    assert shown.stderr.splitlines()[-1] == "ablation: 6 of 7 trials failed"
    for said in (
        "raise seed 0: LookupError: no such <script>alert(1)</script>",
        "exit seed 0: SystemExit: enough",
        "vanish seed 0: killed: its worker died (exit code 0)",
        "crash seed 0: killed: its worker died (SIGSEGV)",
        "kill seed 0: killed: its worker died (SIGKILL: killed by hand or out of memory)",
        "hang seed 0: timed out: it took longer than time_limit=4 s",
    ):
        assert said in " ".join(shown.stdout.split())
        assert said.partition(": ")[2].replace("<script>alert(1)</script>", "table") in PAGE
    logs = [line.strip() for line in shown.stdout.splitlines() if line.endswith("output.log")]
    texts = [(folder / log).read_text() for log in logs]
    assert len(texts) == 6
    places = [text for text in texts if 'mine.py", line' in text]
    assert len(places) == 4  # of what raised, exited, crashed and hung
    page = (folder / "results" / "faults" / "report.html").read_text()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.usefixtures("without_keras")
def test_a_sweep_may_stop_at_its_first_failure(folder: Path) -> None:
    words = ["-m", *SMALL, "problem.what=raise,well", "seeds=3", "on_error=stop"]
    shown = run_here(folder, *words, "name=stopped")
    assert shown.returncode == 1
    said = "ablation: 1 of 6 trials failed, and 5 were not trained, because of on_error=stop"
    assert shown.stderr.splitlines()[-1] == said
    assert said in PAGE
    assert "not trained" in (folder / "results" / "stopped" / "report.md").read_text()


@pytest.mark.parametrize("what", ["--help", "plan=true"])
def test_whoever_reads_may_go(what: str, folder: Path) -> None:
    command = [*COMMAND, what]
    pipes = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, stdout=pipes, stderr=pipes, text=True) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == "ablation: interrupted; run the same command to continue\n"
    assert process.returncode == 130


@pytest.mark.parametrize("key", ["on_error=perhaps", "on_error=null"])
def test_what_can_be_done_on_an_error_is_told(key: str, folder: Path) -> None:
    shown = run_here(folder, key)
    assert shown.returncode == 2
    assert len(shown.stderr.splitlines()) == 1
    assert "on_error" in shown.stderr


def test_a_loss_that_is_not_finite_ends_its_trial_only_and_ascii_is_enough_to_tell(
    folder: Path,
) -> None:
    rates = ["training.optimizer=sgd", "training.learning_rate=0.001,1e39", "seeds=1"]
    words = ["-m", *SMALL, *rates, "name=rates"]
    shown = run_here(folder, *words)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "learning_rate=1e+39  seed 0  accuracy" in shown.stdout
    told = "2 trials asked for, 2 unique, 1 done, 1 diverged."
    assert told in shown.stdout
    assert told in (folder / "results" / "rates" / "report.md").read_text()
    assert told in PAGE
    assert "• No arm beats guessing" in shown.stdout
    ascii_only = os.environ | {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
    again = subprocess.run(
        [*COMMAND, *words], cwd=folder, env=ascii_only, capture_output=True, text=True, check=False
    )
    assert (again.returncode, again.stderr) == (0, "")
    assert "? No arm beats guessing" in again.stdout


def test_an_end_that_is_asked_for_is_one_line_and_two_sweeps_at_once_do_the_rest(
    folder: Path,
) -> None:
    first = start(folder, "seeds=6", "name=one")
    wait_for(first, folder, 1)
    os.killpg(first.pid, signal.SIGINT)
    time.sleep(0.2)
    os.killpg(first.pid, signal.SIGINT)
    assert ends(first, 130)[1] == f"{INTERRUPTED}\n"
    second = start(folder, "seeds=6", "name=one")
    wait_for(second, folder, 3)
    second.terminate()
    out, err = ends(second, 130)
    assert err == f"{INTERRUPTED}\n"
    assert "not trained" in out
    assert "not trained" in (folder / "results" / "one" / "report.md").read_text()
    assert INTERRUPTED in PAGE
    before = results(folder)
    (folder / "trained").unlink()
    both = [start(folder, "seeds=6", f"name={name}") for name in ("one", "two")]
    for process in both:
        out, err = ends(process, 0)
        assert err == ""
        assert "6 trials asked for, 6 unique, 6 done." in out
    after = results(folder)
    assert len(after) == 6
    assert before.items() <= after.items()
    assert len((folder / "trained").read_text().split()) == 6 - len(before)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="finds processes in /proc")
def test_a_killed_fork_server_costs_no_trial(folder: Path) -> None:
    process = start(folder, "seeds=3", "name=server")
    wait_for(process, folder, 1)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    command = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
    servers = [pid for pid in children if b"forkserver" in command[pid]]
    os.kill(int(servers[0]), signal.SIGKILL)
    out, err = ends(process, 0)
    assert err == ""
    assert "3 done." in out


def test_a_terminal_that_goes_without_a_word_counts_as_an_interruption(folder: Path) -> None:
    ours, theirs = pty.openpty()
    process = start(folder, "seeds=20", "name=gone", stdout=theirs)
    os.close(theirs)
    wait_for(process, folder, 1)
    os.close(ours)  # it is nobody's controlling terminal: writing fails, and no signal is sent
    assert ends(process, 130)[1] == f"{INTERRUPTED}\n"
    assert "not trained" in (folder / "results" / "gone" / "report.md").read_text()


@pytest.mark.usefixtures("without_keras")
def test_a_full_disk_is_told_and_with_room_the_sweep_goes_on(folder: Path) -> None:
    (folder / "results").mkdir()

    def mount(options: str) -> bool:
        command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder / "results")]
        try:
            return subprocess.run(command, capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            return False

    if not mount("size=36k"):
        pytest.skip("no file system can be mounted here")
    try:
        words = ["-m", *SMALL, "seeds=12", "name=full"]
        shown = run_here(folder, *words)
        assert shown.returncode == 1, shown.stderr
        why = os.strerror(errno.ENOSPC)
        said = f"no longer writable ({why}); finished trials are kept; run the same command to "
        assert shown.stderr == f"ablation: results=results: {said}continue\n"
        assert said in PAGE
        assert 0 < len(results(folder)) < 12
        assert not list((folder / "results").rglob(".*.tmp"))
        assert mount("remount,size=50m")
        again = run_here(folder, *words)
        assert again.returncode == 0, again.stderr
        assert f"{len(results(folder))} trials (12 asked for)" in again.stdout
    finally:
        subprocess.run(["umount", str(folder / "results")], check=True)


def test_a_results_folder_that_vanishes_is_named(folder: Path) -> None:
    process = start(folder, "seeds=6", "name=vanishing")
    wait_for(process, folder, 1)
    (folder / "results").rename(folder / "elsewhere")
    _, err = ends(process, 1)
    said = "ablation: results=results: no longer writable (No such file or directory); "
    assert err.startswith(said)
    assert len(err.splitlines()) == 1
    assert said in PAGE
    assert list((folder / "elsewhere" / "trials").glob("*.json"))


@pytest.mark.usefixtures("without_keras")
def test_results_that_are_no_results_are_trained_again_or_refused(folder: Path) -> None:
    words = ["-m", *SMALL, "seeds=4", "name=damaged"]
    assert run_here(folder, *words).returncode == 0
    sound, cut, empty, garbage = results(folder)
    cut.write_text(cut.read_text()[:200])
    empty.write_text("")
    garbage.write_bytes(b"\xff\x00 no result")
    shown = run_here(folder, *words)
    assert shown.returncode == 0, shown.stderr
    assert "4 done." in shown.stdout
    assert len((folder / "trained").read_text().split()) == 4 + 3
    lines = shown.stderr.splitlines()
    assert {line.partition(" is damaged (")[0] for line in lines} == {
        f"ablation: {path.relative_to(folder)}" for path in (cut, empty, garbage)
    }
    assert len(list(sound.parent.glob("*.damaged-*"))) == 3
    newer = json.loads(sound.read_text()) | {"schema": 2}
    sound.write_text(json.dumps(newer))
    shown = run_here(folder, *words)
    assert shown.returncode == 2
    assert len(shown.stderr.splitlines()) == 1
    said = shown.stderr.partition(".json: ")[2].strip()
    assert said.startswith("written by another version of ablation (schema 2, this is 1); ")
    assert said in PAGE
    assert json.loads(sound.read_text()) == newer


def test_what_is_edited_during_a_sweep_is_not_mixed_into_it(folder: Path) -> None:
    process = start(folder, "seeds=4", "name=edited", command=COMMAND)
    wait_for(process, folder, 1)
    yaml = folder / "conf" / "problem" / "bad.yaml"
    yaml.write_text(yaml.read_text().replace("test_size: 60", "test_size: 70"))
    wait_for(process, folder, 2)
    (folder / "mine.py").write_text(MINE + "\n# something else\n")
    out, err = ends(process, 1)
    said = "RequestError: mine.py changed since the sweep was planned; run the command again"
    assert said in out
    assert said in PAGE
    assert "of 4 trials failed" in err
    trials = [json.loads(path.read_text())["result"]["trial"] for path in results(folder)]
    assert len(trials) >= 2
    assert {trial["problem"]["test_size"] for trial in trials} == {60}
