from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from ablation.analysis import Study
from ablation.errors import RequestError
from ablation.planning import Plan
from ablation.report.build import build_report
from ablation.report.figures.catalogue import Gallery
from ablation.report.record import Report, current_report
from ablation.spec import ReportSettings, Request, Trial
from ablation.storage import Store
from tests.helpers import make_result, make_sweep, make_trial

FORWARD = make_trial()
BOTH = make_trial(direction="bidirectional")
TABLES = ("report.md", "trials.csv", "summary.csv")


def train(store: Store, trials: Sequence[Trial]) -> None:
    """Commit results a little apart for each trial."""
    for trial in trials:
        better = 0.02 if trial.arm.direction == "bidirectional" else 0
        accuracy = 0.8 + better + trial.seed / 100 + trial.arm.units / 1000
        store.commit(make_result(trial, accuracy=accuracy))


def folder_of(store: Store, plan: Plan) -> Path:
    return store.root / plan.name


def table_of(page: str) -> list[list[str]]:
    """The cells of the first table of a page, without its rule."""
    lines = page.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    return [rows[0], *rows[2:]]


def figures(folder: Path) -> set[str]:
    return {path.name for path in (folder / "figures").glob("*")}


def test_a_complete_sweep(store: Store, request_as_composed: Request) -> None:
    plan = make_sweep(store, request_as_composed, FORWARD, BOTH, seeds=3)
    train(store, plan.trials)
    folder = folder_of(store, plan)
    made = build_report(folder)
    assert "6 trials asked for, 6 unique, 6 done" in made.state
    assert not made.failures
    names = {path.name for path in folder.iterdir()}
    assert {*TABLES, "summary.tex", "contrasts.csv", "figures", "plan.json"} <= names
    drawn = figures(folder)
    assert {"accuracy.png", "accuracy.svg", "learning.png", "steps.png"} <= drawn
    assert {Path(name).stem for name in drawn if name.endswith(".png")} == {
        Path(name).stem for name in drawn if name.endswith(".svg")
    }
    page = (folder / "report.md").read_text(encoding="utf-8")
    assert made.state in page
    assert "python -m ablation -m some=thing" in page
    assert "c0ffee" in page
    linked = {line.split("(")[-1].rstrip(")") for line in page.splitlines() if line[:2] == "!["}
    assert linked == {f"figures/{name}" for name in drawn if name.endswith(".png")}
    header, *rows = table_of(page)
    assert [row[0] for row in rows] == ["forward", "bidirectional concat"]
    # What is the same in every arm is said once, and is no column.
    assert header[0] == "arm"
    assert not {"units", "length", "cell", "engine", "optimizer", "problem"} & {*header}
    same = next(line for line in page.splitlines() if line.startswith("- the same in every arm"))
    for part in ("units=3", "length=4", "cell=lstm", "problem=cumsum", "learning_rate=0.001"):
        assert part in same
    assert "direction=" not in same
    assert "seed=" not in same
    trials = pd.read_csv(folder / "trials.csv")
    assert trials["status"].tolist() == ["done"] * 6
    summary = pd.read_csv(folder / "summary.csv").set_index("arm")
    assert summary.loc["forward", "mean"] == pytest.approx(0.813)
    assert summary.loc["bidirectional concat", "n"] == 3
    assert r"\begin{tabular}" in (folder / "summary.tex").read_text()


@pytest.fixture(scope="module")
def partial(
    tmp_path_factory: pytest.TempPathFactory, request_as_composed: Request
) -> tuple[Path, Report]:
    """The report of a sweep of two arms: three trials done, one failed, two not trained."""
    store = Store(tmp_path_factory.mktemp("partial"))
    store.prepare()
    plan = make_sweep(store, request_as_composed, FORWARD, BOTH, seeds=3)
    train(store, plan.trials[:3])
    store.fail(plan.trials[3], "=HYPERLINK(1)", "a | b\nand more", "Traceback ...")
    return folder_of(store, plan), build_report(folder_of(store, plan))


def test_a_partial_sweep(partial: tuple[Path, Report]) -> None:
    folder, made = partial
    for part in ("6 unique", "3 done", "1 failed", "2 not trained"):
        assert part in made.state
    assert len(made.failures) == 1
    trials = pd.read_csv(folder / "trials.csv")
    assert trials["status"].value_counts().to_dict() == {"done": 3, "pending": 2, "failed": 1}


def test_what_a_trial_says_does_not_break_the_page(partial: tuple[Path, Report]) -> None:
    page = (partial[0] / "report.md").read_text(encoding="utf-8")
    assert "## Failures" in page
    assert r"| =HYPERLINK(1): a \| b and more |" in page


def test_what_a_spreadsheet_would_run_is_text(partial: tuple[Path, Report]) -> None:
    text = (partial[0] / "trials.csv").read_text(encoding="utf-8")
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert "'=HYPERLINK(1): a | b\nand more" in cells
    assert not any(cell.startswith(("=", "+", "@")) for cell in cells)


def test_made_again_it_is_the_same_to_the_byte(partial: tuple[Path, Report]) -> None:
    folder, _ = partial
    names = [path.name for path in folder.iterdir() if path.is_file()]
    assert {*TABLES} <= {*names}
    first = {name: (folder / name).read_bytes() for name in names}
    results = ["--results", str(folder.parent)]
    command = [sys.executable, "-m", "ablation", "report", folder.name, *results]
    subprocess.run(command, check=True, capture_output=True)
    assert {name: (folder / name).read_bytes() for name in names} == first


@pytest.mark.parametrize("failed", [False, True])
def test_a_sweep_without_any_result(
    failed: bool, store: Store, request_as_composed: Request
) -> None:
    plan = make_sweep(store, request_as_composed, FORWARD, BOTH)
    for trial in plan.trials if failed else ():
        store.fail(trial, "MemoryError", "", "")
    folder = folder_of(store, plan)
    made = build_report(folder)
    assert "0 done" in made.state
    assert ("4 failed" if failed else "4 not trained") in made.state
    assert len(made.failures) == (4 if failed else 0)
    assert made.state in (folder / "report.md").read_text(encoding="utf-8")
    assert len(pd.read_csv(folder / "trials.csv")) == 4


def test_one_arm_and_one_seed_will_do(store: Store, request_as_composed: Request) -> None:
    plan = make_sweep(store, request_as_composed, FORWARD, seeds=1)
    train(store, plan.trials)
    assert "1 done" in build_report(folder_of(store, plan)).state


def test_figures_of_an_older_plan_do_not_stay(store: Store, request_as_composed: Request) -> None:
    plan = make_sweep(store, request_as_composed, FORWARD, seeds=1)
    train(store, plan.trials)
    folder = folder_of(store, plan)
    (folder / "figures").mkdir()
    (folder / "figures" / "grid.png").touch()
    build_report(folder)
    assert "grid.png" not in figures(folder)


def test_all_diverged_trials_are_told(store: Store, request_as_composed: Request) -> None:
    plan = make_sweep(store, request_as_composed, FORWARD)
    for trial in plan.trials:
        whole = make_result(trial, accuracy=0.5)
        metrics = whole.metrics.model_copy(update={"loss": None})
        curve = whole.curve.model_copy(update={"loss": [None, None]})
        store.commit(make_result(trial, status="diverged", metrics=metrics, curve=curve))
    assert "2 diverged" in build_report(folder_of(store, plan)).state


GRID: dict[str, tuple[list[dict[str, Any]], bool]] = {
    "one numeric factor": ([{"units": 3}, {"units": 5}], False),
    "two numeric factors": ([{"units": u, "layers": n} for u in (3, 5) for n in (1, 2)], True),
    "a numeric factor and another": (
        [{"units": u, "cell": c} for u in (3, 5) for c in ("gru", "lstm")],
        False,
    ),
    "three numeric factors": (
        [
            {"units": u, "layers": n, "training": {"epochs": e}}
            for u, n, e in ((3, 1, 1), (5, 1, 1), (3, 2, 1), (3, 1, 2))
        ],
        False,
    ),
}


@pytest.mark.parametrize("case", GRID)
def test_a_heat_map_is_for_two_numeric_factors(
    case: str, store: Store, request_as_composed: Request
) -> None:
    changes, expected = GRID[case]
    trials = [make_trial(**change) for change in changes]
    plan = make_sweep(store, request_as_composed, *trials, seeds=2)
    train(store, plan.trials)
    drawn = {picture.name for picture in Gallery(Study(folder_of(store, plan))).pictures()}
    assert ("grid" in drawn) is expected
    assert {"accuracy", "learning"} <= drawn


def test_an_unknown_sweep_is_one_line(store: Store) -> None:
    with pytest.raises(RequestError, match="no sweep nothing"):
        build_report(store.root / "nothing")


def test_the_verdicts_are_those_of_scipy_and_statsmodels(
    store: Store, request_as_composed: Request
) -> None:
    test = {"test_size": 10_000}  # one label is less than the margin
    directions = ("forward", "go_backwards", "bidirectional")
    trials = [make_trial(direction=direction, problem=test) for direction in directions]
    settings = ReportSettings(margin=0.002)
    plan = make_sweep(store, request_as_composed, *trials, seeds=9, report=settings)
    rng = np.random.default_rng(3)
    means = {"forward": 0.97, "go_backwards": 0.85, "bidirectional": 0.9705}
    for trial in plan.trials:
        store.commit(make_result(trial, means[trial.arm.direction] + float(rng.normal(0, 0.001))))
    folder = folder_of(store, plan)
    build_report(folder)
    found = pd.read_csv(folder / "contrasts.csv")
    accuracy = pd.read_csv(folder / "trials.csv").pivot(
        index="seed", columns="arm", values="accuracy"
    )
    p, p_equivalence = [], []
    for arm, other in zip(found["arm"], found["other"], strict=True):
        difference = (accuracy[arm] - accuracy[other]).to_numpy()
        p.append(ttest_1samp(difference, 0).pvalue)
        p_equivalence.append(ttost_paired(accuracy[arm], accuracy[other], -0.002, 0.002)[0])
    np.testing.assert_allclose(found["p"], p)
    np.testing.assert_allclose(found["p_holm"], multipletests(p, method="holm")[1])
    np.testing.assert_allclose(found["p_equivalence"], p_equivalence, rtol=1e-6)
    holm = multipletests(p_equivalence, method="holm")[1]
    np.testing.assert_allclose(found["p_equivalence_holm"], holm, rtol=1e-6)
    assert list(found["verdict"]) == ["better", "equivalent", "worse"]


def test_claims_and_target_come_first_and_fronts_with_the_costs(
    store: Store, request_as_composed: Request
) -> None:
    claim = {"says": "a | b", "arm": "units=5", "other": "units=3", "verdict": "better"}
    settings = ReportSettings.model_validate({"claims": [claim], "target": 0.81})
    trials = [make_trial(units=units) for units in (3, 5)]
    plan = make_sweep(store, request_as_composed, *trials, seeds=4, report=settings)
    train(store, plan.trials)
    folder = folder_of(store, plan)
    made = build_report(folder)
    page = (folder / "report.md").read_text(encoding="utf-8")
    headings = [line for line in page.splitlines() if line.startswith("## ")]
    assert headings == [
        "## Claims",
        "## Which arms reach 0.81",
        "## Summary",
        "## Differences between arms",
        "## Accuracy",
        "## Learning",
        "## Accuracy by position",
        "## What accuracy costs",
        "## How to reproduce",
    ]
    assert "| a \\| b | undecided | units=5 | units=3 |" in page
    assert "Arms that reach it in no seed: 0." in page
    claims, target, fronts = (
        pd.read_csv(folder / f"{name}.csv") for name in ("claims", "target", "pareto")
    )
    assert claims["holds"].tolist() == ["undecided"]
    assert target["reached"].tolist() == [3, 3]
    assert fronts[["by", "arm", "cost"]].to_numpy().tolist() == [
        ["parameters", "units=3", 67],
        ["parameters", "units=5", 69],
    ]
    assert current_report(folder) == made
    # A plan that claims nothing leaves no table of the one before.
    make_sweep(store, request_as_composed, FORWARD, seeds=2)
    build_report(folder)
    assert not {"claims.csv", "target.csv", "pareto.csv"} & {p.name for p in folder.iterdir()}


@pytest.mark.parametrize("metric", ["train_loss", "loss", "train_loss_mean"])
def test_who_asks_for_a_loss_sees_it(
    metric: str, store: Store, request_as_composed: Request
) -> None:
    settings = ReportSettings.model_validate({"metric": metric})
    plan = make_sweep(store, request_as_composed, FORWARD, BOTH, seeds=2, report=settings)
    train(store, plan.trials)
    names = [picture.name for picture in Gallery(Study(folder_of(store, plan))).pictures()]
    assert names[:5] == ["contrasts", "compared", "accuracy", "learning", "loss"]
    plain = make_sweep(store, request_as_composed, FORWARD, BOTH, seeds=2)
    names = [picture.name for picture in Gallery(Study(folder_of(store, plain))).pictures()]
    assert not {"compared", "loss", "updates"} & set(names)


def test_the_caption_says_what_was_watched_and_which_weights_were_kept(
    store: Store, request_as_composed: Request
) -> None:
    patient = make_trial(training={"validation": 0.25, "patience": 2})

    def caption(name: str, *arms: Trial) -> str:
        plan = make_sweep(store, request_as_composed, *arms, seeds=3, name=name)
        for trial in plan.trials:
            kept = 2 + trial.seed if trial.arm.training.patience else None
            store.commit(make_result(trial, updates=9, kept=kept))
        pictures = Gallery(Study(folder_of(store, plan))).pictures()
        return next(picture.caption for picture in pictures if picture.name == "learning")

    assert "Accuracy on the first part of the test set while" in caption("plain", FORWARD)
    said = caption("patient", patient)
    assert "Accuracy on the validation set while" in said
    assert "those after 3 updates, of 9 that were run" in said
    mixed = caption("mixed", FORWARD, patient)
    assert "the validation set, or the first part of the test set in arms without one" in mixed
