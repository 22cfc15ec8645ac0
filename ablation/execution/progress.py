"""Shows the progress of a sweep in the terminal."""

from __future__ import annotations

import textwrap
import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table

from ablation.errors import one_line
from ablation.measures import Measure, measure_of
from ablation.spec import Arm
from ablation.terminal import LONGEST, CellOutput, duration, make_table, terminal

if TYPE_CHECKING:
    from ablation.execution.handle import Outcome


class Progress:
    """Trials done, rate, time left and the running mean of each arm.

    Drawn live in a terminal and in a notebook; elsewhere, one line for each trial.
    """

    def __init__(
        self, names: dict[Arm, str], planned: Sequence[Arm], done: int, metric: str = "accuracy"
    ) -> None:
        """planned: the arm of each trial. done: trials that had a result before.

        metric: what arms are compared by, and what is shown first. A metric that is computed from
        the learning curve is not known yet. The accuracy is shown too, where there is one.
        """
        self.names = names
        self.planned = Counter(planned)
        self.total = len(planned)
        self.done = self.before = done
        chosen = [metric] if "." in metric or measure_of(metric).source else []
        self.possible = list(dict.fromkeys([*chosen, "accuracy", "mse"]))
        self.scores: dict[Arm, list[dict[str, float | None]]] = {arm: [] for arm in names}
        self.failed: Counter[Arm] = Counter()
        self.latest: dict[Arm, int] = {}  # trials done when the arm's latest one ended
        self.began = time.monotonic()
        self.live: Live | CellOutput | None = None
        if terminal.notebook:
            self.live = CellOutput(self)
        elif terminal.is_terminal:
            self.live = Live(self, console=terminal, refresh_per_second=2, transient=True)

    def __enter__(self) -> Progress:
        if self.live:
            self.live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.live:
            self.live.stop()

    def update(self, outcome: Outcome) -> None:
        """Count how one trial ended, and print its line unless the display is live."""
        arm = outcome.trial.arm
        self.done += 1
        self.latest[arm] = self.done
        if outcome.kind is None:
            measured = outcome.value.measured
            self.scores[arm].append(measured)
            shown = [(measure_of(metric), measured[metric]) for metric in self._metrics()]
            text = "  ".join(f"{measure.name} {measure.format(value)}" for measure, value in shown)
            text += f"  {outcome.value.seconds:.1f} s"
            if outcome.value.status != "done":
                text += f"  {outcome.value.status}"
        else:
            self.failed[arm] += 1
            reason = textwrap.shorten(one_line(outcome.message), LONGEST, placeholder=" ...")
            text = f"failed: {outcome.kind}: {reason}"
        if self.live:
            if not terminal.notebook and not terminal.is_terminal:
                terminal.on_broken_pipe()  # it has gone, and rich would write nothing any more
            self.live.refresh()
        else:
            terminal.print(
                f"[{self.done}/{self.total}] {self.names[arm]}  seed {outcome.trial.seed}  {text}"
                + f"  on {outcome.host}" * bool(outcome.host)
                + f"  (left {self._left()})",
                markup=False,
                soft_wrap=True,
            )

    def __rich__(self) -> RenderableType:
        metrics = self._metrics()
        first, *rest = (measure_of(metric) for metric in metrics)
        means = [f"mean {measure.name}" for measure in rest]
        table = make_table("arm", "seeds", f"mean {first.name}", "± sd", *means)
        # If the arms do not fit on the screen, those with the latest trials are shown.
        room = max(3, terminal.height - 8)
        latest = set(sorted(self.names, key=lambda arm: -self.latest.get(arm, 0))[:room])
        for arm in (arm for arm in self.names if arm in latest):
            values, *others = (self._values(arm, metric) for metric in metrics)
            deviation = first.format(float(np.std(values, ddof=1))) if len(values) > 1 else ""
            count = f"{len(self.scores[arm])}/{self.planned[arm]}"
            if self.failed[arm]:
                count += f" [red]{self.failed[arm]} failed[/red]"
            means = [_mean(measure, known) for measure, known in zip(rest, others, strict=True)]
            table.add_row(escape(self.names[arm]), count, _mean(first, values), deviation, *means)
        line = Table.grid(padding=(0, 1))
        line.add_row(
            ProgressBar(self.total, self.done, width=28),
            f"{self.done}/{self.total} trials",
            f"{60 * self._rate():.1f} a minute",
            f"{self._left()} left",
        )
        return Group(table, line)

    def _metrics(self) -> list[str]:
        """What is shown: what arms are compared by, and what suits the task."""
        rows = [row for rows in self.scores.values() for row in rows]
        known = [key for key in self.possible if any(row.get(key) is not None for row in rows)]
        return known or self.possible[:1]

    def _values(self, arm: Arm, metric: str) -> list[float]:
        values = (measured[metric] for measured in self.scores[arm])
        return [value for value in values if value is not None]

    def _rate(self) -> float:
        return (self.done - self.before) / max(time.monotonic() - self.began, 1e-9)

    def _left(self) -> str:
        rate = self._rate()
        return duration((self.total - self.done) / rate) if rate else "?"


def _mean(measure: Measure, values: list[float]) -> str:
    return measure.format(float(np.mean(values))) if values else ""
