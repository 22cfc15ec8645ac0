"""What several tests start from."""

from __future__ import annotations

from pathlib import Path

import pytest

from ablation.config import Request
from ablation.store import Store
from tests.helpers import compose, parse_all


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
