"""What a worker loads before its first trial, which every worker holds and waits for."""

from __future__ import annotations

import subprocess
import sys

from ablation.training.imports import without

LOADED = """
import sys
import ablation.execution.worker
from ablation.training.imports import UNUSED
print(*sorted(set(UNUSED) & sys.modules.keys()))
import pandas, sklearn
print(pandas.DataFrame({"a": [1]}).a.sum())
"""


def test_it_loads_nothing_that_it_does_not_use_and_hides_nothing() -> None:
    found = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True)
    assert found.stdout.splitlines() == ["", "1"], found.stderr


def test_what_is_loaded_already_stays() -> None:
    import pandas

    with without(("pandas", "not_there")):
        assert sys.modules["pandas"] is pandas
        assert sys.modules["not_there"] is None
    assert sys.modules["pandas"] is pandas
    assert "not_there" not in sys.modules
