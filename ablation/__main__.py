"""The command line: a word such as `report`, or a sweep that Hydra composes."""

from __future__ import annotations

import difflib
import errno
import os
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import NoReturn

from ablation.commands import COMMANDS, run_command
from ablation.errors import RequestError, SweepFailed, plain_warnings


def main() -> None:
    """Run the command line.

    Exit code: 0 all trials are committed, 1 some failed, 2 the request was wrong, 130 interrupted.
    """
    words = sys.argv[1:]
    if os.getcwd() not in sys.path:  # python -m puts it there, the command `ablation` does not
        sys.path.insert(0, os.getcwd())
    plain_warnings()
    if isinstance(sys.stdout, TextIOWrapper):  # a terminal without our dashes shows ? for them
        sys.stdout.reconfigure(errors="replace")
    try:
        with exit_codes(words):
            if words == ["--version"]:
                import ablation

                print(f"ablation {ablation.__version__}")
            elif words and words[0] in COMMANDS:
                sys.exit(run_command(words))
            else:
                _sweep(words)
            sys.stdout.flush()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # it is over; the exit code stands


def _sweep(words: list[str]) -> None:
    """Let Hydra compose what was typed, and run it."""
    from ablation.compose import App, run_command_line

    _refuse_slips(words)
    command = f"python -m ablation {shlex.join(words)}".strip()
    for flag in ("-m", "--multirun"):  # between overrides argparse does not understand it
        if flag in words:
            words.remove(flag)
            words.insert(0, flag)
    sys.argv[1:] = words
    os.environ["HYDRA_FULL_ERROR"] = "1"  # errors come to us, who say them in a line
    run_command_line(App(command))


def _refuse_slips(words: Sequence[str]) -> None:
    """Say how it is written here, where somebody types a flag, or a command that is misspelt."""
    from hydra._internal.utils import get_args_parser

    _, strange = get_args_parser().parse_known_args(list(words))
    for flag in strange:
        if flag.startswith("--"):
            key, equals, value = flag[2:].replace("-", "_").partition("=")
            after = words[words.index(flag) + 1 :]
            given = value if equals else next(iter(after), "...")
            raise RequestError(f"{flag}: keys are written {key}={given} here, without dashes")
    near = difflib.get_close_matches(words[0], COMMANDS, n=1) if words else []
    if near and "=" not in words[0]:
        raise RequestError(f"{words[0]}: no such command; did you mean {near[0]}?")


@contextmanager
def exit_codes(words: Sequence[str] = ()) -> Iterator[None]:
    """End the process with a line and an exit code where an expected error comes up.

    words: what was typed. What Hydra raises is about them; a Crash is an error of the program, and
    keeps its traceback.
    """
    try:
        yield
    except RequestError as error:
        _end(2, str(error))
    except SweepFailed as error:
        _end(1, str(error))
    except KeyboardInterrupt:
        _end(130, "interrupted; run the same command to continue")
    except Exception as error:
        from ablation.compose import Crash, explain

        if isinstance(error, OSError) and error.errno in (errno.EPIPE, errno.EIO):
            _end(130, "interrupted; run the same command to continue")
        if isinstance(error, Crash) or (words and words[0] in COMMANDS):
            raise error.__cause__ or error from None
        multirun = "-m" in words or "--multirun" in words
        _end(2, explain(error, [word for word in words if "=" in word], multirun))


def _end(code: int, message: str) -> NoReturn:
    with suppress(OSError):  # nobody may be there any more
        print(f"ablation: {message}", file=sys.stderr)
    for descriptor, stream in enumerate((sys.stdout, sys.stderr), start=1):
        try:
            stream.flush()
        except OSError:  # or Python would try again, and complain
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
    sys.exit(code)


if __name__ == "__main__":
    main()
