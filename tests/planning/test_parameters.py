from __future__ import annotations

from typing import Any

import pytest

from ablation.planning.parameters import count_parameters, match_parameters, parameters_for
from tests.helpers import make_trial

BOTH = "bidirectional"


@pytest.mark.parametrize(
    ("arm", "parameters"),
    [
        ({"units": 50}, 10_451),
        ({"units": 50, "direction": "go_backwards"}, 10_451),
        ({"units": 50, "direction": "go_backwards_raw"}, 10_451),
        ({"units": 50, "direction": BOTH, "merge_mode": "concat"}, 20_901),
        ({"units": 50, "direction": BOTH, "merge_mode": "sum"}, 20_851),
        ({"units": 50, "direction": BOTH, "merge_mode": "ave"}, 20_851),
        ({"units": 50, "direction": BOTH, "merge_mode": "mul"}, 20_851),
        ({"units": 71}, 20_804),
        ({"units": 35, "direction": BOTH, "merge_mode": "concat"}, 10_431),
    ],
)
def test_the_known_counts(arm: dict[str, Any], parameters: int) -> None:
    assert count_parameters(make_trial(**arm).arm) == parameters


def test_cells_by_hand() -> None:
    # 3 units that see 1 feature, themselves and a bias; a head of 3 weights and a bias
    assert count_parameters(make_trial(cell="simple_rnn").arm) == 3 * (1 + 3 + 1) + 4
    assert count_parameters(make_trial(cell="lstm").arm) == 4 * 3 * (1 + 3 + 1) + 4
    assert count_parameters(make_trial(cell="gru").arm) == 3 * 3 * (1 + 3 + 2) + 4


def test_a_second_layer_sees_what_the_first_gives() -> None:
    arm = make_trial(direction=BOTH, merge_mode="concat", cell="simple_rnn", layers=2).arm
    assert count_parameters(arm) == 2 * 3 * (1 + 3 + 1) + 2 * 3 * (6 + 3 + 1) + 7
    arm = make_trial(direction=BOTH, merge_mode="sum", cell="simple_rnn", layers=2).arm
    assert count_parameters(arm) == 2 * 3 * (1 + 3 + 1) + 2 * 3 * (3 + 3 + 1) + 4


def test_features_classes_and_symbols() -> None:
    arm = make_trial(cell="simple_rnn").arm
    assert parameters_for(arm, features=8, outputs=10) == 3 * (8 + 3 + 1) + 4 * 10
    assert parameters_for(arm, outputs=3, symbols=40) == 40 * 3 + 3 * (3 + 3 + 1) + 4 * 3


def test_matched_arms_have_about_the_parameters_of_the_reference() -> None:
    reference = make_trial(direction="bidirectional", merge_mode="concat", units=50).arm
    target = count_parameters(reference)
    assert match_parameters(reference, count_parameters) == reference
    for direction, merge in [("forward", None), ("go_backwards", None), ("bidirectional", "mul")]:
        for cell in ("lstm", "gru", "simple_rnn"):
            asked = make_trial(direction=direction, merge_mode=merge, cell=cell, units=50).arm
            matched = match_parameters(asked, count_parameters)
            off = abs(count_parameters(matched) - target)
            for units in (matched.units - 1, matched.units + 1):
                other = matched.model_copy(update={"units": units})
                assert off <= abs(count_parameters(other) - target)
    assert (
        match_parameters(make_trial(direction="forward", units=50).arm, count_parameters).units
        == 71
    )
