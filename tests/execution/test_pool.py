from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from ablation.execution import process
from ablation.execution.order import LEAD, in_blocks, next_trial
from ablation.execution.pool import RETRIES, Ended, available_cores, run_trials
from ablation.execution.process import OUTSIDE, serve
from ablation.planning import training_seconds
from ablation.spec import Arm, Trial
from tests.helpers import make_trial

LONG = 60.0  # seconds that no work here comes near to, unless it is meant to hang


def run(trials: Sequence[Trial], work: str, folder: Path, time_limit: float = LONG) -> list[Ended]:
    work = f"tests.execution.pool_work:{work}"
    return list(run_trials(trials, work, (str(folder),), workers=2, time_limit=time_limit))


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
    assert next_trial([later, a], set(), []) == a
    assert next_trial([a, b], {a.arm}, []) == a
    assert next_trial([later, b], {later.arm}, []) == b  # nobody has compiled it either
    assert next_trial([later, b], {later.arm}, [{b.arm}]) == later
    assert next_trial([later, b], set(), [{later.arm, b.arm}]) == b


def test_the_longest_is_first_among_equals() -> None:
    short, long = make_trial(units=10), make_trial(units=400)
    assert next_trial([short, long], set(), []) == long
    assert next_trial([short, long], set(), [{long.arm}]) == short
    merges = [make_trial(direction="bidirectional", merge_mode=m) for m in ("sum", "mul")]
    assert next_trial(merges, set(), []) == merges[0]  # as planned, where it is the same


def test_arms_of_many_sizes_leave_no_core_idle_for_long() -> None:
    everything = [make_trial(units=units, seed=s) for s in range(4) for units in (5, 20, 50, 400)]
    waiting, warm, free = list(everything), [set[Arm](), set[Arm]()], [0.0, 0.0]
    while waiting:
        worker = int(np.argmin(free))
        trial = next_trial(waiting, warm[worker], [warm[1 - worker]])
        waiting.remove(trial)
        warm[worker].add(trial.arm)
        free[worker] += training_seconds(trial.arm)
    longest = max(training_seconds(trial.arm) for trial in everything)
    assert max(free) - min(free) <= longest


@pytest.mark.parametrize("ahead", range(1, 5))
def test_no_arm_runs_far_ahead_for_the_sake_of_a_warm_program(ahead: int) -> None:
    slow, warm = make_trial(units=1), make_trial(units=2, seed=ahead)
    chosen = next_trial([slow, warm], {warm.arm}, [{slow.arm}])
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
        trial = next_trial(waiting, warm[worker], others)
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
            trial = next_trial(waiting, warm[worker], [warm[1 - worker]])
            waiting.remove(trial)
            warm[worker].add(trial.arm)
    assert [len(known) for known in warm] == [1, 1]


@pytest.mark.parametrize(("arms", "size"), [(1, 4), (4, 4), (5, 4), (12, 4)])
def test_blocks_have_so_many_arms_and_every_trial_in_order(arms: int, size: int) -> None:
    trials = [make_trial(units=k + 1, seed=seed) for seed in range(3) for k in range(arms)]
    blocks = in_blocks(trials, size)
    assert len(blocks) == -(-arms // size)
    assert all(len({trial.arm for trial in block}) <= size for block in blocks)
    for block in blocks:
        assert block == sorted(block, key=trials.index)
    assert sorted((t for block in blocks for t in block), key=trials.index) == trials
    units = [trial.arm.units for block in blocks for trial in block if trial.seed == 0]
    assert units == list(range(1, arms + 1))


@pytest.mark.parametrize(("arms", "workers"), [(20, 2), (23, 3), (7, 1)])
def test_many_arms_are_hardly_ever_compiled_twice(arms: int, workers: int) -> None:
    kept, held, compiled = 4, [list[Arm]() for _ in range(workers)], 0
    everything = [make_trial(units=k + 1, seed=seed) for seed in range(6) for k in range(arms)]
    warm: list[set[Arm]] = [set() for _ in range(workers)]
    for waiting in in_blocks(everything, kept * workers):
        for turn in range(len(waiting)):
            worker = turn % workers
            others = [known for k, known in enumerate(warm) if k != worker]
            trial = next_trial(waiting, warm[worker], others)
            waiting.remove(trial)
            warm[worker].add(trial.arm)
            programs = held[worker]
            compiled += trial.arm not in programs
            programs[:] = [trial.arm, *(arm for arm in programs if arm != trial.arm)][:kept]
    assert compiled <= 1.3 * arms


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
        (7, "killed", "exit code 0"),
        (8, "killed", "SIGSEGV"),
        (9, "MemoryError", "all is taken"),
        (10, "killed", "SIGKILL"),
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
    tries = 1 + RETRIES if kind in OUTSIDE else 1
    assert begun(tmp_path) == {f"{units}-{s}": tries if s == 1 else 1 for s in range(4)}
    if kind != "killed":  # the place where it happened
        assert "pool_work.py" in bad.traceback
        assert message in bad.traceback


def test_a_hanging_trial_is_killed_and_the_rest_goes_on(tmp_path: Path) -> None:
    outcomes = run(seeds(3, units=11), "misbehave", tmp_path, time_limit=2)
    assert sorted(o.trial.seed for o in outcomes if o.kind is None) == [0, 2]
    (bad,) = (outcome for outcome in outcomes if outcome.kind is not None)
    assert (bad.trial.seed, bad.kind) == (1, "timed out")
    assert "time_limit=2" in bad.message
    assert begun(tmp_path)["11-1"] == 1


def test_a_trial_killed_once_is_trained_after_all(tmp_path: Path) -> None:
    (outcome,) = run(seeds(1), "killed_once", tmp_path)
    assert outcome.kind is None
    assert begun(tmp_path) == {"3-0": 2}


def test_a_killed_fork_server_costs_no_trial(tmp_path: Path) -> None:
    outcomes = run(seeds(3), "server_killed_once", tmp_path)
    assert sorted(o.value for o in outcomes if o.kind is None) == [0, 1, 2]


def test_a_worker_is_replaced_when_it_has_done_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The fork server, which holds the constants that count, is one for all tests: by hand here.
    context = multiprocessing.get_context("fork")
    for bound, tasks in (("RECYCLED_AFTER", 3), ("RECYCLED_ABOVE", 1)):
        with monkeypatch.context() as changed:
            changed.setattr(process, bound, 3 if bound == "RECYCLED_AFTER" else 0)
            line, end = context.Pipe()
            worker = context.Process(target=serve, args=(end, tuple(available_cores())))
            worker.start()
            end.close()
            for done in range(1, tasks + 1):
                task = ("tests.execution.pool_work:seed_of", make_trial(seed=done), str(tmp_path))
                line.send(task)
                (value, *_), leaves = line.recv()
                assert (value, leaves) == (done, done == tasks)
            with pytest.raises(EOFError):
                line.recv()
            worker.join()
            assert worker.exitcode == 0


def test_replaced_workers_lose_no_trial(tmp_path: Path) -> None:
    outcomes = run(seeds(4, units=12), "leave", tmp_path)
    assert sorted(outcome.value for outcome in outcomes) == [0, 1, 2, 3]


def test_a_trial_held_elsewhere_is_offered_again(tmp_path: Path) -> None:
    outcomes = run(seeds(2), "held_once", tmp_path)
    assert sorted(outcome.value for outcome in outcomes) == [0, 1]
    assert begun(tmp_path) == {"3-0": 2, "3-1": 2}


def test_closing_ends_the_workers(tmp_path: Path) -> None:
    trials = seeds(8)
    outcomes = run_trials(trials, "tests.execution.pool_work:process_of", (str(tmp_path),), 2, LONG)
    workers = {next(outcomes).value, next(outcomes).value}
    assert os.getpid() not in workers
    outcomes.close()
    assert gone(workers)


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
    assert gone({worker})


def test_the_terminal_is_given_back(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run(seeds(1), "seed_of", tmp_path)
    os.write(2, b"still here")
    assert capfd.readouterr().err == "still here"
