"""A real scheduler and real workers on this machine; only the training is made up."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from distributed import Client

from ablation import sweep
from ablation.errors import RequestError
from ablation.execution import Outcome, open_trainer
from ablation.planning import parse
from ablation.spec import Cluster, Settings, Trial, trials_of
from ablation.storage import CommittedTrial, Store
from tests.execution.cluster.node_work import DIES, FAILS, HANGS, OTHER_KERAS, TRAINED
from tests.helpers import compose, make_request, make_result, make_trial

PRELOAD = "tests.execution.cluster.node_work"
ROOT = Path(__file__).parents[3]


class Machines:
    """A scheduler and workers, each a process that can be killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.trained = folder / "trained"
        self.trained.mkdir()
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.schedule()

    def schedule(self) -> None:
        self.start("scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard")

    def start(self, name: str, *arguments: str, **environment: str) -> None:
        what = name.rstrip("0123456789")
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-m", "distributed.cli.dask_" + what, *arguments],
                env={
                    **os.environ,
                    "PYTHONPATH": str(ROOT),
                    TRAINED: str(self.trained),
                    "XDG_CACHE_HOME": str(self.folder / f"{name}-cache"),
                    **environment,
                },
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def work(self, name: str, **environment: str) -> None:
        """Start a worker with a home of its own."""
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
        self.start(name, self.address, *options, "--preload", PRELOAD, **environment)

    def kill(self, name: str) -> None:
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def times_trained(self, trials: Sequence[Trial]) -> list[int]:
        """How often each of the trials was trained."""
        count = Counter(path.name.partition("-")[0] for path in self.trained.iterdir())
        return [count[trial.id] for trial in trials]


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """A scheduler and two workers; whoever kills one starts it again."""
    machines = Machines(tmp_path_factory.mktemp("machines"))
    machines.work("worker1")
    machines.work("worker2")
    wait_for(machines, 2)
    yield machines
    for name in list(machines.processes):
        machines.kill(name)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "results")
    store.prepare()
    return store


def settings_of(machines: Machines, time_limit: float = 60.0) -> Settings:
    cluster = Cluster(name="dask", address=machines.address)
    return make_request(parse(compose()), cluster=cluster, time_limit=time_limit).settings


def train(
    machines: Machines, trials: Sequence[Trial], store: Store, time_limit: float = 60.0
) -> Iterator[Outcome]:
    with open_trainer(settings_of(machines, time_limit), "") as trainer:
        yield from trainer.train(trials, store, None, None)


def wait_for(machines: Machines, workers: int) -> None:
    with Client(machines.address, set_as_default=False) as client:
        client.wait_for_workers(workers, timeout=30)


def grid(first: int, seeds: int = 4) -> list[Trial]:
    """Trials of two arms; each test has units of its own, as workers keep what they trained."""
    return [make_trial(units=units, seed=s) for s in range(seeds) for units in (first, first + 1)]


def test_each_trial_is_trained_once_and_its_result_is_stored(
    machines: Machines, store: Store
) -> None:
    trials = grid(1)
    outcomes = list(train(machines, trials, store))
    assert {outcome.trial for outcome in outcomes} == set(trials)
    assert all(isinstance(outcome.value, CommittedTrial) for outcome in outcomes)
    assert {outcome.host for outcome in outcomes} == {socket.gethostname()}
    assert machines.times_trained(trials) == [1] * 8
    results = store.read_all(trial.id for trial in trials)
    assert [result.trial for result in results.values()] == trials


def test_a_misbehaving_trial_harms_no_other_trial(machines: Machines, store: Store) -> None:
    dies, hangs, fails = (make_trial(units=units) for units in (DIES, HANGS, FAILS))
    trials = [dies, hangs, fails, *grid(10, seeds=2)]
    outcomes = {o.trial: o for o in train(machines, trials, store, time_limit=4)}
    assert len(outcomes) == 7
    assert outcomes[dies].message == "its worker died (SIGKILL: killed by hand or out of memory)"
    assert outcomes[hangs].kind == "timed out"
    assert (outcomes[fails].kind, outcomes[fails].message) == ("LookupError", "no such table")
    assert "what it printed" in store.log(fails.id).read_text()
    assert store.done(trial.id for trial in trials) == {trial.id for trial in trials[3:]}


def test_no_trial_is_lost_with_a_worker(machines: Machines, store: Store) -> None:
    trials = grid(300, seeds=3)
    outcomes = []
    for outcome in train(machines, trials, store):
        outcomes.append(outcome)
        if len(outcomes) == 1:
            machines.kill("worker1")
    machines.work("worker1")
    assert [outcome.kind for outcome in outcomes] == [None] * 6
    assert store.done(trial.id for trial in trials) == {trial.id for trial in trials}


def test_what_a_killed_command_had_begun_is_not_trained_again(
    machines: Machines, store: Store, tmp_path: Path
) -> None:
    trials = grid(700, seeds=2)
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from ablation.storage import Store\n"
        "from tests.execution.cluster import test_cluster as tests\n"
        "machines = object.__new__(tests.Machines); machines.address = sys.argv[1]\n"
        "for outcome in tests.train(machines, tests.grid(700, 2), Store(sys.argv[2])):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    command = [sys.executable, "-c", program, machines.address, str(store.root)]
    ended = subprocess.run(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert ended.returncode == -signal.SIGKILL
    assert len(store.done(trial.id for trial in trials)) == 1
    left = [trial for trial in trials if not store.done([trial.id])]
    assert [outcome.kind for outcome in train(machines, left, store)] == [None] * 3
    assert machines.times_trained(trials) == [1] * 4


def test_a_sweep_goes_on_when_the_scheduler_is_back(machines: Machines, store: Store) -> None:
    trials = grid(200, seeds=3)
    outcomes = []
    for outcome in train(machines, trials, store):
        outcomes.append(outcome)
        if len(outcomes) == 2:
            for name in list(machines.processes):
                machines.kill(name)
            machines.schedule()
            machines.work("worker1")
            machines.work("worker2")
    assert [outcome.kind for outcome in outcomes] == [None] * 6
    assert store.done(trial.id for trial in trials) == {trial.id for trial in trials}


def test_own_code_and_data_go_to_machines_that_lack_them(
    machines: Machines, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    Path("cluster_mine.py").write_text(
        "import numpy as np\nfrom ablation.data import Sequences\nfrom cluster_half import HALF\n"
        "def coin(rng, sequences, length):\n"
        "    x = (rng.random((sequences, length, 1)) < HALF).astype('float32')\n"
        "    return Sequences(x, x[..., 0].astype('int32'))\n"
    )
    Path("cluster_half.py").write_text("HALF = 0.5\n")
    rng = np.random.default_rng(0)
    np.savez("own.npz", x=rng.random((40, 5, 1), np.float32), y=rng.integers(0, 2, (40, 5)))
    trials = [
        Trial(arm=parse(compose("problem=cluster_mine.coin", "training=smoke")).arm, seed=0),
        Trial(arm=parse(compose("problem=file", "problem.path=own.npz")).arm, seed=0),
    ]
    assert [outcome.message for outcome in train(machines, trials, store)] == ["", ""]
    results = store.read_all(trial.id for trial in trials)
    assert [result.trial for result in results.values()] == trials
    assert not any(machines.folder.glob("own.npz"))


def test_a_worker_with_other_versions_is_refused(machines: Machines, store: Store) -> None:
    machines.work("worker3", **{OTHER_KERAS: "3.0.0"})
    try:
        wait_for(machines, 3)
        with pytest.raises(RequestError, match=r"has keras 3.0.0, and this machine has \d"):
            list(train(machines, [make_trial()], store))
    finally:
        machines.kill("worker3")


def test_a_scheduler_that_is_not_there_is_named(store: Store) -> None:
    cluster = Cluster(name="dask", address="tcp://127.0.0.1:9")
    settings = make_request(parse(compose()), cluster=cluster).settings
    missing = "cluster.address=tcp://127.0.0.1:9: no scheduler"
    with open_trainer(settings, "") as trainer, pytest.raises(RequestError, match=missing):
        trainer.train([make_trial()], store, None, None)


def test_seeds_that_are_added_to_a_finished_sweep_go_to_the_cluster(
    machines: Machines, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "seeds=auto max_seeds=11 training=smoke problem.test_size=60 length=4 name=late"
    words += " report.margin=0.001"  # less than a test label, so that no pair is equivalent
    jobs = [[f"direction={d}", *words.split()] for d in ("forward", "go_backwards")]
    arms = [parse(compose(*job)).arm for job in jobs]
    for trial in (trial for arm in arms for trial in trials_of(arm, range(10))):
        store.commit(make_result(trial, accuracy=0.6 + trial.seed / 1000))
    added = [trial for arm in arms for trial in trials_of(arm, [10])]

    def sweep_on(address: str) -> None:
        cluster = [f"results={store.root}", "cluster=dask", f"cluster.address={address}"]
        sweep.run([compose(*job, *cluster) for job in jobs], jobs, "ablation -m ...")

    sweep_on(machines.address)
    assert "Undecided: training 2 more trials" in capsys.readouterr().out
    assert machines.times_trained(added) == [1, 1]
    sweep_on("tcp://127.0.0.1:9")  # nobody is there, and nobody is needed
    assert "nothing to train" in capsys.readouterr().out
