from __future__ import annotations

import io
import re
import sys
from types import ModuleType

import pytest

from ablation.execution import Outcome, Progress
from ablation.planning import show_plan
from ablation.report import (
    Failure,
    build_report,
    show_failures,
    show_layers,
    show_predictions,
    show_report,
)
from ablation.spec import Request, Trial
from ablation.storage import CommittedTrial, Example, Store
from ablation.terminal import LONGEST, Terminal, duration, terminal
from tests.helpers import make_result, make_sweep, make_trial

FORWARD = make_trial()
BOTH = make_trial(direction="bidirectional")


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """The program's output, 80 columns wide and not a terminal."""
    text = io.StringIO()
    monkeypatch.setattr(terminal, "_file", text)
    monkeypatch.setattr(terminal, "_width", 80)
    return text


def success(trial: Trial, accuracy: float = 0.9, status: str = "done") -> Outcome:
    measured = make_result(trial, accuracy).measured
    value = CommittedTrial(status=status, measured=measured, seconds=1.25, trained=True)
    return Outcome(trial, value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (40.4, "40 s"),
        (89, "89 s"),
        (90, "2 min"),
        (720, "12 min"),
        (5399, "90 min"),
        (5400, "1.5 h"),
        (12_600, "3.5 h"),
    ],
)
def test_a_duration_has_a_readable_unit(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_progress_is_one_line_per_trial(screen: io.StringIO) -> None:
    trials = [make_trial(seed=seed) for seed in range(4)]
    names = {FORWARD.arm: "forward [x]"}
    with Progress(names, [trial.arm for trial in trials], done=1) as progress:
        progress.update(success(trials[1], accuracy=0.98765))
        progress.update(success(trials[2], status="diverged"))
        progress.update(Outcome(trials[3], kind="ValueError", message="no [b]such[/b] thing"))
    lines = screen.getvalue().splitlines()
    assert lines[0].startswith("[2/4] forward [x]  seed 1  accuracy 0.9877  1.2 s  (left ")
    assert lines[1].startswith("[3/4] forward [x]  seed 2  accuracy 0.9000  1.2 s  diverged")
    assert lines[2] == (
        "[4/4] forward [x]  seed 3  failed: ValueError: no [b]such[/b] thing  (left 0 s)"
    )
    assert len(lines) == 3


def test_progress_shows_the_chosen_metric_first(screen: io.StringIO) -> None:
    trials = [make_trial(seed=seed) for seed in range(2)]
    names, arms = {FORWARD.arm: "forward"}, [trial.arm for trial in trials]
    with Progress(names, arms, 0, "loss") as progress:
        progress.update(success(trials[0], accuracy=0.75))
    assert "seed 0  loss 0.2500  accuracy 0.7500  1.2 s" in screen.getvalue()
    terminal.print(progress)
    assert re.search(r"seeds +mean loss +± sd +mean accuracy\n", screen.getvalue())
    assert re.search(r"forward +1/2 +0.2500 +0.7500 *\n", screen.getvalue())
    # What is computed from the curve is not known to a worker.
    with Progress(names, arms, 0, "train_loss") as progress:
        progress.update(success(trials[1], accuracy=0.8))
    assert "seed 1  accuracy 0.8000  1.2 s" in screen.getvalue()


class Cell:
    """Stands in for the part of IPython that shows and updates output in a notebook's cell."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.outputs = 0

    def display(self, data: dict[str, str], raw: bool, display_id: bool) -> Cell:
        assert raw
        assert display_id
        self.outputs += 1
        self.shown.append(data["text/plain"])
        return self

    def update(self, data: dict[str, str], raw: bool) -> None:
        assert raw
        self.shown.append(data["text/plain"])


def test_a_notebook_has_one_output_that_changes(
    screen: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = Cell()
    monkeypatch.setitem(sys.modules, "IPython.display", cell)
    monkeypatch.setitem(sys.modules, "IPython", ModuleType("IPython"))
    monkeypatch.setattr(terminal, "notebook", True)
    trials = [make_trial(seed=seed) for seed in range(3)]
    with Progress({FORWARD.arm: "forward"}, [FORWARD.arm] * 3, done=0) as progress:
        for trial in trials:
            progress.update(success(trial))
    assert cell.outputs == 1
    *counts, end = cell.shown
    assert [re.findall("[0-9]/3 trials", text) for text in counts] == [
        [f"{done}/3 trials"] for done in range(4)
    ]
    assert end == ""
    assert "\x1b" not in "".join(cell.shown)
    assert not screen.getvalue()


def test_a_notebook_gets_plain_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # as Jupyter's kernel does
    Terminal(force_jupyter=True).print("[bold]name[/bold]", style="red")
    assert capsys.readouterr().out == "name\n"


def test_live_progress_shows_the_running_means(screen: io.StringIO) -> None:
    trials = [make_trial(seed=seed) for seed in range(3)] + [BOTH]
    names = {FORWARD.arm: "forward", BOTH.arm: "bidirectional concat"}
    progress = Progress(names, [trial.arm for trial in trials], done=0)
    for trial, accuracy in zip(trials[:2], (0.8, 0.9), strict=True):
        progress.update(success(trial, accuracy))
    progress.update(Outcome(trials[2], kind="killed", message=""))
    screen.truncate(0)
    screen.seek(0)
    terminal.print(progress)
    lines = screen.getvalue().splitlines()
    forward = next(line for line in lines if line.startswith("forward"))
    assert forward.split() == ["forward", "2/3", "1", "failed", "0.8500", "0.0707"]
    both = next(line for line in lines if line.startswith("bidirectional"))
    assert both.split() == ["bidirectional", "concat", "0/1"]
    assert "3/4 trials" in lines[-1]
    assert max(map(len, lines)) <= 80


def test_very_many_arms_do_not_overflow_the_screen(screen: io.StringIO) -> None:
    arms = [make_trial(units=units).arm for units in range(1, 101)]
    progress = Progress({arm: f"units={arm.units}" for arm in arms}, arms, done=0)
    terminal.print(progress)
    assert len(screen.getvalue().splitlines()) <= terminal.height
    # The arm of the latest trial is shown.
    progress.update(success(make_trial(units=100)))
    screen.truncate(0)
    screen.seek(0)
    terminal.print(progress)
    assert "units=100 " in screen.getvalue()


def test_a_report_fits_80_columns(
    store: Store, request_as_composed: Request, screen: io.StringIO
) -> None:
    plan = make_sweep(store, request_as_composed, FORWARD, BOTH, seeds=4)
    for trial in plan.trials[:-1]:
        store.commit(make_result(trial, accuracy=0.95 + trial.seed / 1000))
    store.fail(plan.trials[-1], "MemoryError", "out of memory " + "trying " * 20, "")
    folder = store.root / plan.name
    report = build_report(folder)
    show_report(report, folder)
    lines = screen.getvalue().splitlines()
    # A path must not be broken, as people copy it, so it may be longer.
    paths = [f"  {store.log(plan.trials[-1].id)}", f"Report: {folder / 'report.html'}"]
    assert [line for line in lines if len(line) > 80] == [p for p in paths if len(p) > 80]
    header = lines[0].split()
    assert (header[0], header[-1]) == ("arm", "seconds")
    both = next(line for line in lines if line.startswith("bidirectional concat"))
    assert both.split()[2:4] == ["3", "0.9510"]
    text = "".join("".join(lines).split())  # without spaces, as long lines are wrapped
    for sentence in (report.state, *report.answer):
        assert "".join(sentence.split()) in text
    assert text.count("trying") == 20
    assert lines[-1] == paths[-1]
    assert paths[0] in lines
    assert "…" not in text  # nothing is cut off


def test_an_error_of_many_trials_is_shown_once(screen: io.StringIO) -> None:
    why = "OSError: no [b]such[/b]\nfile \x1b[2J" + "x " * 999
    failures = [
        Failure(arm="forward", seed=seed, why=why, log=f"attempts/{seed}/output.log")
        for seed in (3, 4)
    ]
    show_failures([*failures, failures[0].model_copy(update={"why": "killed: by\x07whom"})])
    text = screen.getvalue()
    assert text.startswith(
        "Failed: forward seed 3 and 1 other: OSError: no [b]such[/b]; file \\x1b[2J"
    )
    assert "Failed: forward seed 3: killed: by\\x07whom\n  attempts/3/output.log\n" in text
    assert text.count("output.log") == 2
    assert len(text) < 2 * LONGEST


def test_a_plan_shows_its_arms_and_the_work_left(
    store: Store, request_as_composed: Request, screen: io.StringIO
) -> None:
    plan = make_sweep(store, request_as_composed, FORWARD, FORWARD, BOTH)
    done = {plan.entries[0].id}
    show_plan(plan, done, expected=100, workers=2, sizes={})
    lines = screen.getvalue().splitlines()
    assert lines[0].startswith("Note: 2 combinations are one arm, forward")
    rows = [line.split() for line in lines]
    assert ["forward", "2", "1", "64", "4"] in rows
    assert ["bidirectional", "concat", "2", "0", "127", "4"] in rows
    assert lines[-1] == (
        "study: 2 arms, 4 trials (6 asked for), 1 done, 3 to train, about 2 min on 2 workers."
    )


def test_a_finished_plan_has_nothing_to_train(
    store: Store, request_as_composed: Request, screen: io.StringIO
) -> None:
    plan = make_sweep(store, request_as_composed, FORWARD)
    done = {entry.id for entry in plan.entries}
    show_plan(plan, done, expected=0, workers=2, sizes=None)
    assert screen.getvalue().endswith("2 done, nothing to train.\n")


def test_a_model_is_shown_as_in_the_lesson(screen: io.StringIO) -> None:
    show_layers(make_result(FORWARD, accuracy=0.875))
    show_predictions(make_result(FORWARD, accuracy=0.875))
    lines = screen.getvalue().splitlines()
    assert lines[0] == 'Model: "ablation"'
    assert "Seed 0: loss 0.125000, accuracy 87.5000 %" in lines
    assert "y=[0 0 1 1], yhat=[0 1 1 1], correct=False" in lines


def test_an_example_is_a_line_whatever_its_shape(screen: io.StringIO) -> None:
    number = [[step / 3] for step in range(40)]  # one number a step
    labels = [[step % 2, 1] for step in range(40)]  # two labels a step
    examples = [Example(y=number, yhat=number), Example(y=labels, yhat=labels)]
    show_predictions(make_result(FORWARD).model_copy(update={"examples": examples}))
    lines = [line for line in screen.getvalue().splitlines() if line.startswith("y=")]
    assert [line.count("yhat") for line in lines] == [1, 1]
    assert lines[0].startswith("y=[0. 0.333 0.667 1. ")
    assert lines[1].startswith("y=[[0 1] [1 1] [0 1]")
