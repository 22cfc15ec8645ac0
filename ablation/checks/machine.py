"""Is this machine fit for a sweep? Looks, trains one tiny arm, and says."""

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

WORKER = 1.0  # GiB that a worker needs, with room for what TensorFlow leaks
ROOM = 1.0  # GiB that a disk should have left: a result takes some 10 kB, a report a few MB
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

# A process that asks for the byte which another one holds; it ends with 0 if it gets it.
TAKER = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'ab'), fcntl.LOCK_EX | fcntl.LOCK_NB, 1)"


def check_machine(root: Path, train: bool = True) -> Iterator[Check]:
    """Everything that a sweep needs of the machine, in the order in which to mend it."""
    yield from check_packages()
    yield check_plugin()
    cores = len(available_cores())
    yield check_cores(cores, core_quota(), os.cpu_count() or cores)
    yield check_memory(free_memory(), cores)
    yield check_written("temporary", Path(tempfile.gettempdir()))
    yield from check_folder(root)
    yield check_programs()
    if train:
        yield from check_training()


def check_packages() -> Iterator[Check]:
    try:
        wanted = [Requirement(line) for line in requires("ablation") or []]
        python = SpecifierSet(metadata("ablation")["Requires-Python"])
    except PackageNotFoundError:
        yield Check("packages", "attention", "ablation is not installed: pip install -e .")
        return
    running = ".".join(map(str, sys.version_info[:3]))
    fit = running in python
    yield Check("Python", "ok" if fit else "wrong", f"{running}, needed is {python}")
    needed = [package for package in wanted if package.marker is None]
    found = [(package, _version(package.name)) for package in needed]
    unfit = [(p, v) for p, v in found if v is None or not p.specifier.contains(v, prereleases=True)]
    for package, there in unfit:
        said = f"{there or 'not installed'}, needed is {package.specifier}"
        yield Check(package.name, "wrong", f'{said}: pip install "{package}"')
    core = ", ".join(f"{p.name} {v}" for p, v in found if p.name in ("tensorflow", "keras"))
    if not unfit:
        yield Check("packages", "ok", f"{len(found)} as needed; {core}")
    extras = dict.fromkeys(metadata("ablation").get_all("Provides-Extra") or [])
    for extra in (extra for extra in extras if extra not in DEVELOPMENT):
        of_it = [p for p in wanted if p.marker and p.marker.evaluate({"extra": extra})]
        missing = [package.name for package in of_it if _version(package.name) is None]
        said = f'without {", ".join(missing)}; for what needs it: pip install "ablation[{extra}]"'
        there = ", ".join(f"{package.name} {_version(package.name)}" for package in of_it)
        yield Check(f"extra {extra}", "ok", said if missing else there)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def check_plugin() -> Check:
    """Whether Hydra finds the launcher, which it loads from every hydra_plugins on the path."""
    homes = importlib.import_module("hydra_plugins").__path__
    places = {os.path.realpath(home) for home in homes if Path(home, "ablation_plugin").is_dir()}
    if len(places) > 1:
        said = f"there is more than one: {', '.join(sorted(places))}; keep one installation"
        return Check("Hydra plugin", "attention", said)
    command = [sys.executable, "-m", "ablation", "--info", "plugins"]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    if shown.stdout.split().count("AblationLauncher") == 1:
        return Check("Hydra plugin", "ok", "found once")
    return Check("Hydra plugin", "wrong", "Hydra does not find it: pip install -e . again")


def check_cores(usable: int, quota: float | None, whole: int) -> Check:
    """usable: that this process may run on; quota: that its container may use at once."""
    if quota is not None and quota < usable:
        said = f"{usable} cores, of which the container may use {quota:g}"
        return Check("cores", "attention", f"{said}; say workers={max(1, int(quota))}")
    return Check("cores", "ok", f"{usable} of {whole}, a worker on each")


def check_memory(free: float | None, cores: int) -> Check:
    if free is None:
        return Check("memory", "ok", f"unknown here; {cores} workers need {cores * WORKER:g} GiB")
    fitting = int(free / WORKER)
    said = f"{free:.1f} GiB free, room for {fitting} workers of {WORKER:g} GiB"
    if fitting >= cores:
        return Check("memory", "ok", said)
    if fitting:
        return Check("memory", "attention", f"{said}; say workers={fitting}")
    return Check("memory", "wrong", f"{said}; end other programs")


def core_quota() -> float | None:
    """Cores' worth of time that the control group of this process has, if it is limited."""
    for names in (["cpu.max"], ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"]):
        words = [word for name in names for word in _control_group(name)]
        if len(words) == 2 and words[0] not in ("max", "-1"):
            return int(words[0]) / int(words[1])
    return None


def free_memory() -> float | None:
    """GiB that this process may still take; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    free = [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable")]
    for most, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        words = _control_group(most) + _control_group(used)
        if len(words) == 2 and words[0] != "max":
            free.append(int(words[0]) - int(words[1]))
    return min(free) / GIB if free else None


def _control_group(name: str) -> list[str]:
    try:
        return Path("/sys/fs/cgroup", name).read_text().split()
    except OSError:
        return []


def check_folder(root: Path) -> Iterator[Check]:
    """What results need of the file system that they lie on; what is tried is removed again."""
    place = root.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    writable = check_written("results", place)
    yield writable
    if writable.state != "ok":
        return
    free = shutil.disk_usage(place).free / GIB
    said = f"{free:.1f} GiB free where the results are"
    if free < ROOM:
        said += "; make room, or choose another folder with results="
    yield Check("disk", "ok" if free >= ROOM else "attention", said)
    with tempfile.TemporaryDirectory(prefix=".doctor-", dir=place) as folder:
        yield check_locks(Path(folder) / "lock")
        yield check_links(Path(folder) / "one", Path(folder) / "other")


def check_written(what: str, folder: Path) -> Check:
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"doctor")
    except OSError as error:
        place = "set TMPDIR to another" if what == "temporary" else "choose another with results="
        return Check(what, "wrong", f"{folder} cannot be written ({error.strerror}); {place}")
    return Check(what, "ok", f"{folder} can be written")


def check_locks(path: Path) -> Check:
    hint = "put results on a local disk, or a network file system with locks (NFS 4, lockd)"
    try:
        with open(path, "ab") as file:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1)
            command = [sys.executable, "-I", "-c", TAKER, str(path)]
            taken = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError as error:
        return Check("locks", "wrong", f"there are none there ({error.strerror}); {hint}")
    if taken:
        return Check("locks", "wrong", f"two processes got one lock; {hint}")
    return Check("locks", "ok", "a trial that one process holds is refused to another")


def check_links(one: Path, other: Path) -> Check:
    try:
        one.touch()
        os.link(one, other)
    except OSError as error:
        said = f"there are none there ({error.strerror}); results need a file system that has them"
        return Check("hard links", "wrong", said)
    return Check("hard links", "ok", "a result can be written whole or not at all")


def check_programs() -> Check:
    folder = programs_folder()
    if not folder.is_dir():
        return Check("compiled", "ok", f"no programs kept yet; they will be in {folder}")
    size = sum(path.stat().st_size for path in folder.iterdir()) / 2**20
    said = f"{size:.0f} of {PROGRAMS_LIMIT / 2**20:.0f} MiB of programs; empty it: rm -r {folder}"
    return Check("compiled", "ok", said)


def check_training() -> Iterator[Check]:
    """Train one tiny arm by both engines, the way a sweep does it; both results are dropped."""
    milliseconds = {}
    trials = [Trial.model_validate({**TINY, "engine": engine}) for engine in ("xla", "fit")]
    for ended in run_trials(trials, "ablation.training:run_trial", (), workers=1, time_limit=300):
        engine = ended.trial.arm.engine
        if ended.kind is not None:
            said = f"engine={engine} fails: {ended.kind}: {ended.message}"
            yield Check("training", "wrong", f"{said}; pip install tensorflow again")
            continue
        result = ended.value
        milliseconds[engine] = each = 1000 * result.seconds.training / result.updates
        if engine == "fit":
            yield Check("model.fit", "ok", f"{each:.2f} ms an update")
        elif result.compiled:
            said = f"compiled in {result.seconds.compiling:.1f} s, {each:.2f} ms an update, "
            yield Check("XLA", "ok", f"{said}{result.peak_memory_mb:,.0f} MiB a worker")
        else:
            said = f"does not compile here: {each:.2f} ms an update, and sweeps are slow"
            yield Check("XLA", "attention", f"{said}; try another version of tensorflow")
    if len(milliseconds) == 2:
        ratio = milliseconds["fit"] / milliseconds["xla"]
        yield Check("speed", "ok", f"engine=xla is {ratio:.0f} times as fast as engine=fit")
