"""The page on own data, run as it stands but smaller, and each kind of file trained once."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ablation import problems
from ablation.analysis import Study
from ablation.errors import RequestError
from ablation.spec import Problem
from tests.command_line import run_here
from tests.helpers import compose, parse_all
from tests.test_main import report, results

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "own-data.md").read_text(encoding="utf-8")
(SNIPPET,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
FILES = dict(re.findall(r"`([\w/]+\.yaml)`:\n\n```yaml\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = [shlex.split(line)[3:] for line in re.findall(r"^ {4}(python .*)$", PAGE, re.MULTILINE)]
DEFECTS = re.findall(r"^\| [^|]+ \| `([^`|]+)` \|$", PAGE, re.MULTILINE)
TINY = ["units=3", "training=smoke", "training.sequences=40", "problem.test_size=60", "workers=2"]
TINY += ["cell=simple_rnn"]  # is compiled soonest


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    """A folder with the page's table, of fewer patients."""
    smaller = SNIPPET.replace("range(1500)", "range(100)")
    assert smaller != SNIPPET
    subprocess.run([sys.executable, "-c", smaller], cwd=tmp_path, check=True)
    return tmp_path


def test_the_page_is_run_as_it_stands(visits: Path) -> None:
    sweep, preset, *_ = COMMANDS
    tiny = [*sweep, *TINY, "seeds=1", "direction=forward,bidirectional"]
    shown = run_here(visits, *tiny)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    for arm in ("forward", "bidirectional concat"):
        assert re.search(rf"^\[\d/2\] {arm}  seed 0  accuracy 0\.", shown.stdout, re.MULTILINE)
    assert len(results(visits)) == 2
    assert "bidirectional concat" in report(visits, "visits")
    assert "forward against bidirectional concat: better on" in report(visits, "visits")
    assert re.search(r"^\| p\d{4} \|", report(visits, "visits"), re.MULTILINE)  # who
    assert "2 done, nothing to train" in run_here(visits, *tiny, "plan=true").stdout
    # The preset asks for what the long command does.
    assert set(FILES) == {"conf/problem/mine.yaml", "conf/experiment/mine.yaml"}
    for name, text in FILES.items():
        (visits / name).parent.mkdir(parents=True, exist_ok=True)
        (visits / name).write_text(text)
    planned = run_here(visits, *preset, "plan=true")
    assert planned.returncode == 0, planned.stderr
    assert "mine: 3 arms, 30 trials (30 asked for), 0 done, 30 to train" in planned.stdout
    planned = run_here(visits, *preset, *TINY, "seeds=1", "plan=true")
    assert "2 done, 1 to train" in planned.stdout
    # Another file under the same name is other data.
    table = visits / "visits.csv"
    table.write_text(table.read_text().replace("none", "nothing"))
    planned = run_here(visits, *preset, *TINY, "seeds=1", "plan=true")
    assert "0 done, 3 to train" in planned.stdout


def test_numbers_and_several_labels_of_the_page_are_trained(visits: Path) -> None:
    shown = run_here(visits, *COMMANDS[2], *TINY, "seeds=1")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert re.search(r"^\[\d/2\] forward  seed 0  squared error \d", shown.stdout, re.MULTILINE)
    written = report(visits, "pressure")
    assert "| arm | seeds | MSE | 95 % interval | constant | MAE | R2 | loss |" in written
    assert not re.search(r"accuracy(?!\.png)", written, re.IGNORECASE)
    assert "Which arms reach" not in written
    table = pd.read_csv(visits / "visits.csv")
    table["worst"] = table["worst_ahead"].eq("yes").astype(int)
    table["high"] = table["pressure"] > 120
    table.to_csv(visits / "visits.csv", index=False)
    keys = [word for word in COMMANDS[0] if re.match(r"problem\.(seq|time|path)", word)]
    features = "problem.features=[pressure]"
    labels = ["problem=file", *keys, features, "problem.label=[worst,high]", "name=labels"]
    shown = run_here(visits, *labels, *TINY, "seeds=1")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    rows = re.findall(
        r"^\| (\w+) \| [\d.–]+ \| [\d.–]+ \| [\d.–]+ \|", report(visits, "labels"), re.M
    )
    assert rows[-2:] == ["worst", "high"]


def test_each_seed_tests_another_fold_of_the_page(visits: Path) -> None:
    shown = run_here(visits, *COMMANDS[3], *TINY, "problem.folds=3", "seeds=3")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    made = Study(visits / "results" / "folds").frames.results
    tested: dict[int, list[str] | None] = {}
    for result in made:
        assert result.by_sequence is not None
        assert result.test_to_train == pytest.approx(0.5, abs=0.02)
        names = result.by_sequence.names
        assert tested.setdefault(result.trial.seed, names) == names  # the same in both arms
    assert len({name for names in tested.values() for name in names or ()}) == 100
    # Each seed is scored against the majority of its own training part.
    assert len({result.majority for result in made}) == 3
    written = report(visits, "folds")
    assert "All of this speaks of new divisions of these data" in written
    assert "for new divisions of the data." in written
    assert "| from data size (%) |" in written
    assert re.search(r"The data are too few for a margin of 0\.\d+ \(33 test sequences", written)
    assert "over the seeds that tested it" in written
    study = Study(visits / "results" / "folds")
    table = study.sequences()
    assert len(table) == 100
    assert set(table["seeds"]) == {1}
    (one,) = (r for r in made if r.trial.seed == 1 and r.trial.arm.direction == "forward")
    assert one.by_sequence is not None
    scores = one.by_sequence.sums / one.by_sequence.labels
    found = table.set_index("sequence")["score"]
    np.testing.assert_allclose(found[one.by_sequence.names or []], scores)


def test_the_plan_understands_the_table_as_the_page_says(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", SNIPPET], cwd=tmp_path, check=True)
    roles = {"sequence": "patient", "time": "day", "label": "worst_ahead"}
    given = {"name": "file", "path": str(tmp_path / "visits.csv"), **roles}
    found = problems.understood(Problem.model_validate(given))
    assert "".join(f"  {name:<10} {text}\n" for name, text in found) in PAGE


def test_an_archive_and_a_parquet_are_trained(visits: Path) -> None:
    pytest.importorskip("pyarrow")
    pd.read_csv(visits / "visits.csv").to_parquet(visits / "visits.parquet", index=False)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 5, 2))
    np.savez(visits / "a.npz", x=x, y=x[..., 0] > 0, lengths=rng.integers(1, 6, 60))
    columns = [word for word in COMMANDS[0] if re.match(r"problem\.(seq|time|label)", word)]
    tiny = [*TINY, "direction=forward", "seeds=1"]
    for path, roles in (("visits.parquet", columns), ("a.npz", [])):
        before = len(results(visits))
        shown = run_here(visits, "problem=file", f"problem.path={path}", *roles, *tiny)
        assert shown.returncode == 0, shown.stdout + shown.stderr
        assert len(results(visits)) == before + 1


SEQUENCE, TIME, LABEL = "problem.sequence=patient", "problem.time=day", "problem.label=worst_ahead"
# What makes each line of the page's table of defects: a line's number, its change, other keys.
CHANGES: list[tuple[int, str, str, list[str]]] = [
    (0, "", "", ["problem.sequence=patients"]),
    (7, "125.3", "", []),
    (7, "125.3", "high", []),
    (7, "none", "", []),
    (5, ",67,", ",54,", []),
    (7, "none,yes", "none", []),
    (0, ",no\n", ",yes\n", []),
    (0, "", "", ["problem.label=pressure"]),
    (0, "", "", ["problem.label_per=sequence"]),
    (0, "", "", ["length=25"]),
]


def test_defects_are_told_as_the_page_says(visits: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(visits)
    table = visits / "visits.csv"
    lines = table.read_text().splitlines(keepends=True)
    for (number, old, new, keys), said in zip(CHANGES, DEFECTS, strict=True):
        changed = "".join(
            line.replace(old, new) if old and number in (0, i) else line
            for i, line in enumerate(lines, 1)
        )
        table.write_text(changed)
        roles = ["problem=file", "problem.path=visits.csv", SEQUENCE, TIME, LABEL]
        given = {key.partition("=")[0] for key in keys}
        replaced = [role for role in roles if role.partition("=")[0] not in given]
        with pytest.raises(RequestError) as caught:
            parse_all(compose(*replaced, *keys))
        assert str(caught.value) == said
    shown = run_here(visits, *COMMANDS[0], "length=25", "plan=true")
    assert (shown.returncode, shown.stderr) == (2, f"ablation: {DEFECTS[-1]}\n")
