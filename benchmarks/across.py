"""How often a verdict over several problems is wrong, and what it finds.

    python -m benchmarks.across --sweeps 1000

Simulated are variants whose scores differ on each problem by an amount of the problem's own.
Error: the share of sweeps with any verdict although all are equal in general. Power: the share of
pairs with the first variant that are decided, where it is ahead by one standard deviation of these
amounts.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ablation.analysis import compare_variants

KINDS = ("normal", "skewed", "heavy-tailed")
PROBLEMS = (6, 8, 14, 30)


def differences(kind: str, shape: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float64]:
    """What each problem adds to each variant, (problems, variants), with variance 1."""
    if kind == "skewed":
        return np.asarray(rng.exponential(1.0, shape) - 1.0)
    if kind == "heavy-tailed":
        return np.asarray(rng.standard_t(3, shape) / np.sqrt(3))
    return rng.standard_normal(shape)


def verdicts(kind: str, problems: int, variants: int, ahead: float, seed: int) -> pd.DataFrame:
    """The pairs of one simulated sweep; ahead: how far the first variant is better in general."""
    rng = np.random.default_rng([seed, problems, variants, KINDS.index(kind)])
    scores = differences(kind, (problems, variants), rng)
    scores[:, 0] += ahead
    index = pd.MultiIndex.from_product([range(problems), range(variants)])
    frame = pd.DataFrame({"normalized": scores.ravel()}, index.set_names(["problem", "variant"]))
    return compare_variants(frame.reset_index().assign(seed=0), margin=0.5, draws=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sweeps", type=int, default=1000, help="simulated sweeps a cell")
    sweeps = parser.parse_args().sweeps
    print("| variants, problems | " + " | ".join(f"{kind}: error | power" for kind in KINDS) + " |")
    print("| --- |" + " ---: |" * 2 * len(KINDS))
    for variants in (2, 4, 6):
        for problems in PROBLEMS:
            cells = []
            for kind in KINDS:
                equal = [verdicts(kind, problems, variants, 0, seed) for seed in range(sweeps)]
                errors = np.mean([(table["verdict"] != "undecided").any() for table in equal])
                ahead = [verdicts(kind, problems, variants, 1, seed) for seed in range(sweeps // 4)]
                firsts = pd.concat([table[table["variant"] == 0] for table in ahead])
                cells += [f"{errors:.2f}", f"{(firsts['verdict'] == 'better').mean():.2f}"]
            print(f"| {variants}, {problems} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
