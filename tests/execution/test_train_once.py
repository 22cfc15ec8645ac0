from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from ablation.execution.train_once import train_once
from ablation.storage import Store, TrialResult
from tests.helpers import make_result, make_trial

TRIAL = make_trial()

KILLED = """
import os, signal, sys
from ablation.execution import train_once
from ablation.storage import Store
from tests.helpers import make_trial

def run():
    print("half way", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

train_once(make_trial(), Store(sys.argv[1]), run)
"""


def result() -> TrialResult:
    return make_result(TRIAL)


def fail_if_trained() -> TrialResult:
    raise AssertionError("it was trained again")


def test_a_trial_is_trained_and_committed_once(store: Store) -> None:
    first = train_once(TRIAL, store, result)
    assert first is not None
    assert first.trained
    assert store.read(TRIAL.id) == result()
    second = train_once(TRIAL, store, fail_if_trained)
    assert second is not None
    assert not second.trained
    assert second.measured == first.measured
    assert second.measured["accuracy"] == result().metrics.accuracy


def test_a_trial_is_claimed_during_training(store: Store) -> None:
    output = []

    def run() -> TrialResult:
        command = [sys.executable, "-c", CLAIM, str(store.root), TRIAL.id]
        output.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        return result()

    train_once(TRIAL, store, run)
    assert output == ["False\n"]


CLAIM = """
import sys
from ablation.storage import Store
with Store(sys.argv[1]).claim(sys.argv[2]) as claimed:
    print(claimed)
"""


def test_a_trial_that_another_process_has_is_not_trained(store: Store) -> None:
    holder = CLAIM.replace("print(claimed)", "print(claimed, flush=True); sys.stdin.read()")
    command = [sys.executable, "-c", holder, str(store.root), TRIAL.id]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        assert train_once(TRIAL, store, fail_if_trained) is None
        process.communicate("")


def test_output_is_kept_only_if_training_fails(store: Store) -> None:
    def fail() -> TrialResult:
        os.write(2, b"from a library\n")
        os.write(1, b"and another\n")
        raise LookupError

    with pytest.raises(LookupError):
        train_once(TRIAL, store, fail)
    assert store.log(TRIAL.id).read_text() == "from a library\nand another\n"
    train_once(TRIAL, store, result)
    assert not store.log(TRIAL.id).exists()


def test_a_killed_process_leaves_its_output_but_no_claim(store: Store) -> None:
    command = [sys.executable, "-c", KILLED, str(store.root)]
    killed = subprocess.run(command, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert store.read(TRIAL.id) is None
    assert store.log(TRIAL.id).read_text() == "half way\n"
    committed = train_once(TRIAL, store, result)
    assert committed is not None
    assert committed.trained
