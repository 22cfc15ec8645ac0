"""The real command line with simulated training; `main` reads sys.argv."""

from __future__ import annotations

import os

from ablation.storage import Store
from tests import simulated
from tests.chaos import faults


def main() -> None:
    faults.install("parent")
    Store.stale = int(os.environ[faults.STALE])
    simulated.main("tests.chaos.work:work")
