"""The table of measures: what arms are compared by, and how values are shown."""

from __future__ import annotations

import pytest

from ablation.measures import COSTS, MEASURES, METRICS, measure_of


def test_every_metric_has_a_margin_and_every_cost_a_cheaper_share() -> None:
    assert all(MEASURES[key].margin for key in METRICS)
    assert all(MEASURES[key].cheaper for key in COSTS)
    assert {key for key, m in MEASURES.items() if m.sense == 1} == {
        "accuracy",
        "auc",
        "average_precision",
        "balanced_accuracy",
        "exact",
        "f1",
        "macro_f1",
        "mcc",
        "normalized",
        "r2",
        "segment_f1",
    }


@pytest.mark.parametrize(
    ("key", "value", "text", "signed_text"),
    [
        ("accuracy", 0.98765, "0.9877", "+0.9877"),
        ("parameters", 20901.0, "20,901", "+20,901"),
        ("seconds", 1.5, "1.50", "+1.50"),
        ("loss", -0.00001, "-0.0000", "+0.0000"),
        ("loss", float("nan"), "–", "–"),
        ("loss", None, "–", "–"),
    ],
)
def test_values_and_differences_as_text(
    key: str, value: float | None, text: str, signed_text: str
) -> None:
    assert MEASURES[key].format(value) == text
    assert MEASURES[key].signed(value) == signed_text


def test_an_unlisted_column_is_named_after_itself() -> None:
    assert measure_of("peak_memory_mb").name == "peak memory mb"
    assert measure_of("seconds").title == "training time"
