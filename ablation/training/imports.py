"""Keeps TensorFlow from importing packages that we do not use."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

# TensorFlow and Keras import these if they are installed, for features that we do not use. They
# make up more than a third of the import time and of each worker's memory.
UNUSED = ("jax", "matplotlib", "pandas", "sklearn")


@contextmanager
def hide_packages(packages: tuple[str, ...]) -> Iterator[None]:
    """Make importing these packages fail inside the block, unless they are already loaded."""
    hidden = [package for package in packages if package not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: import fails
    try:
        yield
    finally:
        for package in hidden:
            del sys.modules[package]
