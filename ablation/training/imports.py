"""TensorFlow, without what it loads along."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

# TensorFlow and Keras load these where they are installed, for parts that nobody uses here: a good
# third of the time of their own import, and of the memory that each worker holds.
UNUSED = ("jax", "matplotlib", "pandas", "sklearn")


@contextmanager
def without(packages: tuple[str, ...]) -> Iterator[None]:
    """For as long as it lasts, packages that are not loaded yet seem not to be installed."""
    missing = [package for package in packages if package not in sys.modules]
    sys.modules.update(dict.fromkeys(missing))  # type: ignore[arg-type]  # None: import fails
    try:
        yield
    finally:
        for package in missing:
            del sys.modules[package]
