"""The command's side of a cluster: which worker trains which trial, and what became of it.

Each worker has one trial at a time, so this program and not Dask chooses the order: an arm goes
where it is compiled already. What a worker reports is stored here, by one writer.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

from distributed import Future

from ablation.errors import SweepFailed
from ablation.execution.cluster.bundle import Bundle, pack
from ablation.execution.cluster.connection import Connection, Lost
from ablation.execution.cluster.jobs import connect
from ablation.execution.cluster.node import Description, Task
from ablation.execution.handle import Outcome
from ablation.execution.order import Queue
from ablation.execution.pool import BUSY_WAIT
from ablation.execution.process import EXTERNAL_FAILURES
from ablation.spec import Arm, Settings, Trial
from ablation.storage import PROGRAMS_KEPT, Claims, CommittedTrial, Store, TrialResult
from ablation.terminal import say

LOOK_EVERY = 2.0  # seconds between two looks at which workers are there
SAY_AFTER = 30.0  # seconds without a worker, or without the scheduler
PATIENCE = 600.0  # the same, before the sweep ends


@contextmanager
def open_cluster(settings: Settings) -> Iterator[ClusterTrainer]:
    """Join the cluster that the settings name, or start its jobs; leave or end it afterwards.

    Raises RequestError where the cluster cannot be used.
    """
    with connect(settings) as connection:
        connection.check_versions()
        yield ClusterTrainer(connection, settings.time_limit)


@dataclass(frozen=True)
class ClusterTrainer:
    """The workers of a cluster; see `trainer.Trainer`."""

    connection: Connection
    time_limit: float

    @property
    def workers(self) -> int:
        """How many workers there are now."""
        return max(1, len(self.connection.descriptions))

    def train(
        self, trials: Sequence[Trial], store: Store, commit: str | None, dirty: bool | None
    ) -> Generator[Outcome]:
        """See `trainer.Trainer.train`."""
        self.connection.expect(len(trials))
        queue = Queue(trials, PROGRAMS_KEPT * self.workers)
        return _Dispatch(self.connection, queue, store, self.time_limit, commit, dirty).run()


@dataclass
class _Worker:
    """A worker of the cluster as the command sees it: the arms it has compiled, its trial.

    begun: trials that wait for it, as it has begun them for a command that was killed.
    """

    address: str
    description: Description
    begun: list[Trial]
    warm: set[Arm] = field(default_factory=set)
    trial: Trial | None = None
    future: Future | None = None


@dataclass
class _Dispatch:
    """The trials of a sweep on their way to the workers and back.

    reports: the address of a worker and the future of its trial, as trials end. cut: whether the
    scheduler could not be reached since the last look. said: whether it was said that it, or any
    worker, is missing.
    """

    connection: Connection
    queue: Queue
    store: Store
    time_limit: float
    commit: str | None
    dirty: bool | None
    pool: dict[str, _Worker] = field(default_factory=dict)
    bundles: dict[Arm, Bundle] = field(default_factory=dict)
    claims: Claims = field(init=False)
    reports: SimpleQueue[tuple[str, Future]] = field(default_factory=SimpleQueue)
    cut: bool = False
    said: bool = False

    def run(self) -> Generator[Outcome]:
        """Train all trials of the queue; see `trainer.Trainer.train`."""
        looked, seen = float("-inf"), time.monotonic()
        with self.store.claims() as self.claims:
            try:
                while self.queue or self._busy() or self._begun():
                    self.queue.release(time.monotonic())
                    if time.monotonic() - looked >= LOOK_EVERY:
                        yield from self._look()
                        looked = time.monotonic()
                    seen = self._wait_for_workers(seen)
                    for worker in self.pool.values():
                        if worker.trial is None:
                            yield from self._assign(worker)
                    for worker, future in self._reported():
                        yield from self._settle(worker, future)
            finally:
                self.connection.stop([worker.address for worker in self._busy()])

    def _busy(self) -> list[_Worker]:
        return [worker for worker in self.pool.values() if worker.trial is not None]

    def _begun(self) -> bool:
        return any(worker.begun for worker in self.pool.values())

    def _look(self) -> Iterator[Outcome]:
        """Find new workers, and offer the trials of those that are gone again."""
        keys = {bundle.key for bundle in self.bundles.values() if bundle.key}
        try:
            there = self.connection.look(sorted(keys))
        except Lost:
            self.cut = True
            return
        for address in self.pool.keys() - there.keys():
            worker = self.pool.pop(address)
            for trial in worker.begun:
                self.queue.put_back(trial)
            if worker.trial is not None:
                yield from self._offer_again(worker, self.cut)
        for address in there.keys() - self.pool.keys():
            begun = self.queue.take_these(there[address].begun)
            self.pool[address] = _Worker(address, there[address], begun)
        self.cut = False

    def _wait_for_workers(self, seen: float) -> float:
        """The last time at which there was a worker. Raises SweepFailed if it is long ago."""
        now = time.monotonic()
        if self.pool and not self.cut:
            self.said = False
            return now
        jobs = self.connection.jobs
        what = "the scheduler" if self.cut else "any worker"
        missing = f"{self.connection.where}: {now - seen:.0f} s without {what}"
        missing += f" (what the jobs print is in {jobs.logs})" if jobs else ""
        if now - seen > PATIENCE:
            raise SweepFailed(
                f"{missing}; finished trials are kept; run the same command to continue"
            )
        if now - seen > SAY_AFTER and not self.said:
            say(f"Note: {missing}; waiting.")
            self.said = True
        return seen

    def _assign(self, worker: _Worker) -> Iterator[Outcome]:
        """Give the worker its next trial, if any."""
        others = [w.warm for w in self.pool.values() if w is not worker]
        trial = worker.begun.pop() if worker.begun else self.queue.take(worker.warm, others)
        if trial is None:
            return
        if not self.claims.take(trial.id):
            self.queue.postpone(trial, time.monotonic() + BUSY_WAIT)
            return
        result = self.store.read(trial.id)  # another process may have committed it since the plan
        if result is not None:
            self.claims.give_back(trial.id)
            yield Outcome(trial, CommittedTrial.of(result, trained=False))
            return
        worker.trial = trial
        worker.warm.add(trial.arm)
        if trial.arm not in self.bundles:
            self.bundles[trial.arm] = pack(trial.arm)
        bundle = self.bundles[trial.arm]
        place = self._place(worker)
        task = Task(trial, bundle.key, place, self.time_limit, self.commit, self.dirty)
        try:
            self.connection.send(worker.address, bundle)
            worker.future = self.connection.submit(worker.address, task, self.reports)
        except Lost:
            yield from self._offer_again(worker, outside=True)

    def _place(self, worker: _Worker) -> int:
        """Which of its host's workers this is, so that each has a core of its own."""
        host = worker.description.host
        beside = sorted(w.address for w in self.pool.values() if w.description.host == host)
        return beside.index(worker.address)

    def _reported(self) -> Iterator[tuple[_Worker, Future]]:
        """The workers whose trial ended, with its future; waits a moment for the first."""
        with suppress(Empty):
            address, future = self.reports.get(timeout=BUSY_WAIT)
            while True:
                worker = self.pool.get(address)
                if worker is not None and worker.future is future:
                    yield worker, future
                address, future = self.reports.get_nowait()

    def _settle(self, worker: _Worker, future: Future) -> Iterator[Outcome]:
        """Store what the worker reports of its trial."""
        try:
            ended = self.connection.report_of(future)
        except Lost:
            yield from self._offer_again(worker, outside=True)
            return
        if ended is None:
            yield from self._offer_again(worker, outside=False)
            return
        outcome, host = ended.outcome, worker.description.host
        trial = self._take_back(worker)
        if outcome.kind is None:
            result = TrialResult.model_validate_json(outcome.value)
            self.store.commit(result)
            self.claims.give_back(trial.id)
            yield Outcome(trial, CommittedTrial.of(result, trained=True), host=host)
            return
        self.claims.give_back(trial.id)
        if outcome.kind not in EXTERNAL_FAILURES or not self.queue.retry(trial):
            self.store.keep_output(trial.id, ended.output)
            yield Outcome(trial, None, outcome.kind, outcome.message, outcome.traceback, host)

    def _offer_again(self, worker: _Worker, outside: bool) -> Iterator[Outcome]:
        """Put the trial of a lost worker back in the queue, or give it up.

        outside: whether the connection was lost, and not the worker; that is no attempt at it.
        """
        trial, host = self._take_back(worker), worker.description.host
        self.claims.give_back(trial.id)
        worker.warm.clear()
        if outside:
            self.queue.postpone(trial, time.monotonic() + BUSY_WAIT)
        elif not self.queue.retry(trial):
            yield Outcome(trial, None, "killed", "the cluster lost its worker", host=host)

    def _take_back(self, worker: _Worker) -> Trial:
        trial = worker.trial
        assert trial is not None
        worker.trial = worker.future = None
        return trial
