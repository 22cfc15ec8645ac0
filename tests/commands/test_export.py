"""`ablation export`: what it writes works where this package is not installed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ablation.analysis import Study
from ablation.commands.export import choose_arm, choose_seed, notes_on
from ablation.commands.export.files import predictions, write_export
from ablation.data import PADDING, Sequences
from ablation.errors import RequestError
from ablation.execution import SavedModel, run_trials
from ablation.planning import pinned
from ablation.spec import ReportSettings, Request, Trial, trials_of
from ablation.storage import Store, TrialResult
from tests.command_line import run_here
from tests.helpers import make_result, make_sweep, make_trial
from tests.test_main import TINY

UNUSED = "jax", "matplotlib", "pandas", "sklearn"  # Keras is loaded sooner without
ALONE = (
    f"import runpy, sys; sys.modules.update(dict.fromkeys(('ablation', *{UNUSED})));"
    "runpy.run_path('predict.py')"
)
COLUMNS = ["problem.sequence=visit", "problem.time=t", "problem.label=state"]


def predict(folder: Path, **environment: str) -> float:
    """Run predict.py as it stands without this package; the difference that it prints."""
    command = [sys.executable, "-c", ALONE]
    shown = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert shown.returncode == 0, shown.stderr
    said = re.search(r"largest difference: (\S+)", shown.stdout)
    assert said, shown.stdout
    return float(said[1])


def visits(path: Path) -> pd.DataFrame:
    """Visits of 1 to 4 steps, whose state is whether the value is high; some have none."""
    rng = np.random.default_rng(1)
    rows = [
        {"visit": f"v{i}", "t": t, "value": value, "state": ("low", "high")[int(value > 5)]}
        for i in range(60)
        for t, value in enumerate(rng.normal(5, 2, rng.integers(1, 5)).round(3))
    ]
    table = pd.DataFrame(rows)
    table.loc[::7, "state"] = ""
    table.to_csv(path, index=False)
    return table


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sweep over a file, and in out/ what was exported of it."""
    folder = tmp_path_factory.mktemp("exported")
    visits(folder / "visits.csv")
    sweep = [*TINY, "seeds=2", "name=visits", "direction=bidirectional", "workers=1"]
    problem = ["problem=file", "problem.path=visits.csv", *COLUMNS]
    tried = run_here(folder, *sweep, *problem)
    assert tried.returncode == 0, tried.stderr
    made = run_here(folder, "export", "visits", "--to", "some/out", "--best")
    assert made.returncode == 0, made.stderr
    assert "is too good" in made.stdout
    assert "weights differ" not in made.stdout
    return folder


def stored(folder: Path, seed: int) -> TrialResult:
    store = Store(folder / "results")
    results = [store.read(path.stem) for path in store.trials.glob("*.json")]
    (result,) = [result for result in results if result and result.trial.seed == seed]
    return result


def test_plain_keras_gives_the_same_probabilities(exported: Path) -> None:
    out = exported / "some" / "out"
    assert predict(out) <= 1e-6
    example = np.load(out / "example.npz")
    assert (example["x"] == PADDING).any()
    said = json.loads((out / "preprocessing.json").read_text())
    assert np.float32(said["input"]["padding"]) == np.float32(PADDING)
    assert list(example["x"].shape[1:]) == said["input"]["shape"][1:]
    assert str(PADDING) in (out / "README.md").read_text()


def test_the_predictions_are_those_that_were_scored(exported: Path) -> None:
    out = exported / "some" / "out"
    table = pd.read_csv(out / "predictions.csv", keep_default_na=False)
    said = json.loads((out / "preprocessing.json").read_text())
    result = stored(exported, said["trial"]["seed"])
    assert said["weights"] == said["stored_weights"] == result.weights
    scored = table[table["label"] != ""]
    assert 0 < len(scored) < len(table)
    guessed = np.where(scored["p_high"] > scored["p_low"], "high", "low")
    assert np.mean(guessed == scored["label"]) == pytest.approx(result.metrics.accuracy, abs=1e-12)
    file = pd.read_csv(exported / "visits.csv", keep_default_na=False)
    file["step"] = file.groupby("visit").cumcount() + 1
    both = table.merge(file, left_on=["sequence", "step"], right_on=["visit", "step"])
    assert len(both) == len(table)
    assert (both["label"] == both["state"]).all()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["visits", "--to", "."], r"--to=\.: it exists; a new or an empty folder"),
        (["visits", "--to", "visits.csv"], "--to=visits.csv: it exists"),
        (["visits", "--to", "a", "--arm", "bidirectional"], "--arm=bidirectional: choose one of b"),
        (["visits", "--to", "a", "--seed", "7"], "--seed=7: choose one of 0, 1"),
        (["visit", "--to", "a"], "no sweep visit"),
    ],
)
def test_a_wrong_request_is_one_line(exported: Path, words: list[str], said: str) -> None:
    refused = run_here(exported, "export", *words)
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert re.search(said, refused.stderr)
    assert not (exported / "a").exists()


MINE = """
from keras import layers

class Larger(layers.Layer):
    def call(self, halves):
        return layers.maximum(halves)
"""


def test_a_model_with_code_of_ones_own_says_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "mine.py").write_text(MINE)
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    parts = {"direction": "bidirectional", "merge_mode": "mine.Larger", "cell": "simple_rnn"}
    trial = make_trial(**parts)
    trial = Trial(arm=pinned(trial.arm), seed=0)
    work = "ablation.execution.worker:train_and_save"
    (outcome,) = run_trials([trial], work, (), 1, 600)
    assert outcome.kind is None, outcome.traceback
    made: SavedModel = outcome.value
    assert (made.needs, made.problem) == ({"Larger": "mine"}, "")
    assert made.difference is not None
    assert made.difference <= 1e-6
    notes = notes_on(make_result(trial), made)
    assert [re.split(r" \(|:", note)[0] for note in notes] == [
        "the weights differ from the stored trial's",
        "loading the model needs mine.Larger",
    ]
    assert notes_on(made.result, replace(made, needs={})) == []
    write_export(tmp_path / "out", "sweep", "arm", make_result(trial), made, notes)
    assert predict(tmp_path / "out", PYTHONPATH=str(tmp_path / "code")) <= 1e-6
    readme = (tmp_path / "out" / "README.md").read_text()
    assert "`Larger` of `mine`" in readme
    assert f"- {notes[0]}" in readme
    said = json.loads((tmp_path / "out" / "preprocessing.json").read_text())
    assert said["weights"] != said["stored_weights"]


def test_a_result_that_names_code_needs_consent(
    tmp_path: Path, store: Store, request_as_composed: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.syspath_prepend(str(tmp_path))
    trial = make_trial(direction="bidirectional", merge_mode="mine.Larger")
    plan = make_sweep(store, request_as_composed, trial, seeds=1)
    store.commit(make_result(plan.trials[0]))
    refused = run_here(tmp_path, "export", "study", "--to", "a")
    assert refused.returncode == 2
    assert "retraining runs mine.Larger from this Python path; add --own-code" in refused.stderr


def test_a_row_for_each_step_that_exists() -> None:
    present = np.array([[True, True], [True, False]])
    data: dict[str, Any] = {"x": np.zeros((2, 2, 1)), "y": np.array([[0, 1], [1, 0]])}
    counted = Sequences(**data, scored=np.array([[True, False], [True, True]]), present=present)
    table = predictions(counted, np.array([[[0.25], [0.5]], [[0.75], [9]]]), ["no", "yes"])
    assert table.to_dict("list") == {
        "sequence": [0, 0, 1],
        "step": [1, 2, 1],
        "label": ["no", "", "yes"],
        "p_no": [0.75, 0.5, 0.25],
        "p_yes": [0.25, 0.5, 0.75],
    }
    whole = Sequences(data["x"], np.array([2, 0]), present=present, classes=3)
    table = predictions(whole, np.array([[0, 0.25, 0.75], [1, 0, 0]]), ["a", "b", "c"], ["u", "v"])
    assert table.columns.tolist() == ["sequence", "label", "p_a", "p_b", "p_c"]
    assert table["sequence"].tolist() == ["u", "v"]
    assert table["label"].tolist() == ["c", "a"]


@pytest.mark.parametrize(("metric", "best"), [("accuracy", 2), ("loss", 1)])
def test_the_best_seed_is_by_the_metric(
    metric: str, best: int, store: Store, request_as_composed: Request
) -> None:
    arm = make_trial().arm
    report = ReportSettings(metric=metric)
    plan = make_sweep(store, request_as_composed, make_trial(), seeds=3, report=report)
    losses = (0.3, 0.2, 0.4)
    for trial, accuracy, loss in zip(
        trials_of(arm, range(3)), (0.7, 0.8, 0.9), losses, strict=True
    ):
        result = make_result(trial, accuracy)
        metrics = result.metrics.model_copy(update={"loss": loss})
        store.commit(result.model_copy(update={"metrics": metrics}))
    study = Study(store.root / plan.name)
    seed, (note,) = choose_seed(study, "forward", None, best=True)
    assert seed == best
    assert {"accuracy": "0.8000", "loss": "0.3000"}[metric] in note
    assert choose_seed(study, "forward", None) == (0, [])
    assert choose_seed(study, "forward", 1) == (1, [])


def test_several_tasks_need_a_choice(store: Store, request_as_composed: Request) -> None:
    trials = [make_trial(length=length) for length in (4, 5)]
    plan = make_sweep(store, request_as_composed, *trials, seeds=1)
    for trial in plan.trials:
        store.commit(make_result(trial))
    study = Study(store.root / plan.name)
    with pytest.raises(RequestError, match="study has 2 tasks; --arm must say which, such as the"):
        choose_arm(study, None)
    assert choose_arm(study, "length=5") == "length=5"


def test_numbers_are_exported_in_their_own_units(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4, 1))
    np.savez(tmp_path / "a.npz", x=x, y=500 + 30 * np.cumsum(x, axis=1))
    sweep = [*TINY, "seeds=1", "name=walk", "direction=forward", "workers=1"]
    tried = run_here(tmp_path, *sweep, "problem=file", "problem.path=a.npz")
    assert tried.returncode == 0, tried.stderr
    made = run_here(tmp_path, "export", "walk", "--to", "out")
    assert made.returncode == 0, made.stderr
    assert "which gives the same outputs to" in made.stdout
    folder = tmp_path / "out"
    assert predict(folder) < 1e-6
    table = pd.read_csv(folder / "predictions.csv")
    assert list(table.columns) == ["sequence", "step", "y", "predicted_y"]
    assert table["y"].between(300, 700).all()
    described = json.loads((folder / "preprocessing.json").read_text())
    (number,) = described["output"]["numbers"]
    assert number["name"] == "y"
    assert number["mean"] == pytest.approx(500, abs=20)
    outputs = np.load(folder / "example.npz")["outputs"].ravel()
    expected = outputs * number["deviation"] + number["mean"]
    np.testing.assert_allclose(table["predicted_y"][: len(expected)], expected, rtol=1e-6)
    readme = (folder / "README.md").read_text()
    assert "Squared error on the test set: " in readme
    assert "A predicted number is output * deviation + mean" in readme


def test_predictions_of_several_labels_have_a_column_for_each() -> None:
    x, y = np.zeros((2, 2, 1), np.float32), np.array([[[0, 1], [1, 1]], [[1, 0], [0, 0]]], np.int32)
    scored = np.array([[True, True], [True, False]])
    test = Sequences(x, y, scored, task="labels")
    table = predictions(test, np.where(y, 0.75, 0.25), ["a", "b"])
    assert list(table.columns) == ["sequence", "step", "a", "b", "p_a", "p_b"]
    assert table["a"].tolist() == [0, 1, 1, ""]
    assert table["p_b"].tolist() == [0.75, 0.75, 0.25, 0.25]
