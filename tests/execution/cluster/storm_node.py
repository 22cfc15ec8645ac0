"""Loaded by the Dask workers of `tests.chaos --cluster`: real processes, simulated training."""

from __future__ import annotations

from ablation.execution.cluster import node
from ablation.spec import Trial

node.WORK = "tests.execution.cluster.storm_node:work"


def work(trial: Trial, bundle: str, log: str, commit: str | None, dirty: bool | None) -> str:
    """The JSON of a result that depends only on the trial, after some tenths of a second."""
    from tests.chaos.work import train  # here, in the process that trains for the worker

    return train(trial, slower=6).model_dump_json()
