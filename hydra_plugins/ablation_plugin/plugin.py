"""The Hydra side: a whole multirun is planned at once, and goes to one pool of workers."""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping, Sequence
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
from hydra.plugins.launcher import Launcher
from hydra.plugins.search_path_plugin import SearchPathPlugin
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf


class AblationLauncher(Launcher):
    """Composes every job of the multirun and hands all of them to the sweep together."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self.hydra_context = hydra_context
        self.app: Any = task_function  # ablation.compose.App, which takes a whole sweep
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

    Hydra takes 60 ms for one. Jobs that differ in plain values alone, such as units=25 and
    units=50, are composed once, and each gets its values in a copy.
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
        else:  # and Hydra says of it what it says
            config = composed[kind] = loader.load_sweep_config(master, list(job))
        configs.append(config)
    return configs


class AblationSweeper(BasicSweeper):
    """Hydra's own grid, of which a preset may list several."""

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
        for grid in _checked(self.grids):
            # What is said on the command line comes last, and so replaces a preset's.
            params = {**self.params, **grid}
            texts = [*(f"{key}={value}" for key, value in params.items()), *arguments]
            (batch,) = self.split_arguments(parser.parse_overrides(texts), None)
            if not batch:
                raise _refused(f"{' '.join(texts)}: a list of values is empty, so no arm is left")
            jobs += batch
        returns = self.launcher.launch(jobs, initial_job_idx=0)
        for job in returns:
            _ = job.return_value  # raises what the job raised
        return [returns]


def _checked(grids: Any) -> list[dict[str, str]]:
    """The grids, one without keys where none is given."""
    if grids is None:
        return [{}]
    several = isinstance(grids, Sequence) and not isinstance(grids, str)
    if several and grids and all(isinstance(grid, Mapping) for grid in grids):
        return list(grids)
    raise _refused(
        f"hydra.sweeper.grids={grids}: a list of one grid or more is needed, "
        "such as [{direction: 'forward,bidirectional'}]; null does without"
    )


def _refused(message: str) -> Exception:
    from ablation.errors import RequestError  # Hydra loads every plugin, for every program

    return RequestError(message)


class UserConfigSource(FileConfigSource):
    """A folder conf/ where the user stands, of which only groups of this program are seen."""

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
    from ablation.planning import GROUPS  # Hydra loads every plugin, for every program

    first = config_path.strip("/").partition("/")[0]
    return not first or first in GROUPS


class AblationSearchPath(SearchPathPlugin):
    """Lets a folder conf/ where the user stands add presets, problems and training settings."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        own = Path.cwd() / "conf"
        if own.is_dir():
            search_path.append("your conf", f"ablation://{own}")


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
