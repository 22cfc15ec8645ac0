"""Does the direction matter, and which merge mode? Paired ablations of recurrent Keras models."""

from __future__ import annotations

from typing import Any

__all__ = ["load"]


def __getattr__(name: str) -> Any:
    # `import ablation` must not wait for pandas: the command line begins with it.
    if name == "load":
        from ablation.notebook import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
