"""Does the direction matter, and which merge mode? Paired ablations of recurrent Keras models.

`run` trains a sweep and `load` opens a stored one. Both return a `Study`: it holds the results as
pandas DataFrames, compares the arms and draws the figures.

Example:
    >>> import ablation
    >>> study = ablation.load("directions")
    >>> study
    <Study directions: 4 arms, 20 seeds each, 80 of 80 trials done>
    >>> study.answer[0]
    'Best mean accuracy: forward, 0.9914.'
    >>> study.contrasts(baseline="forward")[["arm", "difference", "verdict"]].round(3)
                        arm  difference    verdict
    0          go_backwards      -0.087      worse
    1      go_backwards_raw      -0.098      worse
    2  bidirectional concat      -0.000  undecided
    >>> axes = study.plot.accuracy()  # a notebook shows it
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
