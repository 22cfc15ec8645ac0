"""What a plan says of the metric and the positive class, before anything is trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ablation.errors import RequestError
from ablation.planning import make_plan
from ablation.spec import ReportSettings, Request
from tests.helpers import make_request, make_trial

WEATHER = ["fog", "rain", "sun"]
TAGS = ["O", "B-x", "I-x"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files whose classes are weather, tags, and yes or no."""
    for name, classes in (("weather", WEATHER), ("tags", TAGS), ("two", ["no", "yes"])):
        y = np.resize(classes, (8, 3))
        np.savez(tmp_path / f"{name}.npz", x=np.ones((8, 3, 2)) * 0.5, y=y)
    return tmp_path


def settled(base: Request, path: Path | None, **report: object) -> ReportSettings:
    """The settings of a plan for a file, or for the lesson's problem."""
    trial = make_trial()
    if path:
        problem = {"name": "file", "path": str(path), "test_size": 60}
        arm = trial.arm.model_dump() | {"problem": problem, "length": 3}
        trial = trial.model_validate(arm | {"seed": 0})
    request = make_request(base, trial, report=ReportSettings.model_validate(report))
    return make_plan([request], "python -m ablation", None, (None, None)).report


@pytest.mark.parametrize(
    ("name", "report"),
    [
        ("two", {"metric": "f1"}),
        ("two", {"metric": "f1", "positive": "no"}),
        ("weather", {"metric": "f1", "positive": "rain"}),
        ("tags", {"metric": "segment_f1"}),
        ("weather", {"metric": "auc"}),
        ("weather", {"positive": "sun"}),
    ],
)
def test_what_the_classes_have_is_planned(
    name: str, report: dict[str, str], folder: Path, request_as_composed: Request
) -> None:
    found = settled(request_as_composed, folder / f"{name}.npz", **report)
    assert found.metric == report.get("metric", "accuracy")
    assert found.positive == report.get("positive")


@pytest.mark.parametrize(
    ("name", "report", "message"),
    [
        ("weather", {"metric": "f1"}, "report.metric=f1: report.positive says of what; choose one"),
        (
            "two",
            {"positive": "yess"},
            "report.positive=yess: choose one of no, yes; did you mean yes",
        ),
        ("two", {"metric": "segment_f1"}, "report.metric=segment_f1: the classes of file are no"),
        ("", {"positive": 2}, "report.positive=2: choose one of 0, 1"),
        ("", {"metric": "r2"}, "report.metric=r2: cumsum predicts classes; choose one of"),
    ],
)
def test_what_they_have_not_is_an_error_in_one_line(
    name: str,
    report: dict[str, object],
    message: str,
    folder: Path,
    request_as_composed: Request,
) -> None:
    with pytest.raises(RequestError) as caught:
        settled(request_as_composed, folder / f"{name}.npz" if name else None, **report)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("given", "name"), [(1, "1"), (True, "yes"), (False, "no"), ("x", "x")])
def test_a_class_is_named_as_yaml_reads_it(given: object, name: str) -> None:
    assert ReportSettings.model_validate({"positive": given}).positive == name
