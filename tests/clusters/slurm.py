"""A SLURM of one node on this machine."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.clusters.sweeps import Check, Command, Unavailable, commands_exist, compare, until

PACKAGES = ("slurmd", "slurmctld", "slurm-client", "munge")
JOBS = ("cluster=slurm", "cluster.jobs=2", "cluster.memory=1GB", "results=results")


def campaign(folder: Path) -> Iterator[Check]:
    """The sweep undisturbed, and with workers, jobs, the node and the command killed."""
    local = Command(folder, "local", "results=local")
    local.process.wait()
    with running(folder / "slurm") as site:
        calm = Command(folder, "calm", *JOBS)
        calm.process.wait(1800)
        yield from compare("undisturbed", folder, calm)
        shutil.rmtree(folder / "results")

        first = Command(folder, "disturbed-1", *JOBS, "cluster.time=00:01:00")
        first.wait_for(2)
        subprocess.run(["pkill", "-9", "-n", "-f", "distributed.cli.dask_worker"], check=True)
        first.wait_for(6)
        site.run("scancel", site.jobs()[0])
        first.wait_for(10)
        ended = until(lambda: "TIMEOUT" in site.states(), 150)
        yield Check("a job reached its time limit", ended)
        site.restart_node()
        first.wait_for(len(first.trials()) + 2)
        yield Check("the command still runs", first.process.poll() is None)
        first.kill()
        second = Command(folder, "disturbed-2", *JOBS)
        second.process.wait(1800)
        yield from compare("disturbed", folder, first, second)


class Slurm:
    """Its daemons and its commands. states: of all jobs so far, as they were seen."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = os.environ | {"SLURM_CONF": str(folder / "slurm.conf")}
        os.environ["SLURM_CONF"] = self.environment["SLURM_CONF"]  # for the sweep's own commands

    def run(self, *command: str) -> str:
        """Run a command of SLURM; returns what it prints."""
        completed = subprocess.run(command, capture_output=True, text=True, check=False)
        return completed.stdout

    def jobs(self) -> list[str]:
        """The ids of the jobs that run."""
        return self.run("squeue", "-h", "-t", "R", "-o", "%i").split()

    def states(self) -> str:
        """The states of all jobs, also of those that have ended a while ago."""
        return self.run("scontrol", "show", "jobs")

    def start(self) -> None:
        """Start the daemons. Raises Unavailable if the node does not come up."""
        key = self.folder / "munge/key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        munge = self.folder / "munge"
        files = [f"--{file}-file={munge / file}" for file in ("pid", "log", "seed")]
        socket_file = f"--socket={munge / 'socket'}"
        subprocess.run(["munged", "--force", f"--key-file={key}", socket_file, *files], check=True)
        subprocess.run(["slurmctld", "-i"], check=True)
        subprocess.run(["slurmd"], check=True)
        if not until(lambda: self.run("sinfo", "-h", "-o", "%T").strip() == "idle", 20):
            raise Unavailable(f"SLURM's node does not come up; see {self.folder}/*.log")

    def restart_node(self) -> None:
        """End the node's daemon and start it again, as an update of the machine does."""
        self._end("slurmd")
        subprocess.run(["slurmd"], check=True)

    def stop(self) -> None:
        """End all jobs and daemons."""
        self.run("scancel", "--user=root")
        for daemon in ("slurmd", "slurmctld", "munge/munged"):
            self._end(daemon)

    def _end(self, daemon: str) -> None:
        file = self.folder / ("munge/pid" if "munge" in daemon else f"{daemon}.pid")
        with suppress(OSError, ValueError):
            number = int(file.read_text())
            os.kill(number, signal.SIGTERM)
            until(lambda: not Path(f"/proc/{number}").exists(), 10)


@contextmanager
def running(folder: Path) -> Iterator[Slurm]:
    """A SLURM inside the block. Raises Unavailable where it cannot be had."""
    if os.geteuid() != 0:
        raise Unavailable("SLURM's daemons need root")
    if shutil.which("slurmctld") is None:
        commands_exist("apt-get")
        install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES]
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(install, check=False, stdout=subprocess.DEVNULL)
    commands_exist("munged", "slurmctld", "slurmd", "sbatch")
    for part in ("munge", "state", "spool"):
        (folder / part).mkdir(parents=True)
    folder.chmod(0o755)
    (folder / "munge").chmod(0o711)
    (folder / "slurm.conf").write_text(_configuration(folder), encoding="utf-8")
    slurm = Slurm(folder)
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.stop()


def _configuration(folder: Path) -> str:
    host = socket.gethostname().partition(".")[0]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20 - 1024
    values = {
        "ClusterName": "tests",
        "SlurmctldHost": f"{host}(127.0.0.1)",
        "SlurmUser": "root",
        "SlurmctldPort": 16817,
        "SlurmdPort": 16818,
        "AuthType": "auth/munge",
        "CredType": "cred/munge",
        "AuthInfo": f"socket={folder}/munge/socket",
        "CommunicationParameters": "NoInAddrAny,NoCtldInAddrAny",
        "StateSaveLocation": f"{folder}/state",
        "SlurmdSpoolDir": f"{folder}/spool",
        "SlurmctldPidFile": f"{folder}/slurmctld.pid",
        "SlurmdPidFile": f"{folder}/slurmd.pid",
        "SlurmctldLogFile": f"{folder}/slurmctld.log",
        "SlurmdLogFile": f"{folder}/slurmd.log",
        "ProctrackType": "proctrack/linuxproc",
        "TaskPlugin": "task/none",
        "MpiDefault": "none",
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": "CR_Core",
        "AccountingStorageType": "accounting_storage/none",
        "JobAcctGatherType": "jobacct_gather/none",
        "SlurmdParameters": "config_overrides",
        "ReturnToService": 2,
        "MailProg": "/bin/true",
        "KillWait": 5,
        "MinJobAge": 3600,
        "OverTimeLimit": 0,
    }
    nodes = f"NodeName={host} NodeAddr=127.0.0.1 CPUs={os.cpu_count()} RealMemory={memory}"
    partition = "PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP"
    return "\n".join([*(f"{k}={v}" for k, v in values.items()), nodes, partition, ""])
