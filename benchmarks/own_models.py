"""The four models of docs/own-models.md, swept in both engines and taken home.

python -m benchmarks.own_models. Each model is swept over directions and merge modes, once per
engine. The arm that the report says to take is exported from both sweeps, and its model is loaded
in an environment that has Keras and TensorFlow, but not this package.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import ablation
from benchmarks.record import options, record
from benchmarks.timing import ABLATION, seconds

Arrays = tuple[NDArray[Any], NDArray[Any]]
PAGE = Path(__file__).resolve().parents[1] / "docs" / "own-models.md"
ENGINES = ("xla", "fit")
ARMS = ["direction=forward,go_backwards,bidirectional", "merge_mode=concat,sum,mul,ave"]
SMALL = ["units=8", "training.epochs=3", "training.batch_size=20", "training.learning_rate=0.01"]
STEPS, WORDS = 12, 40
CLOSE = {"engines, loss": 1e-4, "engines": 1e-4, "plain Keras": 1e-6}


def main() -> None:
    """Sweep, compare, export and load; exit with 1 if anything differs by more than it may."""
    parser = options(__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--python", help="interpreter with Keras only; None: make an environment")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, plain_python(arguments.python) as python:
        folder = Path(name)
        text = PAGE.read_text(encoding="utf-8")
        for file, code in re.findall(r"`(\w+\.py)`:\n\n```python\n(.*?)```", text, re.DOTALL):
            (folder / file).write_text(code, encoding="utf-8")
        vectors = np.random.default_rng(0).normal(size=(WORDS + 1, 5))
        np.save(folder / "vectors.npy", vectors.astype(np.float32))
        with chdir(folder):
            rows = [row(model, arguments.seeds, python) for model in DATA]
    notes = [
        "Largest differences. Engines, loss: of the test loss of any trial, xla against fit. "
        "Engines: of the winner's probabilities. Plain Keras: of its probabilities, before and "
        "after export.",
    ]
    record("own_models", rows, notes, arguments.results)
    if any(found[what] > most for found in rows for what, most in CLOSE.items()):
        sys.exit("a difference is too large")


def row(model: str, seeds: int, python: str) -> dict[str, Any]:
    """Sweep one model in both engines, export the winner and load it; a row of the table."""
    x, y = DATA[model](np.random.default_rng(1))
    np.savez(f"{model}.npz", x=x, y=y)
    problem = ["problem=file", f"problem.path={model}.npz", "problem.standardize=false"]
    trials = []
    for engine in ENGINES:
        sweep = [f"model={model}.build", f"engine={engine}", f"name={model}-{engine}"]
        seconds([*ABLATION, "-m", *problem, *sweep, *ARMS, *SMALL, f"seeds={seeds}"])
        study = ablation.load(f"{model}-{engine}")
        assert (study.trials["status"] == "done").all()
        trials.append(study.trials.set_index(["arm", "seed"])[["accuracy", "loss"]])
    winner = exported(model, "xla")
    exported(model, "fit", winner)
    tables = [pd.read_csv(f"out/{model}-{engine}/predictions.csv") for engine in ENGINES]
    xla, fit = (table.filter(regex="^p_").to_numpy() for table in tables)
    return {
        "model": model,
        "trials": sum(map(len, trials)),
        "mean accuracy": round(float(trials[0]["accuracy"].mean()), 3),
        "engines, loss": shown((trials[0] - trials[1])["loss"].abs().max()),
        "winner": winner,
        "engines": shown(np.abs(xla - fit).max()),
        "plain Keras": max(loaded(Path(f"out/{model}-{e}"), python) for e in ENGINES),
    }


def exported(model: str, engine: str, arm: str | None = None) -> str:
    """Export an arm of a sweep, the recommended one if None; returns its name."""
    choice = [] if arm is None else ["--arm", arm]
    to = ["--to", f"out/{model}-{engine}"]
    seconds([*ABLATION, "export", f"{model}-{engine}", *to, *choice, "--own-code"])
    said = Path(f"out/{model}-{engine}/README.md").read_text(encoding="utf-8")
    return said.removeprefix("# ").partition(", seed")[0]


def loaded(folder: Path, python: str) -> float:
    """Run predict.py of an export with that interpreter; the largest difference it prints."""
    command = [python, "-I", "predict.py"]  # isolated: no PYTHONPATH that could lead to us
    quiet = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, cwd=folder, env=quiet, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{folder}: {done.stderr[-3000:]}")
    return shown(float(done.stdout.rpartition(" ")[2]))


@contextmanager
def plain_python(given: str | None) -> Iterator[str]:
    """An interpreter that has Keras but not this package: the given one, or a new environment."""
    with tempfile.TemporaryDirectory() as folder:
        if given is None:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            packages = [f"{name}=={version(name)}" for name in ("keras", "tensorflow")]
            subprocess.run([f"{folder}/bin/pip", "install", "--quiet", *packages], check=True)
        python = os.path.abspath(given or f"{folder}/bin/python")
        search = (
            "import importlib.util as i; print([i.find_spec(n) for n in ('keras', 'ablation')])"
        )
        found = subprocess.run(
            [python, "-I", "-c", search], capture_output=True, text=True, check=True
        ).stdout
        if not re.match(r"\[ModuleSpec.*, None\]$", found):
            sys.exit(f"{python}: it should find keras, and not ablation: {found}")
        yield python


def sensor(rng: np.random.Generator) -> Arrays:
    """Three noisy channels; is the mean of the steps around it above 0?"""
    x = rng.normal(size=(1000, STEPS, 3))
    around = np.pad(x[..., 0], ((0, 0), (2, 2)))
    sums = sum(around[:, shift : shift + STEPS] for shift in range(5))
    return x.astype(np.float32), np.asarray(sums) > 0


def words(rng: np.random.Generator) -> Arrays:
    """Sentences of 3 to 12 words; are more of them from the first half of the vocabulary?"""
    present = np.arange(STEPS) < rng.integers(3, STEPS + 1, (1000, 1))
    x = np.where(present, rng.integers(1, WORDS + 1, present.shape), 0)
    # Both the least and the most frequent word are somewhere, so that vectors.npy has all rows.
    x[0, :2] = 1, WORDS
    low = (x > 0) & (x <= WORDS // 2)
    return x, 2 * low.sum(axis=1) > present.sum(axis=1)


def residual(rng: np.random.Generator) -> Arrays:
    """Random numbers; is the sum so far above half of the whole sum?"""
    x = rng.random((1000, STEPS, 1))
    return x.astype(np.float32), x.cumsum(axis=1) > x.sum(axis=1, keepdims=True) / 2


def tagger(rng: np.random.Generator) -> Arrays:
    """Words and two marks of each; the tag depends on the word, its mark and the next word."""
    word = rng.integers(0, WORDS, (1000, STEPS))
    marks = rng.integers(0, 2, (1000, STEPS, 2))
    x = np.concatenate([word[..., None], marks], axis=-1)
    y = np.where(marks[..., 0] == 1, np.roll(word, -1, axis=1) % 3, word % 3)
    return x.astype(np.float32), y


def shown(difference: float) -> float:
    """Two digits are enough."""
    return float(f"{difference:.1e}")


DATA: dict[str, Callable[[np.random.Generator], Arrays]] = {
    "sensor": sensor,
    "words": words,
    "residual": residual,
    "tagger": tagger,
}

if __name__ == "__main__":
    main()
