"""The wheel, installed away from the checkout, in an empty folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_a_wheel_runs_in_an_empty_folder(tmp_path: Path) -> None:
    wheels, site, empty = tmp_path / "wheels", tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    quiet = {"check": True, "capture_output": True, "text": True}
    build = ["-m", "build", "--wheel", "--no-isolation", "--outdir", str(wheels), str(ROOT)]
    subprocess.run([sys.executable, *build], **quiet)  # type: ignore[call-overload]
    (wheel,) = wheels.glob("*.whl")
    install = ["-m", "pip", "install", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run([sys.executable, *install], **quiet)  # type: ignore[call-overload]
    # The dependencies come from this environment, the program from the wheel alone.
    environment = os.environ | {"PYTHONPATH": str(site), "PYTHONSAFEPATH": "1"}
    command = [str(site / "bin" / "ablation"), "-m", "direction=forward,bidirectional", "seeds=2"]
    small = ["training=smoke", "units=3", "length=4", "problem.test_size=60"]
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
    where = [sys.executable, "-c", "import ablation; print(ablation.__file__)"]
    found = subprocess.run(where, env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.startswith(str(site))


EVERYTHING = """
import importlib, pkgutil
import ablation, hydra_plugins.ablation_plugin as plugin
for package in (ablation, plugin):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
        print(module.name)
"""


def test_every_module_imports() -> None:
    command = [sys.executable, "-W", "error::ImportWarning", "-c", EVERYTHING]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    assert {"ablation.training.models", "ablation.report.html"} <= set(shown.stdout.split())
