from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ablation import pool
from ablation.config import Arm, Trial
from ablation.pool import LEAD, RETRIES, Outcome
from tests.helpers import make_trial

LONG = 60.0  # seconds that no work here comes near to, unless it is meant to hang


def run(
    trials: Sequence[Trial], work: str, folder: Path, time_limit: float = LONG
) -> list[Outcome]:
    work = f"tests.pool_work:{work}"
    return list(pool.run(trials, work, (str(folder),), workers=2, time_limit=time_limit))


def seeds(n: int, units: int = 3) -> list[Trial]:
    return [make_trial(seed=seed, units=units) for seed in range(n)]


def begun(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.iterdir()}


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone(processes: set[int]) -> bool:
    """Whether the processes end; a slow machine is given its time."""
    deadline = time.monotonic() + 20
    while any(map(alive, processes)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(map(alive, processes))


def test_the_lowest_seed_is_first_and_a_warm_arm_before_a_cold_one() -> None:
    a, b = make_trial(units=1), make_trial(units=2)
    later = make_trial(units=1, seed=1)
    assert pool.choose([later, a, b], set(), []) == a
    assert pool.choose([a, b], {b.arm}, []) == b
    assert pool.choose([later, b], {later.arm}, []) == b  # nobody has compiled it either
    assert pool.choose([later, b], {later.arm}, [{b.arm}]) == later
    assert pool.choose([later, b], set(), [{later.arm, b.arm}]) == b


@pytest.mark.parametrize("ahead", range(1, 5))
def test_no_arm_runs_far_ahead_for_the_sake_of_a_warm_program(ahead: int) -> None:
    slow, warm = make_trial(units=1), make_trial(units=2, seed=ahead)
    chosen = pool.choose([slow, warm], {warm.arm}, [{slow.arm}])
    assert chosen == (warm if ahead <= LEAD else slow)


@pytest.mark.parametrize(("arms", "workers"), [(1, 2), (2, 2), (3, 2), (4, 2), (5, 3)])
def test_a_schedule_has_every_trial_once_and_stays_balanced(arms: int, workers: int) -> None:
    rng = np.random.default_rng(arms)
    everything = [make_trial(units=k + 1, seed=seed) for seed in range(8) for k in range(arms)]
    pace = {trial.arm: rng.uniform(0.5, 2) for trial in everything}
    waiting, order = list(everything), []
    warm: list[set[Arm]] = [set() for _ in range(workers)]
    free = [0.0] * workers
    while waiting:
        worker = int(np.argmin(free))
        others = [known for k, known in enumerate(warm) if k != worker]
        trial = pool.choose(waiting, warm[worker], others)
        assert trial.seed <= min(t.seed for t in waiting) + LEAD
        waiting.remove(trial)
        order.append(trial)
        warm[worker].add(trial.arm)
        free[worker] += pace[trial.arm]
    assert sorted(order, key=everything.index) == everything


def test_two_equal_arms_are_compiled_once_each() -> None:
    waiting = [make_trial(units=k, seed=seed) for seed in range(10) for k in (1, 2)]
    warm: list[set[Arm]] = [set(), set()]
    while waiting:
        for worker in (0, 1):
            trial = pool.choose(waiting, warm[worker], [warm[1 - worker]])
            waiting.remove(trial)
            warm[worker].add(trial.arm)
    assert [len(known) for known in warm] == [1, 1]


def test_values_come_back_each_with_its_trial(tmp_path: Path) -> None:
    trials = seeds(5)
    outcomes = run(trials, "seed_of", tmp_path)
    assert {outcome.trial: outcome.value for outcome in outcomes} == {t: t.seed for t in trials}
    assert all(outcome.kind is None for outcome in outcomes)
    assert set(begun(tmp_path).values()) == {1}


def test_nothing_to_do_is_done(tmp_path: Path) -> None:
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
    ],
)
def test_a_misbehaving_trial_costs_itself_only(
    units: int, kind: str, message: str, tmp_path: Path
) -> None:
    outcomes = run(seeds(4, units), "misbehave", tmp_path, time_limit=20)
    assert Counter(outcome.trial.seed for outcome in outcomes) == Counter(range(4))
    (bad,) = (outcome for outcome in outcomes if outcome.kind is not None)
    assert (bad.trial.seed, bad.kind) == (1, kind)
    assert message in bad.message
    tries = 1 + RETRIES if kind == "killed" else 1
    assert begun(tmp_path) == {f"{units}-{s}": tries if s == 1 else 1 for s in range(4)}
    if kind != "killed":  # the place where it happened
        assert "pool_work.py" in bad.traceback
        assert message in bad.traceback


def test_a_hanging_trial_is_killed_and_the_rest_goes_on(tmp_path: Path) -> None:
    outcomes = run(seeds(3, units=9), "misbehave", tmp_path, time_limit=2)
    assert sorted(o.trial.seed for o in outcomes if o.kind is None) == [0, 2]
    (bad,) = (outcome for outcome in outcomes if outcome.kind is not None)
    assert (bad.trial.seed, bad.kind) == (1, "timed out")
    assert "time_limit=2" in bad.message
    assert begun(tmp_path)["9-1"] == 1


def test_a_trial_killed_once_is_trained_after_all(tmp_path: Path) -> None:
    (outcome,) = run(seeds(1), "killed_once", tmp_path)
    assert outcome.kind is None
    assert begun(tmp_path) == {"3-0": 2}


def test_a_trial_held_elsewhere_is_offered_again(tmp_path: Path) -> None:
    outcomes = run(seeds(2), "held_once", tmp_path)
    assert sorted(outcome.value for outcome in outcomes) == [0, 1]
    assert begun(tmp_path) == {"3-0": 2, "3-1": 2}


def test_closing_ends_the_workers(tmp_path: Path) -> None:
    trials = seeds(8)
    outcomes = pool.run(trials, "tests.pool_work:process_of", (str(tmp_path),), 2, LONG)
    workers = {next(outcomes).value, next(outcomes).value}
    assert os.getpid() not in workers
    outcomes.close()  # type: ignore[attr-defined]
    assert gone(workers)


def test_a_worker_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    script = (
        "from ablation import pool\n"
        "from tests.helpers import make_trial\n"
        "trials = [make_trial(seed=seed) for seed in range(100)]\n"
        f"work = 'tests.pool_work:process_of', ({str(tmp_path)!r},), 1, 60\n"
        "for n, outcome in enumerate(pool.run(trials, *work)):\n"
        "    print(outcome.value, flush=True)\n"
        "    while n == 2: pass\n"
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int([parent.stdout.readline() for _ in range(3)][-1])
        assert alive(worker)
        parent.kill()
    assert gone({worker})


def test_the_terminal_is_given_back(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(seeds(1), "seed_of", tmp_path)
    os.write(2, b"still here")
    assert capfd.readouterr().err == "still here"
