"""The recipe of a file, followed by hand, gives the inputs that models were trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ablation import problems
from ablation.data import PADDING, Array, Sequences
from ablation.spec import Problem

LENGTH = 4
KEYS = {"sequence": "id", "label": "y"}


def table() -> pd.DataFrame:
    """Sequences of 2 to 4 steps: numbers, one of them with gaps and one constant; categories."""
    rng = np.random.default_rng(5)
    sizes = rng.integers(2, LENGTH + 1, 30)
    n = sizes.sum()
    numbers = rng.normal(3, 2, (n, 2)).round(3)
    rows = {
        "id": np.repeat([f"s{i}" for i in range(30)], sizes),
        "a": numbers[:, 0],
        "b": np.where(rng.random(n) < 0.3, "", numbers[:, 1].astype(str)),
        "c": 7,
        "colour": rng.choice(["red", "green", "blue"], n),
        "word": rng.choice([f"w{i}" for i in range(9)], n),
        "y": rng.choice(["no", "yes"], n),
    }
    made = pd.DataFrame(rows)
    made.loc[n - 1, ["colour", "word"]] = "never seen"
    return made


def follow(features: list[dict[str, Any]], rows: pd.DataFrame, padding: float) -> Array:
    """x of one sequence, (LENGTH, columns), as a reader of the recipe would make it."""
    columns = {}
    for feature in features:
        cells = [str(cell) for cell in rows[feature["name"]]]
        if feature["kind"] == "is missing":
            columns[feature["column"]] = [float(cell == "") for cell in cells]
        elif feature["kind"] == "category":
            for level, column in feature["columns"].items():
                columns[column] = [float(cell == level) for cell in cells]
        elif feature["kind"] == "codes":
            codes, unknown = feature["codes"], feature["unknown"]
            columns[feature.get("column", 0)] = [codes.get(cell, unknown) for cell in cells]
        else:
            values: list[float] = []
            for cell in cells:
                gap = values[-1:] if feature.get("missing") == "forward" else []
                values.append(float(cell) if cell else (gap or [feature["mean"]])[0])
            if "deviation" in feature:
                scale = feature["deviation"]
                values = [(v - feature["mean"]) / scale if scale else 0.0 for v in values]
            columns[feature["column"]] = values
    assert sorted(columns) == list(range(len(columns)))
    x = np.full((LENGTH, len(columns)), padding)
    x[: len(rows)] = np.stack([columns[k] for k in sorted(columns)], axis=1)
    return x


def check(problem: Problem, rows: pd.DataFrame) -> Sequences:
    data = problems.load(problem, LENGTH, 10, 0).test
    recipe, ids = problems.preprocessing(problem, 0), problems.ids(problem, LENGTH, 0)
    assert recipe is not None
    assert ids is not None
    assert len(ids) == len(data)
    for x, y, name in zip(data.x, data.y, ids, strict=True):
        own = rows[rows["id"] == name]
        made = follow(recipe["features"], own, 0 if data.symbols else PADDING)
        np.testing.assert_allclose(x.reshape(made.shape), made, rtol=1e-5, atol=1e-6)
        assert [recipe["classes"][k] for k in y[: len(own)]] == own["y"].tolist()
    return data


@pytest.mark.parametrize(
    "keys",
    [
        {"missing": "mean"},
        {"missing": "forward", "symbols": ["word"]},
        {"missing": "mean", "standardize": False, "symbols": ["colour", "word"]},
        {"features": ["word"], "symbols": ["word"]},
        {"features": ["a", "c"]},
    ],
)
def test_who_follows_the_recipe_gets_the_same_inputs(tmp_path: Path, keys: dict[str, Any]) -> None:
    rows = table()
    rows["part"] = np.where(rows["id"].str.slice(1).astype(int) < 20, "train", "test")
    rows.to_csv(tmp_path / "a.csv", index=False)
    parameters = {"path": str(tmp_path / "a.csv"), "part": "part", **KEYS, **keys}
    check(Problem.model_validate({"name": "file", "test_size": 8, **parameters}), rows)


def test_symbols_of_an_npz_are_raised_where_0_is_one(tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 4, (20, LENGTH))
    np.savez(tmp_path / "a.npz", x=x, y=x % 2)
    values = {"name": "file", "path": str(tmp_path / "a.npz"), "test_size": 5, "zero": "symbol"}
    problem = Problem.model_validate(values)
    data, recipe = problems.load(problem, LENGTH, 10, 0).test, problems.preprocessing(problem, 0)
    assert recipe is not None
    assert recipe["features"] == [{"name": "x", "kind": "symbols", "added": 1}]
    for row, name in zip(data.x, problems.ids(problem, LENGTH, 0) or [], strict=True):
        np.testing.assert_array_equal(row, x[int(name)] + 1)


def test_generated_problems_have_none() -> None:
    problem = Problem.model_validate({"name": "cumsum", "test_size": 5})
    assert problems.preprocessing(problem, 0) is None
    assert problems.ids(problem, LENGTH, 0) is None
