"""Own code is found and read, and never run, before a trial does."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ablation.errors import RequestError
from ablation.planning.pins import check_unchanged, files_of, pinned
from ablation.spec import Arm
from tests.helpers import make_trial

Write = Callable[[str, str], Path]
TRAP = "raise RuntimeError('this was run')\n"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a file into a folder of the Python path."""
    monkeypatch.syspath_prepend(str(tmp_path))
    clock = iter(range(1, 100))

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (0, next(clock)))  # two writes within a tick of the clock are two
        return path

    return write


def arm(**changes: Any) -> Arm:
    return make_trial(**{"direction": "bidirectional", **changes}).arm


def gate(module: str = "mine") -> Arm:
    return arm(merge_mode=f"{module}.Gate")


def test_code_is_a_part_of_the_digest_and_is_not_run(write: Write) -> None:
    write("mine.py", TRAP + "class Gate: pass\n")
    first = pinned(gate())
    assert first.digest == pinned(gate()).digest is not None
    assert "mine" not in sys.modules
    write("mine.py", TRAP + "class Gate: two = 2\n")
    assert pinned(gate()).digest != first.digest
    with pytest.raises(RequestError, match=r"mine\.py changed since the sweep was planned"):
        check_unchanged(first)
    check_unchanged(pinned(gate()))


def test_only_what_an_arm_names_is_in_its_digest(write: Write) -> None:
    write("mine.py", "class Gate: pass\n")
    write("cells.py", "class Unit: pass\n")
    assert pinned(arm()).digest is None
    digests = {pinned(a).digest for a in (gate(), arm(cell="cells.Unit"))}
    digests.add(pinned(arm(merge_mode="mine.Gate", cell="cells.Unit")).digest)
    assert len(digests) == 3
    one_way = make_trial(direction="forward", merge_mode="mine.Gate").arm
    assert pinned(one_way).digest is None


@pytest.mark.parametrize(
    "defined",
    [
        "def Gate(): pass",
        "async def Gate(): pass",
        "Gate = make()",
        "Gate: type = make()",
        "Other, Gate = make()",
        "from helpers import Gate",
        "from helpers import Door as Gate",
        "from helpers import *",
        "if True:\n    class Gate: pass",
        "for Gate in gates(): pass",
        "with gates() as Gate: pass",
        "match made:\n    case Gate: pass",
        "try:\n    import Gate\nexcept ImportError:\n    Gate = None",
    ],
)
def test_a_name_may_be_defined_in_every_way(write: Write, defined: str) -> None:
    path = write("mine.py", TRAP + defined + "\n")
    assert files_of(gate()) == [path]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("mine.Gat", "class Gate: pass", r"mine\.py defines no Gat; choose one of Gate; did you"),
        ("mine.Gate", "x = 1", r"mine\.py defines no Gate; choose one of x"),
        ("mine.Gate", "def f():\n    class Gate: pass", r"mine\.py defines no Gate"),
        ("mine.Gate", "", r"mine\.py defines no Gate; it defines nothing"),
        ("mine.Gate", "class Gate:\n  def", r"mine\.py, line 2: invalid syntax"),
        ("mine.Gate", "x = '\0'", r"null bytes"),
        ("mien.Gate", "class Gate: pass", "no module mien on the Python path"),
        ("mine.inner.Gate", "class Gate: pass", r"no module mine\.inner on the Python path"),
        ("sys.Gate", "", "sys has no Python source"),
        ("__main__.Gate", "", "no module __main__ on the Python path"),
    ],
)
def test_what_is_not_there_is_one_line(
    write: Write, monkeypatch: pytest.MonkeyPatch, name: str, text: str, said: str
) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__spec__", None)  # as in a notebook
    write("mine.py", text + "\n")
    for key in ("merge_mode", "cell"):
        with pytest.raises(RequestError, match=f"^{key}={name}: .*{said}") as caught:
            pinned(arm(**{key: name}))
        assert len(str(caught.value).splitlines()) == 1


def test_packages_are_found_part_by_part(write: Write) -> None:
    write("whole/__init__.py", TRAP)
    write("whole/inner/__init__.py", TRAP + "from .gates import Gate\n")
    inside = write("whole/inner/gates.py", TRAP + "class Gate: pass\n")
    bare = write("spread/out/gates.py", TRAP + "class Gate: pass\n")  # without __init__.py
    assert files_of(gate("whole.inner.gates"))[0] == inside
    assert inside in files_of(gate("whole.inner"))
    assert files_of(gate("spread.out.gates")) == [bare]


def test_what_lies_beside_and_is_imported_counts_too(write: Write) -> None:
    write("mine.py", "import json, numpy, helpers\nfrom ablation.data import Array\nGate = 1\n")
    write("helpers.py", "def f():\n    from pack import deep\n")
    write("pack/__init__.py", "")
    deep = write("pack/deep.py", "from . import deeper\n")
    write("pack/deeper.py", "import mine\n")
    write("pack/apart.py", "")
    names = {"mine.py", "helpers.py", "pack/__init__.py", "pack/deep.py", "pack/deeper.py"}
    root = deep.parents[1]
    assert {str(path.relative_to(root)) for path in files_of(gate())} == names
    before = pinned(gate()).digest
    write("pack/apart.py", "1\n")
    assert pinned(gate()).digest == before
    write("pack/deeper.py", "2\n")
    assert pinned(gate()).digest != before


def test_an_environment_beside_it_is_nobody_s_own(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("mine.py", "import other\nGate = 1\n")
    write("venv/lib/site-packages/other.py", "import another\n")
    write("venv/lib/site-packages/another.py", "")
    monkeypatch.syspath_prepend(str(tmp_path / "venv/lib/site-packages"))
    assert [path.name for path in files_of(gate())] == ["mine.py"]
    # What is installed may be named, and is then one file, not all of Keras.
    (path,) = files_of(arm(merge_mode="keras.layers.Maximum"))
    assert path.parts[-3:] == ("keras", "layers", "__init__.py")


def test_the_data_of_an_own_problem_count(write: Write, tmp_path: Path) -> None:
    write("tasks.py", "def read(rng, sequences, length, *, path): pass\n")
    data = write("data.npy", "one")
    read = make_trial(problem={"name": "tasks.read", "path": str(data)}).arm
    # make_trial adds a threshold, which this problem does not know, and nobody asks it here
    first = pinned(read).digest
    assert [path.name for path in files_of(read)] == ["data.npy", "tasks.py"]
    write("data.npy", "two")
    assert pinned(read).digest != first
    data.unlink()
    with pytest.raises(RequestError, match=r"data\.npy: No such file"):
        pinned(read)


BUILD = TRAP + "def build(inputs, recurrent, head, width=8, *, kind='x', shape=(1, 2)):\n    pass\n"


def model(**parameters: Any) -> Arm:
    return arm(model={"name": "mine.build", **parameters})


def test_an_own_model_is_read_and_its_defaults_are_part_of_its_meaning(write: Write) -> None:
    write("mine.py", BUILD)
    plain, given = pinned(model()), pinned(model(width=8))
    assert plain == given
    assert plain.model.parameters == {"width": 8, "kind": "x", "shape": [1, 2]}
    assert pinned(model(width=9)) != plain
    assert "mine" not in sys.modules
    # In whatever order they are given, they are the same arm with the same columns.
    one, other = pinned(model(kind="y", width=3)), pinned(model(width=3, kind="y"))
    assert list(one.flat()) == list(other.flat())


@pytest.mark.parametrize(
    ("parameters", "text", "said"),
    [
        ({"widht": 3}, BUILD, r"model\.widht is no key of mine\.build: .*did you mean width\?"),
        ({}, "def build(inputs, recurrent, head, width): pass", r"model\.width: a value is needed"),
        ({"width": 3}, "def build(inputs, recurrent, head): pass", "takes no parameters"),
        ({}, "def build(inputs, recurrent, head, name=1): pass", "parameter name otherwise"),
        ({}, "width = 3", r"model=mine\.build: mine\.py defines no build"),
    ],
)
def test_a_model_with_wrong_parameters_is_one_line(
    write: Write, parameters: dict[str, Any], text: str, said: str
) -> None:
    write("mine.py", text)
    with pytest.raises(RequestError, match=said):
        pinned(model(**parameters))


def test_a_function_that_takes_anything_gets_what_is_given(write: Write) -> None:
    write("mine.py", "def build(inputs, recurrent, head, **anything): pass")
    assert pinned(model(depth=3)).model.parameters == {"depth": 3}


def test_the_file_of_a_path_is_part_of_the_digest(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("mine.py", "def build(inputs, recurrent, head, path='vectors.npy'): pass")
    write("vectors.npy", "one")
    monkeypatch.chdir(tmp_path)
    first = pinned(model())
    write("vectors.npy", "two")
    assert pinned(model()).digest != first.digest
