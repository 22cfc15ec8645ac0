from __future__ import annotations

from ablation.errors import choose


def test_the_nearest_choice_is_offered_if_one_is_near() -> None:
    assert choose("summ", ["sum", "mul"]) == "choose one of sum, mul; did you mean sum?"
    assert choose("xyz", ["sum", "mul"]) == "choose one of sum, mul"
