"""The real command line with simulated training; `main` reads sys.argv."""

from __future__ import annotations

import os

from ablation import __main__, sweep
from ablation.storage import Store
from tests.chaos import faults


def main() -> None:
    faults.install("parent")
    Store.stale = int(os.environ[faults.STALE])
    sweep.WORK = "tests.chaos.work:work"
    __main__.main()
