"""What a sweep has its trials trained by: processes of this machine, or a cluster."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Protocol

from ablation.errors import RequestError
from ablation.execution.handle import Outcome
from ablation.execution.pool import available_cores, run_trials
from ablation.spec import LOCAL, Settings, Trial
from ablation.storage import Store


class Trainer(Protocol):
    """Trains trials.

    workers: how many at a time, as far as is known.
    """

    @property
    def workers(self) -> int: ...

    def train(
        self, trials: Sequence[Trial], store: Store, commit: str | None, dirty: bool | None
    ) -> Generator[Outcome]:
        """Train the trials and store their results; yield how each ended, a CommittedTrial each.

        commit, dirty: the program's version, for the results. Closing the iterator ends what is
        being trained. Raises SweepFailed if nothing can train.
        """
        ...


@dataclass(frozen=True)
class LocalTrainer:
    """Worker processes of this machine, which store their results themselves.

    work: their task, "module:function".
    """

    work: str
    workers: int
    time_limit: float

    def train(
        self, trials: Sequence[Trial], store: Store, commit: str | None, dirty: bool | None
    ) -> Generator[Outcome]:
        """See `Trainer.train`."""
        arguments = (str(store.root), commit, dirty)
        return run_trials(trials, self.work, arguments, self.workers, self.time_limit)


def expected_workers(settings: Settings) -> int:
    """How many trials will be trained at a time, as far as the settings say."""
    cluster = settings.cluster
    if cluster.name == LOCAL:
        return settings.workers or len(available_cores())
    return settings.workers or (cluster.jobs or 1) * (cluster.cores or 1)


@dataclass
class ClusterWhenNeeded:
    """A cluster that is joined, or whose jobs are started, once there is a trial to train.

    left: leaves it. trainer: None before it is joined.
    """

    settings: Settings
    left: ExitStack
    trainer: Trainer | None = None

    @property
    def workers(self) -> int:
        return self.trainer.workers if self.trainer else expected_workers(self.settings)

    def train(
        self, trials: Sequence[Trial], store: Store, commit: str | None, dirty: bool | None
    ) -> Generator[Outcome]:
        """See `Trainer.train`. Raises RequestError where the cluster cannot be used."""
        if self.trainer is None:
            self.trainer = self._open()
        return self.trainer.train(trials, store, commit, dirty)

    def _open(self) -> Trainer:
        try:
            from ablation.execution.cluster.dispatch import open_cluster
        except ModuleNotFoundError as error:
            raise RequestError(
                f"cluster={self.settings.cluster.name}: the package {error.name} is missing; "
                'pip install "ablation[cluster]"'
            ) from None
        return self.left.enter_context(open_cluster(self.settings))


@contextmanager
def open_trainer(settings: Settings, work: str) -> Iterator[Trainer]:
    """What the settings ask for; a cluster that was needed is left at the end of the block.

    work: the task of a local worker.
    """
    if settings.cluster.name == LOCAL:
        yield LocalTrainer(work, expected_workers(settings), settings.time_limit)
        return
    with ExitStack() as left:
        yield ClusterWhenNeeded(settings, left)
