"""How often a verdict is right: python -m benchmarks.verdicts.

Simulates sweeps of two arms whose true difference is known, with the spread that the lesson's arms
have (about .003 between seeds, half of it shared by the arms of a seed), and counts the verdicts.
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
    """The trials of two arms, the second better by the difference."""
    shared = rng.normal(0, SPREAD / np.sqrt(2), seeds)
    own = rng.normal(0, SPREAD / np.sqrt(2), (2, seeds))
    means = (0.985, 0.985 + difference)
    return pd.DataFrame(
        [
            {"arm": name, "seed": seed, "status": "done", "accuracy": mean + shared[seed] + noise}
            for name, mean, noises in zip(("first", "second"), means, own, strict=True)
            for seed, noise in enumerate(noises)
        ]
    )


def main() -> None:
    """Count the verdicts of the planted differences, and write the table down."""
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
            words = ("better", "worse", "equivalent", "undecided")
            share = {word: verdicts[word] / arguments.sweeps for word in words}
            rows.append({"planted difference": difference, "seeds": seeds, **share})
    record("verdicts", rows)


if __name__ == "__main__":
    main()
