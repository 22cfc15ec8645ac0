"""Variance decomposition, checked by hand and against statsmodels on the same grid."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from statsmodels.stats.anova import anova_lm

from ablation.analysis.variance import COLUMNS, decomposition

pytestmark = pytest.mark.filterwarnings("error")


def grid(seeds: int = 4) -> pd.DataFrame:
    """Direction x units x seed with noise, an effect of each factor, and an interaction."""
    rng = np.random.default_rng(0)
    cells = itertools.product(["forward", "both", "back"], [10, 50], range(seeds))
    rows = [
        {"direction": d, "units": u, "seed": s, "status": "done"}
        | {"accuracy": (d == "both") * 0.1 + u / 1000 + (d == "back") * (u == 50) * 0.05}
        for d, u, s in cells
    ]
    trials = pd.DataFrame(rows)
    trials["arm"] = trials["direction"] + " " + trials["units"].astype(str)
    return trials.assign(accuracy=trials["accuracy"] + rng.normal(0, 0.02, len(trials)))


def test_a_two_by_two_grid_worked_out_by_hand() -> None:
    rows = [("x", 1, 0, 1.0), ("x", 2, 0, 3.0), ("y", 1, 0, 5.0), ("y", 2, 0, 11.0)]
    trials = pd.DataFrame(rows, columns=["a", "b", "seed", "accuracy"]).assign(status="done")
    table = decomposition(trials, ["a", "b"]).set_index("term")
    # means: a 2 and 8, b 3 and 7, all 5; interaction contrast (11 - 5 - 3 + 1) / 4 = 1
    assert table.loc["a", "sum_squares"] == pytest.approx(36)
    assert table.loc["b", "sum_squares"] == pytest.approx(16)
    assert table.loc["a:b", "sum_squares"] == pytest.approx(4)
    assert table["share"].sum() == pytest.approx(1)
    assert table.loc["residual", "df"] == 0
    assert table["F"].isna().all()


@pytest.mark.parametrize("missing", [[], [0, 5, 9]])
def test_the_table_equals_that_of_statsmodels(missing: list[int]) -> None:
    trials = grid().drop(index=missing)
    table = decomposition(trials, ["direction", "units"]).set_index("term")
    fit = smf.ols("accuracy ~ C(seed) + C(direction) * C(units)", trials).fit()
    expected = anova_lm(fit, typ=2)
    names = ["C(seed)", "C(direction)", "C(units)", "C(direction):C(units)", "Residual"]
    assert table["sum_squares"].to_numpy() == pytest.approx(
        expected.loc[names, "sum_sq"].to_numpy()
    )
    assert table["df"].to_numpy() == pytest.approx(expected.loc[names, "df"].to_numpy())
    assert table["p"].to_numpy()[:-1] == pytest.approx(
        expected.loc[names[:-1], "PR(>F)"].to_numpy()
    )
    assert set(table["balanced"]) == {not missing}
    if not missing:
        assert table["share"].sum() == pytest.approx(1)
        assert decomposition(trials, ["direction", "units"]).attrs["note"] == ""


def test_the_note_describes_a_partial_grid() -> None:
    rng = np.random.default_rng(1)
    cells = [("forward", None), ("back", None), ("both", "sum"), ("both", "mul")]
    trials = pd.DataFrame(
        [
            {"direction": d, "merge_mode": m, "seed": s, "status": "done", "accuracy": rng.normal()}
            for (d, m), s in itertools.product(cells, range(5))
        ]
    )
    result = decomposition(trials, ["direction", "merge_mode"])
    table = result.set_index("term")
    assert table.loc[["direction", "merge_mode", "direction:merge_mode"], "df"].tolist() == [
        1,
        1,
        0,
    ]
    assert not result.attrs["balanced"]
    assert "4 of 9 combinations" in result.attrs["note"]
    assert "direction:merge_mode" in result.attrs["note"]


def test_factor_names_may_contain_any_characters() -> None:
    trials = grid().rename(columns={"direction": "C(units) + Q('", "units": "model.units"})
    trials["C(units) + Q('"] += "'); import"
    table = decomposition(trials, ["C(units) + Q('", "model.units"])
    plain = decomposition(grid(), ["direction", "units"])
    pd.testing.assert_frame_equal(table.drop(columns="term"), plain.drop(columns="term"))


def test_the_order_of_rows_and_the_names_of_levels_do_not_matter() -> None:
    trials = grid()
    plain = decomposition(trials, ["direction", "units"])
    shuffled = trials.sample(frac=1, random_state=3)
    shuffled["direction"] = shuffled["direction"].map({"forward": "f", "back": "b"})
    pd.testing.assert_frame_equal(decomposition(shuffled, ["direction", "units"]), plain)


def test_no_varying_factor_gives_no_rows_and_a_constant_metric_no_shares() -> None:
    table = decomposition(
        grid().query("direction == 'both' and units == 10"), ["direction", "units"]
    )
    assert table.empty
    assert list(table) == COLUMNS
    assert "no factor" in table.attrs["note"]
    constant = decomposition(grid().assign(accuracy=0.5), ["direction", "units"])
    assert constant["share"].isna().all()
    with pytest.raises(ValueError, match="'length': no such column; choose one of direction"):
        decomposition(grid(), ["length"])


def test_the_note_counts_missing_values() -> None:
    trials = grid()
    trials.loc[0, "accuracy"] = np.nan
    assert (
        "1 finished trials have no value"
        in decomposition(trials, ["direction", "units"]).attrs["note"]
    )
