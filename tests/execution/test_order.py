"""The order of trials; no processes, no clock."""

from __future__ import annotations

import numpy as np
import pytest

from ablation.execution.order import LEAD, RETRIES, Queue, in_blocks, next_trial
from ablation.planning import training_seconds
from ablation.spec import Arm
from tests.helpers import make_trial


def test_the_lowest_seed_comes_first_and_a_warm_arm_before_a_cold_one() -> None:
    a, b = make_trial(units=1), make_trial(units=2)
    later = make_trial(units=1, seed=1)
    assert next_trial([later, a], set(), []) == a
    assert next_trial([a, b], {a.arm}, []) == a
    assert next_trial([later, b], {later.arm}, []) == b  # nobody has compiled it either
    assert next_trial([later, b], {later.arm}, [{b.arm}]) == later
    assert next_trial([later, b], set(), [{later.arm, b.arm}]) == b


def test_the_longest_trial_comes_first_if_all_else_is_equal() -> None:
    short, long = make_trial(units=10), make_trial(units=400)
    assert next_trial([short, long], set(), []) == long
    assert next_trial([short, long], set(), [{long.arm}]) == short
    merges = [make_trial(direction="bidirectional", merge_mode=m) for m in ("sum", "mul")]
    assert next_trial(merges, set(), []) == merges[0]  # equally long: in the planned order


def test_arms_of_many_sizes_leave_no_core_idle_for_long() -> None:
    trials = [make_trial(units=units, seed=s) for s in range(4) for units in (5, 20, 50, 400)]
    waiting, warm, free = list(trials), [set[Arm](), set[Arm]()], [0.0, 0.0]
    while waiting:
        worker = int(np.argmin(free))
        trial = next_trial(waiting, warm[worker], [warm[1 - worker]])
        waiting.remove(trial)
        warm[worker].add(trial.arm)
        free[worker] += training_seconds(trial.arm)
    longest = max(training_seconds(trial.arm) for trial in trials)
    assert max(free) - min(free) <= longest


@pytest.mark.parametrize("ahead", range(1, 5))
def test_no_arm_runs_far_ahead_to_reuse_a_compiled_program(ahead: int) -> None:
    slow, warm = make_trial(units=1), make_trial(units=2, seed=ahead)
    trial = next_trial([slow, warm], {warm.arm}, [{slow.arm}])
    assert trial == (warm if ahead <= LEAD else slow)


@pytest.mark.parametrize(("arms", "workers"), [(1, 2), (2, 2), (3, 2), (4, 2), (5, 3)])
def test_a_schedule_has_every_trial_once_and_stays_balanced(arms: int, workers: int) -> None:
    rng = np.random.default_rng(arms)
    trials = [make_trial(units=k + 1, seed=seed) for seed in range(8) for k in range(arms)]
    seconds = {trial.arm: rng.uniform(0.5, 2) for trial in trials}
    waiting, order = list(trials), []
    warm: list[set[Arm]] = [set() for _ in range(workers)]
    free = [0.0] * workers
    while waiting:
        worker = int(np.argmin(free))
        others = [compiled for k, compiled in enumerate(warm) if k != worker]
        trial = next_trial(waiting, warm[worker], others)
        assert trial.seed <= min(t.seed for t in waiting) + LEAD
        waiting.remove(trial)
        order.append(trial)
        warm[worker].add(trial.arm)
        free[worker] += seconds[trial.arm]
    assert sorted(order, key=trials.index) == trials


def test_two_equal_arms_are_compiled_once_each() -> None:
    waiting = [make_trial(units=k, seed=seed) for seed in range(10) for k in (1, 2)]
    warm: list[set[Arm]] = [set(), set()]
    while waiting:
        for worker in (0, 1):
            trial = next_trial(waiting, warm[worker], [warm[1 - worker]])
            waiting.remove(trial)
            warm[worker].add(trial.arm)
    assert [len(compiled) for compiled in warm] == [1, 1]


@pytest.mark.parametrize(("arms", "size"), [(1, 4), (4, 4), (5, 4), (12, 4)])
def test_blocks_contain_every_trial_in_order(arms: int, size: int) -> None:
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
    capacity, programs_of, compilations = 4, [list[Arm]() for _ in range(workers)], 0
    trials = [make_trial(units=k + 1, seed=seed) for seed in range(6) for k in range(arms)]
    warm: list[set[Arm]] = [set() for _ in range(workers)]
    for waiting in in_blocks(trials, capacity * workers):
        for turn in range(len(waiting)):
            worker = turn % workers
            others = [compiled for k, compiled in enumerate(warm) if k != worker]
            trial = next_trial(waiting, warm[worker], others)
            waiting.remove(trial)
            warm[worker].add(trial.arm)
            programs = programs_of[worker]
            compilations += trial.arm not in programs
            programs[:] = [trial.arm, *(arm for arm in programs if arm != trial.arm)][:capacity]
    assert compilations <= 1.3 * arms


def test_a_queue_returns_each_trial_once() -> None:
    trials = [make_trial(units=k, seed=seed) for seed in range(3) for k in (1, 2)]
    queue = Queue(trials, arms=1)
    order = [queue.take(set(), []) for _ in trials]
    assert sorted(map(trials.index, filter(None, order))) == list(range(6))
    assert (len(queue), queue.take(set(), [])) == (0, None)


def test_a_trial_has_a_limited_number_of_retries() -> None:
    trial = make_trial()
    queue = Queue([trial], arms=1)
    for _ in range(RETRIES):
        assert queue.take(set(), []) == trial
        assert queue.retry(trial)
    assert queue.take(set(), []) == trial
    assert not queue.retry(trial)
    assert len(queue) == 0


def test_a_postponed_trial_waits_for_its_time() -> None:
    queue = Queue([make_trial()], arms=1)
    trial = queue.take(set(), [])
    assert trial is not None
    queue.postpone(trial, until=5.0)
    assert queue.has_postponed
    for now, expected in ((4.9, None), (5.0, trial)):
        assert len(queue) == 1
        queue.release(now)
        assert queue.take(set(), []) == expected
    assert (queue.has_postponed, len(queue)) == (False, 0)


def test_trials_that_a_worker_has_begun_are_not_given_to_another() -> None:
    trials = [make_trial(units=k, seed=seed) for seed in range(2) for k in (1, 2)]
    queue = Queue(trials, arms=2)
    begun = queue.take_these(["unknown", trials[0].id, trials[3].id])
    assert begun == [trials[0], trials[3]]
    assert {queue.take(set(), []), queue.take(set(), [])} == {trials[1], trials[2]}
    assert queue.take(set(), []) is None
    queue.put_back(trials[3])
    assert (len(queue), queue.take(set(), [])) == (1, trials[3])


def test_a_retried_trial_comes_before_later_seeds_of_its_arm() -> None:
    trials = [make_trial(seed=seed) for seed in range(3)]
    queue = Queue(trials, arms=1)
    first = queue.take(set(), [])
    assert first == trials[0]
    assert queue.retry(first)
    assert [queue.take(set(), []) for _ in trials] == trials
