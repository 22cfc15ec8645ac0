"""A whole sweep against what people write instead: python -m benchmarks.sweep.

Ours is the real command on 4 merge modes x 10 seeds of the lesson, with an empty folder of results
and nothing compiled, and once more with the compiled programs kept; start-up and report are in it.
The others are a plain Keras loop, KerasTuner's grid search, and PyTorch over a pool of processes.
Each may use all the cores; they run one after the other, in rounds. Their trials are as many as
the options say, and seconds per trial are of those, start-up included: the fewer, the dearer.
Of ours it is also said where the time of the last round went, in seconds of wall clock: what the
trials say that they spent in training, compiling, evaluating and the rest of them, divided by the
workers, and what is left is the harness: start, plan, hand-over, commits, the last worker's trial,
the report.
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
    """Run them in turn, and write the table down."""
    parser = options(__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="of ours: four trials each")
    parser.add_argument("--plain", type=int, default=4, help="trials of the plain loop")
    parser.add_argument("--tuner", type=int, default=4, help="trials of KerasTuner")
    parser.add_argument("--torch", type=int, default=40, help="trials of PyTorch")
    parser.add_argument("--rounds", type=int, default=1, help="how often each is run")
    parser.add_argument("--sequences", type=int, default=50_000, help="of a trial")
    arguments = parser.parse_args()
    n, ours = arguments.sequences, len(MERGES) * arguments.seeds
    merges = list(itertools.islice(itertools.cycle(MERGES), arguments.plain))

    def script(path: Path, *words: object) -> Callable[[dict[str, str]], float]:
        return lambda _: seconds([sys.executable, str(path), str(n), *map(str, words)])

    parts: list[dict[str, float]] = []

    def sweep(environment: dict[str, str]) -> float:
        took, spent = _sweep(arguments.seeds, n, environment)
        parts.append(spent)
        return took

    contestants = {
        "ablation, nothing compiled": (ours, None, sweep),
        "ablation, programs kept": (ours, None, sweep),
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
    took: dict[str, list[float]] = {}
    notes = []
    for turn in range(arguments.rounds):
        with nothing_compiled() as environment:
            for what, (trials, needs, run) in contestants.items():
                if trials and needs and importlib.util.find_spec(needs) is None:
                    if not turn:
                        notes.append(f"{what}: left out; pip install '.[benchmarks]'")
                elif trials:
                    took.setdefault(what, []).append(run(environment) / trials)
    reference = next(iter(took.values()))
    rows = []
    for what, samples in took.items():
        row = {"what": what, "trials": contestants[what][0], **spread(samples, "s per trial")}
        row["trials a minute"] = round(60 / row["s per trial"], 1)
        ratios = [a / b for a, b in zip(samples, reference, strict=True)]
        rows.append(row | {"times as long": spread(ratios, "ratio", 1)["ratio"]})
    for row, spent in zip(rows, (parts[-2], parts[-1]), strict=False):
        row |= spent
    record("sweep", rows, notes, arguments.results)


def _sweep(
    seeds: int, sequences: int, environment: dict[str, str]
) -> tuple[float, dict[str, float]]:
    """Seconds of the command, and where they went."""
    with tempfile.TemporaryDirectory() as results:
        words = [f"merge_mode={','.join(MERGES)}", f"seeds={seeds}", f"results={results}"]
        words.append(f"training.sequences={sequences}")
        took = seconds([*ABLATION, "-m", *words], environment)
        stored = [json.loads(path.read_text()) for path in Path(results, "trials").glob("*.json")]
    each = [trial["result"]["seconds"] for trial in stored]
    workers = len(os.sched_getaffinity(0))
    spent = {k: sum(t[k] for t in each) / workers for k in ("training", "compiling", "evaluating")}
    whole = sum(trial["whole"] for trial in each) / workers
    spent |= {"rest of trials": whole - sum(spent.values()), "harness": took - whole}
    return took, {key: round(value, 1) for key, value in spent.items()}


if __name__ == "__main__":
    main()
