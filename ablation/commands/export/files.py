"""The files of an exported model: what it is, what it predicts, and how to feed it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ablation import problems
from ablation.data import PADDING, Array, Sequences
from ablation.execution import SavedModel
from ablation.storage import TrialResult

MODEL = "model.keras"
EXAMPLES = 5  # test sequences in example.npz

README = """\
# {arm}, seed {seed}, of the sweep {sweep}

Accuracy on the test set: {accuracy:.4f}. To see it work: `python predict.py`.

- `model.keras`: the model, with its optimizer. It needs Keras and TensorFlow{needs}.
- `predict.py`: loads the model and prints the probabilities of `example.npz`.
- `example.npz`: x, the input of some test sequences, and the probabilities that the model gave.
- `predictions.csv`: a row for each label of the test set, with the probability of each class. Steps
  count from 1; a step whose label is not scored has none.
- `preprocessing.json`: how to make x from new data, and what the outputs mean.

## New data

{feeding}
"""

PREDICT = '''\
"""The probabilities that model.keras gives for the sequences in example.npz."""

from pathlib import Path

import keras
import numpy as np
{imports}
here = Path(__file__).parent
example = np.load(here / "example.npz")
model = keras.models.load_model(here / "model.keras"{own})
probabilities = model.predict(example["x"], verbose=0)
print(probabilities)
print("largest difference:", np.abs(probabilities - example["probabilities"]).max())
'''


def write_export(
    folder: Path,
    sweep: str,
    arm: str,
    stored: TrialResult,
    made: SavedModel,
    notes: list[str],
) -> None:
    """Write all files of a trained model. notes: sentences to keep with it."""
    trial, test = stored.trial, made.test
    recipe = problems.preprocessing(trial.arm.problem)
    classes = recipe["classes"] if recipe else [f"{k}" for k in range(test.classes)]
    ids = problems.ids(trial.arm.problem, trial.arm.length)
    describing = {
        "sweep": sweep,
        "arm": arm,
        "notes": notes,
        "accuracy": made.result.metrics.accuracy,
        "weights": made.result.weights,
        "stored_weights": stored.weights,
        "versions": made.result.origin.versions,
        "needs": made.needs,
        "trial": trial.model_dump(mode="json"),
        "input": _input(test),
        "output": _output(test, made.probabilities, classes),
        "features": recipe["features"] if recipe else None,
    }
    readme = README.format(
        arm=arm,
        seed=trial.seed,
        sweep=sweep,
        accuracy=made.result.metrics.accuracy,
        needs="".join(f", and `{name}` of `{module}`" for name, module in made.needs.items()),
        feeding="\n".join(f"- {line}" for line in _feeding(test, recipe)),
    )
    if notes:
        readme += "\n## Notes\n\n" + "".join(f"- {note}\n" for note in notes)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL).write_bytes(made.content)
    (folder / "README.md").write_text(readme, encoding="utf-8")
    (folder / "predict.py").write_text(_predict(made.needs), encoding="utf-8")
    text = json.dumps(describing, indent=2, ensure_ascii=False)
    (folder / "preprocessing.json").write_text(text + "\n", encoding="utf-8")
    table = predictions(test, made.probabilities, classes, ids)
    table.to_csv(folder / "predictions.csv", index=False, float_format="%.9g", lineterminator="\n")
    np.savez(
        folder / "example.npz",
        x=test.x[:EXAMPLES],
        probabilities=made.probabilities[:EXAMPLES],
    )


def predictions(
    test: Sequences, probabilities: Array, classes: list[str], ids: list[str] | None = None
) -> pd.DataFrame:
    """A row for each step that exists, or each sequence: its label and the classes' probabilities.

    Columns: sequence, step (from 1; not with a label per sequence), label ("" where it does not
    count), and p_ with the name of each class. ids: the names of the sequences; None: 0, 1, ...
    """
    if probabilities.shape[-1] == 1:
        probabilities = np.concatenate([1 - probabilities, probabilities], axis=-1)
    present = np.ones(test.y.shape, bool)
    if test.per_step and test.present is not None:
        present = test.present
    places = np.nonzero(present)
    columns: dict[str, Any] = {"sequence": np.array(ids)[places[0]] if ids else places[0]}
    if test.per_step:
        columns["step"] = places[1] + 1
    labels = np.where(test.weights[present] > 0, np.array(classes)[test.y[present]], "")
    columns["label"] = labels
    of_class = probabilities[present]
    return pd.DataFrame(columns | {f"p_{name}": of_class[:, k] for k, name in enumerate(classes)})


def _input(test: Sequences) -> dict[str, Any]:
    padding: float | None = None
    if test.symbols:
        padding = 0
    elif test.present is not None:
        padding = PADDING
    return {
        "shape": [None, *test.x.shape[1:]],
        "dtype": test.x.dtype.name,
        "symbols": test.symbols or None,
        "padding": padding,
    }


def _output(test: Sequences, probabilities: Array, classes: list[str]) -> dict[str, Any]:
    return {
        "shape": [None, *probabilities.shape[1:]],
        "label_per": "step" if test.per_step else "sequence",
        "classes": classes,
        "probability_of": classes[1:] if probabilities.shape[-1] == 1 else classes,
    }


def _feeding(test: Sequences, recipe: dict[str, Any] | None) -> list[str]:
    """Sentences on how x is made."""
    shape = ", ".join(map(str, ("sequences", *test.x.shape[1:])))
    lines = [f"x is {test.x.dtype.name} of shape ({shape})."]
    if test.symbols:
        lines.append(
            f"Each step is a symbol, 1 to {test.symbols - 1}. Shorter sequences end with 0."
        )
    elif test.present is not None:
        lines.append(
            f"Shorter sequences end with steps whose features are all {PADDING!r} (-2**120, "
            "`padding` in the JSON)."
        )
    if recipe is None:
        return lines
    said = {
        "number": "A `number` is fed as (value - mean) / deviation where these are given, and as 0 "
        "where the deviation is 0. If it is missing: the mean, or with `missing: forward` the last "
        "value before it.",
        "category": "A `category` is a 1 in the column of its level and 0 in the others; a level "
        "that is not listed is 0 in all.",
        "is missing": "`is missing` is a column that is 1 where the number of this name is "
        "missing, else 0.",
        "codes": "`codes` have a number for each level, and `unknown` for others.",
        "symbols": "`symbols` are fed as the file has them, plus `added`.",
    }
    kinds = {feature["kind"] for feature in recipe["features"]}
    lines += [line for kind, line in said.items() if kind in kinds]
    lines.append("`column` is the place of a feature on the last axis of x.")
    return lines


def _predict(needs: dict[str, str]) -> str:
    imports = "".join(f"from {module} import {name}\n" for name, module in needs.items())
    own = ", ".join(f'"{name}": {name}' for name in needs)
    return PREDICT.format(
        imports=f"\n{imports}" if needs else "",
        own=f", custom_objects={{{own}}}" if needs else "",
    )
