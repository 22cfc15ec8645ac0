"""Parameter counts by arithmetic, so that a plan can tell them without TensorFlow."""

from __future__ import annotations

from collections.abc import Callable

from ablation import problems
from ablation.spec import CELLS, DIRECTIONS, LOSSES, MERGES, STACK, Arm
from ablation.tasks import task_of


def countable(arm: Arm) -> bool:
    """Whether arithmetic can tell; of the user's own code only a worker can, which tries it out."""
    built_in = arm.cell in CELLS and arm.merge_mode in (None, *MERGES)
    plain = arm.training.loss in (None, *LOSSES) and not arm.training.metrics
    return built_in and plain and arm.model.name == STACK


def count_parameters(arm: Arm) -> int:
    """Number of trainable weights of the arm's model, which has to be countable."""
    sample = problems.sample(arm.problem, arm.length)
    outputs, _ = task_of(sample).head(sample)
    features, symbols = sample.x.shape[-1], sample.symbols
    return parameters_for(arm, features, outputs, symbols, sample.levels, sample.embedding)


def parameters_for(
    arm: Arm,
    features: int = 1,
    outputs: int = 1,
    symbols: int = 0,
    levels: tuple[int, ...] = (),
    embedding: int | None = None,
) -> int:
    """Number of trainable weights of the arm's model for data of this shape.

    features: width of an input step, with a code for each category in levels; outputs: width of the
    head; symbols, levels, embedding: as in data.Sequences.
    """
    vector = embedding or arm.units
    width = vector if symbols else features + len(levels) * (vector - 1)
    width += bool(arm.lookahead)  # the end is a feature
    total = (symbols + sum(levels)) * vector
    ways = len(DIRECTIONS[arm.direction].ways)
    for _ in range(arm.layers):
        total += ways * _recurrent(arm.cell, arm.units, width)
        width = arm.units * (MERGES[arm.merge_mode].width if arm.merge_mode else 1)
    return total + (width + 1) * outputs


def match_parameters(arm: Arm, count: Callable[[Arm], int]) -> Arm:
    """The arm with as many units as bring it closest to the parameters of the reference.

    The reference is the same model with bidirectional, concatenating LSTMs of the units asked for:
    the same for every arm, so that an arm means the same whatever it is compared with.
    count: trainable weights of an arm, which must grow with its units.
    """
    reference = {"direction": "bidirectional", "merge_mode": "concat", "cell": "lstm"}
    target = count(arm.model_copy(update={**reference, "lookahead": None}))

    def size(units: int) -> int:
        return count(arm.model_copy(update={"units": units}))

    low, high = 1, 2
    while size(high) < target:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if size(middle) < target else (low, middle)
    return arm.model_copy(update={"units": min((low, high), key=lambda n: abs(size(n) - target))})


def _recurrent(name: str, units: int, width: int) -> int:
    cell = CELLS[name]
    return cell.gates * units * (width + units + cell.biases)
