"""What stands before a sweep: commands, help, version, slips, and the same from Python."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import ablation
from ablation.commands import COMMANDS, run_command
from ablation.measures import METRICS
from ablation.spec import Arm, ReportSettings, Settings, Training
from tests.command_line import run_here


def test_help_names_every_command_and_key(tmp_path: Path) -> None:
    shown = run_here(tmp_path, "--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    keys = {*Arm.model_fields, *Settings.model_fields, *COMMANDS, *METRICS} - {"digest"}
    keys |= {f"report.{key}" for key in ReportSettings.model_fields}
    keys |= set(Training.model_fields)
    missing = [key for key in keys if not re.search(rf"(?<!\w){key}\b", shown.stdout)]
    assert not missing


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_of_its_own(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        run_command([command, "--help"])
    shown = capsys.readouterr().out
    assert f"usage: ablation {command}" in shown
    assert "--results" in shown


def test_the_version_is_ours(tmp_path: Path) -> None:
    assert run_here(tmp_path, "--version").stdout == f"ablation {ablation.__version__}\n"


SLIPS = [
    (["lr=0.1"], "lr: unknown key; did you mean training.learning_rate?"),
    (["epochs=3"], "epochs: unknown key; did you mean training.epochs?"),
    (["--seeds", "5"], "--seeds: unknown option; write keys without dashes: seeds=5"),
    (
        ["-m", "units=5,6", "--batch-size=20"],
        "--batch-size=20: unknown option; write keys without dashes: batch_size=20",
    ),
    (["reprot", "x"], "reprot: no such command; did you mean report?"),
    (["forward"], "forward: neither key=value nor a command"),
    (["report", "nothing"], "no sweep nothing in results; stored sweeps: none"),
    (["report"], "no sweeps in results"),
    (["seeds=0"], "seeds=0: a whole number from 1 to 10000 is needed, or auto"),
    (["units=3,4"], "units=3,4: several values need -m (ablation -m units=3,4)"),
    (["direction=up"], "direction=up: choose one of bidirectional, bid"),
]


@pytest.mark.parametrize(("words", "line"), SLIPS)
def test_a_slip_is_one_line_that_helps(tmp_path: Path, words: list[str], line: str) -> None:
    shown = run_here(tmp_path, *words)
    assert shown.returncode == 2
    (printed,) = shown.stderr.splitlines()
    assert printed.startswith(f"ablation: {line}")
    assert not list(tmp_path.iterdir())


def test_of_a_conf_folder_only_our_groups_are_seen(tmp_path: Path) -> None:
    conf = tmp_path / "conf"
    for group, text in (
        ("db", "x: 1\n"),
        ("experiment", "# @package _global_\nunits: 7\n"),
        ("training", "defaults: [smoke]\nepochs: 3\n"),
    ):
        (conf / group).mkdir(parents=True)
        (conf / group / "mine.yaml").write_text(text)
    (conf / "config.yaml").write_text("units: 1\n")
    assert "db:" not in run_here(tmp_path, "--help").stdout
    assert run_here(tmp_path, "db=mine").stderr.startswith("ablation: db: unknown key")
    shown = run_here(tmp_path, "experiment=mine", "training=mine", "--cfg", "job")
    assert "units: 7" in shown.stdout
    assert "epochs: 3" in shown.stdout


def test_a_sweep_from_python_is_that_of_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny = {"sequences": 40, "batch_size": 10}
    cell = "cell=simple_rnn"  # is compiled soonest
    study = ablation.run(
        *("training=smoke", cell),
        training=tiny,
        units=[3, 4],
        direction="forward",
        seeds=2,
        name="tried",
    )
    assert study.arms == ["units=3", "units=4"]
    assert "[4/4]" in capsys.readouterr().out
    assert study.trials["status"].tolist() == ["done"] * 4
    assert any("guessing" in sentence for sentence in study.answer)  # so little was trained
    assert study.plan.command.startswith(f"python -m ablation -m training=smoke {cell}")
    again = ablation.run(
        *("training=smoke", "units=3,4", "direction=forward", "seeds=2", cell),
        training=tiny,
        name="tried",
    )
    assert "nothing to train" in capsys.readouterr().out
    assert again.trials["id"].tolist() == study.trials["id"].tolist()
    opened = ablation.load("tried")
    assert opened.summary().equals(study.summary())
    with pytest.raises(ablation.RequestError, match="units=0: it must be greater than 0"):
        ablation.run(units=0)
    with pytest.raises(ablation.RequestError, match=r"did you mean training\.learning_rate"):
        ablation.run(lr=0.1)


def test_a_script_needs_no_guard(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import ablation\n"
        "tiny = ['training=smoke', 'training.sequences=40', 'cell=simple_rnn', 'length=4']\n"
        "ran = ablation.run(*tiny, direction='forward', units=3, seeds=1)\n"
        "print(ran)\n"
    )
    shown = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert shown.stdout.count("<Study") == 1
