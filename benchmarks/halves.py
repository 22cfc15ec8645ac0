"""Do verdicts hold on new data? Half of real test sequences decide, the other half is new data.

    python -m ablation experiment=lexical_stress
    python -m benchmarks.halves lexical_stress

In each draw five of the ten seeds and a few sequences of one half decide; the other five seeds and
the whole other half are new seeds and new sequences. A decided pair holds if the difference has
the same sign there. Coverage: how often the 95 % interval, widened by the error of the other half,
holds the difference there. *seeds*: verdicts over seeds alone, which is what the program gave
before it stored the score of each sequence.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import ablation
from ablation.analysis import compare_arms, populations
from benchmarks.record import options, record

SIZES = (100, 300, 1000)
METHODS = ("seeds", "both")
Floats = NDArray[np.float64]


class Scores(NamedTuple):
    """The hits of a trial, as a result stores them."""

    sums: Floats
    labels: NDArray[np.int64]
    groups: None = None
    score: str = "hits"


class Table(NamedTuple):
    """The hits of all trials, (arms, seeds, sequences), and the labels of each sequence."""

    arms: list[str]
    hits: Floats
    labels: NDArray[np.int64]

    def part(self, seeds: NDArray[np.int64], sequences: NDArray[np.int64]) -> Table:
        hits = self.hits[:, seeds][:, :, sequences]
        return Table(self.arms, hits, self.labels[sequences])

    def frame(self) -> pd.DataFrame:
        """The trials frame of these trials."""
        rows = [
            {
                "arm": arm,
                "seed": seed,
                "status": "done",
                "accuracy": hits.sum() / self.labels.sum(),
                "scores": populations.TestScores(Scores(hits, self.labels)),
                "test_sequences": len(self.labels),
                "test_labels": float(self.labels.sum()),
            }
            for arm, trials in zip(self.arms, self.hits, strict=True)
            for seed, hits in enumerate(trials)
        ]
        return pd.DataFrame(rows)

    def differences(self) -> pd.DataFrame:
        """The pairs, with their differences and how far these are from those of all sequences."""
        table = compare_arms(self.frame()).set_index(["arm", "other"])
        return table.assign(half=(table["high"] - table["low"]) / 2)


def read(name: str, results: Path) -> Table:
    """The hits of a sweep's trials. Raises SystemExit where they are not stored."""
    trials = ablation.load(name, results=results).trials
    if "scores" not in trials or trials["scores"].isna().any():
        raise SystemExit(f"{name}: results without the score of each sequence; train it again")
    arms = list(dict.fromkeys(trials["arm"]))
    hits = [[s.sums for s in trials.loc[trials["arm"] == arm, "scores"]] for arm in arms]
    return Table(arms, np.array(hits, float), trials["scores"].iloc[0].labels.astype(int))


def halves(table: Table, draws: int) -> Iterator[dict[str, Any]]:
    """A row for each number of sequences and method."""
    rng = np.random.default_rng(0)
    _, seeds, sequences = table.hits.shape
    counts: dict[tuple[int, str], list[tuple[int, int, int, int]]] = {}
    for _ in range(draws):
        order, words = rng.permutation(seeds), rng.permutation(sequences)
        new = table.part(order[seeds // 2 :], words[sequences // 2 :]).differences()
        for size in SIZES:
            frame = table.part(order[: seeds // 2], words[:size]).frame()
            for method in METHODS:
                known = frame if method == "both" else frame.drop(columns="scores")
                pairs = compare_arms(known).set_index(["arm", "other"])
                decided = pairs["verdict"].isin(["better", "worse"])
                holds = np.sign(pairs["difference"]) == np.sign(new["difference"])
                alike = pairs["verdict"] == "equivalent"
                half = np.hypot((pairs["high"] - pairs["low"]) / 2, new["half"])
                inside = (pairs["difference"] - new["difference"]).abs() <= half
                counts.setdefault((size, method), []).append(
                    (
                        int(decided.sum()),
                        int((decided & holds).sum()),
                        int(alike.sum()),
                        int(inside.sum()),
                    )
                )
    pairs_each = len(table.arms) * (len(table.arms) - 1) // 2
    for (size, method), rows in counts.items():
        decided, holds, alike, inside = np.sum(rows, axis=0)
        wrong = np.mean([row[1] < row[0] for row in rows])
        yield {
            "sequences": size,
            "method": method,
            "decided": f"{decided / draws / pairs_each:.0%}",
            "of these hold": f"{holds / max(decided, 1):.1%}",
            "sweeps with one that does not": f"{wrong:.0%}",
            "equivalent": f"{alike / draws / pairs_each:.0%}",
            "coverage": f"{inside / draws / pairs_each:.0%}",
        }


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("name", help="a sweep whose results store the score of each sequence")
    parser.add_argument("--sweeps", type=Path, default=Path("results"), help="results folder")
    parser.add_argument("--draws", type=int, default=300)
    arguments = parser.parse_args()
    table = read(arguments.name, arguments.sweeps)
    record("halves", list(halves(table, arguments.draws)), folder=arguments.results)


if __name__ == "__main__":
    main()
