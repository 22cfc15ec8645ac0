"""Our statistics beside those of public programs, where both compute the same thing.

    pip install --no-deps rliable==1.2.0 baycomp==1.0.3
    python -m benchmarks.same_numbers

rliable (Agarwal et al. 2021): the interquartile mean, and the probability of improvement. Its
bootstrap is not compared: it needs a version of arch that does not run with NumPy 2.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from rliable import metrics

from ablation.analysis import compare_arms, interquartile_mean

SEEDS, PROBLEMS, MARGIN = 10, 8, 0.002


def main() -> None:
    rng = np.random.default_rng(0)
    scores = {
        arm: rng.normal(mean, 0.05, (SEEDS, PROBLEMS)) for arm, mean in (("a", 0.8), ("b", 0.82))
    }
    theirs = metrics.aggregate_iqm(scores["a"])
    ours, _, _ = interquartile_mean(list(scores["a"].T), 100, rng)
    rows = [("interquartile mean", "rliable", theirs, ours)]

    trials = pd.DataFrame(
        {"arm": arm, "seed": range(SEEDS), "status": "done", "accuracy": scores[arm][:, 0]}
        for arm in scores
    ).explode(["seed", "accuracy"])
    trials = trials.astype({"accuracy": float, "seed": int})
    trials["loss"] = -trials["accuracy"]  # no share: nothing is rounded to test labels
    (pair,) = compare_arms(trials, "loss", margin=MARGIN).to_dict("records")
    first, second = (scores[arm][:, :1] for arm in scores)
    improvement = metrics.probability_of_improvement(first, second)
    rows.append(("probability of improvement", "rliable", improvement, pair["improvement"]))
    print("| figure | program | theirs | ours |\n| --- | --- | ---: | ---: |")
    for name, program, theirs, mine in rows:
        print(f"| {name} | {program} | {theirs:.6f} | {mine:.6f} |")


if __name__ == "__main__":
    main()
