"""What the command itself costs on large clusters: python -m tests.execution.cluster.scale.

Its real order, claims and commits, with workers that only wait. It shows how many workers one
command can keep busy.
"""

from __future__ import annotations

import argparse
import heapq
import resource
import tempfile
import threading
import time
from queue import SimpleQueue
from typing import Any, cast

from ablation.execution import Outcome
from ablation.execution.cluster import dispatch
from ablation.execution.cluster.bundle import Bundle
from ablation.execution.cluster.connection import Connection
from ablation.execution.cluster.node import Description, Ended, Task
from ablation.spec import Trial
from ablation.storage import Store, TrialResult
from tests.helpers import make_result, make_trial

ARMS = 20


class Waiting:
    """Stands for a connection to workers that need `seconds` for each trial."""

    where, jobs = "simulated", None

    def __init__(self, workers: int, seconds: float) -> None:
        self.seconds = seconds
        versions: dict[str, str] = {}
        self.descriptions = {
            f"tcp://{k}": Description(f"host{k // 32}", versions, (), frozenset())
            for k in range(workers)
        }
        self.busy = 0.0
        self._due: list[tuple[float, int, str, Ended, Any]] = []
        self._lock = threading.Condition()
        threading.Thread(target=self._report, daemon=True).start()

    def expect(self, trials: int) -> None:
        return

    def look(self, bundles: object) -> dict[str, Description]:
        return self.descriptions

    def send(self, address: str, bundle: Bundle) -> None:
        return

    def stop(self, addresses: object) -> None:
        return

    def submit(self, address: str, task: Task, reports: SimpleQueue[Any]) -> Ended:
        """Put the report in the queue after some seconds."""
        result = make_result(task.trial).model_dump_json()
        ended = Ended(Outcome(task.trial, result))
        self.busy += self.seconds
        with self._lock:
            heapq.heappush(
                self._due, (time.monotonic() + self.seconds, id(ended), address, ended, reports)
            )
            self._lock.notify()
        return ended

    def report_of(self, ended: Ended) -> Ended:
        return ended

    def _report(self) -> None:
        while True:
            with self._lock:
                while not self._due or self._due[0][0] > time.monotonic():
                    left = self._due[0][0] - time.monotonic() if self._due else None
                    self._lock.wait(left)
                _, _, address, ended, reports = heapq.heappop(self._due)
            reports.put((address, ended))


class Timed(Store):
    """A store that adds up the seconds of its commits."""

    seconds = 0.0

    def commit(self, result: TrialResult) -> bool:
        began = time.monotonic()
        committed = super().commit(result)
        self.seconds += time.monotonic() - began
        return committed


def main() -> None:
    """Run each combination, and print a line for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, nargs="+", default=[10_000])
    parser.add_argument("--workers", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument(
        "--wall", type=float, default=100.0, help="seconds that the workers need for all trials"
    )
    arguments = parser.parse_args()
    print("trials  workers  s/trial  wall s  workers busy  results/s  ms/commit  CPU ms/trial  MiB")
    for count in arguments.trials:
        for workers in arguments.workers:
            seconds = arguments.wall * workers / count
            print(_run(count, workers, seconds), flush=True)


def _run(count: int, workers: int, seconds: float) -> str:
    trials = [make_trial(units=1 + k % ARMS, seed=k // ARMS) for k in range(count)]
    waiting = Waiting(workers, seconds)
    trainer = dispatch.ClusterTrainer(cast(Connection, waiting), 3600.0)
    with tempfile.TemporaryDirectory() as folder:
        store = Timed(folder)
        store.prepare()
        began, cpu = time.monotonic(), time.process_time()
        ended: list[Trial] = [outcome.trial for outcome in trainer.train(trials, store, None, None)]
        wall, cpu = time.monotonic() - began, time.process_time() - cpu
    assert len(ended) == count
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    busy = waiting.busy / (wall * min(workers, count))
    cost, rate, commit = 1000 * cpu / count, count / wall, 1000 * store.seconds / count
    return (
        f"{count:6}  {workers:7}  {seconds:7.2f}  {wall:6.1f}  {busy:12.0%}  {rate:9.0f}  "
        f"{commit:9.1f}  {cost:12.2f}  {memory:3.0f}"
    )


if __name__ == "__main__":
    main()
