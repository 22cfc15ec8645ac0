"""The command line: Hydra composes what was asked for, and the sweep does it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from ablation.errors import RequestError, SweepFailed, plain_warnings

HERE = Path(__file__).resolve().parent
CONF = next(path for path in (HERE / "conf", HERE.parent / "conf") if path.is_dir())


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
    os.environ["ABLATION_COMMAND"] = f"python -m ablation {shlex.join(sys.argv[1:])}".strip()
    plain_warnings()
    with exit_codes():
        # Hydra hands its errors to us, who say them in a line, instead of printing them.
        os.environ["HYDRA_FULL_ERROR"] = "1"
        app()


@contextmanager
def exit_codes() -> Iterator[None]:
    """End the process with a line and an exit code where an expected error comes up."""
    try:
        yield
    except (RequestError, HydraException, OmegaConfBaseException, YAMLError) as error:
        _refuse(error)
    except ValueError as error:
        if "Config group override must be" not in str(error):  # as merge_mode=null gives
            raise
        _refuse(error)
    except SweepFailed as error:
        _end(1, str(error))
    except KeyboardInterrupt:
        _end(130, "interrupted; the same command goes on from here")


def _refuse(error: Exception) -> NoReturn:
    from ablation.request import one_line

    _end(2, one_line(error))


def _end(code: int, message: str) -> NoReturn:
    print(f"ablation: {message}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
