"""The documentation is run as it stands."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from ablation import problems
from tests.helpers import CONF

ROOT = Path(__file__).resolve().parents[1]


def test_the_notebook_page_shows_what_comes_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "results").symlink_to(ROOT / "results")
    monkeypatch.chdir(tmp_path)
    page = str(ROOT / "docs" / "notebook.md")
    found = doctest.testfile(page, module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted >= 10
    assert found.failed == 0
    assert (tmp_path / "directions.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "docs/architecture.md",
        "docs/faults.md",
        "docs/own-code.md",
        "docs/own-data.md",
        "docs/security.md",
        "results/README.md",
    ],
)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert ((ROOT / page).parent / target).exists(), target


def test_presets_begin_with_the_command_that_runs_them() -> None:
    presets = sorted((CONF / "experiment").glob("*.yaml"))
    assert len(presets) >= 3
    for preset in presets:
        first, second, *_ = preset.read_text().splitlines()
        assert first == "# @package _global_"  # which Hydra wants before anything else
        assert second == f"# python -m ablation experiment={preset.stem}"


def test_every_problem_has_its_configuration() -> None:
    assert {path.stem for path in (CONF / "problem").glob("*.yaml")} == set(problems.PROBLEMS)
