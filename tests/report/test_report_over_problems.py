"""A report over several problems: classes and numbers on one scale, and what holds in general."""

from __future__ import annotations

import pytest

from ablation import problems
from ablation.analysis import Study
from ablation.report import build_report
from ablation.report.figures.catalogue import Gallery
from ablation.report.sentences import answer
from ablation.report.tables import across_table, variants_table
from ablation.spec import Arm, ReportSettings, Request, Trial
from ablation.storage import Metrics, Store, TrialResult
from tests.helpers import make_result, make_sweep, make_trial

CLASSES = ("cumsum", "balance", "relative_cumsum")
CONSTANT = 2.0


def trial_of(problem: str, direction: str) -> Trial:
    merge = "concat" if direction == "bidirectional" else None
    values = make_trial(direction=direction, merge_mode=merge).model_dump()
    return Trial.model_validate(values | {"problem": {"name": problem, "test_size": 60}})


def best_of(arm: Arm, metric: str) -> float:
    """What an arm that sees everything can reach."""
    steps = getattr(problems.ceilings_of(arm.problem, arm.length)["bidirectional"], metric)
    return float(steps.mean())


def result_of(trial: Trial, share: float) -> TrialResult:
    """A result that lies so far between a guess and the best possible."""
    share -= 0.001 * trial.seed
    if trial.arm.problem.name != "tracking":
        best = best_of(trial.arm, "accuracy")
        guess = float(problems.bounds(trial.arm)["majority"].accuracy.mean())
        return make_result(trial, accuracy=guess + share * (best - guess))
    guess = float(problems.bounds(trial.arm)["constant"].mse.mean())
    mse = guess + share * (best_of(trial.arm, "mse") - guess)
    scores = {"mse": mse, "mse_error": 0.01, "mae": mse, "r2": 0.5, "loss": mse}
    steps = [mse] * trial.arm.length
    metrics = Metrics.model_validate({"mse_by_position": steps, **scores})
    return make_result(trial, task="numbers", metrics=metrics, constant=guess)


@pytest.fixture
def study(store: Store, request_as_composed: Request) -> Study:
    """Both directions are better on each of four problems, of classes and of numbers."""
    trials = [
        trial_of(name, direction)
        for name in (*CLASSES, "tracking")
        for direction in ("forward", "bidirectional")
    ]
    settings = ReportSettings(metric="normalized")
    plan = make_sweep(store, request_as_composed, *trials, seeds=3, report=settings)
    for trial in plan.trials:
        share = 0.9 if trial.arm.direction == "bidirectional" else 0.6
        store.commit(result_of(trial, share))
    return Study(store.root / plan.name)


def test_scores_of_classes_and_numbers_are_on_one_scale(study: Study) -> None:
    means = study.normalized
    assert list(means.columns) == [*CLASSES, "tracking"]
    assert list(means.index) == ["bidirectional concat", "forward"]
    assert means.loc["bidirectional concat"].to_numpy(float) == pytest.approx([0.899] * 4)
    assert means.loc["forward"].to_numpy(float) == pytest.approx([0.599] * 4)


def test_the_answer_begins_with_what_holds_over_all_problems(study: Study) -> None:
    sentences = answer(study)
    first = "Over 4 problems: best mean normalized score bidirectional concat, 0.899"
    assert sentences[0].startswith(first)
    assert sentences[1] == "Undecided in general: forward (-0.300)."
    assert sentences[2].endswith("with fewer than 6 problems.")
    assert "is the best of these 2 with a probability of 0.90" in sentences[3]
    table, pairs = across_table(study), variants_table(study)
    assert table is not None
    assert pairs is not None
    assert len(pairs.rows) == 1
    folder = study.store.root / study.plan.name
    build_report(folder)
    page = (folder / "report.md").read_text(encoding="utf-8")
    assert "## Over all problems" in page
    assert (folder / "figures" / "across.png").exists()
    axes = Gallery(study).across()
    assert [label.get_text() for label in axes.get_xticklabels()] == [*CLASSES, "tracking"]


def test_lengths_of_one_problem_say_nothing_in_general(
    store: Store, request_as_composed: Request
) -> None:
    trials = [
        make_trial(length=length, direction=direction)
        for length in (4, 5, 6)
        for direction in ("forward", "bidirectional")
    ]
    plan = make_sweep(store, request_as_composed, *trials, seeds=2)
    for trial in plan.trials:
        store.commit(make_result(trial))
    study = Study(store.root / plan.name)
    assert study.across.empty
    assert study.across_contrasts().empty
    assert "Over" not in answer(study)[0]
