"""The code and links in the documentation work."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
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


def test_a_users_script_runs(tmp_path: Path) -> None:
    (tmp_path / "results").symlink_to(ROOT / "results")
    command = [sys.executable, str(ROOT / "tests" / "user_script.py")]
    shown = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "80 done, nothing to train" in shown.stdout
    assert "forward" in shown.stdout.splitlines()[-1]


PAGES = [
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", "benchmarks/*.md", "results/*.md", "results/*/report.md")
    for path in sorted(ROOT.glob(pattern))
]


def anchors(page: Path) -> set[str]:
    """The anchors of a page: its headings, as GitHub spells them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_are_not_broken(page: str) -> None:
    here = ROOT / page
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", here.read_text(encoding="utf-8")):
        target, _, anchor = link.partition("#")
        there = here.parent / target if target else here
        assert there.exists(), link
        assert not anchor or anchor in anchors(there), link


def test_the_readmes_test_command_is_the_one_that_is_checked() -> None:
    command = 'pip install -e ".[test]" && pytest'
    assert f"    {command}\n" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"    {command}" in (ROOT / ".ci" / "checks").read_text(encoding="utf-8")


def test_each_test_that_the_architecture_page_names_exists() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    sources = [p.read_text(encoding="utf-8") for p in sorted((ROOT / "tests").rglob("test_*.py"))]
    names = re.findall(r"`(test_\w+)`", page)
    assert len(names) >= 10
    assert not [name for name in names if f"def {name}(" not in "".join(sources)]


def test_presets_begin_with_the_command_that_runs_them() -> None:
    presets = sorted((CONF / "experiment").glob("*.yaml"))
    assert len(presets) >= 3
    for preset in presets:
        first, second, *_ = preset.read_text().splitlines()
        assert first == "# @package _global_"  # Hydra requires it in the first line
        assert second == f"# python -m ablation experiment={preset.stem}"


def test_every_problem_has_its_configuration() -> None:
    assert {path.stem for path in (CONF / "problem").glob("*.yaml")} == set(problems.PROBLEMS)
