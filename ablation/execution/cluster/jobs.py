"""Joins a running Dask cluster, or starts one as jobs of a batch system."""

from __future__ import annotations

import logging
import math
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask
from distributed import Client
from distributed.security import Security

from ablation.errors import RequestError
from ablation.execution.cluster.connection import (
    CONNECT,
    UNREACHABLE,
    Connection,
    Jobs,
    unreachable,
)
from ablation.execution.cluster.environment import DASK, EXPORTS
from ablation.spec import Cluster, Settings
from ablation.terminal import say

# Of each batch system, the class of dask-jobqueue and the command that submits a job.
KINDS = {
    "slurm": ("SLURMCluster", "sbatch"),
    "pbs": ("PBSCluster", "qsub"),
    "sge": ("SGECluster", "qsub"),
    "lsf": ("LSFCluster", "bsub"),
}
JOBS = ".jobs"  # the folder in the results for what the jobs print


@contextmanager
def connect(settings: Settings) -> Iterator[Connection]:
    """Connect to the cluster of the settings inside the block; jobs that were started then end.

    Raises RequestError where it cannot be used.
    """
    cluster = settings.cluster
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is said by us
    with dask.config.set(_settings()):
        if cluster.address is not None:
            with _joined(cluster) as connection:
                yield connection
        else:
            with _started(cluster, Path(settings.results) / JOBS) as connection:
                yield connection


@contextmanager
def _joined(cluster: Cluster) -> Iterator[Connection]:
    where = f"cluster.address={cluster.address}"
    security = _security(cluster)
    if security is None and not _is_local(str(cluster.address)):
        say(
            f"Note: {where}: anybody who reaches this port can run code on the workers; "
            "cluster.tls encrypts it and keeps others out."
        )

    def open_client() -> Client:
        return Client(cluster.address, timeout=CONNECT, security=security, set_as_default=False)

    try:
        host, _, port = str(cluster.address).partition("://")[2].rpartition(":")
        socket.create_connection((host.strip("[]"), int(port)), CONNECT).close()
        connection = Connection(where, open_client)
    except UNREACHABLE as error:
        raise unreachable(where, error) from None
    except ValueError as error:
        raise RequestError(f"{where}: {error}") from None
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _started(cluster: Cluster, logs: Path) -> Iterator[Connection]:
    where, logs = f"cluster={cluster.name}", Path(cluster.logs or logs)
    try:
        import dask_jobqueue
    except ModuleNotFoundError as error:
        raise RequestError(
            f'{where}: the package {error.name} is missing; pip install "ablation[cluster]"'
        ) from None
    kind, submit = KINDS[cluster.name]
    if shutil.which(submit) is None:
        raise RequestError(
            f"{where}: no command {submit} here; train where jobs can be submitted, or choose "
            "another cluster"
        )
    cores = cluster.cores or 1
    options: dict[str, Any] = {
        "cores": cores,
        "processes": cores,
        "memory": cluster.memory,
        "walltime": cluster.time,
        "queue": cluster.queue,
        "account": cluster.account,
        "python": cluster.python,
        "interface": cluster.interface,
        "log_directory": str(logs),
        "job_extra_directives": list(cluster.directives),
        "job_script_prologue": [*EXPORTS, *cluster.prologue],
        "scheduler_options": {"dashboard_address": ":0"},
    }
    try:
        started = getattr(dask_jobqueue, kind)(
            **{key: value for key, value in options.items() if value is not None}
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise RequestError(f"{where}: {error}") from None
    with started:

        def start(trials: int) -> None:
            started.scale(jobs=min(cluster.jobs or 1, math.ceil(trials / cores)))

        def open_client() -> Client:
            return Client(started, timeout=CONNECT, set_as_default=False)

        connection = Connection(where, open_client, Jobs(logs, start))
        try:
            yield connection
        finally:
            connection.close()


def _settings() -> dict[str, Any]:
    """Those of the environment by Dask's own names, such as distributed.comm.timeouts.tcp."""
    return {
        name.removeprefix("DASK_").lower().replace("__", "."): dask.config.interpret_value(value)
        for name, value in DASK.items()
    }


def _security(cluster: Cluster) -> Security | None:
    if cluster.tls is None:
        return None
    return Security(
        tls_ca_file=cluster.tls.ca,
        tls_client_cert=cluster.tls.cert,
        tls_client_key=cluster.tls.key,
        require_encryption=True,
    )


def _is_local(address: str) -> bool:
    host = address.partition("://")[2].rpartition(":")[0]
    return host in ("localhost", "127.0.0.1", "[::1]")
