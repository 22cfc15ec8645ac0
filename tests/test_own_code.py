"""Trials of the user's own code, as its page in the documentation shows them, and small ones."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ablation.commands.verify import verify
from ablation.data import Sequences
from ablation.errors import RequestError
from ablation.planning import pinned
from ablation.report import build_report
from ablation.spec import Request, Trial
from ablation.storage import Store, TrialResult
from ablation.training import build_model, halves_of, probe, run_trial
from tests.command_line import run_here
from tests.helpers import make_result, make_sweep, make_trial
from tests.test_main import TINY, results

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "own-code.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"`([\w/]+\.\w+)`:\n\n```\w+\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = [shlex.split(line)[3:] for line in re.findall(r"^ {4}(python .*)$", PAGE, re.MULTILINE)]
BOTH = {"direction": "bidirectional"}
SMALL = [word for word in TINY if not word.startswith("cell=")]  # the page's cells are its own


def write(folder: Path) -> None:
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The page's files, in a folder of the Python path."""
    write(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("tasks", "mine", "losses"):
        sys.modules.pop(name, None)


def planned(**changes: Any) -> Trial:
    """A tiny trial on the page's problem, planned as its files now are."""
    trial = make_trial(**changes)
    problem = {"name": "tasks.ends", "test_size": 60, "last": 0.5}
    values = {**trial.model_dump(), "problem": problem}
    arm = pinned(Trial.model_validate(values).arm)
    return Trial(arm=arm, seed=trial.seed)


def test_the_page_is_run_as_it_stands(tmp_path: Path) -> None:
    assert len(FILES) == 6
    assert len(COMMANDS) == 2
    write(tmp_path)
    # Not compiled, which takes longest: another test trains the page's gate and cell compiled.
    small = [*SMALL, "engine=fit", "seeds=1"]
    shown = run_here(tmp_path, *COMMANDS[1], *small)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    for arm in ("concat lstm", "concat mine.MinimalGatedUnit", "mine.Gate lstm"):
        assert f"] {arm}  seed 0  accuracy 0." in shown.stdout
    assert len(results(tmp_path)) == 4
    planned = run_here(tmp_path, *COMMANDS[1], *small, "plan=true")
    assert "4 done, nothing to train" in planned.stdout
    assert re.search(r"^mine\.Gate lstm +1 +1 +\d+ +4$", planned.stdout, re.MULTILINE)
    # Another gate is another arm; what does not name its file stays done.
    (tmp_path / "mine.py").write_text(FILES["mine.py"] + "\n# changed\n")
    planned = run_here(tmp_path, *COMMANDS[1], *small, "plan=true")
    assert "1 done, 3 to train" in planned.stdout
    planned = run_here(tmp_path, *COMMANDS[0], "plan=true")
    assert "gate: 3 arms, 30 trials (40 asked for), 0 done, 30 to train" in planned.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["merge_mode=gat"], r"merge_mode=gat: .*did you mean gate\?"),
        (["merge_mode=wrong"], r"merge_mode=mine\.Gat: mine\.py defines no Gat; .*mean Gate\?"),
        (["cell=wrong"], r"cell=mien\.Cell: no module mien on the Python path"),
        (["problem=wrong"], r"problem=tasks\.end: tasks has no function end; .*mean ends\?"),
        (["cell=mine.Cel"], r"cell=mine\.Cel: mine\.py defines no Cel"),
        (["problem=ends", "problem.last=often"], r"problem\.last=often: a finite number is need"),
    ],
)
def test_a_wrong_name_is_one_line_and_starts_nothing(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    write(tmp_path)
    header = "# @package _global_\n"
    (tmp_path / "conf/merge_mode/wrong.yaml").write_text(header + "merge_mode: mine.Gat\n")
    (tmp_path / "conf/cell/wrong.yaml").write_text(header + "cell: mien.Cell\n")
    (tmp_path / "conf/problem/wrong.yaml").write_text("name: tasks.end\n")
    shown = run_here(tmp_path, *arguments)
    assert shown.returncode == 2
    (line,) = shown.stderr.splitlines()
    assert re.search(said, line), line
    assert not (tmp_path / "results").exists()


def test_the_console_script_finds_what_lies_where_the_user_stands(tmp_path: Path) -> None:
    write(tmp_path)
    script = "import sys; sys.path = [p for p in sys.path if p]; import ablation.__main__ as m;"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [sys.executable, "-c", f"{script} sys.argv = ['ablation', *sys.argv[1:]]; m.main()"]
    shown = subprocess.run(
        [*command, "problem=ends", "plan=true"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert "1 arm, 10 trials" in shown.stdout


@pytest.mark.usefixtures("written")
def test_the_loss_and_the_metric_of_the_page_are_trained_and_measured() -> None:
    values = make_trial(cell="simple_rnn").model_dump()
    values["problem"] = {"name": "tracking", "test_size": 60}
    values["training"] |= {"loss": "losses.pinball", "metrics": ["losses.covered"]}
    trial = Trial(arm=pinned(Trial.model_validate(values).arm), seed=0)
    assert trial.arm.digest is not None
    result = run_trial(trial)
    assert result.task == "numbers"
    assert result.metrics.loss is not None
    assert 0 <= (result.measured["losses.covered"] or -1) <= 1
    assert result.metrics.accuracy is None


NUMBERS = np.random.default_rng(0).random((3, 4, 2)).astype(np.float32)
SYMBOLS = np.array([[1, 2, 3, 1], [2, 2, 0, 0], [3, 1, 2, 0]], np.int32)
STEPS = np.zeros((3, 4), np.int32)
DATA = {
    "a label a step": Sequences(NUMBERS, STEPS),
    "a label a sequence": Sequences(NUMBERS, STEPS[:, 0]),
    "padding": Sequences(SYMBOLS, STEPS, present=SYMBOLS > 0, symbols=4),
}


@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
@pytest.mark.parametrize("layers", [1, 2])
def test_a_merge_of_parts_is_what_bidirectional_does(data: Sequences, layers: int) -> None:
    for mode, layer in (("concat", "Concatenate"), ("mul", "Multiply")):
        trial = make_trial(**BOTH, merge_mode=mode, layers=layers)
        model = build_model(trial, data)
        parts = build_model(
            make_trial(**BOTH, merge_mode=f"keras.layers.{layer}", layers=layers), data
        )
        ordered = [sorted(w.tobytes() for w in m.get_weights()) for m in (model, parts)]
        assert ordered[0] == ordered[1]
        np.testing.assert_allclose(np.asarray(model(data.x)), np.asarray(parts(data.x)), atol=1e-6)
        if layers == 1:
            found = probe(halves_of(parts, data.per_step), parts, trial.arm.merge_mode or "", data)
            expected = probe(
                halves_of(model, data.per_step), model, trial.arm.merge_mode or "", data
            )
            assert found == expected


def weights(trial: Trial) -> dict[str, list[Any]]:
    """Initial weights of each layer of a model for a label a step."""
    model = build_model(trial, DATA["a label a step"])
    return {layer.name: layer.get_weights() for layer in model.layers if layer.get_weights()}


def same(first: list[Any], second: list[Any]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_own_parts_start_from_the_seed_and_their_place(written: Path) -> None:
    cell, gate = {"cell": "mine.MinimalGatedUnit"}, {"merge_mode": "mine.Gate"}
    both = weights(make_trial(**BOTH, **cell, **gate, layers=2))
    assert both.keys() == {
        f"{part}_{k}" for part in ("forward", "backward", "merge") for k in (0, 1)
    } | {"head"}
    assert same(both["forward_0"], weights(make_trial(direction="forward", **cell))["forward_0"])
    way = weights(make_trial(direction="go_backwards", **cell))
    assert same(both["backward_0"], way["backward_0"])
    assert not same(both["forward_0"], both["backward_0"])
    assert not same(both["merge_0"], both["merge_1"])
    # The gate starts alike whatever its halves are, and is no part of what else there is.
    other = weights(make_trial(**BOTH, **gate))
    assert same(other["merge_0"], both["merge_0"])
    alone = weights(make_trial(direction="forward"))
    assert same(alone["forward_0"], other["forward_0"])
    seeds = weights(make_trial(**BOTH, **cell, **gate, seed=1))
    for name in ("forward_0", "backward_0", "merge_0"):
        assert not same(seeds[name][:1], both[name][:1])


def test_a_whole_layer_and_a_cell_of_keras_can_be_named() -> None:
    data = DATA["a label a step"]
    known = build_model(make_trial(**BOTH, cell="gru"), data).count_params()
    for name in ("keras.layers.GRU", "keras.layers.GRUCell"):
        assert build_model(make_trial(**BOTH, cell=name), data).count_params() == known


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("5", r"merge_mode=odd\.merge: it gives 5, which is no Keras layer"),
        (
            "layers.Lambda(lambda halves: halves[0][:, 0])",
            r"must have the shape \(None, 4\) and its",
        ),
    ],
)
def test_what_is_no_merge_fails(written: Path, answer: str, said: str) -> None:
    (written / "odd.py").write_text(f"from keras import layers\ndef merge(): return {answer}\n")
    sys.modules.pop("odd", None)
    with pytest.raises(RequestError, match=said):
        build_model(make_trial(**BOTH, merge_mode="odd.merge"), DATA["a label a step"])


def test_a_trial_of_own_code_repeats_and_tells_all(written: Path) -> None:
    own_parts = {"cell": "mine.MinimalGatedUnit", "merge_mode": "mine.Gate"}
    first = run_trial(planned(**BOTH, **own_parts, seed=1))
    between = run_trial(planned(**BOTH, **own_parts, seed=2))
    again = run_trial(planned(**BOTH, **own_parts, seed=1))
    assert again.weights == first.weights != between.weights
    assert again.metrics == first.metrics
    assert first.compiled
    assert {"intact", "without_forward", "without_backward"} == first.probes.keys()
    assert first.probes["intact"] == first.metrics.accuracy
    assert first.ceilings["ceiling"].accuracy == [1.0] * 4
    assert first.ceilings["majority"].accuracy == [0.5] * 4
    assert TrialResult.model_validate_json(first.model_dump_json()) == first


def test_a_worker_refuses_code_that_has_changed(written: Path) -> None:
    trial = planned(**BOTH, merge_mode="mine.Gate")
    (written / "mine.py").write_text(FILES["mine.py"] + "\n# changed\n")
    with pytest.raises(RequestError, match=r"tasks\.py, mine\.py changed since the sweep was plan"):
        run_trial(trial)


def test_a_report_runs_nothing_that_results_name(
    written: Path, store: Store, request_as_composed: Request
) -> None:
    trials = [planned(), planned(**BOTH, merge_mode="mine.Gate", cell="mine.MinimalGatedUnit")]
    plan = make_sweep(store, request_as_composed, *trials)
    steps: dict[str, Any] = {"loss": [0.1] * 4, "error": 0.0}
    known = {
        "ceiling": {"accuracy": [0.8, 0.8, 0.8, None], **steps},
        "majority": {"accuracy": [0.5] * 4, **steps},
    }
    for trial in plan.trials:
        store.commit(make_result(trial, accuracy=0.6, ceilings=known))
    for name in (
        "tasks",
        "mine",
        "losses",
    ):  # as on the machine of somebody who was given the results
        sys.modules.pop(name, None)
        (written / f"{name}.py").write_text("raise SystemExit('it was run')\n")
    folder = store.root / plan.name
    written_report = build_report(folder)
    assert not {"tasks", "mine"} & sys.modules.keys()
    assert written_report.summary is not None
    ceilings = [row["ceiling"] for row in written_report.summary.texts()]
    assert ceilings == ["0.8000", "0.8000"]
    with pytest.raises(
        RequestError, match=r"runs mine\.Gate, mine\.Minimal.*tasks\.ends from .*--own"
    ):
        verify(folder, 4, 1, 60)
    assert not {"tasks", "mine"} & sys.modules.keys()
