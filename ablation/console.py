"""What the user sees in the terminal: the plan, the progress, the outcome."""

from __future__ import annotations

import errno
import os
import signal
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from ablation import problems
from ablation.capacity import count_parameters, countable
from ablation.config import Arm
from ablation.errors import one_line, printable
from ablation.plan import Plan

if TYPE_CHECKING:
    from ablation.outcome import Report, Rows
    from ablation.pool import Outcome
    from ablation.result import TrialResult

IN_TERMINAL = ("arm", "seeds", "accuracy", "95 % interval", "ceiling", "exact", "seconds")

LONGEST = 300  # characters of a reason that are shown; the log has all of them


class Terminal(Console):
    """A console that shows what results say and obeys none of it.

    When its reader or terminal has gone it prints nothing more, and that counts as Ctrl-C.
    """

    def _check_buffer(self) -> None:
        try:
            super()._check_buffer()
        except OSError as error:
            if error.errno != errno.EIO:  # which is how a terminal says that it is gone
                raise
            self.on_broken_pipe()

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        os.kill(os.getpid(), signal.SIGINT)  # the live picture is drawn by a thread of its own

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            own = segment.control is not None  # rich's, by which it draws progress
            yield segment if own else segment._replace(text=printable(segment.text))


terminal = Terminal(highlight=False, soft_wrap=False)


def show_plan(plan: Plan, done: set[str], expected: float, workers: int, whole: bool) -> None:
    """One line of what will be done; with `whole` a table of the arms too."""
    names = plan.labels
    unique, pending = len(plan.entries), len(plan.entries) - len(done)
    for note in plan.notes:
        terminal.print(f"Note: {note}.", markup=False, soft_wrap=True)
    if whole:
        table = _table("arm", "seeds", "done", "parameters", "updates")
        for arm, name in names.items():
            entries = [entry for entry in plan.entries if entry.trial.arm == arm]
            sample = problems.sample(arm.problem, arm.length)
            shape = sample.x.shape[-1], sample.classes, sample.symbols
            parameters = f"{count_parameters(arm, *shape):,}" if countable(arm) else "?"
            finished = sum(entry.id in done for entry in entries)
            cells = (f"{len(entries):,}", f"{finished:,}", parameters, f"{arm.training.updates:,}")
            table.add_row(escape(name), *cells)
        terminal.print(table)
    work = "nothing to train" if not pending else f"{pending} to train"
    if pending:
        crew = f"{workers} worker{'s' if workers > 1 else ''}"
        work += f", about {duration(expected)} on {crew}"
    terminal.print(
        f"[bold]{plan.name}[/bold]: {_count(len(names), 'arm')}, {_count(unique, 'trial')}"
        f" ({plan.requested} asked for), {len(done)} done, {work}.",
        soft_wrap=True,
    )


def say(sentence: str) -> None:
    """One sentence, as it is."""
    terminal.print(sentence, markup=False, soft_wrap=True)


class Progress:
    """Trials done, rate, time left and the running mean of each arm.

    A live picture in a terminal; a line a trial anywhere else.
    """

    def __init__(self, names: dict[Arm, str], planned: Sequence[Arm], done: int) -> None:
        self.names = names
        self.planned = Counter(planned)
        self.total = len(planned)
        self.done = self.before = done
        self.scores: dict[Arm, list[float]] = {arm: [] for arm in names}
        self.failed: Counter[Arm] = Counter()
        self.latest: dict[Arm, int] = {}  # how many trials were done by its last one
        self.began = time.monotonic()
        self.live = Live(self, console=terminal, refresh_per_second=2, transient=True)

    def __enter__(self) -> Progress:
        if terminal.is_terminal:
            self.live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.live.stop()  # though it may be no terminal any more

    def update(self, outcome: Outcome) -> None:
        """Take in how one trial ended."""
        arm = outcome.trial.arm
        self.done += 1
        self.latest[arm] = self.done
        if outcome.kind is None:
            self.scores[arm].append(outcome.value.accuracy)
            text = f"accuracy {outcome.value.accuracy:.4f}  {outcome.value.seconds:.1f} s"
            if outcome.value.status != "done":
                text += f"  {outcome.value.status}"
        else:
            self.failed[arm] += 1
            reason = textwrap.shorten(one_line(outcome.message), LONGEST, placeholder=" ...")
            text = f"failed: {outcome.kind}: {reason}"
        if not terminal.is_terminal:
            terminal.print(
                f"[{self.done}/{self.total}] {self.names[arm]}  seed {outcome.trial.seed}  {text}"
                f"  (left {self._left()})",
                markup=False,
                soft_wrap=True,
            )

    def __rich__(self) -> RenderableType:
        table = _table("arm", "seeds", "mean accuracy", "± sd")
        # With very many arms the table would be taller than the terminal: the latest are shown.
        room = max(3, terminal.height - 8)
        latest = set(sorted(self.names, key=lambda arm: -self.latest.get(arm, 0))[:room])
        for arm in (arm for arm in self.names if arm in latest):
            scores = self.scores[arm]
            mean = f"{np.mean(scores):.4f}" if scores else ""
            deviation = f"{np.std(scores, ddof=1):.4f}" if len(scores) > 1 else ""
            count = f"{len(scores)}/{self.planned[arm]}"
            if self.failed[arm]:
                count += f" [red]{self.failed[arm]} failed[/red]"
            table.add_row(escape(self.names[arm]), count, mean, deviation)
        line = Table.grid(padding=(0, 1))
        line.add_row(
            ProgressBar(self.total, self.done, width=28),
            f"{self.done}/{self.total} trials",
            f"{60 * self._rate():.1f} a minute",
            f"{self._left()} left",
        )
        return Group(table, line)

    def _rate(self) -> float:
        return (self.done - self.before) / max(time.monotonic() - self.began, 1e-9)

    def _left(self) -> str:
        rate = self._rate()
        return duration((self.total - self.done) / rate) if rate else "?"


def show_layers(result: TrialResult) -> None:
    """The layers of a trained model as Keras summarises them."""
    terminal.print(result.summary, markup=False, soft_wrap=True)


def show_predictions(result: TrialResult) -> None:
    """One trained model as the lesson shows it: its scores and ten predictions."""
    loss = "not finite" if result.metrics.loss is None else f"{result.metrics.loss:.6f}"
    accuracy = f"{100 * result.metrics.accuracy:.4f} %"
    terminal.print(f"Seed {result.trial.seed}: loss {loss}, accuracy {accuracy}")
    for example in result.examples:
        y, yhat = np.array(example.y), np.array(example.yhat)
        correct = np.array_equal(y, yhat)
        terminal.print(f"y={y}, yhat={yhat}, correct={correct}", markup=False, soft_wrap=True)
    terminal.print()


def show_report(report: Report, folder: Path) -> None:
    """The summary table, the answer, what failed, and where everything lies."""
    if report.summary:
        show_rows([{key: row[key] for key in IN_TERMINAL if key in row} for row in report.summary])
    for sentence in report.answer:
        terminal.print(f"• {sentence}", markup=False)
    show_failures(report.failures)
    for alarm in report.alarms:
        terminal.print(alarm, style="bold red", markup=False)
    terminal.print(report.state, markup=False)
    terminal.print(f"Report: {folder / 'report.html'}", markup=False, soft_wrap=True)


def show_failures(failures: Rows) -> None:
    """What went wrong, each thing once, with the log of the first trial that it ended."""
    groups: dict[str, Rows] = {}
    for row in failures:
        groups.setdefault(row["why"], []).append(row)
    for why, rows in groups.items():
        first = rows[0]
        others = f" and {_count(len(rows) - 1, 'other')}" if len(rows) > 1 else ""
        reason = textwrap.shorten(one_line(why), LONGEST, placeholder=" ...")
        sentence = f"Failed: {first['failed trial']} seed {first['seed']}{others}: {reason}"
        terminal.print(one_line(sentence), style="red", markup=False)
        terminal.print(f"  {one_line(first['log'])}", markup=False, soft_wrap=True)


def show_rows(rows: list[dict[str, str]]) -> None:
    table = _table(*rows[0])
    for row in rows:
        table.add_row(*(escape(cell) for cell in row.values()))
    terminal.print(table)


def show_check(what: str, state: str, said: str) -> None:
    """One thing that was looked at, how it is, and what to do."""
    look = {"ok": "green", "attention": "yellow", "wrong": "bold red"}[state]
    line = Table.grid(padding=(0, 2, 0, 0))
    line.add_column(width=9)
    line.add_column(width=13, overflow="fold")
    line.add_column(overflow="fold")
    line.add_row(Text(state, look), Text(what), Text(said))
    terminal.print(line)


def duration(seconds: float) -> str:
    """Seconds as a person says them: "40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


def _table(first: str, *rest: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(first, overflow="fold", min_width=12)
    for column in rest:
        table.add_column(column, justify="right", no_wrap=True, overflow="fold")
    return table
