"""The files of an exported model: what it is, what it predicts, and how to feed it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from ablation import problems
from ablation.data import PADDING, Array, Sequences
from ablation.execution import SavedModel
from ablation.measures import MEASURES
from ablation.storage import TrialResult

MODEL = "model.keras"
EXAMPLES = 5  # test sequences in example.npz

README = """\
# {arm}, seed {seed}, of the sweep {sweep}

{score} on the test set: {value}. To see it work: `python predict.py`.

- `model.keras`: the model, with its optimizer. It needs Keras and TensorFlow{needs}.
- `predict.py`: loads the model and prints the {outputs} of `example.npz`.
- `example.npz`: x, the input of some test sequences, and the {outputs} that the model gave.
- `predictions.csv`: a row for each label of the test set, with {predictions}. Steps
  count from 1; a step whose label is not scored has none.
- `preprocessing.json`: how to make x from new data, and what the outputs mean.

## New data

{feeding}
"""

PREDICT = '''\
"""The {outputs} that model.keras gives for the sequences in example.npz."""

from pathlib import Path

import keras
import numpy as np
{imports}
here = Path(__file__).parent
example = np.load(here / "example.npz")
model = keras.models.load_model(here / "model.keras"{own})
{outputs} = model.predict(example["x"], verbose=0)
print({outputs})
print("largest difference:", np.abs({outputs} - example["{outputs}"]).max())
'''

IN_UNITS = """\

numbers = json.loads((here / "preprocessing.json").read_text())["output"]["numbers"]
print("in their own units:")
print(outputs * [n["deviation"] for n in numbers] + [n["mean"] for n in numbers])
"""


class Words(NamedTuple):
    """What the files call what a model gives.

    prefix: of the columns in predictions.csv.
    """

    outputs: str
    predictions: str
    prefix: str


WORDS = {
    "classes": Words("probabilities", "the probability of each class", "p_"),
    "labels": Words("probabilities", "the probability of each label", "p_"),
    "numbers": Words("outputs", "the predicted numbers in their own units", "predicted_"),
}


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
    recipe = problems.preprocessing(trial.arm.problem, trial.seed)
    names = problems.class_names(trial.arm.problem) or _numbered(test)
    words = WORDS[test.task]
    ids = problems.ids(trial.arm.problem, trial.arm.length, trial.seed)
    describing = {
        "sweep": sweep,
        "arm": arm,
        "notes": notes,
        made.score: made.result.measured[made.score],
        "weights": made.result.weights,
        "stored_weights": stored.weights,
        "versions": made.result.origin.versions,
        "needs": made.needs,
        "trial": trial.model_dump(mode="json"),
        "input": _input(test),
        "output": _output(test, made.outputs, names),
        "features": recipe["features"] if recipe else None,
    }
    readme = README.format(
        arm=arm,
        seed=trial.seed,
        sweep=sweep,
        score=MEASURES[made.score].name.capitalize(),
        value=MEASURES[made.score].format(made.result.measured[made.score]),
        outputs=words.outputs,
        predictions=words.predictions,
        needs="".join(f", and `{name}` of `{module}`" for name, module in made.needs.items()),
        feeding="\n".join(f"- {line}" for line in _feeding(test, recipe)),
    )
    if notes:
        readme += "\n## Notes\n\n" + "".join(f"- {note}\n" for note in notes)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL).write_bytes(made.content)
    (folder / "README.md").write_text(readme, encoding="utf-8")
    (folder / "predict.py").write_text(_predict(made.needs, test), encoding="utf-8")
    text = json.dumps(describing, indent=2, ensure_ascii=False)
    (folder / "preprocessing.json").write_text(text + "\n", encoding="utf-8")
    table = predictions(test, made.outputs, names, ids)
    table.to_csv(folder / "predictions.csv", index=False, float_format="%.9g", lineterminator="\n")
    example = {"x": test.x[:EXAMPLES], words.outputs: made.outputs[:EXAMPLES]}
    np.savez(folder / "example.npz", allow_pickle=False, **example)


def predictions(
    test: Sequences, outputs: Array, names: list[str], ids: list[str] | None = None
) -> pd.DataFrame:
    """A row for each step that exists, or each sequence: its label and what the model says of it.

    Columns: sequence, step (from 1; not with a label per sequence), label ("" where it does not
    count), and p_ with the name of each class. Of several labels, the name of each and its p_; of
    numbers, in their own units, the name of each and its predicted_; what does not count is empty.
    ids: the names of the sequences; None: 0, 1, ...
    """
    present = np.ones(test.weights.shape, bool)
    if test.per_step and test.present is not None:
        present = test.present
    places = np.nonzero(present)
    columns: dict[str, Any] = {"sequence": np.array(ids)[places[0]] if ids else places[0]}
    if test.per_step:
        columns["step"] = places[1] + 1
    counts, y = test.weights[present] > 0, test.y[present]
    if test.task == "classes":
        if outputs.shape[-1] == 1:
            outputs = np.concatenate([1 - outputs, outputs], axis=-1)
        columns["label"] = np.where(counts, np.array(names)[y], "")
    else:
        shown = y.astype(object)
        shown[~counts] = ""
        columns |= {name: shown[:, k] for k, name in enumerate(names)}
    if test.task == "numbers":
        outputs = test.in_own_units(outputs)
    prefix, of_name = WORDS[test.task].prefix, outputs[present]
    return pd.DataFrame(
        columns | {f"{prefix}{name}": of_name[:, k] for k, name in enumerate(names)}
    )


def _numbered(test: Sequences) -> list[str]:
    width = test.classes if test.task == "classes" else test.y.shape[-1]
    return [f"{k}" for k in range(width)]


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


def _output(test: Sequences, outputs: Array, names: list[str]) -> dict[str, Any]:
    described = {
        "shape": [None, *outputs.shape[1:]],
        "label_per": "step" if test.per_step else "sequence",
    }
    if test.task == "numbers":
        mean = np.zeros(len(names)) if test.mean is None else test.mean
        scale = np.ones(len(names)) if test.scale is None else test.scale
        rows = zip(names, mean.tolist(), scale.tolist(), strict=True)
        return described | {"numbers": [{"name": n, "mean": m, "deviation": s} for n, m, s in rows]}
    if test.task == "labels":
        return described | {"labels": names, "probability_of": names}
    binary = outputs.shape[-1] == 1
    return described | {"classes": names, "probability_of": names[1:] if binary else names}


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
    if test.task == "numbers":
        lines.append("A predicted number is output * deviation + mean, as `output` says of each.")
    return lines


def _predict(needs: dict[str, str], test: Sequences) -> str:
    imports = "".join(f"from {module} import {name}\n" for name, module in needs.items())
    own = ", ".join(f'"{name}": {name}' for name in needs)
    in_units = IN_UNITS if test.task == "numbers" else ""
    script = PREDICT.format(
        outputs=WORDS[test.task].outputs,
        imports=f"\n{imports}" if needs else "",
        own=f", custom_objects={{{own}}}" if needs else "",
    )
    return script.replace("from pathlib", "import json\nfrom pathlib", bool(in_units)) + in_units
