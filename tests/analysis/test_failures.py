"""Seeds that fail to train, on planted values."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ablation.analysis.failures import failed_seeds, unseen_share

pytestmark = pytest.mark.filterwarnings("error")
TRAINED = [0.981, 0.979, 0.98, 0.982, 0.978]


def failed(values: list[float], guess: float = math.nan, sense: int = 1) -> list[int]:
    return np.flatnonzero(failed_seeds(np.array(values), sense, 0.002, guess)).tolist()


def test_a_seed_far_below_the_others_failed_and_a_lower_one_did_not() -> None:
    assert failed([*TRAINED, 0.7]) == [5]
    assert failed([*TRAINED, 0.972]) == []
    assert failed([*TRAINED, 1.2]) == []  # far above is no failure
    assert failed([-value for value in [*TRAINED, 0.7]], sense=-1) == [5]


def test_values_that_are_nearly_the_same_have_no_failures_within_five_margins() -> None:
    assert failed([0.98] * 5 + [0.971]) == []
    assert failed([0.98] * 5 + [0.969]) == [5]


def test_a_seed_that_guesses_failed_although_most_do() -> None:
    values = [0.98, 0.531, 0.53, 0.529, 0.97]
    assert failed(values, guess=0.53) == [1, 2, 3]
    assert failed([0.531, 0.53, 0.529], guess=0.53) == []  # none learnt anything
    assert failed(values) == []


def test_of_two_seeds_nobody_knows_which_is_the_rule_and_missing_values_do_not_count() -> None:
    assert failed([0.98, 0.5]) == []
    assert failed([0.98, math.nan, 0.5]) == []
    assert failed([*TRAINED, math.nan, 0.7]) == [6]


def test_the_unseen_share_is_where_so_many_successes_have_a_chance_of_one_in_twenty() -> None:
    for seeds in (1, 5, 10, 59):
        assert (1 - unseen_share(seeds)) ** seeds == pytest.approx(0.05)
    assert unseen_share(5) < 0.5 < unseen_share(4)
    assert unseen_share(0) == 1
