"""Somebody else's results folder can be reported and checked without running any code of it."""

from __future__ import annotations

import ast
import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ablation
from ablation import problems
from ablation.checks import Check, check_results
from ablation.commands.doctor import show_check
from ablation.errors import RequestError, one_line, printable
from ablation.planning import seed_major
from ablation.report import Column, Failure, Report, Table, build_report, show_report
from ablation.spec import Problem, Request, Trial
from ablation.storage import Store
from ablation.terminal import say, terminal
from tests.helpers import make_result, make_sweep, make_trial

# Runs a module as python -m does, and logs everything that a report must not do.
WATCHER = """
import os, runpy, sys
allowed, log = os.path.realpath(sys.argv[1]), open(sys.argv[2], "a")
sys.argv = sys.argv[3:]
calls = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "pickle.find_class", "marshal.load")
network = ("socket.connect", "socket.bind", "socket.getaddrinfo", "urllib.Request")
changes = ("os.rename", "os.remove", "os.link", "os.symlink", "os.mkdir", "os.rmdir", "os.truncate")
own = []
def watch(event, arguments):
    if event in calls or event in network:
        print(event, arguments[:2], file=log, flush=True)
    written = event == "open" and (str(arguments[1]) + "r")[0] in "wax+" or event in changes
    paths = arguments[:2] if event in ("os.rename", "os.link") else arguments[:1]
    for path in paths if written else ():
        place = os.path.realpath(os.path.dirname(os.path.abspath(str(path))))
        if isinstance(path, (str, bytes)) and not (place + os.sep).startswith(allowed + os.sep):
            print(event, path, file=log, flush=True)
import matplotlib.font_manager  # it may write its own cache once
sys.addaudithook(watch)
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""

SCRIPT = "<script>alert(1)</script>"
HOSTILE = [
    SCRIPT,
    '"><img src=x onerror=alert(1)>',
    "</style></svg><iframe src=https://example.org>",
    "=cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd",
    "\t=1+1",
    "\x1b[2J\x1b]0;owned\x07",
    "\x9b31m",
    "\u202egnp.exe",
    "a\r\nb\u2028c",
    "{{ 7 * 7 }}${oc.env:HOME}%s",
    "$\\frac{",
    "![x](https://example.org/a.png)",
    "```\n# heading\n",
    "../../../outside",
    "_target_: trap.parity",
]
ALL = " ".join(HOSTILE)


@pytest.fixture
def trap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module that creates a file if it is imported; returns the path of this file."""
    mark = tmp_path / "mark"
    code = f"open({str(mark)!r}, 'w').close()\ndef parity(*a, **k): pass\nGate = Cell = parity\n"
    (tmp_path / "trap.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    return mark


@pytest.fixture
def hostile(store: Store, request_as_composed: Request, trap: Path) -> Path:
    """The folder of a sweep in which every text is hostile."""
    problem = {"name": "trap.parity", "_target_": "trap.parity"}
    problem |= {f"key{k} {text}": text for k, text in enumerate(HOSTILE)}
    code = {"direction": "bidirectional", "merge_mode": "trap.Gate", "cell": "trap.Cell"}
    trials = [
        make_trial(problem={**problem, "note": text}, seed=seed, units=units, **code)
        for text, units in [*((text, 3) for text in HOSTILE[:3]), (ALL, 3), (ALL, 4)]
        for seed in range(3)
    ]
    plan = make_sweep(store, request_as_composed, make_trial())
    folder = store.root / plan.name
    texts = {"name": "../../x" + ALL, "command": ALL, "commit": ALL, "run": ALL}
    entries = [entry.model_dump() for entry in seed_major(trials)]
    content = {**plan.model_dump(), **texts, "notes": HOSTILE, "entries": entries}
    (folder / "plan.json").write_text(json.dumps(content))
    for trial in trials[:-1]:
        store.commit(hostile_result(trial))
    for trial in trials[-1:]:
        store.fail(trial, SCRIPT, ALL, ALL)
    (folder / "figures").mkdir()
    return folder


def hostile_result(trial: Trial) -> Any:
    result = make_result(trial, accuracy=0.5 + trial.seed / 10)
    origin = result.origin.model_copy(
        update={"versions": {text: text for text in HOSTILE}, "device": ALL, "commit": ALL}
    )
    probes = dict.fromkeys(HOSTILE, 0.5)
    return result.model_copy(update={"origin": origin, "summary": ALL, "probes": probes})


def run_watched(folder: Path, allowed: Path, module: str, *arguments: str) -> Any:
    """Run a module in a folder; returns the completed process, and the log of forbidden actions."""
    log = folder / "log"
    log.touch()
    command = [sys.executable, "-c", WATCHER, str(allowed), str(log), module, *arguments]
    completed = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    return completed, log.read_text()


def test_report_and_doctor_run_no_code_of_a_hostile_folder(hostile: Path, trap: Path) -> None:
    home = hostile.parent.parent
    report, log = run_watched(home, hostile, "ablation", "report", hostile.name)
    assert report.returncode in (0, 1), report.stderr
    assert "Traceback" not in report.stderr
    assert (hostile / "report.html").exists()
    assert log == ""
    assert not trap.exists()
    for text in (report.stdout, report.stderr):
        assert printable(text) == text
    doctor, log = run_watched(home, home / "nothing", "ablation", "doctor", "--quick")
    assert doctor.returncode == 0, doctor.stdout + doctor.stderr
    assert printable(doctor.stdout) == doctor.stdout
    # It may test the disk and start Hydra to list its plugins, so the log is not empty.
    assert not re.search(r"socket|urllib|pickle|marshal|os\.system", log)
    assert not trap.exists()


class Tags(HTMLParser):
    """The elements of a page with their attributes, and the text of its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script":
            self.scripts.append(data)


def test_its_report_holds_nothing_that_runs_or_is_fetched(hostile: Path) -> None:
    build_report(hostile)  # once, as it takes seconds
    page_holds_no_element_but_ours(hostile)
    tables_hold_no_formula(hostile)
    markdown_holds_no_html_and_no_picture_from_elsewhere(hostile)


def page_holds_no_element_but_ours(hostile: Path) -> None:
    page = (hostile / "report.html").read_text()
    found = Tags(page)
    own = (Path(ablation.__file__).parent / "report" / "templates" / "report.js").read_text()
    assert "".join(found.scripts).strip() == own.strip()
    names = {tag for tag, _ in found.tags}
    assert [tag for tag, _ in found.tags].count("script") == 1
    assert not names & {"iframe", "img", "object", "embed", "form", "base", "audio"}
    for _, attributes in found.tags:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("href", "src", "xlink:href"):
            assert attributes.get(name, "#").startswith(("#", "data:,"))
    assert "&lt;script&gt;alert(1)" in page  # it is shown all the same
    policies = [attributes.get("content", "") for _, attributes in found.tags]
    assert any(policy.startswith("default-src 'none'") for policy in policies)


def tables_hold_no_formula(hostile: Path) -> None:
    tables = list(hostile.glob("*.csv"))
    assert len(tables) > 2
    for path in tables:
        with open(path, newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        risky = [cell for cell in cells if cell.lstrip()[:1] in tuple("=+-@|%") and cell.strip()]
        assert not [cell for cell in risky if not is_number(cell)], path


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def markdown_holds_no_html_and_no_picture_from_elsewhere(hostile: Path) -> None:
    prose, fence = [], ""
    for line in (hostile / "report.md").read_text().splitlines():
        if line.strip() == fence or (not fence and line.startswith("```")):
            fence = "" if fence else line.strip()
        elif not fence:
            prose.append(line)
    text = "\n".join(prose)
    assert not re.findall(r"(?<!\\)<[a-zA-Z/!?]", text)
    assert not re.findall(r"\]\((?!figures/)", text)
    assert "# heading" not in prose


Attack = Callable[[Path, Path], None]


def path_as_id(folder: Path, outside: Path) -> None:
    content = json.loads((folder / "plan.json").read_text())
    content["entries"][0]["id"] = os.path.relpath(outside / "treasure", folder.parent / "trials")
    (folder / "plan.json").write_text(json.dumps(content))


def deep_nesting(folder: Path, outside: Path) -> None:
    (folder / "plan.json").write_text("[" * 200_000)


def huge_number(folder: Path, outside: Path) -> None:
    (folder / "plan.json").write_text('{"schema_version": ' + "9" * 10_000 + "}")


def not_a_number(folder: Path, outside: Path) -> None:
    content = json.loads((folder / "plan.json").read_text())
    content["report"]["target"] = float("nan")
    (folder / "plan.json").write_text(json.dumps(content))


def link(folder: Path, outside: Path) -> None:
    (folder / "plan.json").unlink()
    (folder / "plan.json").symlink_to(outside / "treasure.json")


def pipe(folder: Path, outside: Path) -> None:
    (folder / "plan.json").unlink()
    os.mkfifo(folder / "plan.json")


def unknown_problem(folder: Path, outside: Path) -> None:
    write_plan(folder, make_trial(problem={"name": SCRIPT}))


def unknown_parameter(folder: Path, outside: Path) -> None:
    write_plan(folder, make_trial(problem={"_target_": "trap.parity"}))


def write_plan(folder: Path, trial: Trial) -> None:
    store = Store(folder.parent)
    entries = [entry.model_dump() for entry in seed_major([trial])]
    content = {**json.loads((folder / "plan.json").read_text()), "entries": entries}
    (folder / "plan.json").write_text(json.dumps(content))
    store.commit(make_result(trial))


@pytest.mark.parametrize(
    "attack",
    [
        path_as_id,
        deep_nesting,
        huge_number,
        not_a_number,
        link,
        pipe,
        unknown_problem,
        unknown_parameter,
    ],
)
def test_a_malicious_plan_is_refused_in_one_line(
    attack: Attack, hostile: Path, trap: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "treasure.json").write_text('{"mine": 1}')
    attack(hostile, outside)
    with pytest.raises(RequestError) as caught:
        build_report(hostile)
    assert str(caught.value) == one_line(str(caught.value))
    assert [path.name for path in outside.iterdir()] == ["treasure.json"]
    assert (outside / "treasure.json").read_text() == '{"mine": 1}'
    assert list(check_results(hostile.parent))
    assert not trap.exists()


def test_links_in_the_folder_are_replaced_and_not_followed(hostile: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    names = ("old.png", "accuracy.png", "accuracy.svg", "report.md", "report.html", "trials.csv")
    for name in names:
        (outside / name).write_text("mine")
    for name in ("report.md", "report.html", "trials.csv"):
        (hostile / name).symlink_to(outside / name)
    for name in ("accuracy.png", "accuracy.svg"):
        (hostile / "figures" / name).symlink_to(outside / name)
    build_report(hostile)
    assert {path.name: path.read_text() for path in outside.iterdir()} == dict.fromkeys(
        names, "mine"
    )
    for old in (hostile / "figures").iterdir():
        old.unlink()
    (hostile / "figures").rmdir()
    (hostile / "figures").symlink_to(outside)
    with pytest.raises(RequestError, match="figures: it is a link"):
        build_report(hostile)
    assert {path.name: path.read_text() for path in outside.iterdir()} == dict.fromkeys(
        names, "mine"
    )


def test_control_characters_in_a_report_do_not_reach_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = (Column(ALL, brief=True), Column("accuracy", "number", 4, brief=True))
    report = Report(
        state=ALL,
        alarms=(ALL,),
        answer=(ALL,),
        summary=Table(columns, ((ALL, 0.9),)),
        failures=(Failure(arm=ALL, seed=0, why=ALL, log=ALL),),
        digest="",
    )
    for forced in (False, True):
        monkeypatch.setattr(terminal, "_force_terminal", forced)
        show_report(report, Path("results/x"))
        say(ALL)
        show_check(Check("results", "wrong", ALL))
        output = capsys.readouterr().out
        colours = r"\x1b\[[0-9;]*m" if forced else "(?!)"  # rich's own
        text = re.sub(colours, "", output)
        assert printable(text) == text
        assert r"\x1b" in output


def test_an_array_that_contains_a_pickle_is_refused(trap: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return open, (str(trap), "w")

    np.savez(tmp_path / "data.npz", x=np.array([Trap()] * 4, object), y=np.zeros(4, np.int32))
    with pytest.raises(RequestError):
        problems.check(
            Problem.model_validate({"name": "file", "path": str(tmp_path / "data.npz")}), 3
        )
    assert not trap.exists()


SOURCES = sorted(
    path
    for folder in ("ablation", "hydra_plugins")
    for path in (Path(__file__).parents[1] / folder).rglob("*.py")
)
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "ctypes"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "instantiate", "system", "popen"}
FORBIDDEN_CALLS |= {"load_model", "read_pickle", "unsafe_load", "full_load", "get_method"}
# Files that import a module by its name, and where the name comes from.
BY_NAME = {
    "ablation/__init__.py",  # its table of lazy names
    "ablation/checks/machine.py",  # hydra_plugins
    "ablation/commands/__init__.py",  # the files in its folder
    "ablation/execution/process.py",  # ablation.execution.worker
    "ablation/problems/own/function.py",  # the request's own problem
    "ablation/problems/own/tabular.py",  # pyarrow
    "ablation/problems/registry.py",  # the files in the suite
    "ablation/problems/suite/digits.py",  # scikit-learn
    "ablation/report/__init__.py",  # its table of lazy names
    "ablation/training/directions.py",  # the request's own model, cell and merge, in a worker
    "ablation/training/trial.py",  # the files of the engines
}


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func).rpartition(".")[2], node


def test_the_program_never_turns_data_into_code() -> None:
    by_name = set()
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        place = path.relative_to(Path(__file__).parents[1]).as_posix()
        imported = {
            name.partition(".")[0]
            for node in ast.walk(tree)
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [str(node.module)]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert not imported & FORBIDDEN_MODULES, place
        for name, call in calls(tree):
            whole = ast.unparse(call.func)
            assert name not in FORBIDDEN_CALLS or whole in ("re.compile", "model.compile"), (
                f"{place}: {whole}"
            )
            if name == "import_module":
                by_name.add(place)
            keywords = {k.arg: ast.unparse(k.value) for k in call.keywords}
            assert keywords.get("allow_pickle", "False") == "False", place
            assert keywords.get("shell", "False") == "False", place
            if whole in ("np.load", "numpy.load"):
                assert "allow_pickle" in keywords, place
            if whole == "Environment":
                assert keywords["autoescape"] == "True", place
    assert by_name <= BY_NAME, by_name - BY_NAME
