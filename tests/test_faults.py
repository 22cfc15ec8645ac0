"""Trials that misbehave in every way, through the command line; and what docs/faults.md says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "ablation"]

MINE = """
import ctypes, os, signal, sys, time
from ablation.problems import cumsum

def bad(rng, sequences, length, *, what="well"):
    if sequences == 40:  # in training, and not when the parent looks at its shape
        match what:
            case "raise": raise LookupError("no such <script>alert(1)</script>")
            case "exit": sys.exit("enough")
            case "vanish": os._exit(0)
            case "crash": ctypes.string_at(0)
            case "kill": os.kill(os.getpid(), signal.SIGKILL)
            case "hang": time.sleep(600)
    return cumsum.generate(rng, sequences, length)
"""

SMALL = ["problem=bad", "training=smoke", "training.sequences=40", "units=3", "length=4"]
SMALL += ["direction=forward", "workers=1"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder, with a space and a letter that is not ASCII, and a problem of their own."""
    folder = tmp_path / "my stüdy"
    (folder / "conf" / "problem").mkdir(parents=True)
    (folder / "mine.py").write_text(MINE)
    text = "name: mine.bad\ntest_size: 60\nwhat: well\n"
    (folder / "conf" / "problem" / "bad.yaml").write_text(text)
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )


def test_every_way_to_fail_is_told_and_costs_its_trial_only(folder: Path) -> None:
    ways = "raise,exit,vanish,crash,kill,hang,well"
    sweep = ["-m", *SMALL, f"problem.what={ways}", "seeds=1", "time_limit=25", "name=faults"]
    shown = run(folder, *sweep)
    assert shown.returncode == 1
    assert shown.stderr.splitlines()[-1] == "ablation: 6 of 7 trials failed"
    for said in (
        "raise seed 0: LookupError: no such <script>alert(1)</script>",
        "exit seed 0: SystemExit: enough",
        "vanish seed 0: killed: its worker died (exit code 0)",
        "crash seed 0: killed: its worker died (SIGSEGV)",
        "kill seed 0: killed: its worker died (SIGKILL: by hand, or memory ran out)",
        "hang seed 0: timed out: it took more than time_limit=25 s",
    ):
        assert said in " ".join(shown.stdout.split())
    logs = [line.strip() for line in shown.stdout.splitlines() if line.endswith("output.log")]
    texts = [(folder / log).read_text() for log in logs]
    assert len(texts) == 6
    places = [text for text in texts if 'mine.py", line' in text]
    assert len(places) == 4  # of what raised, exited, crashed and hung
    page = (folder / "results" / "faults" / "report.html").read_text()
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_a_sweep_may_stop_at_its_first_failure(folder: Path) -> None:
    sweep = ["-m", *SMALL, "problem.what=raise,well", "seeds=3", "on_error=stop"]
    shown = run(folder, *sweep, "name=stopped")
    assert shown.returncode == 1
    assert shown.stderr.splitlines()[-1] == (
        "ablation: 1 of 6 trials failed, and 5 were not trained, because of on_error=stop"
    )
    assert "not trained" in (folder / "results" / "stopped" / "report.md").read_text()


@pytest.mark.parametrize("what", ["--help", "plan=true"])
def test_whoever_reads_may_go(what: str, folder: Path) -> None:
    command = [*COMMAND, what]
    pipes = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, stdout=pipes, stderr=pipes, text=True) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert (
            process.stderr.read() == "ablation: interrupted; the same command goes on from here\n"
        )
    assert process.returncode == 130


@pytest.mark.parametrize("key", ["on_error=perhaps", "on_error=null"])
def test_what_can_be_done_on_an_error_is_told(key: str, folder: Path) -> None:
    shown = run(folder, key)
    assert shown.returncode == 2
    assert len(shown.stderr.splitlines()) == 1
    assert "on_error" in shown.stderr
