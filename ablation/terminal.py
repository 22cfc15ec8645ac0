"""The terminal, or the output of a notebook's cell.

It obeys no control character of a result, and a terminal may close at any time.
"""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.segment import Segment
from rich.table import Table

from ablation.errors import printable

NOTEBOOK_WIDTH = 80  # characters
LONGEST = 300  # characters of a reason that are shown; the log has all of them


class Terminal(Console):
    """A console that shows what results say and obeys none of it.

    When its reader or terminal has gone it prints nothing more, and that counts as Ctrl-C.
    In a notebook it prints plain text, as `print` does.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, soft_wrap=False, **options)
        self.notebook = self.is_jupyter
        if self.notebook:  # rich would make an output of its own of each line
            self.is_jupyter = False
            self._force_terminal = False
            self._color_system = None
            self.width = NOTEBOOK_WIDTH

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


terminal = Terminal()


class CellOutput:
    """A text in the output of a notebook's cell that is replaced in place, as rich's Live is."""

    def __init__(self, renderable: RenderableType) -> None:
        self.renderable = renderable

    def start(self) -> None:
        """Show it below what the cell has shown so far."""
        from IPython.display import display

        self.handle = display(self._content(), raw=True, display_id=True)

    def refresh(self) -> None:
        """Show it as it is now."""
        self.handle.update(self._content(), raw=True)

    def stop(self) -> None:
        """Take it away."""
        self.handle.update({"text/plain": ""}, raw=True)

    def _content(self) -> dict[str, str]:
        with terminal.capture() as capture:
            terminal.print(self.renderable)
        return {"text/plain": capture.get().rstrip()}


def say(sentence: str) -> None:
    """One sentence, as it is."""
    terminal.print(sentence, markup=False, soft_wrap=True)


def show_rows(rows: list[dict[str, str]]) -> None:
    table = make_table(*rows[0])
    for row in rows:
        table.add_row(*(escape(cell) for cell in row.values()))
    terminal.print(table)


def duration(seconds: float) -> str:
    """Seconds as a person says them: "40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


def make_table(first: str, *rest: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(first, overflow="fold", min_width=12)
    for column in rest:
        table.add_column(column, justify="right", no_wrap=True, overflow="fold")
    return table
