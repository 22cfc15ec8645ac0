"""A whole sweep against what people write instead: python -m benchmarks.sweep.

Ours is the real command on 4 merge modes x 10 seeds of the lesson, with an empty results folder:
first with nothing compiled, then with stored programs. Start-up and report are included.

The others are a plain Keras loop, KerasTuner's grid search, and PyTorch with a pool of processes.
Each may use all cores; they run one after the other, in rounds. The options set their numbers of
trials. Seconds per trial include start-up, so they are higher for fewer trials.

For our last round, the table also splits the wall-clock seconds. Training, compiling, evaluating
and the rest of the trials are what the results record, divided by the number of workers. What
remains is the harness: start, plan, communication, commits, waiting for the last worker, report.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.record import options, record
from benchmarks.timing import ABLATION, nothing_compiled, seconds, spread

MERGES = ("sum", "mul", "concat", "ave")
HERE = Path(__file__).parent
PLAIN = HERE / "plain_keras.py"
LOOPS = HERE / "loops"


def main() -> None:
    """Run all contestants in turn and save the table."""
    parser = options(__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="of our sweep: four trials per seed")
    parser.add_argument("--plain", type=int, default=4, help="trials of the plain Keras loop")
    parser.add_argument("--tuner", type=int, default=4, help="trials of KerasTuner")
    parser.add_argument("--torch", type=int, default=40, help="trials of PyTorch")
    parser.add_argument("--rounds", type=int, default=1, help="runs of each contestant")
    parser.add_argument("--sequences", type=int, default=50_000, help="per trial")
    arguments = parser.parse_args()
    n, ours = arguments.sequences, len(MERGES) * arguments.seeds
    merges = list(itertools.islice(itertools.cycle(MERGES), arguments.plain))

    def script(path: Path, *words: object) -> Callable[[dict[str, str]], float]:
        return lambda _: seconds([sys.executable, str(path), str(n), *map(str, words)])

    parts: list[dict[str, float]] = []

    def sweep(environment: dict[str, str]) -> float:
        total, breakdown = _sweep(arguments.seeds, n, environment)
        parts.append(breakdown)
        return total

    contestants = {
        "ablation, nothing compiled": (ours, None, sweep),
        "ablation, programs stored": (ours, None, sweep),
        "plain Keras loop": (arguments.plain, None, script(PLAIN, *merges)),
        "KerasTuner, grid": (
            arguments.tuner,
            "keras_tuner",
            script(LOOPS / "tuner_grid.py", arguments.tuner),
        ),
        "PyTorch, pool of processes": (
            arguments.torch,
            "torch",
            script(LOOPS / "torch_pool.py", arguments.torch),
        ),
    }
    times: dict[str, list[float]] = {}
    notes = []
    for turn in range(arguments.rounds):
        with nothing_compiled() as environment:
            for what, (trials, needs, run) in contestants.items():
                if trials and needs and importlib.util.find_spec(needs) is None:
                    if not turn:
                        notes.append(f"{what}: left out; pip install '.[benchmarks]'")
                elif trials:
                    times.setdefault(what, []).append(run(environment) / trials)
    reference = next(iter(times.values()))
    rows = []
    for what, samples in times.items():
        row = {"what": what, "trials": contestants[what][0], **spread(samples, "s per trial")}
        row["trials a minute"] = round(60 / row["s per trial"], 1)
        ratios = [a / b for a, b in zip(samples, reference, strict=True)]
        rows.append(row | {"times as long": spread(ratios, "ratio", 1)["ratio"]})
    for row, breakdown in zip(rows, (parts[-2], parts[-1]), strict=False):
        row |= breakdown
    record("sweep", rows, notes, arguments.results)


def _sweep(
    seeds: int, sequences: int, environment: dict[str, str]
) -> tuple[float, dict[str, float]]:
    """Wall-clock seconds of the command, in total and by part."""
    with tempfile.TemporaryDirectory() as results:
        words = [f"merge_mode={','.join(MERGES)}", f"seeds={seeds}", f"results={results}"]
        words.append(f"training.sequences={sequences}")
        total = seconds([*ABLATION, "-m", *words], environment)
        stored = [json.loads(path.read_text()) for path in Path(results, "trials").glob("*.json")]
    trials = [result["result"]["seconds"] for result in stored]
    workers = len(os.sched_getaffinity(0))
    keys = ("training", "compiling", "evaluating")
    parts = {key: sum(trial[key] for trial in trials) / workers for key in keys}
    in_trials = sum(trial["whole"] for trial in trials) / workers
    parts |= {"rest of trials": in_trials - sum(parts.values()), "harness": total - in_trials}
    return total, {key: round(value, 1) for key, value in parts.items()}


if __name__ == "__main__":
    main()
