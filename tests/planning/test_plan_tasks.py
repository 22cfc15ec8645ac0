"""Which options and metrics suit what is predicted: the others are one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ablation.errors import RequestError
from ablation.planning import make_plan
from ablation.spec import Request
from tests.helpers import compose, make_request, parse_all

COMMAND = ("a command", None, ("c0ffee", False))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Archives of classes, labels and numbers, and a module with a score."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 5, 1))
    np.savez(tmp_path / "classes.npz", x=x, y=(x[..., 0] > 0).astype(int))
    np.savez(tmp_path / "labels.npz", x=x, y=rng.integers(0, 2, (40, 5, 3)))
    np.savez(tmp_path / "numbers.npz", x=x, y=np.cumsum(x, axis=1))
    (tmp_path / "own_scores.py").write_text(
        "def score(labels, predictions, weights):\n    return 1\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def request(task: str, *keys: str) -> Request:
    base = ["problem=file", f"problem.path={task}.npz", "direction=forward", "training=smoke"]
    sizes = ["training.sequences=20", "problem.test_size=8", "units=3", "seeds=1"]
    return parse_all(compose(*base, *sizes, *keys))


@pytest.mark.parametrize(
    ("task", "metric"), [("classes", "accuracy"), ("labels", "accuracy"), ("numbers", "mse")]
)
@pytest.mark.usefixtures("files")
def test_a_plan_says_by_what_arms_are_compared(task: str, metric: str) -> None:
    plan = make_plan([request(task)], *COMMAND)
    assert plan.metric == plan.report.metric == metric


@pytest.mark.usefixtures("files")
def test_a_loss_that_is_the_tasks_own_is_left_out_of_the_id() -> None:
    plain = request("numbers").arm
    assert request("numbers", "training.loss=mse").arm == plain
    assert request("numbers", "training.loss=mae").arm != plain
    assert request("numbers", "training.metrics=[]").arm == plain
    scored = request("numbers", "training.metrics=own_scores.score").arm
    assert scored.training.metrics == ("own_scores.score",)
    assert scored.digest != plain.digest


@pytest.mark.usefixtures("files")
def test_the_target_of_an_archive_is_said_in_the_trial() -> None:
    found, said = request("numbers").arm, request("numbers", "problem.target=y").arm
    assert found == said
    assert found.problem.parameters["target"] == ["y"]
    whole = request("classes", "problem.target=[y]").arm
    assert whole != request("classes").arm


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    ("task", "keys", "said"),
    [
        (
            "numbers",
            ["report.metric=accuracy"],
            r"^report\.metric=accuracy: file predicts numbers; ",
        ),
        ("classes", ["report.metric=r2"], r"^report\.metric=r2: file predicts classes; ch"),
        ("labels", ["report.metric=brier"], r"^report\.metric=brier: file predicts several labels"),
        (
            "numbers",
            ["report.metric=own_scores.score", "report.margin=0.1"],
            r"^report\.metric=own_scores\.score: training\.metrics=\[own_scores\.score\] has to",
        ),
        (
            "numbers",
            ["report.metric=own_scores.score", "training.metrics=[own_scores.score]"],
            r"^report\.margin=null: own_scores\.score has no margin of its own; say how large",
        ),
        (
            "numbers",
            ["training.loss=crossentropy"],
            r"^training\.loss=crossentropy: file pred",
        ),
        (
            "classes",
            ["training.loss=mse"],
            r"^training\.loss=mse: file predicts class",
        ),
        ("classes", ["training.loss=mea"], r"^training\.loss=mea: choose one of .*mean mse\?"),
        (
            "numbers",
            ["training.loss=own_scores.scor"],
            r"training\.loss=own_scores\.scor: own_",
        ),
        (
            "numbers",
            ["training.metrics=[own_scores.x]"],
            r"^training\.metrics=own_scores\.x: own",
        ),
        (
            "numbers",
            ["training.metrics=3"],
            r"^training\.metrics=3: names of functions of yo",
        ),
        ("numbers", ["training.metrics=[score]"], r"names of functions of your own are needed"),
        (
            "numbers",
            ["training.stop_at=0.9"],
            r"^training\.stop_at=0\.9: it is an accuracy, an",
        ),
        (
            "labels",
            ["training.class_weights=balanced"],
            r"^training\.class_weights=balanced: file predicts several labels at once$",
        ),
        ("numbers", ["problem.target=[a]"], r"^problem\.target=a: the numbers of an \.npz"),
        (
            "numbers",
            ["problem.label=y"],
            r"^problem\.label=y: it is for tables; an \.npz",
        ),
    ],
)
def test_what_does_not_suit_the_task_is_one_line(task: str, keys: list[str], said: str) -> None:
    with pytest.raises(RequestError, match=said) as caught:
        make_plan([request(task, *keys)], *COMMAND)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.usefixtures("files")
def test_problems_without_a_common_first_metric_need_one_that_both_have() -> None:
    both = [request("numbers"), parse_all(compose("direction=forward", "seeds=1"))]
    settings: Any = both[0].settings
    requests = [Request(arm=r.arm, settings=settings) for r in both]
    said = r"^report\.metric=null: file predicts numbers and cumsum predicts classes; choose one"
    with pytest.raises(RequestError, match=said):
        make_plan(requests, *COMMAND)
    by_loss = settings.model_copy(
        update={"report": settings.report.model_copy(update={"metric": "loss"})}
    )
    requests = [Request(arm=r.arm, settings=by_loss) for r in both]
    assert make_plan(requests, *COMMAND).metric == "loss"


def test_a_request_of_the_old_kind_is_planned_as_before(request_as_composed: Request) -> None:
    plan = make_plan([make_request(request_as_composed)], *COMMAND)
    assert plan.metric == "accuracy"
