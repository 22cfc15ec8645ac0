"""`ablation list`: a row per sweep, whatever state it is in."""

from __future__ import annotations

from pathlib import Path

from ablation.report import build_report
from ablation.spec import Request
from ablation.storage import Store
from tests.command_line import run_here
from tests.helpers import make_result, make_sweep, make_trial


def test_each_sweep_has_a_row_with_its_state_and_its_answer(
    store: Store, request_as_composed: Request
) -> None:
    trial = make_trial()
    finished = make_sweep(store, request_as_composed, trial, name="finished", seeds=2)
    for entry in finished.entries:
        store.commit(make_result(entry.trial))
    build_report(store.root / "finished")
    other = make_trial(direction="go_backwards")
    make_sweep(store, request_as_composed, trial, other, name="half", seeds=2)
    (store.root / "broken").mkdir()
    (store.root / "broken" / "plan.json").write_text("{")
    shown = run_here(store.root.parent, "list", f"--results={store.root}")
    assert shown.returncode == 0
    rows = {line.split()[0]: line for line in shown.stdout.splitlines()}
    assert "2/2" in rows["finished"]
    assert "forward: accuracy 0.9000" in rows["finished"]
    assert "just now" in rows["finished"]
    assert "2/4" in rows["half"]
    assert "no report yet" in rows["half"]
    assert "not a plan" in shown.stdout
    assert shown.stdout == run_here(store.root.parent, "report", f"--results={store.root}").stdout


def test_a_folder_without_sweeps_says_so(tmp_path: Path) -> None:
    shown = run_here(tmp_path, "list")
    assert (shown.returncode, shown.stderr) == (2, "ablation: no sweeps in results\n")
