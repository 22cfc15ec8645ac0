"""How often a verdict is right: python -m benchmarks.verdicts.

Simulates sweeps of two arms with a known difference in accuracy, and counts the verdicts. The
accuracies vary between seeds as in the lesson: standard deviation about .003, half of the variance
shared by the arms of a seed.
"""

from __future__ import annotations

import argparse
from collections import Counter

import numpy as np
import pandas as pd

from ablation.analysis import compare_arms
from benchmarks.record import record

SPREAD = 0.003


def sweep(rng: np.random.Generator, difference: float, seeds: int) -> pd.DataFrame:
    """The trials frame of two arms; the second is better by `difference`."""
    shared = rng.normal(0, SPREAD / np.sqrt(2), seeds)
    separate = rng.normal(0, SPREAD / np.sqrt(2), (2, seeds))
    means = (0.985, 0.985 + difference)
    return pd.DataFrame(
        [
            {"arm": name, "seed": seed, "status": "done", "accuracy": mean + shared[seed] + noise}
            for name, mean, noises in zip(("first", "second"), means, separate, strict=True)
            for seed, noise in enumerate(noises)
        ]
    )


def main() -> None:
    """Count the verdicts for each true difference and save the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sweeps", type=int, default=200)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    rows = []
    for difference in (0.0, 0.002, 0.01):
        for seeds in (10, 20):
            verdicts = Counter(
                compare_arms(sweep(rng, difference, seeds), baseline="first")["verdict"].item()
                for _ in range(arguments.sweeps)
            )
            names = ("better", "worse", "equivalent", "undecided")
            shares = {name: verdicts[name] / arguments.sweeps for name in names}
            rows.append({"true difference": difference, "seeds": seeds, **shares})
    record("verdicts", rows)


if __name__ == "__main__":
    main()
