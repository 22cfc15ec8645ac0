"""Arms that are not shown to beat a guess."""

from __future__ import annotations

import pandas as pd
import pytest

from ablation.analysis import guessing_arms


@pytest.mark.parametrize("majority", [0.811, 0.7, 0.1])
@pytest.mark.parametrize("seeds", [2, 3, 7])
def test_an_arm_that_scores_the_majority_in_all_seeds_guesses(majority: float, seeds: int) -> None:
    """A mean of equal numbers may differ from them by a rounding error."""
    trials = pd.DataFrame(
        {
            "arm": ["guess"] * seeds + ["better"] * seeds,
            "seed": [*range(seeds)] * 2,
            "status": "done",
            "accuracy": [majority] * seeds + [majority + 0.001] * seeds,
            "accuracy_se": 0.0001,
            "majority": majority,
        }
    )
    assert guessing_arms(trials) == {"guess": pytest.approx(majority)}
    assert guessing_arms(trials.drop(columns="majority")) == {}
