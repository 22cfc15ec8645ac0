"""Checks whether this machine can run a sweep, by inspection and by training one tiny arm."""

from __future__ import annotations

import fcntl
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from ablation.checks.results import Check
from ablation.execution import available_cores, run_trials
from ablation.spec import Trial
from ablation.storage import PROGRAMS_LIMIT, programs_folder

WORKER_MEMORY = 1.0  # GiB per worker, including what TensorFlow leaks
DISK_SPACE = 1.0  # GiB that should be free: a result takes some 10 kB, a report a few MB
DEVELOPMENT = ("test", "dev")  # extras that no sweep needs
GIB = 2**30

TINY: dict[str, Any] = {
    "problem": {"name": "cumsum", "test_size": 500, "threshold": 0.25},
    "length": 10,
    "direction": "forward",
    "merge_mode": None,
    "cell": "lstm",
    "units": 10,
    "layers": 1,
    "training": {
        "sequences": 5000,
        "epochs": 1,
        "batch_size": 10,
        "optimizer": "adam",
        "learning_rate": 0.001,
    },
    "seed": 0,
}

# Tries to lock the byte that another process has locked; exits with 0 if it succeeds.
LOCK_ATTEMPT = (
    "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'ab'), fcntl.LOCK_EX | fcntl.LOCK_NB, 1)"
)


def check_machine(root: Path, train: bool = True) -> Iterator[Check]:
    """Check everything that a sweep needs, in the order in which to fix it.

    root: the results folder. train: whether to train one tiny arm with both engines too.
    """
    yield from check_packages()
    yield check_plugin()
    cores = len(available_cores())
    yield check_cores(cores, core_quota(), os.cpu_count() or cores)
    yield check_memory(free_memory(), cores)
    yield check_writable("temporary", Path(tempfile.gettempdir()))
    yield from check_folder(root)
    yield check_programs()
    if train:
        yield from check_training()


def check_packages() -> Iterator[Check]:
    try:
        requirements = [Requirement(line) for line in requires("ablation") or []]
        python = SpecifierSet(metadata("ablation")["Requires-Python"])
    except PackageNotFoundError:
        yield Check("packages", "attention", "ablation is not installed: pip install -e .")
        return
    running = ".".join(map(str, sys.version_info[:3]))
    message = f"{running} (required: {python})"
    yield Check("Python", "ok" if running in python else "wrong", message)
    required = [package for package in requirements if package.marker is None]
    versions = [(package, _version(package.name)) for package in required]
    unfit = [
        (package, installed)
        for package, installed in versions
        if installed is None or not package.specifier.contains(installed, prereleases=True)
    ]
    for package, installed in unfit:
        status = f"{installed or 'not installed'} (required: {package.specifier})"
        yield Check(package.name, "wrong", f'{status}: pip install "{package}"')
    core = ", ".join(f"{p.name} {v}" for p, v in versions if p.name in ("tensorflow", "keras"))
    if not unfit:
        yield Check("packages", "ok", f"all {len(versions)} required ones are installed; {core}")
    extras = dict.fromkeys(metadata("ablation").get_all("Provides-Extra") or [])
    for extra in (extra for extra in extras if extra not in DEVELOPMENT):
        packages = [p for p in requirements if p.marker and p.marker.evaluate({"extra": extra})]
        missing = [package.name for package in packages if _version(package.name) is None]
        status = ", ".join(f"{package.name} {_version(package.name)}" for package in packages)
        if missing:
            hint = f'if you need it: pip install "ablation[{extra}]"'
            status = f"{', '.join(missing)} not installed; {hint}"
        yield Check(f"extra {extra}", "ok", status)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def check_plugin() -> Check:
    """Check that Hydra finds the launcher; it loads every hydra_plugins package on the path."""
    parents = importlib.import_module("hydra_plugins").__path__
    plugins = {os.path.realpath(path) for path in parents if Path(path, "ablation_plugin").is_dir()}
    if len(plugins) > 1:
        locations = ", ".join(sorted(plugins))
        status = f"installed more than once ({locations}); keep one installation"
        return Check("Hydra plugin", "attention", status)
    command = [sys.executable, "-m", "ablation", "--info", "plugins"]
    listing = subprocess.run(command, capture_output=True, text=True, check=False)
    if listing.stdout.split().count("AblationLauncher") == 1:
        return Check("Hydra plugin", "ok", "found once")
    return Check("Hydra plugin", "wrong", "Hydra does not find it: run pip install -e . again")


def check_cores(usable: int, quota: float | None, total: int) -> Check:
    """Compare the cores that this process may run on with its container's limit.

    quota: how many cores' worth of time the container may use. total: cores of the machine.
    """
    if quota is not None and quota < usable:
        status = f"{usable} cores, but the container may use only {quota:g}"
        return Check("cores", "attention", f"{status}; set workers={max(1, int(quota))}")
    return Check("cores", "ok", f"{usable} of {total} usable, one worker on each")


def check_memory(free: float | None, cores: int) -> Check:
    """Check that a worker for each core fits into memory. free: GiB, None if unknown."""
    if free is None:
        total = cores * WORKER_MEMORY
        return Check("memory", "ok", f"unknown here; {cores} workers need {total:g} GiB")
    workers = int(free / WORKER_MEMORY)
    status = f"{free:.1f} GiB free, enough for {workers} workers of {WORKER_MEMORY:g} GiB"
    if workers >= cores:
        return Check("memory", "ok", status)
    if workers:
        return Check("memory", "attention", f"{status}; set workers={workers}")
    return Check("memory", "wrong", f"{status}; close other programs")


def core_quota() -> float | None:
    """How many cores' worth of time the control group of this process allows; None if no limit."""
    for names in (["cpu.max"], ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"]):
        words = [word for name in names for word in _control_group(name)]
        if len(words) == 2 and words[0] not in ("max", "-1"):
            return int(words[0]) / int(words[1])
    return None


def free_memory() -> float | None:
    """GiB that this process may still allocate; None if the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    free = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable")]
    for limit, usage in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        words = _control_group(limit) + _control_group(usage)
        if len(words) == 2 and words[0] != "max":
            free.append(int(words[0]) - int(words[1]))
    return min(free) / GIB if free else None


def _control_group(name: str) -> list[str]:
    try:
        return Path("/sys/fs/cgroup", name).read_text().split()
    except OSError:
        return []


def check_folder(root: Path) -> Iterator[Check]:
    """Check the file system of the results: writable, space, locks, hard links; leaves no file."""
    existing = root.absolute()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    writable = check_writable("results", existing)
    yield writable
    if writable.state != "ok":
        return
    free = shutil.disk_usage(existing).free / GIB
    status = f"{free:.1f} GiB free for results"
    if free < DISK_SPACE:
        status += "; free some space, or choose another folder with results="
    yield Check("disk", "ok" if free >= DISK_SPACE else "attention", status)
    with tempfile.TemporaryDirectory(prefix=".doctor-", dir=existing) as folder:
        yield check_locks(Path(folder) / "lock")
        yield check_links(Path(folder) / "source", Path(folder) / "link")


def check_writable(subject: str, folder: Path) -> Check:
    """Check that files can be written. subject: "results" or "temporary", for the hint."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"doctor")
    except OSError as error:
        hint = "set TMPDIR to another" if subject == "temporary" else "choose another with results="
        return Check(subject, "wrong", f"{folder} is not writable ({error.strerror}); {hint}")
    return Check(subject, "ok", f"{folder} is writable")


def check_locks(path: Path) -> Check:
    """Check that a lock on the file in one process excludes another one."""
    hint = "put results on a local disk, or a network file system with locks (NFS 4, lockd)"
    try:
        with open(path, "ab") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
            command = [sys.executable, "-I", "-c", LOCK_ATTEMPT, str(path)]
            shared = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError as error:
        return Check("locks", "wrong", f"not supported there ({error.strerror}); {hint}")
    if shared:
        return Check("locks", "wrong", f"two processes got the same lock; {hint}")
    return Check("locks", "ok", "two processes cannot train the same trial")


def check_links(source: Path, link: Path) -> Check:
    """Check that the file system has hard links, by making the two files."""
    try:
        source.touch()
        os.link(source, link)
    except OSError as error:
        hint = "put results on a file system that has hard links"
        return Check("hard links", "wrong", f"not supported there ({error.strerror}); {hint}")
    return Check("hard links", "ok", "results are written completely or not at all")


def check_programs() -> Check:
    """How much disk space the compiled programs take."""
    folder = programs_folder()
    if not folder.is_dir():
        return Check("compiled", "ok", f"no programs stored yet; they will be in {folder}")
    size = sum(path.stat().st_size for path in folder.iterdir()) / 2**20
    usage = f"programs take {size:.0f} of {PROGRAMS_LIMIT / 2**20:.0f} MiB"
    return Check("compiled", "ok", f"{usage}; to delete them: rm -r {folder}")


def check_training() -> Iterator[Check]:
    """Train one tiny arm with both engines, as a sweep does; the results are not stored."""
    milliseconds = {}
    trials = [Trial.model_validate({**TINY, "engine": engine}) for engine in ("xla", "fit")]
    for outcome in run_trials(trials, "ablation.training:run_trial", (), workers=1, time_limit=300):
        engine = outcome.trial.arm.engine
        if outcome.kind is not None:
            status = f"engine={engine} fails: {outcome.kind}: {outcome.message}"
            yield Check("training", "wrong", f"{status}; pip install tensorflow again")
            continue
        result = outcome.value
        milliseconds[engine] = each = 1000 * result.seconds.training / result.updates
        if engine == "fit":
            yield Check("model.fit", "ok", f"{each:.2f} ms per update")
        elif result.compiled:
            times = f"compiled in {result.seconds.compiling:.1f} s, {each:.2f} ms per update"
            yield Check("XLA", "ok", f"{times}, {result.peak_memory_mb:,.0f} MiB per worker")
        else:
            status = f"does not compile here: {each:.2f} ms per update, so sweeps are slow"
            yield Check("XLA", "attention", f"{status}; try another version of tensorflow")
    if len(milliseconds) == 2:
        ratio = milliseconds["fit"] / milliseconds["xla"]
        yield Check("speed", "ok", f"engine=xla is {ratio:.0f} times as fast as engine=fit")
