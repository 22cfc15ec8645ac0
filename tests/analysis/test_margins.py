"""The margin follows from the task: its room and its test labels, never from how arms score."""

from __future__ import annotations

import pandas as pd
import pytest

from ablation.analysis.margins import default_margin


def task(**columns: object) -> pd.DataFrame:
    table = {"arm": ["a", "b", "a", "b"], "seed": [0, 0, 1, 1], "accuracy": 0.9, "mse": 0.3}
    return pd.DataFrame({**table, **columns})


@pytest.mark.parametrize(
    ("metric", "columns", "value", "reason"),
    [
        ("accuracy", {}, 0.002, "the default of accuracy"),
        ("accuracy", {"majority": 0.5}, 0.005, "1 % of the room between majority 0.5 and 1"),
        (
            "accuracy",
            {"majority": 0.5, "ceiling": [0.6, 0.8, 0.6, 0.8]},
            0.003,
            "1 % of the room between majority 0.5 and ceiling 0.8",
        ),
        ("accuracy", {"majority": 0.8, "ceiling": 0.8}, 0.002, "the default of accuracy"),
        ("accuracy", {"majority": 0.9, "test_labels": 300}, 0.0034, "one test label of 300"),
        ("mse", {"constant": 4.0, "floor": 1.0}, 0.03, "1 % of the room between constant 4 and "),
        ("mae", {"constant": 4.0}, 0.02, "1 % of the root of the constant's MSE 4"),
        ("loss", {"majority": 0.5}, 0.005, "the default of loss"),
    ],
)
def test_a_margin_and_its_reason(
    metric: str, columns: dict[str, object], value: float, reason: str
) -> None:
    if "test_labels" in columns:
        columns = {**columns, "test_sequences": 300}
    margin = default_margin(task(**columns), metric)
    assert margin is not None
    assert margin.value == pytest.approx(value)
    assert margin.reason.startswith(reason)


def test_neither_scores_nor_further_seeds_change_it() -> None:
    first = task(majority=[0.5, 0.5, 0.7, 0.7])
    assert default_margin(first, "accuracy") == default_margin(first.iloc[:2], "accuracy")
    better = first.assign(accuracy=[0.99, 0.6, 0.98, 0.5])
    assert default_margin(better, "accuracy") == default_margin(first, "accuracy")


def test_what_is_no_metric_has_no_margin() -> None:
    assert default_margin(task(), "updates") is None
