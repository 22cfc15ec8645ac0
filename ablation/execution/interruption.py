"""Signals that end a sweep: what is finished is kept, and the report is written."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ablation.errors import RequestError, SweepFailed


class Interruption:
    """Whether an interrupt was requested.

    The exception alone is not enough: a library's callback may swallow it.
    """

    requested = False

    def check(self) -> None:
        """Raise KeyboardInterrupt if an interrupt was requested."""
        if self.requested:
            raise KeyboardInterrupt


@contextmanager
def signals_as_interrupts() -> Iterator[Interruption]:
    """Treat SIGTERM (end of a job) and SIGHUP (closed terminal) like Ctrl-C inside the block."""
    interruption = Interruption()

    def interrupt(number: int, frame: FrameType | None) -> None:
        interruption.requested = True
        raise KeyboardInterrupt

    # Python sets signal handlers only in the main thread; a launcher may use another one.
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        if before[number] != signal.SIG_IGN:  # nohup, for example, ignores SIGHUP
            signal.signal(number, interrupt)
    try:
        yield interruption
    except Exception as error:
        if not interruption.requested or isinstance(error, RequestError | SweepFailed):
            raise
        # A library whose import is interrupted may raise any exception in place of it.
        raise KeyboardInterrupt from error
    finally:
        for number in numbers:
            signal.signal(number, before[number])
