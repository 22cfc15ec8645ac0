"""How long a plan will take: arithmetic, corrected by what stored trials took here."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from ablation.spec import CELLS, DIRECTIONS, Arm, Trial

# Rough seconds of one core; no command here measures them. The store corrects what training takes.
PER_STEP = 6e-6
PER_PRODUCT = 1.4e-10
COMPILING = 3.0
STARTING = 3.0
FIT_UPDATE = 6e-3


def training_seconds(arm: Arm) -> float:
    """Expected seconds of training one trial of the arm on one core."""
    if arm.engine == "fit":
        return arm.training.updates * FIT_UPDATE
    ways = len(DIRECTIONS[arm.direction].ways)
    gates = CELLS[arm.cell].gates if arm.cell in CELLS else 4  # a guess at a cell of the user's
    products = gates * arm.units * (arm.units + 1) * arm.training.batch_size
    step = PER_STEP + PER_PRODUCT * products
    return arm.training.updates * arm.length * ways * arm.layers * step


def expected_seconds(
    pending: Sequence[Trial], measured: Sequence[tuple[Arm, float]], workers: int
) -> float:
    """Expected wall-clock seconds of training the pending trials.

    measured: arm and training seconds of trials that this results folder holds; where there are
    none the figure rests on another machine's.
    """
    if not pending:
        return 0.0
    factor = median(took / training_seconds(arm) for arm, took in measured) if measured else 1.0
    training = sum(training_seconds(trial.arm) for trial in pending) * factor
    arms = len({trial.arm for trial in pending})
    return STARTING + (training + arms * COMPILING) / min(workers, len(pending))
