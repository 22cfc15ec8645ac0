"""The seeds that a difference of the margin needs find it in about 80 % of sweeps."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from ablation.analysis.forecast import forecast
from ablation.analysis.student import seeds_for


def test_so_many_seeds_find_the_difference_in_four_of_five_sweeps() -> None:
    rng, level = np.random.default_rng(0), 0.045
    seeds = seeds_for(0.002, 0.003**2, level)
    found = stats.ttest_1samp(rng.normal(0.002, 0.003, (4000, seeds)), 0, axis=1).pvalue <= level
    assert 0.78 < found.mean() < 0.84


def test_the_spread_is_that_of_paired_differences() -> None:
    shared = np.array([0.0, 0.1, 0.2, 0.3])  # of the seeds, the same in both arms
    own = np.array([0.01, -0.01, 0.01, -0.01])
    table = pd.DataFrame(
        {
            "arm": ["a"] * 4 + ["b"] * 4,
            "seed": [*range(4)] * 2,
            "status": "done",
            "accuracy": [*(0.5 + shared), *(0.5 + shared + own)],
        }
    )
    found = forecast(table, "accuracy", None, 0.01, 0.045)
    assert found is not None
    assert np.isclose(found.spread, own.std(ddof=1))
    assert found.seeds == seeds_for(0.01, own.var(ddof=1), 0.045)
    assert forecast(table[table["seed"] == 0], "accuracy", None, 0.01, 0.045) is None
