"""A worker does not load packages that it never uses."""

from __future__ import annotations

import subprocess
import sys

from ablation.training.imports import hide_packages

LOADED = """
import sys
import ablation.execution.worker
from ablation.training.imports import UNUSED
print(*sorted(set(UNUSED) & sys.modules.keys()))
import pandas, sklearn
print(pandas.DataFrame({"a": [1]}).a.sum())
"""


def test_a_worker_loads_no_unused_package_and_can_still_import_them() -> None:
    completed = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True)
    assert completed.stdout.splitlines() == ["", "1"], completed.stderr


def test_a_package_that_is_already_loaded_is_not_hidden() -> None:
    import pandas

    with hide_packages(("pandas", "not_installed")):
        assert sys.modules["pandas"] is pandas
        assert sys.modules["not_installed"] is None
    assert sys.modules["pandas"] is pandas
    assert "not_installed" not in sys.modules
