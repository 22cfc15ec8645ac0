from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from ablation.execution.once import once
from ablation.storage import Store, TrialResult
from tests.helpers import make_result, make_trial

TRIAL = make_trial()

KILLED = """
import os, signal, sys
from ablation.execution import once
from ablation.storage import Store
from tests.helpers import make_trial

def run():
    print("half way", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

once(make_trial(), Store(sys.argv[1]), run)
"""


def result() -> TrialResult:
    return make_result(TRIAL)


def refuse() -> TrialResult:
    raise AssertionError("it was trained again")


def test_what_is_run_is_committed_and_not_run_again(store: Store) -> None:
    first = once(TRIAL, store, result)
    assert first is not None
    assert first.trained
    assert store.read(TRIAL.id) == result()
    again = once(TRIAL, store, refuse)
    assert again is not None
    assert not again.trained
    assert again.accuracy == first.accuracy


def test_it_is_claimed_while_it_runs(store: Store) -> None:
    seen = []

    def run() -> TrialResult:
        command = [sys.executable, "-c", CLAIMED, str(store.root), TRIAL.id]
        seen.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        return result()

    once(TRIAL, store, run)
    assert seen == ["False\n"]


CLAIMED = """
import sys
from ablation.storage import Store
with Store(sys.argv[1]).claim(sys.argv[2]) as mine:
    print(mine)
"""


def test_what_another_process_holds_is_left_to_it(store: Store) -> None:
    holder = CLAIMED.replace("print(mine)", "print(mine, flush=True); sys.stdin.read()")
    command = [sys.executable, "-c", holder, str(store.root), TRIAL.id]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        assert once(TRIAL, store, refuse) is None
        process.communicate("")


def test_output_is_kept_only_where_there_is_no_result(store: Store) -> None:
    def fail() -> TrialResult:
        os.write(2, b"from a library\n")
        os.write(1, b"and another\n")
        raise LookupError

    with pytest.raises(LookupError):
        once(TRIAL, store, fail)
    assert store.log(TRIAL.id).read_text() == "from a library\nand another\n"
    once(TRIAL, store, result)
    assert not store.log(TRIAL.id).exists()


def test_the_killed_leave_their_output_and_no_claim(store: Store) -> None:
    command = [sys.executable, "-c", KILLED, str(store.root)]
    killed = subprocess.run(command, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert store.read(TRIAL.id) is None
    assert store.log(TRIAL.id).read_text() == "half way\n"
    ended = once(TRIAL, store, result)
    assert ended is not None
    assert ended.trained
