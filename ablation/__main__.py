"""The command line: a command such as `report`, or a sweep, which Hydra composes."""

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

    Exit code: 0 all trials are done, 1 some failed, 2 the request was wrong, 130 interrupted.
    """
    words = sys.argv[1:]
    if os.getcwd() not in sys.path:  # `python -m` adds it, the command `ablation` does not
        sys.path.insert(0, os.getcwd())
    plain_warnings()
    if isinstance(sys.stdout, TextIOWrapper):  # show ? for characters that the terminal lacks
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
            signal.signal(number, signal.SIG_IGN)  # so that none changes the exit code any more


def _sweep(words: list[str]) -> None:
    """Let Hydra compose the command line, and run the sweep."""
    from ablation.compose import App, run_command_line

    _refuse_slips(words)
    command = f"python -m ablation {shlex.join(words)}".strip()
    for flag in ("-m", "--multirun"):  # argparse does not accept it between overrides
        if flag in words:
            words.remove(flag)
            words.insert(0, flag)
    sys.argv[1:] = words
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises its errors, and we print one line
    run_command_line(App(command))


def _refuse_slips(words: Sequence[str]) -> None:
    """Raise RequestError with a hint for a key that is typed as a flag, or a misspelt command."""
    from hydra._internal.utils import get_args_parser

    _, unknown_words = get_args_parser().parse_known_args(list(words))
    for flag in unknown_words:
        if flag.startswith("--"):
            key, equals, value = flag[2:].replace("-", "_").partition("=")
            following = words[words.index(flag) + 1 :]
            value = value if equals else next(iter(following), "...")
            raise RequestError(f"{flag}: unknown option; write keys without dashes: {key}={value}")
    matches = difflib.get_close_matches(words[0], COMMANDS, n=1) if words else []
    if matches and "=" not in words[0]:
        raise RequestError(f"{words[0]}: no such command; did you mean {matches[0]}?")


@contextmanager
def exit_codes(words: Sequence[str] = ()) -> Iterator[None]:
    """Turn expected errors inside the block into one line on stderr and an exit code.

    words: the command line, which Hydra's errors are about. A Crash, an error of the program
    itself, is raised with its traceback.
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
    with suppress(OSError):  # stderr may be closed
        print(f"ablation: {message}", file=sys.stderr)
    for descriptor, stream in enumerate((sys.stdout, sys.stderr), start=1):
        try:
            stream.flush()
        except OSError:  # otherwise Python would flush again at exit and print an error
            os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
    sys.exit(code)


if __name__ == "__main__":
    main()
