"""Errors of Hydra, OmegaConf and YAML become one line that names the key or the file."""

from __future__ import annotations

import re
from pathlib import Path

import hydra
import pytest
import yaml
from hydra import initialize_config_dir
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from ablation.compose import explain
from tests.helpers import compose, parse_all


@pytest.mark.parametrize(
    ("override", "pattern"),
    [
        ("direction=forwards", "direction=forwards: choose one of .* did you mean forward?"),
        (
            "direction=up",
            "direction=up: choose one of bidirectional, bidirectional_raw, for",
        ),
        ("merge_mode=added", "merge_mode=added: choose one of ave, concat, mul, sum"),
        ("cell=lsmt", "cell=lsmt: choose one of gru, lstm, .* did you mean lstm?"),
        ("engine=jax", "engine=jax: choose one of fit, xla"),
        ("problem=cumsums", "problem=cumsums: choose one of .* did you mean cumsum?"),
        ("problem=no", "problem=no: choose one of "),
        ("training=lessons", "training=lessons: choose one of .* did you mean lesson?"),
        ("experiment=nothing", "experiment=nothing: choose one of .*directions, .*merge_modes, "),
        ("unit=5", "unit: unknown key; choose one of .* did you mean units?"),
        ("directon=forward", "directon: unknown key; .* did you mean direction?"),
        ("training.batchsize=5", "training.batchsize: unknown key; .* mean batch_size?"),
        ("problem.limit=5", "problem.limit: this problem has no such key; .* test_size, threshold"),
        ("units=choice()", "units=choice\\(\\).* empty choice is not legal$"),
        ("units=3,4", r"units=3,4: several values need -m \(.*-m units=3,4\)"),
        ("merge_mode=sum,mul", r"merge_mode=sum,mul: several values need -m"),
        ("units=${nothing}", "nothing.* not found"),
        ("units=(", "units=\\("),
        # The list may contain further launchers that are installed.
        ("hydra/launcher=nowhere", "hydra/launcher=nowhere: choose one of ablation, basic"),
    ],
)
def test_an_error_of_hydra_becomes_one_line(override: str, pattern: str) -> None:
    with pytest.raises((HydraException, OmegaConfBaseException)) as caught:
        parse_all(compose(override), override)
    message = explain(caught.value, [override])
    assert len(message.splitlines()) == 1
    assert re.search(pattern.replace("?", r"\?"), message), message


@pytest.mark.parametrize("override", ["merge_mode=null", "direction=5", "problem=1.5"])
def test_a_group_needs_the_name_of_a_choice(override: str) -> None:
    """Hydra raises a plain ValueError for these, which does not name the key."""
    with pytest.raises(ValueError, match="override must be a string") as caught:
        compose(override)
    assert explain(caught.value, [override]) == f"{override}: the name of one choice is needed"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("units: 5\nlength: [1, 2\n", 3),
        ("units: 5\n  length: 4\n", 2),
        ("a: 1\nb: 'open\n", 3),
        ("a: 1\nb:\n\t- 2\n", 3),
    ],
)
def test_broken_yaml_is_reported_with_file_and_line(text: str, line: int, tmp_path: Path) -> None:
    path = tmp_path / "experiment" / "broken.yaml"
    path.parent.mkdir()
    path.write_text(f"# @package _global_\n{text}")
    (tmp_path / "config.yaml").write_text("defaults:\n  - experiment: broken\n")
    with (
        initialize_config_dir(version_base="1.3", config_dir=str(tmp_path)),
        pytest.raises(yaml.YAMLError) as caught,
    ):
        hydra.compose("config")
    message = explain(caught.value)
    assert len(message.splitlines()) == 1
    assert message.startswith(f"{path}, line {line + 1}: ")


def test_a_file_that_is_not_text_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_bytes(b"units: \x07\n")
    with (
        initialize_config_dir(version_base="1.3", config_dir=str(tmp_path)),
        pytest.raises(yaml.YAMLError) as caught,
    ):
        hydra.compose("config")
    message = explain(caught.value)
    assert len(message.splitlines()) == 1
    assert "config.yaml" in message
