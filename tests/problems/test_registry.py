"""Properties that hold for every problem of the suite."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml

from ablation.problems import PROBLEMS, class_names, sample
from ablation.problems.ceilings import views
from ablation.spec import DIRECTIONS, Problem

MODULES = [import_module(path) for name, path in PROBLEMS.items() if name != "file"]
# Those that make a label a step and know how well it can be told: digits and stress do not.
SUITE = [module for module in MODULES if hasattr(module, "ceilings")]
CONF = Path(__file__).parents[2] / "conf" / "problem"


def name_of(problem: ModuleType) -> str:
    return problem.__name__.split(".")[-1]


NUMBERS = [module for module in SUITE if name_of(module) == "tracking"]
LABELS = [module for module in SUITE if module not in NUMBERS]
suite = pytest.mark.parametrize("problem", SUITE, ids=name_of)
labels = pytest.mark.parametrize("problem", LABELS, ids=name_of)
numbers = pytest.mark.parametrize("problem", NUMBERS, ids=name_of)


def test_the_suite_is_found_by_its_files() -> None:
    assert {name_of(problem) for problem in SUITE} >= {"balance", "brackets", "hidden_markov"}
    assert {name_of(problem) for problem in MODULES} - {*map(name_of, SUITE)} == {
        "digits",
        "stress",
    }


@pytest.mark.parametrize("name", PROBLEMS)
def test_each_class_has_a_name_of_its_own_or_none_has(name: str, tmp_path: Path) -> None:
    values: dict[str, Any] = {"name": name, "test_size": 10}
    if name == "file":
        np.savez(tmp_path / "a.npz", x=np.ones((8, 5)), y=np.array(["rain", "fog"] * 4))
        values["path"] = str(tmp_path / "a.npz")
    problem = Problem.model_validate(values)
    names = class_names(problem)
    assert len({*names}) in (0, sample(problem, 5).classes)
    expected = {"file": ["fog", "rain"], "stress": 3, "cumsum": 0}.get(name, names)
    assert expected in (names, len(names))


@suite
@pytest.mark.parametrize("length", [5, 10])
def test_shapes_and_types(problem: ModuleType, length: int) -> None:
    data = problem.generate(np.random.default_rng(3), 17, length)
    assert data.x.shape == (17, length, 1)
    assert data.x.dtype == np.float32
    assert data.weights.shape == (17, length)
    assert data.weights.sum() > 0
    assert data.task == ("numbers" if problem in NUMBERS else "classes")
    if problem in NUMBERS:
        assert data.y.shape == (17, length, 1)
        assert data.y.dtype == np.float32
    else:
        assert data.y.shape == (17, length)
        assert data.y.dtype == np.int32
        assert set(np.unique(data.y)) <= {0, 1}
        assert data.classes == 2


@suite
def test_the_same_generator_gives_the_same_data(problem: ModuleType) -> None:
    first, again, other = (problem.generate(np.random.default_rng(s), 50, 10) for s in (5, 5, 6))
    np.testing.assert_array_equal(first.x, again.x)
    np.testing.assert_array_equal(first.y, again.y)
    assert (first.x != other.x).any()


@labels
@pytest.mark.parametrize("length", [5, 10, 13])
def test_a_view_that_sees_more_has_a_higher_ceiling(problem: ModuleType, length: int) -> None:
    ceilings = problem.ceilings(length)
    noise = 4 * max(ceiling.error for ceiling in ceilings.values())
    scored = problem.generate(np.random.default_rng(0), 1, length).weights[0] == 1
    assert set(DIRECTIONS) <= ceilings.keys()  # or a direction would be shown without its ceiling
    for view in DIRECTIONS.keys() - {"bidirectional"}:
        low, middle, high = (ceilings[v] for v in ("majority", view, "bidirectional"))
        for better, worse in ((middle, low), (high, middle)):
            gain = (better.accuracy - worse.accuracy)[scored]
            assert (gain > -max(4 * noise, 1e-12)).all()
            assert gain.mean() > -max(noise, 1e-12)
            assert np.nanmean(worse.loss - better.loss) > -1e-3
    for ceiling in ceilings.values():
        assert ceiling.accuracy.shape == ceiling.loss.shape == (length,)
        assert np.isnan(ceiling.accuracy[~scored]).all()
        assert (ceiling.accuracy[scored] <= 1 + 1e-9).all()
        assert (ceiling.loss[scored] >= 0).all()
        assert (ceiling.accuracy[scored] >= 0.5).all()


@numbers
@pytest.mark.parametrize("length", [5, 10, 13])
def test_a_view_that_sees_more_has_a_lower_floor(problem: ModuleType, length: int) -> None:
    ceilings = problem.ceilings(length)
    assert ceilings.keys() == {"constant", *DIRECTIONS}
    floors = {view: ceiling.mse for view, ceiling in ceilings.items()}
    for view in DIRECTIONS:
        assert floors[view].shape == (length,)
        assert (floors["bidirectional"] <= floors[view] + 1e-12).all()
        assert (floors[view] <= floors["constant"] + 1e-12).all()
    assert (floors["bidirectional"] >= 0).all()


@numbers
def test_the_constant_floor_is_the_variance_at_each_step(problem: ModuleType) -> None:
    data = problem.generate(np.random.default_rng(8), 40_000, 11)
    variance = data.y[..., 0].var(axis=0, dtype=np.float64)
    np.testing.assert_allclose(problem.ceilings(11)["constant"].mse, variance, rtol=0.04)


@labels
def test_the_majority_ceiling_is_the_most_frequent_label_at_each_step(problem: ModuleType) -> None:
    data = problem.generate(np.random.default_rng(8), 40_000, 11)
    share = data.y.mean(axis=0)
    accuracy = np.where(data.weights[0] == 1, np.maximum(share, 1 - share), np.nan)
    np.testing.assert_allclose(problem.ceilings(11)["majority"].accuracy, accuracy, atol=0.011)


def defaults(function: Any) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


@suite
def test_yaml_states_the_defaults(problem: ModuleType) -> None:
    name = name_of(problem)
    content = yaml.safe_load((CONF / f"{name}.yaml").read_text())
    assert content.pop("name") == name
    assert content.pop("test_size") == 10_000
    assert content == defaults(problem.generate)
    assert {"lookahead": 0, **content} == defaults(problem.ceilings)


def test_views_of_three_steps() -> None:
    visible = {view: rows.astype(int).tolist() for view, rows in views.visible_steps(3).items()}
    assert visible.keys() == {"majority", *DIRECTIONS}
    for view, rows in {
        "majority": [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
        "forward": [[1, 0, 0], [1, 1, 0], [1, 1, 1]],
        "go_backwards": [[1, 1, 1], [0, 1, 1], [0, 0, 1]],
        "go_backwards_raw": [[0, 0, 1], [0, 1, 1], [1, 1, 1]],
        "bidirectional": [[1, 1, 1], [1, 1, 1], [1, 1, 1]],
        "bidirectional_raw": [[1, 0, 1], [1, 1, 1], [1, 1, 1]],
    }.items():
        assert visible[view] == rows
    ahead = views.visible_steps(3, lookahead=1)["forward"].astype(int).tolist()
    assert ahead == [[1, 1, 0], [1, 1, 1], [1, 1, 1]]
