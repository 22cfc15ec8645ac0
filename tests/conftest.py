"""What several tests start from."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ablation.spec import Request
from ablation.storage import Store
from tests.helpers import compose, parse_all


@pytest.fixture(autouse=True)
def _own_code_is_forgotten(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Take modules that a test wrote and imported out again: the next one's have the same names."""
    path, written = list(sys.path), tmp_path_factory.getbasetemp()
    yield
    sys.path[:] = path
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and written in Path(file).parents:
            del sys.modules[name]
    importlib.invalidate_caches()


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
