"""Which verdicts of stored sweeps change when new test sequences count, and not only new seeds.

python -m benchmarks.populations suite tracking vowels gait hyphens entities
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ablation
from ablation.analysis import compare_arms, task_name
from benchmarks.record import options, record

PAIR = ["arm", "other"]


def changes(name: str, results: Path) -> list[dict[str, Any]]:
    """A row for the sweep, and one for each pair of a task whose verdict changes."""
    study = ablation.load(name, results=results)
    metric, rows, pairs = study.score, [], 0
    margin = study.margin(metric)
    for task in study.tasks:
        if task["arm"].nunique() < 2:
            continue
        both = compare_arms(task, metric, margin=margin)
        seeds = compare_arms(task.drop(columns="scores", errors="ignore"), metric, margin=margin)
        merged = both.merge(seeds[[*PAIR, "verdict"]], on=PAIR, suffixes=("", "_seeds"))
        pairs += len(merged)
        changed = merged[merged["verdict"] != merged["verdict_seeds"]]
        rows += [
            {
                "sweep": name,
                "task": task_name(task),
                "pair": f"{row['arm']} against {row['other']}",
                "new seeds": row["verdict_seeds"],
                "seeds and sequences": row["verdict"],
                "from test part": f"{row['from_sequences']:.0%}",
            }
            for row in changed.to_dict("records")
        ]
    return [{"sweep": name, "pairs": pairs, "changed": len(rows)}, *rows]


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("names", nargs="+", help="sweeps whose results store each sequence's score")
    parser.add_argument("--sweeps", type=Path, default=Path("results"), help="results folder")
    arguments = parser.parse_args()
    rows = [row for name in arguments.names for row in changes(name, arguments.sweeps)]
    record("populations", rows, folder=arguments.results)


if __name__ == "__main__":
    main()
