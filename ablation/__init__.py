"""Does the direction matter, and which merge mode? Paired ablations of recurrent Keras models.

import ablation

study = ablation.run("-m", "direction=bidirectional", "merge_mode=sum,mul", seeds=5)
study = ablation.load("directions")
study.trials  # a row a trial
study.contrasts()  # a row a pair of arms, with its verdict
study.answer  # the same in sentences
study.plot.accuracy()
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ablation.errors import RequestError, SweepFailed
    from ablation.notebook import Study, load, run

    __version__: str

__all__ = ["RequestError", "Study", "SweepFailed", "__version__", "load", "run"]

# `import ablation` does not wait for pandas: the command line begins with it.
_HOMES = {
    "Study": "ablation.notebook",
    "load": "ablation.notebook",
    "run": "ablation.notebook",
    "RequestError": "ablation.errors",
    "SweepFailed": "ablation.errors",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("ablation")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
