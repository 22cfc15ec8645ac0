"""Two hosts in network namespaces, without a common folder, and a command in a third."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ablation.execution import DASK
from tests.clusters.sweeps import ROOT, Check, Command, Unavailable, commands_exist, compare, until

HEAD, PORT = "10.77.0.1", 8786
CUT = 60  # seconds


def campaign(folder: Path) -> Iterator[Check]:
    """The sweep undisturbed, with the network cut for a minute, and with all kinds of kills."""
    home = folder / "command"  # the hosts do not see it
    home.mkdir()
    local = Command(home, "local", "results=local")
    local.process.wait()
    with running(folder) as site:
        (home / "conf/cluster").mkdir(parents=True)
        (home / "conf/cluster/ours.yaml").write_text(
            f"defaults: [dask]\naddress: tls://{HEAD}:{PORT}\n"
            f"tls:\n  ca: {site.file('ca.pem')}\n"
            f"  cert: {site.file('me.pem')}\n  key: {site.file('me.key')}\n"
        )
        options = ("cluster=ours", "results=results")
        calm = Command(home, "calm", *options, prefix=site.inside("head"))
        calm.process.wait(1800)
        yield from compare("undisturbed", home, calm)
        named = set(re.findall(r"  on (\S+)", calm.log.read_text()))
        yield Check(f"the lines name {' and '.join(sorted(named))}", named == {"host1", "host2"})
        shutil.rmtree(home / "results")
        site.forget()

        first = Command(home, "disturbed-1", *options, prefix=site.inside("head"))
        first.wait_for(3)
        site.cut("host1")
        time.sleep(CUT)
        site.mend("host1")
        first.wait_for(len(first.trials()) + 4)
        yield Check("the command still runs after the cut", first.process.poll() is None)
        site.kill("host2")
        first.wait_for(len(first.trials()) + 2)
        site.start("host2")
        first.wait_for(len(first.trials()) + 2)
        first.kill()
        second = Command(home, "disturbed-2", *options, prefix=site.inside("head"))
        second.process.wait(1800)
        yield from compare("disturbed", home, first, second)


class Hosts:
    """The namespaces and what runs in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def inside(self, host: str) -> list[str]:
        """What stands before a command that runs in the namespace."""
        return ["ip", "netns", "exec", _name(host)]

    def file(self, name: str) -> Path:
        """A certificate or key: of the authority (ca), of the command (me), of the hosts (node)."""
        return self.folder / name

    def certify(self) -> None:
        """Make an authority, and a key and certificate of it for the command and the hosts."""
        new = ("openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-days", "2")
        whole = (*new, "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem")
        subprocess.run(whole, cwd=self.folder, check=True, capture_output=True)
        for name in ("me", "node"):
            signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-subj", f"/CN={name}")
            ours = (*new, *signed, "-keyout", f"{name}.key", "-out", f"{name}.pem")
            subprocess.run(ours, cwd=self.folder, check=True, capture_output=True)

    def make(self) -> None:
        """Make the namespaces, joined by a bridge in the first."""
        for host in ("head", "host1", "host2"):
            _ip("netns", "add", _name(host))
            _ip("-n", _name(host), "link", "set", "lo", "up")
        _ip("-n", _name("head"), "link", "add", "bridge", "type", "bridge")
        _ip("-n", _name("head"), "addr", "add", f"{HEAD}/24", "dev", "bridge")
        _ip("-n", _name("head"), "link", "set", "bridge", "up")
        for number, host in enumerate(("host1", "host2"), start=2):
            _ip("-n", _name("head"), "link", "add", f"to-{host}", "type", "veth", *_peer(host))
            _ip("-n", _name("head"), "link", "set", f"to-{host}", "master", "bridge", "up")
            _ip("-n", _name(host), "addr", "add", f"10.77.0.{number}/24", "dev", "eth0")
            _ip("-n", _name(host), "link", "set", "eth0", "up")

    def start(self, host: str) -> None:
        """Start the scheduler on the head, or a worker on a host that sees no other's folder."""
        own = self.folder / host
        own.mkdir(exist_ok=True)
        python = f"{sys.executable} -m distributed.cli."
        files = {"ca-file": "ca.pem", "cert": "node.pem", "key": "node.key"}
        tls = " ".join(f"--tls-{option} {self.file(file)}" for option, file in files.items())
        if host == "head":
            script = (
                f"exec {python}dask_scheduler --protocol tls {tls} "
                f"--host {HEAD} --port {PORT} --no-dashboard"
            )
        else:
            # An empty folder lies over the command's, and over the home with its caches.
            script = (
                f"mount -t tmpfs none {self.folder}/command && hostname {host} && exec "
                f"{python}dask_worker tls://{HEAD}:{PORT} {tls} --nthreads 1 --no-dashboard"
            )
        with open(self.folder / f"{host}.log", "ab") as log:
            self.processes[host] = subprocess.Popen(
                [*self.inside(host), "unshare", "--mount", "--uts", "bash", "-c", script],
                cwd=own,
                env=os.environ | {**DASK, "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(own)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, host: str) -> None:
        """Kill everything on the host, as a power cut does."""
        numbers = subprocess.run(
            ["ip", "netns", "pids", _name(host)], capture_output=True, text=True, check=True
        ).stdout.split()
        subprocess.run(["kill", "-9", *numbers], check=False)
        self.processes.pop(host).wait()

    def cut(self, host: str) -> None:
        """Cut the host's network; nothing says so to either end."""
        _ip("-n", _name("head"), "link", "set", f"to-{host}", "down")

    def mend(self, host: str) -> None:
        """Mend what was cut."""
        _ip("-n", _name("head"), "link", "set", f"to-{host}", "up")

    def forget(self) -> None:
        """Start the hosts again, so that they remember no trials."""
        for host in ("host1", "host2"):
            self.kill(host)
            self.start(host)

    def remove(self) -> None:
        """End everything and remove the namespaces."""
        for host in ("host1", "host2", "head"):
            if host in self.processes:
                self.kill(host)
            subprocess.run(["ip", "netns", "del", _name(host)], check=False)


@contextmanager
def running(folder: Path) -> Iterator[Hosts]:
    """Two hosts with a worker each inside the block. Raises Unavailable where there are none."""
    if os.geteuid() != 0:
        raise Unavailable("network namespaces need root")
    commands_exist("ip", "unshare", "mount", "hostname", "openssl")
    hosts = Hosts(folder)
    try:
        try:
            hosts.certify()
            hosts.make()
        except subprocess.CalledProcessError as error:
            raise Unavailable(f"no certificates or network namespaces ({error})") from None
        for host in ("head", "host1", "host2"):
            hosts.start(host)
        answers = until(lambda: _reachable(hosts), 30)
        if not answers:
            raise Unavailable(f"the scheduler does not answer; see {folder}/head.log")
        yield hosts
    finally:
        hosts.remove()


def _reachable(hosts: Hosts) -> bool:
    script = f"import socket; socket.create_connection(('{HEAD}', {PORT}), 1)"
    command = [*hosts.inside("host1"), sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _peer(host: str) -> list[str]:
    return ["peer", "name", "eth0", "netns", _name(host)]


def _name(host: str) -> str:
    return f"ablation-{host}"


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
