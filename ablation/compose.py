"""Hydra's part: configurations are composed of what was typed, and handed to the sweep."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import fill
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError
from yaml import MarkedYAMLError

from ablation.errors import RequestError, SweepFailed, one_line, suggest
from ablation.measures import METRICS

# The metrics in --help, below the first line's indent.
_LEFT = " " * 20
OmegaConf.register_new_resolver(
    "metrics",
    lambda: fill(", ".join(METRICS), 80, initial_indent=_LEFT, subsequent_indent=_LEFT).strip(),
    replace=True,
)
HERE = Path(__file__).resolve().parent
CONF = next(path for path in (HERE / "conf", HERE.parent / "conf") if path.is_dir())


class Crash(Exception):
    """An error of the program itself, and not of what it was asked; its cause is that error."""


class App:
    """What Hydra calls with composed configurations.

    command: what was typed, for the plan. folder: of the sweep, once it has been run. error: what
    a plain command ended with; Hydra would print its own words about an exception.
    """

    def __init__(self, command: str) -> None:
        self.command = command
        self.folder: Path | None = None
        self.error: Exception | None = None

    def __call__(self, config: DictConfig) -> None:
        """Run one job: a plain command, or one arm of a multirun that a stock launcher spreads."""
        job = HydraConfig.get()
        if job.mode == RunMode.MULTIRUN:
            self.sweep([config], [job.overrides.task], job.sweep.dir)
            return
        try:
            self.sweep([config], [job.overrides.task])
        except (RequestError, SweepFailed, Crash) as error:
            self.error = error

    def sweep(
        self,
        configs: Sequence[DictConfig],
        overrides: Sequence[Sequence[str]],
        run_id: str | None = None,
    ) -> None:
        """Run all jobs of a multirun together, as our own launcher hands them over."""
        with _told_apart():
            from ablation import sweep  # here, so that --help does not wait for it

            self.folder = sweep.run(configs, overrides, self.command, run_id)


@contextmanager
def _told_apart() -> Iterator[None]:
    """Let an error of the program leave Hydra as a Crash: all others are of the request."""
    try:
        yield
    except (RequestError, SweepFailed):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in (errno.EPIPE, errno.EIO):
            raise KeyboardInterrupt from error  # nobody reads on, or the terminal is gone
        raise Crash(str(error)) from error


def run_command_line(app: App) -> None:
    """Let Hydra read sys.argv and call the app.

    Raises whatever is wrong with the request; `explain` says it in a line.
    """
    hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(app)()
    if app.error is not None:
        raise app.error


def run_overrides(app: App, overrides: Sequence[str]) -> None:
    """Run a sweep of overrides as they stand on the command line, from Python.

    Raises RequestError where something is wrong with them.
    """
    try:
        with hydra.initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
            engine = GlobalHydra.instance().hydra
            assert engine is not None
            engine.multirun(
                config_name="config",
                task_function=app,
                overrides=list(overrides),
                with_log_configuration=False,
            )
    except (RequestError, SweepFailed):
        raise
    except Crash as crash:
        raise crash.__cause__ or crash from None
    except Exception as error:
        raise RequestError(explain(error, overrides, multirun=True)) from error


def explain(error: BaseException, overrides: Sequence[str] = (), multirun: bool = False) -> str:
    """What is wrong with a request that Hydra, OmegaConf or YAML could not compose, in one line.

    overrides: what was typed. multirun: whether their values may be lists.
    """
    return one_line(_explain(error, overrides, multirun))


def _explain(error: BaseException, overrides: Sequence[str], multirun: bool) -> str:
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark
        where = f"{mark.name}, line {mark.line + 1}: " if mark else ""
        return f"{where}{error.problem}"
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, given = error.missing_cfg_file.rpartition("/")
        possible = suggest(given, sorted(error.options)) if error.options else "no such choice"
        return f"{group}={given}: {possible}"
    if isinstance(error, OverrideParseException) and error.__cause__ is None:
        return _not_a_pair(str(error.override))
    from ablation.planning import unknown_key  # here, so that --help does not wait for it

    missing = error if isinstance(error, _NO_KEY) else error.__cause__
    if isinstance(missing, _NO_KEY):
        beside = missing.parent_node if isinstance(missing.parent_node, Mapping) else {}
        return unknown_key(str(missing.full_key or missing.key), map(str, beside))
    wrong = [line for override in _parsed(overrides) if (line := _wrong(override, multirun))]
    if wrong:
        return wrong[0]
    text = str(error) or f"Hydra cannot make a configuration of this ({type(error).__name__})"
    text = re.sub(r"\n?See https?://\S+.*", "", text)
    cause = str(error.__cause__ or "")
    parts = [text, cause if cause not in text else ""]
    return "; ".join(" ".join(part.split()) for part in parts if part)


_NO_KEY = (ConfigAttributeError, ConfigKeyError)


def _not_a_pair(given: str) -> str:
    if "=" in given:
        return f"{given}: this is not key=value; other signs in a value need quotes: \"'...'\""
    return f"{given}: neither key=value nor a command (ablation --help names both)"


def _parsed(overrides: Sequence[str]) -> list[Override]:
    parser = OverridesParser.create()
    found = []
    for text in overrides:
        try:
            found += parser.parse_overrides([text])
        except HydraException:  # the error at hand is about it, or about another one
            continue
    return found


def _wrong(override: Override, multirun: bool) -> str:
    """What is wrong with an override by itself; empty where nothing is."""
    from ablation.planning import GROUPS

    given = str(override.input_line)
    if override.is_sweep_override():
        return "" if multirun else f"{given}: several values need -m (ablation -m {given})"
    value: Any = override.value()
    if override.key_or_group in GROUPS and not isinstance(value, str | list):
        return f"{given}: the name of one choice is needed"
    return ""
