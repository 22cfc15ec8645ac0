"""The import graph of a small hand-written program, whose floors and circles are easy to see."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import chain, pairwise
from pathlib import Path

import pytest

from tests.imports import (
    ROOT,
    How,
    circles,
    floors,
    imported,
    modules,
    room,
    rooms,
    sizes,
    sources,
)
from tests.imports.picture import Spot, placed, segments
from tests.imports.words import words

PROGRAM = {
    "ablation/__init__.py": "",
    "ablation/__main__.py": "import numpy\n\nfrom ablation import report\n",
    "ablation/errors.py": "import sys\n",
    "ablation/report/__init__.py": "from ablation.report.page import made\n",
    "ablation/report/page.py": """\
from typing import TYPE_CHECKING

from ..errors import RequestError
from . import rows

if TYPE_CHECKING:
    from ablation.storage import Store
else:
    import ablation.errors

def made():
    import ablation.storage.files
""",
    "ablation/report/rows.py": "",
    "ablation/storage/__init__.py": "from ablation import errors, version\n",
    "ablation/storage/files.py": "",
    "hydra_plugins/one/__init__.py": "from ablation.storage.files import *\n",
}
CIRCLE = {
    "ablation/errors.py": """\
class Error:
    def shown(self):
        from ablation.report import rows
""",
    "ablation/report/rows.py": "import ablation.errors",
}


def write_program(folder: Path, changes: dict[str, str] | None = None) -> dict[str, Path]:
    """Write the small program, with changed files, and return its sources."""
    for name, text in {**PROGRAM, **(changes or {})}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return sources(folder)


def test_imports_are_full_module_names(tmp_path: Path) -> None:
    files = write_program(tmp_path)
    assert files["ablation.storage"] == tmp_path / "ablation" / "storage" / "__init__.py"
    assert imported("ablation.__main__", files) == {"numpy": How.LOAD, "ablation.report": How.LOAD}
    assert imported("ablation.storage", files) == {"ablation.errors": 0, "ablation": 0}
    assert imported("hydra_plugins.one", files) == {"ablation.storage.files": How.LOAD}


def test_relative_late_and_typing_imports_are_recognised(tmp_path: Path) -> None:
    assert imported("ablation.report.page", write_program(tmp_path)) == {
        "typing": How.LOAD,
        "ablation.errors": How.LOAD,
        "ablation.report.rows": How.LOAD,
        "ablation.storage": How.TYPING,
        "ablation.storage.files": How.LATE,
    }


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("ablation.problems.own.file", "ablation.problems"),
        ("ablation.problems", "ablation.problems"),
        ("ablation.errors", "ablation.errors"),
        ("ablation", "ablation"),
        ("hydra_plugins.one.plugin", "hydra_plugins"),
    ],
)
def test_a_room_is_the_first_level_of_the_program(module: str, expected: str) -> None:
    assert room(module) == expected


def test_rooms_have_arrows_and_floors(tmp_path: Path) -> None:
    graph = rooms(modules(write_program(tmp_path)))
    assert graph == {
        "ablation": {},
        "ablation.__main__": {"ablation.report": How.LOAD},
        "ablation.errors": {},
        "ablation.report": {"ablation.errors": How.LOAD, "ablation.storage": How.LATE},
        "ablation.storage": {"ablation": How.LOAD, "ablation.errors": How.LOAD},
        "hydra_plugins": {"ablation.storage": How.LOAD},
    }
    assert not circles(graph)
    assert floors(graph) == {
        "ablation": 1,
        "ablation.errors": 1,
        "ablation.storage": 2,
        "ablation.report": 3,
        "hydra_plugins": 3,
        "ablation.__main__": 4,
    }


def test_a_circle_with_an_import_in_a_function_is_found(tmp_path: Path) -> None:
    inner = modules(write_program(tmp_path, CIRCLE))
    assert circles(inner) == [("ablation.errors", "ablation.report.rows")]
    outer = rooms(inner)
    assert circles(outer) == [("ablation.errors", "ablation.report", "ablation.storage")]
    floor = floors(outer)
    assert {floor[name] for name in circles(outer)[0]} == {2}
    assert floor["ablation.__main__"] == 3


def test_two_circles_are_found_separately() -> None:
    load = How.LOAD
    graph = {"a": {"b": load, "c": load}, "b": {"a": load}, "c": {"d": load}, "d": {"c": load}}
    assert circles(graph) == [("a", "b"), ("c", "d")]
    assert floors(graph) == {"a": 2, "b": 2, "c": 1, "d": 1}


def test_files_and_lines_are_counted_by_room(tmp_path: Path) -> None:
    assert sizes(write_program(tmp_path))["ablation.report"] == (3, 13)


def test_the_graph_in_words(tmp_path: Path) -> None:
    assert words(write_program(tmp_path)) == (
        "6 rooms, 4 floors, 6 arrows, no circle; 9 modules, 9 imports among them, no circle\n"
        "floor  4  __main__        1 file      3 lines  -> report\n"
        "floor  3  hydra_plugins   1 file      1 lines  -> storage\n"
        "floor  3  report          3 files    13 lines  -> errors, storage (late)\n"
        "floor  2  storage         2 files     1 lines  -> __init__, errors\n"
        "floor  1  __init__        1 file      0 lines\n"
        "floor  1  errors          1 file      1 lines"
    )
    assert words(write_program(tmp_path, CIRCLE)).splitlines()[-3:] == [
        "circle of rooms: errors -> report (late), report -> errors, report -> storage (late),",
        "                 storage -> errors",
        "circle of modules: errors -> report.rows (late), report.rows -> errors",
    ]


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_the_picture_is_reproducible(tmp_path: Path, suffix: str) -> None:
    write_program(tmp_path, CIRCLE)
    pictures = [tmp_path / f"{number}{suffix}" for number in (1, 2)]
    for picture in pictures:  # with another hash seed, sets have another order
        command = ["-m", "tests.imports", "--tree", f"{tmp_path}", "--picture", f"{picture}"]
        environment = {**os.environ, "PYTHONHASHSEED": picture.stem}
        subprocess.run([sys.executable, *command], check=True, cwd=ROOT, env=environment)
    assert pictures[0].read_bytes() == pictures[1].read_bytes()


def test_no_two_spots_of_a_floor_overlap() -> None:
    arrows = rooms(modules(sources()))
    boxes = {name: Spot(floor, name, True) for name, floor in floors(arrows).items()}
    lines = segments(arrows, boxes)
    widths = {spot: 1.0 if spot.box else 0.1 for spot in {*boxes.values(), *chain(*lines)}}
    middles = placed(widths, lines)
    row = sorted(middles, key=lambda spot: (spot.floor, middles[spot]))
    for one, other in pairwise(row):
        if one.floor == other.floor:
            least = (widths[one] + widths[other]) / 2
            assert middles[other] - middles[one] > least - 1e-9


def test_the_command_reads_another_tree_or_refuses_it(tmp_path: Path) -> None:
    write_program(tmp_path / "there")
    command = [sys.executable, "-m", "tests.imports", "--tree"]
    program, nothing = (
        subprocess.run([*command, tmp_path / name], capture_output=True, text=True, cwd=ROOT)
        for name in ("there", "elsewhere")
    )
    assert program.stdout.startswith("6 rooms")
    assert nothing.returncode == 2
    assert "--tree: no ablation/__init__.py in" in nothing.stderr
