"""Hydra plugins: a launcher and a sweeper that run a whole multirun as one sweep, and user configs.

The launcher passes all jobs to the program together, so that they share a plan and its workers.
"""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.config_store import ConfigStore
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.config_source import ConfigResult, ConfigSource
from hydra.plugins.launcher import Launcher
from hydra.plugins.search_path_plugin import SearchPathPlugin
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf


class AblationLauncher(Launcher):
    """Composes all jobs of the multirun, and runs them as one sweep."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.hydra_context = hydra_context
        self.app: Any = task_function  # ablation.compose.App, which runs a whole sweep
        self.config = config

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        configs = _compose_jobs(self.hydra_context.config_loader, self.config, job_overrides)
        self.app.sweep(configs, job_overrides)
        return [
            JobReturn(overrides=job, cfg=config, status=JobStatus.COMPLETED)
            for job, config in zip(job_overrides, configs, strict=True)
        ]


def _compose_jobs(
    loader: ConfigLoader, master: DictConfig, jobs: Sequence[Sequence[str]]
) -> list[DictConfig]:
    """The configuration of each job.

    Hydra takes 60 ms to compose one. So jobs that differ only in plain values, such as units=25
    and units=50, share one composition, and each gets its values in a copy.
    """
    parser = OverridesParser.create(config_loader=loader)
    is_group = functools.cache(lambda key: bool(loader.get_group_options(key)))

    def is_plain(override: Override) -> bool:
        changes = override.type == OverrideType.CHANGE and override.package is None
        scalar = isinstance(override.value(), str | int | float | None)
        return changes and scalar and not is_group(override.key_or_group)

    configs: list[DictConfig] = []
    composed: dict[tuple[str | None, ...], DictConfig] = {}
    for job in jobs:
        overrides = parser.parse_overrides(list(job))
        plain = [override for override in overrides if is_plain(override)]
        kind = tuple(o.key_or_group if o in plain else o.input_line for o in overrides)
        if kind in composed:
            config = copy.deepcopy(composed[kind])
            for override in plain:
                OmegaConf.update(config, override.key_or_group, override.value())
        else:  # raises Hydra's own error if the job is wrong
            config = composed[kind] = loader.load_sweep_config(master, list(job))
        configs.append(config)
    return configs


class AblationSweeper(BasicSweeper):
    """Hydra's basic sweeper, but a preset may list several grids (`hydra.sweeper.grids`)."""

    def __init__(
        self,
        max_batch_size: int | None,
        params: dict[str, str] | None = None,
        grids: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(max_batch_size, params)
        self.grids = grids

    def sweep(self, arguments: list[str]) -> Any:
        assert self.launcher is not None
        assert self.hydra_context is not None
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        jobs: list[list[str]] = []
        for grid in _check_grids(self.grids):
            # The command line comes last, so it overrides the preset.
            params = {**self.params, **grid}
            texts = [*(f"{key}={value}" for key, value in params.items()), *arguments]
            (batch,) = self.split_arguments(parser.parse_overrides(texts), None)
            if not batch:
                raise _request_error(f"{' '.join(texts)}: a list of values is empty: no arms left")
            jobs += batch
        self._refuse_launchers(jobs)
        returns = self.launcher.launch(jobs, initial_job_idx=0)
        for job in returns:
            _ = job.return_value  # raises the job's exception, if any
        return [returns]

    def _refuse_launchers(self, jobs: Sequence[Sequence[str]]) -> None:
        """Raise RequestError if a preset names a launcher: Hydra has chosen one before it reads it.

        Hydra ignores such a preset's line without a word (hydra #2946).
        """
        assert self.hydra_context is not None
        assert self.config is not None
        words = {word for job in jobs for word in job if word.startswith("experiment=")}
        names = {self.config.hydra.runtime.choices.get("experiment")}
        names |= {word.partition("=")[2] for word in words}
        for name, source in product(names, self.hydra_context.config_loader.get_sources()):
            path = f"experiment/{name}"
            preset: Any = source.load_config(path).config if source.is_config(path) else {}
            for default in preset.get("defaults", []):
                for group, choice in default.items() if isinstance(default, Mapping) else ():
                    if group.split()[-1].strip("/") == "hydra/launcher":
                        raise _request_error(
                            f"experiment={name}: a preset cannot set hydra/launcher; "
                            f"say hydra/launcher={choice} on the command line"
                        )


def _check_grids(grids: Any) -> list[dict[str, str]]:
    """The grids, or one without keys if there are none; raises RequestError for anything else."""
    if grids is None:
        return [{}]
    is_list = isinstance(grids, Sequence) and not isinstance(grids, str)
    if is_list and grids and all(isinstance(grid, Mapping) for grid in grids):
        return list(grids)
    raise _request_error(
        f"hydra.sweeper.grids={grids}: a list of one grid or more is needed, "
        "such as [{direction: 'forward,bidirectional'}], or null for none"
    )


def _request_error(message: str) -> Exception:
    from ablation.errors import RequestError  # here, as every Hydra program loads this plugin

    return RequestError(message)


class UserConfigSource(FileConfigSource):
    """A folder conf/ in the current directory, of which only this program's groups are used."""

    @staticmethod
    def scheme() -> str:
        return "ablation"

    def is_group(self, config_path: str) -> bool:
        return _is_ours(config_path) and super().is_group(config_path)

    def is_config(self, config_path: str) -> bool:
        return _is_ours(config_path) and super().is_config(config_path)

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        names = super().list(config_path, results_filter)
        return [name for name in names if _is_ours(f"{config_path}/{name}")]


def _is_ours(config_path: str) -> bool:
    from ablation.planning import GROUPS  # here, as every Hydra program loads this plugin

    first = config_path.strip("/").partition("/")[0]
    return not first or first in GROUPS


class OwnCode(ConfigSource):
    """A choice for each dotted name, such as merge_mode=mine.Gate, as if it had a YAML file."""

    @staticmethod
    def scheme() -> str:
        return "code"

    def available(self) -> bool:
        return True

    def is_group(self, config_path: str) -> bool:
        return False

    def is_config(self, config_path: str) -> bool:
        from ablation.spec import DOTTED  # Hydra loads every plugin, for every program

        group, _, name = config_path.partition("/")
        return group in OWN_CODE and re.fullmatch(DOTTED, name) is not None

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        return []  # any name is possible

    def load_config(self, config_path: str) -> ConfigResult:
        group, _, name = config_path.partition("/")
        if group in OWN_FUNCTIONS:
            config, package = OmegaConf.create(_own_function(group, name)), group
        else:
            config, package = OmegaConf.create({group: name}), "_global_"
        return ConfigResult(self.provider, f"{self.scheme()}://", config, {"package": package})


OWN_FUNCTIONS = ("problem", "model")  # a name and parameters
OWN_CODE = (*OWN_FUNCTIONS, "merge_mode", "cell")


def _own_function(group: str, name: str) -> dict[str, Any]:
    """The function's name and its parameters with their defaults, so that each is a known key."""
    from ablation.planning import REQUIRED, UNKNOWN, parameters_of
    from ablation.spec import Problem

    try:
        parameters = parameters_of(name) or {}
    except (SyntaxError, OSError):  # planning says so
        parameters = {}
    values = {k: "???" if v is REQUIRED else v for k, v in parameters.items() if v is not UNKNOWN}
    size = {"test_size": Problem.model_fields["test_size"].default} if group == "problem" else {}
    return {"name": name, **size, **values}


class AblationSearchPath(SearchPathPlugin):
    """Adds the folder conf/ of the current directory, and the user's own code by dotted names."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        folder = Path.cwd() / "conf"
        if folder.is_dir():
            search_path.append("your conf", f"ablation://{folder}")
        search_path.append("your code", "code://")


_TARGET = "hydra_plugins.ablation_plugin.plugin"
_store = ConfigStore.instance()
_store.store(
    "ablation",
    {"_target_": f"{_TARGET}.AblationLauncher"},
    group="hydra/launcher",
    provider="ablation",
)
_store.store(
    "ablation",
    {
        "_target_": f"{_TARGET}.AblationSweeper",
        "max_batch_size": None,
        "params": {},
        "grids": None,
    },
    group="hydra/sweeper",
    provider="ablation",
)
