from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from ablation.execution import process
from ablation.execution.handle import Outcome
from ablation.execution.order import RETRIES
from ablation.execution.pool import available_cores, run_trials
from ablation.execution.process import EXTERNAL_FAILURES, serve
from ablation.spec import Trial
from tests.helpers import make_trial

pytestmark = pytest.mark.usefixtures("fork_server")

ROOT = Path(__file__).resolve().parents[2]
LONG = 60.0  # seconds; only a task that hangs on purpose takes so long


def run(
    trials: Sequence[Trial], work: str, folder: Path, time_limit: float = LONG
) -> list[Outcome]:
    work = f"tests.execution.pool_work:{work}"
    return list(run_trials(trials, work, (str(folder),), workers=2, time_limit=time_limit))


def seeds(n: int, units: int = 3) -> list[Trial]:
    return [make_trial(seed=seed, units=units) for seed in range(n)]


def starts(folder: Path) -> dict[str, int]:
    """How often each trial was started, by its units and seed."""
    return {path.name: path.stat().st_size for path in folder.iterdir()}


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def all_end(processes: set[int]) -> bool:
    """Wait up to 20 seconds for the processes to end; whether they did."""
    deadline = time.monotonic() + 20
    while any(map(alive, processes)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(map(alive, processes))


def test_each_value_is_returned_with_its_trial(tmp_path: Path) -> None:
    trials = seeds(5)
    outcomes = run(trials, "seed_of", tmp_path)
    assert {outcome.trial: outcome.value for outcome in outcomes} == {t: t.seed for t in trials}
    assert all(outcome.kind is None for outcome in outcomes)
    assert set(starts(tmp_path).values()) == {1}


def test_no_trials_give_no_outcomes(tmp_path: Path) -> None:
    assert run([], "seed_of", tmp_path) == []


@pytest.mark.parametrize(
    ("units", "kind", "message"),
    [
        (1, "LookupError", "no such thing"),
        (2, "Peculiar", "1 and 2"),
        (3, "SystemExit", "enough"),
        (4, "killed", "exit code 3"),
        (5, "killed", "SIGKILL"),
        (6, "TimeoutError", "the disk did not answer"),
        (7, "killed", "exit code 0"),
        (8, "killed", "SIGSEGV"),
        (9, "MemoryError", "all is taken"),
        (10, "killed", "SIGKILL"),
    ],
)
def test_a_misbehaving_trial_harms_no_other_trial(
    units: int, kind: str, message: str, tmp_path: Path
) -> None:
    outcomes = run(seeds(4, units), "misbehave", tmp_path, time_limit=20)
    assert Counter(outcome.trial.seed for outcome in outcomes) == Counter(range(4))
    (failure,) = (outcome for outcome in outcomes if outcome.kind is not None)
    assert (failure.trial.seed, failure.kind) == (1, kind)
    assert message in failure.message
    tries = 1 + RETRIES if kind in EXTERNAL_FAILURES else 1
    assert starts(tmp_path) == {f"{units}-{s}": tries if s == 1 else 1 for s in range(4)}
    if kind != "killed":
        assert "pool_work.py" in failure.traceback
        assert message in failure.traceback


def test_a_hanging_trial_is_killed_and_the_others_are_trained(tmp_path: Path) -> None:
    outcomes = run(seeds(3, units=11), "misbehave", tmp_path, time_limit=2)
    assert sorted(o.trial.seed for o in outcomes if o.kind is None) == [0, 2]
    (failure,) = (outcome for outcome in outcomes if outcome.kind is not None)
    assert (failure.trial.seed, failure.kind) == (1, "timed out")
    assert "time_limit=2" in failure.message
    assert starts(tmp_path)["11-1"] == 1


def test_a_trial_whose_worker_was_killed_is_retried(tmp_path: Path) -> None:
    (outcome,) = run(seeds(1), "killed_once", tmp_path)
    assert outcome.kind is None
    assert starts(tmp_path) == {"3-0": 2}


def test_no_trial_is_lost_if_the_fork_server_is_killed(tmp_path: Path) -> None:
    # In a process of its own: other tests go on with the fork server of this one.
    script = (
        "from pathlib import Path\n"
        "from tests.execution.test_pool import run, seeds\n"
        f"outcomes = run(seeds(3), 'server_killed_once', Path({str(tmp_path)!r}))\n"
        "print(*sorted(o.value for o in outcomes if o.kind is None))\n"
    )
    command = [sys.executable, "-c", script]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout == "0 1 2\n"
    assert starts(tmp_path)["3-0"] == 2


def test_a_worker_exits_after_enough_trials_or_with_too_much_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # All tests share one fork server, which has loaded the constants already. So this test forks.
    context = multiprocessing.get_context("fork")
    for bound, tasks in (("RECYCLED_AFTER", 3), ("RECYCLED_ABOVE", 1)):
        with monkeypatch.context() as patch:
            patch.setattr(process, bound, 3 if bound == "RECYCLED_AFTER" else 0)
            pipe, worker_end = context.Pipe()
            worker = context.Process(target=serve, args=(worker_end, tuple(available_cores())))
            worker.start()
            worker_end.close()
            for seed in range(1, tasks + 1):
                task = ("tests.execution.pool_work:seed_of", make_trial(seed=seed), str(tmp_path))
                pipe.send(task)
                (value, *_), exits = pipe.recv()
                assert (value, exits) == (seed, seed == tasks)
            with pytest.raises(EOFError):
                pipe.recv()
            worker.join()
            assert worker.exitcode == 0


def test_no_trial_is_lost_when_workers_are_replaced(tmp_path: Path) -> None:
    outcomes = run(seeds(4, units=12), "exceed_memory", tmp_path)
    assert sorted(outcome.value for outcome in outcomes) == [0, 1, 2, 3]


def test_a_trial_that_another_process_has_is_offered_again(tmp_path: Path) -> None:
    outcomes = run(seeds(2), "held_once", tmp_path)
    assert sorted(outcome.value for outcome in outcomes) == [0, 1]
    assert starts(tmp_path) == {"3-0": 2, "3-1": 2}


def test_closing_the_iterator_ends_the_workers(tmp_path: Path) -> None:
    trials = seeds(8)
    outcomes = run_trials(trials, "tests.execution.pool_work:process_of", (str(tmp_path),), 2, LONG)
    workers = {next(outcomes).value, next(outcomes).value}
    assert os.getpid() not in workers
    outcomes.close()
    assert all_end(workers)


def test_a_worker_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    script = (
        "from ablation.execution import run_trials\n"
        "from tests.helpers import make_trial\n"
        "trials = [make_trial(seed=seed) for seed in range(100)]\n"
        f"work = 'tests.execution.pool_work:process_of', ({str(tmp_path)!r},), 1, 60\n"
        "for n, outcome in enumerate(run_trials(trials, *work)):\n"
        "    print(outcome.value, flush=True)\n"
        "    while n == 2: pass\n"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int([parent.stdout.readline() for _ in range(3)][-1])
        assert alive(worker)
        parent.kill()
    assert all_end({worker})


def test_stderr_is_restored(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(seeds(1), "seed_of", tmp_path)
    os.write(2, b"still here")
    assert capfd.readouterr().err == "still here"
