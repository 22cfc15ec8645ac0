"""The command line: Hydra composes what was asked for, and the sweep does it."""

from __future__ import annotations

import errno
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from traceback import walk_tb
from typing import NoReturn

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from ablation.commands import COMMANDS, run_command
from ablation.errors import RequestError, SweepFailed, plain_warnings

HERE = Path(__file__).resolve().parent
CONF = next(path for path in (HERE / "conf", HERE.parent / "conf") if path.is_dir())
# The parts that make a configuration of words; what the others raise is no matter of the request.
COMPOSERS = (
    "antlr4",
    "hydra._internal",
    "hydra.core.default_element",
    "hydra.core.override_parser",
    "hydra.grammar",
    "omegaconf",
    "yaml",
)


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def app(config: DictConfig) -> None:
    """Run one job: a plain command, or one arm of a multirun that a stock launcher spreads."""
    from ablation import sweep  # here, so that --help does not wait for it

    job = HydraConfig.get()
    if job.mode == RunMode.MULTIRUN:  # the launcher wants exceptions
        sweep.run([config], [job.overrides.task], run_id=job.sweep.dir)
    else:
        with exit_codes():
            sweep.run([config], [job.overrides.task])


def main() -> None:
    """Run the command line.

    Exit code: 0 all trials are committed, 1 some failed, 2 the request was wrong, 130 interrupted.
    """
    if os.getcwd() not in sys.path:  # python -m puts it there, the command `ablation` does not
        sys.path.insert(0, os.getcwd())
    os.environ["ABLATION_COMMAND"] = f"python -m ablation {shlex.join(sys.argv[1:])}".strip()
    for flag in ("-m", "--multirun"):  # between overrides argparse does not understand it
        if flag in sys.argv[1:]:
            sys.argv.remove(flag)
            sys.argv.insert(1, flag)
    plain_warnings()
    if isinstance(sys.stdout, TextIOWrapper):  # a terminal without our dashes shows ? for them
        sys.stdout.reconfigure(errors="replace")
    try:
        with exit_codes():
            # Hydra hands its errors to us, who say them in a line, instead of printing them.
            os.environ["HYDRA_FULL_ERROR"] = "1"
            if sys.argv[1:] and sys.argv[1] in COMMANDS:
                sys.exit(run_command(sys.argv[1:]))
            app()
            sys.stdout.flush()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # it is over; the exit code stands


@contextmanager
def exit_codes() -> Iterator[None]:
    """End the process with a line and an exit code where an expected error comes up."""
    try:
        yield
    except (RequestError, HydraException, OmegaConfBaseException, YAMLError) as error:
        _refuse(error)
    except SweepFailed as error:
        _end(1, str(error))
    except KeyboardInterrupt:
        _interrupted()
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.EPIPE, errno.EIO):
            _interrupted()  # nobody reads on, or the terminal is gone
        if not _composing(error):
            raise
        _refuse(error)


def _composing(error: Exception) -> bool:
    """Whether Hydra stumbled over what it was given, with an exception of no class of its own."""
    names = [str(frame.f_globals.get("__name__")) for frame, _ in walk_tb(error.__traceback__)]
    library = [name for name in names if name.partition(".")[0] not in sys.stdlib_module_names]
    return library[-1].startswith(COMPOSERS)


def _refuse(error: Exception) -> NoReturn:
    from ablation.planning import explain

    _end(2, explain(error))


def _interrupted() -> NoReturn:
    _end(130, "interrupted; the same command goes on from here")


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
