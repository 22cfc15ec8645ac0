"""`ablation verify` on trials that can be reproduced, and on one that cannot."""

from __future__ import annotations

from pathlib import Path

from ablation.commands.verify import compare_results
from ablation.storage import Classes, Metrics, Store
from tests.command_line import run_here
from tests.helpers import make_result, make_trial
from tests.test_main import TINY


def test_stored_trials_are_reproducible_and_a_forged_one_is_recognised(tmp_path: Path) -> None:
    assert run_here(tmp_path, "seeds=2", "name=proof", *TINY, "workers=1").returncode == 0
    genuine = run_here(tmp_path, "verify", "proof", "--trials", "2")
    assert genuine.returncode == 0, genuine.stdout + genuine.stderr
    assert genuine.stdout.count("identical") == 2
    store = Store(tmp_path / "results")
    (path, *_) = store.trials.glob("*.json")
    result = store.read(path.stem)
    assert result is not None
    assert result.metrics.accuracy is not None
    path.unlink()
    metrics = result.metrics.model_copy(update={"accuracy": result.metrics.accuracy + 1e-9})
    store.commit(result.model_copy(update={"metrics": metrics}))
    forged = run_here(tmp_path, "verify", "proof", "--trials", "2")
    assert forged.returncode == 1
    assert "differs in metrics" in forged.stdout


def test_an_unknown_sweep_is_named(tmp_path: Path) -> None:
    unknown = run_here(tmp_path, "verify", "nothing")
    assert unknown.returncode == 2
    assert "no sweep nothing" in unknown.stderr


def test_a_score_that_an_older_result_lacks_is_not_a_difference() -> None:
    trial = make_trial()
    old = make_result(trial)
    values = old.metrics.model_dump() | {"balanced_accuracy": 0.5, "macro_f1": 0.5}
    new = make_result(trial, metrics=Metrics(**values))
    values = old.metrics.model_dump(exclude={"balanced_accuracy", "macro_f1"})
    old = make_result(trial, metrics=Metrics(**values), probes={"intact": 0.5})
    new = new.model_copy(update={"probes": {"intact": 0.5, "merged_by_max": 0.25}})
    assert compare_results(old, new) == "identical"
    assert compare_results(new, old).startswith("differs in metrics, probes")


def test_counts_of_classes_are_compared_where_the_older_result_has_them() -> None:
    trial = make_trial()
    counts = Classes(labels=[1, 2], predictions=[2, 1], hits=[1, 1], confusion=[[1, 0], [1, 1]])
    old, new = make_result(trial), make_result(trial, classes=counts, majority=0.5)
    assert compare_results(old, new) == "identical"
    other = new.model_copy(update={"majority": 0.25})
    assert compare_results(new, other) == "differs in majority"
