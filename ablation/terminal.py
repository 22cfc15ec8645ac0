"""Prints to the terminal, or to the output of a notebook's cell.

Results must not control the terminal, and the terminal may close at any time.
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
LONGEST = 300  # characters of an error message that are shown; the log has all of it


class Terminal(Console):
    """A console that escapes control characters in results.

    If its reader or terminal is gone, it stops printing and raises KeyboardInterrupt.
    In a notebook it prints plain text, as `print` does.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, soft_wrap=False, **options)
        self.notebook = self.is_jupyter
        if self.notebook:  # otherwise rich makes each line a separate output
            self.is_jupyter = False
            self._force_terminal = False
            self._color_system = None
            self.width = NOTEBOOK_WIDTH

    def _check_buffer(self) -> None:
        try:
            super()._check_buffer()
        except OSError as error:
            if error.errno != errno.EIO:  # raised if the terminal is gone
                raise
            self.on_broken_pipe()

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        os.kill(os.getpid(), signal.SIGINT)  # from rich's thread for live progress to the main one

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            is_control = segment.control is not None  # rich's own, for live progress
            yield segment if is_control else segment._replace(text=printable(segment.text))


terminal = Terminal()


class CellOutput:
    """Text in the output of a notebook's cell that is updated in place, like rich's Live."""

    def __init__(self, renderable: RenderableType) -> None:
        self.renderable = renderable

    def start(self) -> None:
        """Show the text below the cell's other output."""
        from IPython.display import display

        self.handle = display(self._content(), raw=True, display_id=True)

    def refresh(self) -> None:
        """Show the current text."""
        self.handle.update(self._content(), raw=True)

    def stop(self) -> None:
        """Remove the text."""
        self.handle.update({"text/plain": ""}, raw=True)

    def _content(self) -> dict[str, str]:
        with terminal.capture() as capture:
            terminal.print(self.renderable)
        return {"text/plain": capture.get().rstrip()}


def say(sentence: str) -> None:
    """Print one sentence without markup or line breaks."""
    terminal.print(sentence, markup=False, soft_wrap=True)


def show_rows(rows: list[dict[str, str]]) -> None:
    """Print a table; the keys of the first row are the column names."""
    table = make_table(*rows[0])
    for row in rows:
        table.add_row(*(escape(cell) for cell in row.values()))
    terminal.print(table)


def duration(seconds: float) -> str:
    """Seconds in a readable unit: "40 s", "12 min", "3.5 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def count(n: int, noun: str) -> str:
    """A number with its noun: "1 arm", "1,000 trials"."""
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


def make_table(first: str, *rest: str) -> Table:
    """An empty table; the first column holds text, the others are aligned right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column(first, overflow="fold", min_width=12)
    for column in rest:
        table.add_column(column, justify="right", no_wrap=True, overflow="fold")
    return table
