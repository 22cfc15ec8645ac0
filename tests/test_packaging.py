"""The installation: every import works, and a wheel runs outside the repository."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

from tests.imports import ROOT, sources

IN_A_NOTEBOOK = "from IPython.display import display"  # whoever has one has IPython


def imports(path: Path) -> set[str]:
    """Every import in a file as a statement, with those in functions and by `import_module`."""
    statements = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.ImportFrom(module="__future__"):
                pass  # only allowed at the top of a file
            case ast.Import() | ast.ImportFrom():
                statements.add(ast.unparse(node))
            case ast.Call(ast.Name("import_module"), [ast.Constant(str(name))]):
                statements.add(f"import {name}")
    return statements


def test_every_import_works() -> None:
    files = sources()
    statements = set[str]().union(*map(imports, files.values()))
    statements.remove(IN_A_NOTEBOOK)
    assert {"import keras", "import sklearn.datasets", "import pyarrow.parquet"} <= statements
    program = "\n".join([*(f"import {name}" for name in files), *sorted(statements)])
    run = [sys.executable, "-c", program]
    shown = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr


def test_a_wheel_runs_in_an_empty_folder(tmp_path: Path) -> None:
    wheels, site, empty = tmp_path / "wheels", tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    quiet = {"check": True, "capture_output": True, "text": True}
    build = ["-m", "build", "--wheel", "--no-isolation", "--outdir", str(wheels), str(ROOT)]
    subprocess.run([sys.executable, *build], **quiet)  # type: ignore[call-overload]
    (wheel,) = wheels.glob("*.whl")
    install = ["-m", "pip", "install", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run([sys.executable, *install], **quiet)  # type: ignore[call-overload]
    # The dependencies come from this environment, the program only from the wheel.
    environment = os.environ | {"PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"}
    command = [str(site / "bin" / "ablation"), "-m", "direction=forward,go_backwards", "seeds=2"]
    small = ["cell=simple_rnn", "training=smoke", "units=3", "length=4", "problem.test_size=60"]
    shown = subprocess.run(
        [sys.executable, *command, *small],
        cwd=empty,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "4 trials asked for, 4 unique, 4 done." in shown.stdout
    locate = [sys.executable, "-c", "import ablation; print(ablation.__file__)"]
    package = subprocess.run(locate, env=environment, capture_output=True, text=True, check=True)
    assert package.stdout.startswith(str(site))
