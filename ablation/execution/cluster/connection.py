"""The connection to a Dask cluster: its workers, what is sent to them, what they report."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from distributed import Client, Future
from distributed.comm.core import CommClosedError

from ablation.errors import RequestError
from ablation.execution.cluster import node
from ablation.execution.cluster.bundle import Bundle
from ablation.execution.cluster.node import Description, Ended, Task
from ablation.terminal import say

CONNECT = 10.0  # seconds to wait for a scheduler
UNREACHABLE = (OSError, TimeoutError, CommClosedError)


class Lost(Exception):
    """The scheduler cannot be reached at the moment."""


@dataclass(frozen=True)
class Jobs:
    """The jobs of a batch system that the workers run in.

    logs: the folder for what they print. start: starts those that are missing for so many trials,
    also because they ended early.
    """

    logs: Path
    start: Callable[[int], Any]


class Connection:
    """A cluster that trains.

    where: what the cluster is called in messages. descriptions: the workers that can be used, by
    address.
    """

    def __init__(
        self, where: str, open_client: Callable[[], Client], jobs: Jobs | None = None
    ) -> None:
        """open_client: connects to the scheduler, or raises one of UNREACHABLE.

        jobs: what the workers run in, if this command has started them.
        """
        self.where = where
        self.descriptions: dict[str, Description] = {}
        self._open_client, self.jobs = open_client, jobs
        self._refused: set[str] = set()
        self._used = False  # whether any worker could be
        self._trials = 0  # the most that there were to train at a time
        self._client = open_client()

    def close(self) -> None:
        """Leave the cluster."""
        with suppress(Exception):  # it may be gone, in whatever way
            self._client.close(timeout=2)

    def expect(self, trials: int) -> None:
        """So many trials come to be trained."""
        self._trials = max(self._trials, trials)

    def check_versions(self) -> None:
        """Raise RequestError where a worker would compute something else than this machine."""
        for problem in self._describe(self._addresses(), []).values():
            raise RequestError(problem)

    def look(self, bundles: Sequence[str]) -> dict[str, Description]:
        """The workers that are there now and can be used, by address.

        bundles: the keys that a machine is asked for. Raises Lost, and RequestError where the first
        worker cannot be used.
        """
        if self.jobs is not None:
            self.jobs.start(self._trials)
        there = self._addresses()
        for address in self.descriptions.keys() - there:
            del self.descriptions[address]
        new = there - self.descriptions.keys() - self._refused
        for address, problem in self._describe(new, bundles).items():
            if not self._used:
                raise RequestError(problem)
            self._refused.add(address)
            say(f"Note: {problem}; it is not used.")
        return dict(self.descriptions)

    def send(self, address: str, bundle: Bundle) -> None:
        """See to it that the worker's machine has the bundle. Raises Lost."""
        host = self.descriptions[address].host
        beside = [d for d in self.descriptions.values() if d.host == host]
        if not bundle.key or any(bundle.key in d.bundles for d in beside):
            return
        try:
            self._client.run(node.receive, bundle, workers=[address])
        except UNREACHABLE as error:
            raise Lost from error
        known = self.descriptions[address]
        self.descriptions[address] = replace(known, bundles=known.bundles | {bundle.key})

    def submit(self, address: str, task: Task, reports: SimpleQueue[tuple[str, Future]]) -> Future:
        """Let the worker train; its address and future are put in `reports` at the end.

        Raises Lost.
        """
        try:
            # Each attempt has a key of its own: Dask would otherwise give back an older one.
            future = self._client.submit(
                node.train, task, workers=[address], allow_other_workers=False, pure=False
            )
        except UNREACHABLE as error:
            raise Lost from error
        future.add_done_callback(lambda done: reports.put((address, done)))
        return future

    def report_of(self, future: Future) -> Ended | None:
        """What the worker reports of a trial that ended; None where it died. Raises Lost."""
        if future.status == "finished":
            try:
                return future.result(timeout=CONNECT)  # type: ignore[no-any-return]
            except UNREACHABLE as error:
                raise Lost from error
        if future.status in ("cancelled", "lost"):  # the scheduler has forgotten it, or is gone
            raise Lost
        return None

    def stop(self, addresses: Sequence[str]) -> None:
        """End what these workers are training."""
        if addresses:
            with suppress(Exception):
                self._client.run(node.stop, workers=list(addresses), on_error="ignore")

    def _addresses(self) -> set[str]:
        try:
            if self._client.status == "closed":
                self._client = self._open_client()
            if self._client.status != "running":
                raise Lost
            return set(self._client.nthreads())
        except UNREACHABLE as error:
            raise Lost from error

    def _describe(self, addresses: Set[str], bundles: Sequence[str]) -> dict[str, str]:
        """Ask workers about themselves, all at once; returns what is wrong with which of them."""
        if not addresses:
            return {}
        try:
            answers = self._client.run(
                node.describe, list(bundles), workers=sorted(addresses), on_error="return"
            )
        except UNREACHABLE as error:
            raise Lost from error
        problems = {}
        for address in sorted(addresses):
            answer = answers.get(address)
            if isinstance(answer, UNREACHABLE) or answer is None:
                continue  # it is gone, or asked again by the next look
            problem = self._problem(address, answer)
            if problem:
                problems[address] = problem
            else:
                self.descriptions[address] = answer
                self._used = True
        return problems

    def _problem(self, address: str, answer: Any) -> str:
        """What is wrong with a worker that gives this answer; "" if nothing is."""
        if not isinstance(answer, Description):
            return f"{self.where}: worker {address} cannot run ablation ({answer!r})"
        for name, version in node.versions().items():
            there = answer.versions[name]
            if there != version:
                return (
                    f"{self.where}: the worker on {answer.host} has {name} {there}, and this "
                    f"machine has {version}; install the same on both"
                )
        return ""


def unreachable(where: str, error: BaseException) -> RequestError:
    """The error for a scheduler that does not answer."""
    cause = error.__cause__ or error  # Dask's own text is long, and names a socket
    text = getattr(cause, "strerror", None) or type(cause).__name__
    hint = "" if "tls://" in where else "; one with TLS has an address that begins with tls://"
    return RequestError(f"{where}: no scheduler answers there ({text}{hint})")
