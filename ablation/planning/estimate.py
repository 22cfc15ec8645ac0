"""Estimates how long a plan will take, calibrated with the training times of stored trials."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from ablation.spec import CELLS, DIRECTIONS, Arm, Trial

# Rough seconds on one core. Stored trials correct the training time; nothing corrects the others.
PER_STEP = 6e-6  # overhead of one step of one direction and layer
PER_PRODUCT = 1.4e-10  # one multiply-add, forward and backward
COMPILING = 3.0  # one arm
STARTING = 3.0  # the whole command
FIT_UPDATE = 6e-3  # one update of engine=fit


def training_seconds(arm: Arm) -> float:
    """Expected seconds to train one trial of the arm on one core, without compiling."""
    if arm.engine == "fit":
        return arm.training.updates * FIT_UPDATE
    ways = len(DIRECTIONS[arm.direction].ways)
    gates = CELLS[arm.cell].gates if arm.cell in CELLS else 4  # a guess for a user's own cell
    products = gates * arm.units * (arm.units + 1) * arm.training.batch_size
    step = PER_STEP + PER_PRODUCT * products
    return arm.training.updates * arm.length * ways * arm.layers * step


def expected_seconds(
    pending: Sequence[Trial], measured: Sequence[tuple[Arm, float]], workers: int
) -> float:
    """Expected wall-clock seconds to train the pending trials.

    measured: arm and training seconds of trials in this results folder. If it is empty, the
    estimate assumes the speed of the machine on which the constants were measured.
    """
    if not pending:
        return 0.0
    ratios = [seconds / training_seconds(arm) for arm, seconds in measured]
    factor = median(ratios) if ratios else 1.0
    training = sum(training_seconds(trial.arm) for trial in pending) * factor
    arms = len({trial.arm for trial in pending})
    return STARTING + (training + arms * COMPILING) / min(workers, len(pending))
