"""Parameter counts by arithmetic, so that a plan can tell them without TensorFlow."""

from __future__ import annotations

from ablation.errors import RequestError
from ablation.spec import CELLS, DIRECTIONS, MERGES, Arm


def countable(arm: Arm) -> bool:
    """Whether arithmetic can tell; nobody knows of a cell or a merge of the user's own."""
    return arm.cell in CELLS and arm.merge_mode in (None, *MERGES)


def count_parameters(arm: Arm, features: int = 1, classes: int = 2, symbols: int = 0) -> int:
    """Number of trainable weights of the arm's model, which has to be countable.

    features: width of an input step; symbols: size of the vocabulary, if the input is symbolic
    (it is then embedded in as many dimensions as there are units).
    """
    width = arm.units if symbols else features
    total = symbols * arm.units
    ways = len(DIRECTIONS[arm.direction].ways)
    for _ in range(arm.layers):
        total += ways * _recurrent(arm.cell, arm.units, width)
        width = arm.units * (MERGES[arm.merge_mode].width if arm.merge_mode else 1)
    outputs = 1 if classes == 2 else classes
    return total + (width + 1) * outputs


def match_parameters(arm: Arm, features: int = 1, classes: int = 2, symbols: int = 0) -> Arm:
    """The arm with as many units as bring it closest to the parameters of the reference.

    The reference is one bidirectional, concatenating LSTM stack of the units asked for: the same
    for every arm, so that an arm means the same whatever it is compared with.
    Raises RequestError where the arm is not countable.
    """
    if not countable(arm):
        name = arm.cell if arm.cell not in CELLS else arm.merge_mode
        raise RequestError(f"match=parameters: {name} is not known to count; say match=units")
    reference = arm.model_copy(
        update={"direction": "bidirectional", "merge_mode": "concat", "cell": "lstm"}
    )
    target = count_parameters(reference, features, classes, symbols)

    def distance(units: int) -> int:
        candidate = arm.model_copy(update={"units": units})
        return abs(count_parameters(candidate, features, classes, symbols) - target)

    low, high = 1, 2
    while (
        count_parameters(arm.model_copy(update={"units": high}), features, classes, symbols)
        < target
    ):
        low, high = high, 2 * high
    return arm.model_copy(update={"units": min(range(low, high + 1), key=distance)})


def _recurrent(name: str, units: int, width: int) -> int:
    cell = CELLS[name]
    return cell.gates * units * (width + units + cell.biases)
