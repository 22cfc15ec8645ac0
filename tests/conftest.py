"""What several tests start from."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ablation.execution import run_trials
from ablation.spec import Request
from ablation.storage import Store
from tests.command_line import compile_soon, forget_modules
from tests.helpers import compose, make_trial, parse_all

# The processes that tests start keep the program as bytecode: each would compile it again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

LONG = ("test_chaos.py", "test_faults.py", "test_main.py", "test_engines.py", "test_own_models.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest files first, so that no process waits for another at the end."""
    items.sort(key=lambda item: item.path.name not in LONG)


@pytest.fixture(autouse=True)
def _own_code_is_forgotten(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Take modules that a test wrote and imported out again: the next one's have the same names."""
    path, written = list(sys.path), tmp_path_factory.getbasetemp()
    yield
    sys.path[:] = path
    forget_modules(written)


@pytest.fixture(scope="session")
def fork_server() -> None:
    """Let all sweeps of this process have one fork server, which has loaded TensorFlow.

    What is not the work of a sweep does not load it, and whoever starts the server first decides.
    """
    with pytest.MonkeyPatch.context() as patch:
        compile_soon(patch)
        (ended,) = run_trials([make_trial()], "ablation.execution.worker:nothing", (), 1, 600)
    assert ended.kind == "AttributeError"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty results folder that can be written to."""
    store = Store(tmp_path / "results")
    store.prepare()
    return store


@pytest.fixture(scope="session")
def request_as_composed() -> Request:
    """What a plain command asks for, of the real configuration."""
    return parse_all(compose())
