"""Multiruns with this program's launcher, with Hydra's own, and with a user's presets."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import ConfigCompositionException
from omegaconf import open_dict

from ablation.compose import CONF, App, run_overrides
from ablation.errors import RequestError
from hydra_plugins.ablation_plugin.plugin import _compose_jobs
from tests.command_line import run_here
from tests.test_main import TINY, report, results


def test_the_jobs_of_hydras_own_launcher_share_one_report(tmp_path: Path) -> None:
    sweep = ["-m", "direction=forward,go_backwards", "seeds=2", "name=spread", *TINY, "workers=1"]
    shown = run_here(tmp_path, *sweep, "hydra/launcher=basic")
    assert shown.returncode == 0, shown.stderr
    assert "4 trials asked for, 4 unique, 4 done." in report(tmp_path, "spread")
    before = results(tmp_path)
    # Our launcher gives the same trials.
    again = run_here(tmp_path, *sweep)
    assert "4 done, nothing to train" in again.stdout
    assert results(tmp_path) == before


def test_a_users_preset_may_list_several_grids(tmp_path: Path) -> None:
    presets = tmp_path / "conf" / "experiment"
    presets.mkdir(parents=True)
    (presets / "mine.yaml").write_text(
        "# @package _global_\n"
        "# python -m ablation experiment=mine\n"
        "name: mine\n"
        "hydra:\n"
        "  mode: MULTIRUN\n"
        "  sweeper:\n"
        "    grids:\n"
        "      - {direction: 'forward,go_backwards'}\n"
        "      - {direction: bidirectional, merge_mode: 'sum,ave'}\n"
    )
    shown = run_here(tmp_path, "experiment=mine", "seeds=3", "plan=true")
    assert shown.returncode == 0, shown.stderr
    assert "mine: 4 arms, 12 trials (12 asked for)" in shown.stdout
    for arm in ("forward", "go_backwards", "bidirectional sum", "bidirectional ave"):
        assert f"\n{arm} " in shown.stdout
    # The command line overrides the preset.
    narrower = run_here(tmp_path, "experiment=mine", "direction=forward", "plan=true")
    assert "1 arm" in narrower.stdout


def test_the_stored_plan_records_the_request(tmp_path: Path) -> None:
    sweep = ["-m", "direction=forward", "merge_mode=sum,mul", "seeds=1", "name=kept", *TINY]
    shown = run_here(tmp_path, *sweep)
    assert shown.returncode == 0, shown.stderr
    plan = json.loads((tmp_path / "results" / "kept" / "plan.json").read_text())
    assert plan["requested"] == 2
    assert len(plan["entries"]) == 1
    assert plan["command"].startswith("python -m ablation -m direction=forward")
    assert "2 combinations are one arm" in report(tmp_path, "kept")


def test_jobs_that_share_a_composition_get_the_same_as_from_hydra() -> None:
    grid = itertools.product(
        ("direction=forward", "direction=bidirectional"), ("units=2", "units=3"), ("seeds=1",)
    )
    jobs = [list(job) for job in grid]
    jobs += [["report.margin=0.1", "training=smoke"], ["training=smoke", "training.epochs=2"]]
    jobs += [["training=smoke", "training.epochs=3"], ["name='a b'"], ["name=null"], ["+new=1"]]
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        loader = GlobalHydra.instance().config_loader()
        master = compose("config", return_hydra_config=True)
        expected = [loader.load_sweep_config(master, job) for job in jobs]
        configs = _compose_jobs(loader, master, jobs)
    for config in [*expected, *configs]:
        with open_dict(config):
            del config["hydra"]
    assert configs == expected


def test_an_unknown_key_in_any_job_is_refused() -> None:
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        loader = GlobalHydra.instance().config_loader()
        master = compose("config", return_hydra_config=True)
        with pytest.raises(ConfigCompositionException, match="unitz"):
            _compose_jobs(loader, master, [["units=2"], ["units=3"], ["unitz=3"]])


def test_a_preset_that_names_a_launcher_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    presets = tmp_path / "conf" / "experiment"
    presets.mkdir(parents=True)
    (presets / "spread.yaml").write_text(
        "# @package _global_\n"
        "defaults:\n"
        "  - override /hydra/launcher: basic\n"
        "hydra:\n"
        "  mode: MULTIRUN\n"
    )
    monkeypatch.chdir(tmp_path)
    app = App("python -m ablation experiment=spread")
    with pytest.raises(RequestError, match=r"spread: .* say hydra/launcher=basic on the"):
        run_overrides(app, ["experiment=spread", "plan=true"])


def test_own_code_is_a_choice_of_its_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.py").write_text(
        "def build(inputs, recurrent, head, width=8): ...\n"
        "def bits(rng, sequences, length, *, last=0.5): ...\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        words = ["model=mine.build", "model.width=3", "problem=mine.bits", "cell=keras.layers.LSTM"]
        config = compose("config", [*words, "merge_mode=mine.Gate"])
        assert config.model == {"name": "mine.build", "width": 3}
        assert config.problem == {"name": "mine.bits", "last": 0.5, "test_size": 10_000}
        assert (config.cell, config.merge_mode) == ("keras.layers.LSTM", "mine.Gate")
        with pytest.raises(ConfigCompositionException, match="widht"):
            compose("config", ["model=mine.build", "model.widht=3"])
