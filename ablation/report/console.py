"""A report in the terminal."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ablation.data import Array
from ablation.errors import one_line
from ablation.measures import MEASURES
from ablation.terminal import LONGEST, count, show_rows, terminal

if TYPE_CHECKING:
    from ablation.report.record import Failure, Report
    from ablation.storage import TrialResult


def show_layers(result: TrialResult) -> None:
    """The layers of a trained model as Keras summarises them."""
    terminal.print(result.summary, markup=False, soft_wrap=True)


def show_predictions(result: TrialResult) -> None:
    """One trained model as the lesson shows it: its scores and ten predictions."""
    loss = "not finite" if result.metrics.loss is None else f"{result.metrics.loss:.6f}"
    accuracy, mse = result.metrics.accuracy, result.measured["mse"]
    score = f"mean squared error {MEASURES['mse'].format(mse)}"
    if accuracy is not None:
        score = f"accuracy {100 * accuracy:.4f} %"
    terminal.print(f"Seed {result.trial.seed}: loss {loss}, {score}")
    for example in result.examples:
        y, yhat = np.array(example.y), np.array(example.yhat)
        correct = "" if accuracy is None else f", correct={np.array_equal(y, yhat)}"
        texts = f"y={_on_a_line(y)}, yhat={_on_a_line(yhat)}{correct}"
        terminal.print(texts, markup=False, soft_wrap=True)
    terminal.print()


def _on_a_line(values: Array) -> str:
    """The values as NumPy prints them, to three digits, but never over several lines."""
    if values.ndim > 1 and values.shape[-1] == 1:  # a single number a step
        values = values[..., 0]
    text = np.array2string(values, precision=3, suppress_small=True, max_line_width=sys.maxsize)
    return " ".join(text.split()).replace("[ ", "[")


def show_report(report: Report, folder: Path) -> None:
    """The summary table, the answer, what failed, and where everything lies."""
    rows = report.summary.texts(brief=True) if report.summary else []
    if rows and rows[0]:
        show_rows(rows)
    for sentence in report.answer:
        terminal.print(_hanging(sentence), markup=False)
    show_failures(report.failures)
    for alarm in report.alarms:
        terminal.print(alarm, style="bold red", markup=False)
    terminal.print(report.state, markup=False)
    terminal.print(f"Report: {folder / 'report.html'}", markup=False, soft_wrap=True)


def show_failures(failures: Iterable[Failure]) -> None:
    """What went wrong, each thing once, with the log of the first trial that it ended."""
    groups: dict[str, list[Failure]] = {}
    for failure in failures:
        groups.setdefault(failure.why, []).append(failure)
    for why, group in groups.items():
        first = group[0]
        others = f" and {count(len(group) - 1, 'other')}" if len(group) > 1 else ""
        reason = textwrap.shorten(one_line(why), LONGEST, placeholder=" ...")
        sentence = f"Failed: {first.arm} seed {first.seed}{others}: {reason}"
        terminal.print(one_line(sentence), style="red", markup=False)
        terminal.print(f"  {one_line(first.log)}", markup=False, soft_wrap=True)


def _hanging(sentence: str) -> str:
    """The sentence as an item of a list, its further lines below its first letter."""
    return textwrap.fill(
        one_line(sentence),
        terminal.width,
        initial_indent="• ",
        subsequent_indent="  ",
        break_on_hyphens=False,
    )
