from __future__ import annotations

import os
import signal

import pytest

from ablation.errors import SweepFailed
from ablation.sweep import ended_as_interrupted


def interrupted(number: signal.Signals, error: type[Exception]) -> None:
    """Do as a library does that makes an exception of its own of any that comes from within."""
    with ended_as_interrupted():
        try:
            os.kill(os.getpid(), number)
        except KeyboardInterrupt as cause:
            raise error("no such thing") from cause


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_an_interrupted_library_raises_is_an_interrupt(number: signal.Signals) -> None:
    before = signal.signal(number, signal.default_int_handler)  # nohup, say, ignores SIGHUP
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted(number, ImportError)
        assert signal.getsignal(number) == signal.default_int_handler
    finally:
        signal.signal(number, before)


def test_what_is_told_in_a_line_is_told_after_an_interrupt_too() -> None:
    with pytest.raises(SweepFailed):
        interrupted(signal.SIGTERM, SweepFailed)


def test_without_an_interrupt_an_error_is_an_error() -> None:
    with pytest.raises(ImportError), ended_as_interrupted():
        raise ImportError
