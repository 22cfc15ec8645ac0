"""A sweep from requests to report, in this process, with workers that do not really train."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from ablation import sweep
from ablation.analysis import Study
from ablation.errors import RequestError, SweepFailed
from ablation.execution import signals_as_interrupts
from ablation.storage import Store
from tests.helpers import compose

pytestmark = pytest.mark.usefixtures("fork_server")

TINY = ["training=smoke", "training.sequences=40", "problem.test_size=60", "length=4", "name=tried"]
COMMAND = "python -m ablation -m ..."


def run(results: Path, *jobs: str, work: str = "work", shared: tuple[str, ...] = ()) -> Path:
    """Run a sweep whose jobs are overrides, separated by spaces."""
    words = [[*TINY, f"results={results}", *shared, *job.split()] for job in jobs]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep, "WORK", f"tests.sweep_work:{work}")
        return sweep.run([compose(*job) for job in words], words, COMMAND)


def committed(results: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (results / "trials").glob("*.json")}


def test_plan_true_trains_nothing_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path / "results", "direction=forward plan=true", "direction=bidirectional plan=true")
    assert "2 arms, 20 trials (20 asked for), 0 done, 20 to train" in capsys.readouterr().out
    assert not (tmp_path / "results").exists()


def test_only_missing_trials_are_trained_and_an_unchanged_report_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = ("direction=forward", "direction=bidirectional")
    folder = run(tmp_path, *jobs, shared=("seeds=3",))
    before = committed(tmp_path)
    assert len(before) == 6
    assert (folder, (folder / "report.html").exists()) == (tmp_path / "tried", True)
    assert "[6/6]" in capsys.readouterr().out
    written = (folder / "report.md").stat().st_mtime_ns
    assert run(tmp_path, *jobs, shared=("seeds=3",)) == folder
    assert "nothing to train" in capsys.readouterr().out
    assert committed(tmp_path) == before
    assert (folder / "report.md").stat().st_mtime_ns == written
    (tmp_path / "trials" / min(before)).unlink()
    run(tmp_path, *jobs, shared=("seeds=3",))
    assert "1 to train" in capsys.readouterr().out
    assert committed(tmp_path).keys() == before.keys()
    assert len(committed(tmp_path).items() & before.items()) == 5


def test_many_trials_need_a_confirmation(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"this trains 501 trials, .* add yes=true to start it"):
        run(tmp_path, "direction=forward seeds=501")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("on_error", "message"),
    [("continue", "1 of 3 trials failed"), ("stop", "1 of 3 trials failed, and [12] were not")],
)
def test_a_failed_trial_is_counted_and_retried(on_error: str, message: str, tmp_path: Path) -> None:
    shared = (f"on_error={on_error}", "workers=1", "seeds=3")
    with pytest.raises(SweepFailed, match=message):
        run(tmp_path, "direction=forward", work="fail_seed_one", shared=shared)
    (log,) = (tmp_path / "attempts").rglob("output.log")
    assert "LookupError: no such table" in log.read_text()
    run(tmp_path, "direction=forward", shared=("seeds=3",))
    assert len(committed(tmp_path)) == 3


def test_an_arm_above_its_ceiling_fails_the_sweep(tmp_path: Path) -> None:
    shared = ("problem.test_size=10000", "seeds=2")
    with pytest.raises(SweepFailed, match="an arm is better than its ceiling allows"):
        run(tmp_path, "direction=go_backwards", work="perfect", shared=shared)
    assert "LEAK?" in (tmp_path / "tried" / "report.md").read_text()


def test_no_seeds_are_added_if_all_contrasts_are_decided(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = ("direction=forward units=3", "direction=forward units=4", "direction=bidirectional")
    large = "problem.test_size=1000"  # so that the margin is more than one test label
    run(tmp_path, *jobs, shared=("seeds=auto", "max_seeds=12", large))
    # The two forward arms have equal accuracies, so they are equivalent, and both are worse.
    assert "Undecided" not in capsys.readouterr().out
    assert len(committed(tmp_path)) == 30


def test_a_damaged_result_of_a_finished_sweep_is_trained_again(tmp_path: Path) -> None:
    run(tmp_path, "direction=forward seeds=2")
    first = tmp_path / "trials" / min(committed(tmp_path))
    first.write_text("{")
    with pytest.warns(UserWarning, match="is damaged"):
        run(tmp_path, "direction=forward seeds=2")
    assert Store(tmp_path).inspect(first.stem) is not None


def interrupted(number: signal.Signals, error: type[Exception]) -> None:
    """Behave like a library that turns every exception into one of its own."""
    with signals_as_interrupts():
        try:
            os.kill(os.getpid(), number)
        except KeyboardInterrupt as cause:
            raise error("no such thing") from cause


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_error_that_an_interrupt_caused_is_an_interrupt(number: signal.Signals) -> None:
    before = signal.signal(number, signal.default_int_handler)  # it may be ignored, as by nohup
    try:
        with pytest.raises(KeyboardInterrupt):
            interrupted(number, ImportError)
        assert signal.getsignal(number) == signal.default_int_handler
    finally:
        signal.signal(number, before)


def test_our_own_errors_are_raised_after_an_interrupt_too() -> None:
    with pytest.raises(SweepFailed):
        interrupted(signal.SIGTERM, SweepFailed)


def test_without_an_interrupt_an_error_stays_an_error() -> None:
    with pytest.raises(ImportError), signals_as_interrupts():
        raise ImportError


RATES = "tune={training.learning_rate: [0.001, 0.01, 0.1]}"
WAYS = ("direction=forward", "direction=bidirectional")
TUNED = ("training.validation=0.2", "tune_seeds=2", "seeds=2", "problem.test_size=1000")


def tuned(results: Path, rates: str = RATES, *shared: str) -> Study:
    """A tuned sweep of two arms whose validation scores want another rate than their test ones."""
    words = [[*TINY, *TUNED, *shared, f"results={results}", rates, way] for way in WAYS]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweep, "WORK", "tests.sweep_work:tuned")
        return Study(sweep.run([compose(*job) for job in words], words, COMMAND))


def test_each_arm_is_trained_with_what_its_pilots_chose(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tuned(tmp_path)
    assert "Each arm has chosen its setting: training 4 trials" in capsys.readouterr().out
    rates = study.trials.groupby("arm", sort=False)["learning_rate"].unique().map(list)
    assert rates.to_dict() == {"forward": [0.001], "bidirectional concat": [0.1]}
    assert list(study.trials["seed"]) == [0, 1, 0, 1]
    assert (study.factors, study.crossed) == (["direction", "merge_mode"], ["direction"])
    settings = study.tuning().to_dict("records")
    middle = next(row for row in settings if row["training.learning_rate"] == 0.01)
    told = [middle[name] for name in ("arm", "n", "lost", "score", "error", "behind")]
    assert told == ["forward", 2, 0, pytest.approx(0.805), pytest.approx(0.005), pytest.approx(0.1)]
    assert middle["behind_error"] == pytest.approx(0)  # the seeds of a setting differ alike
    (effect,) = study.setting_effects().to_dict("records")
    assert effect["setting"] == "learning_rate=0.001"  # the untuned one
    assert [effect[name] for name in ("shared", "own", "from_setting")] == pytest.approx(
        [0.2, 0, 0.2]
    )
    report = (tmp_path / "tried" / "report.md").read_text()
    assert "learning_rate=0.001 by forward; learning_rate=0.1 by bidirectional concat." in report
    assert (
        "At the end of its list of training.learning_rate: the choice of forward, bidir" in report
    )
    assert "differs by +0.2000 with learning_rate=0.001 in both, and by +0.0000 with the" in report
    assert "16 trials asked for, 16 unique, 12 of them pilots, 16 done." in report
    assert "| forward | 0.01 | no | 2 | 0.8050 | 0.0050 | 0.1000 | 0.0000 |" in report
    before = committed(tmp_path)
    tuned(tmp_path)
    assert "16 done, nothing to train" in capsys.readouterr().out
    # A longer list trains its own pilots only, and the choices stay.
    tuned(tmp_path, RATES.replace("]", ", 1]"))
    assert "20 trials (20 asked for), 12 done, 8 to train" in capsys.readouterr().out
    assert len(committed(tmp_path)) == 20
    assert committed(tmp_path).items() >= before.items()


def test_a_failed_pilot_loses_and_is_tried_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rates = RATES.replace("0.1]", "9]")
    for left in (16, 8):  # what the arms choose is only known when the pilots have ended
        with pytest.raises(SweepFailed, match="4 of 16 trials failed"):
            tuned(tmp_path, rates)
        assert f"{left} to train" in capsys.readouterr().out
    study = Study(tmp_path / "tried")
    fast = [row for row in study.tuning().to_dict("records") if row["training.learning_rate"] == 9]
    assert [(row["n"], row["lost"]) for row in fast] == [(0, 2), (0, 2)]
    assert set(study.trials["learning_rate"]) == {0.001, 0.01}
    assert set(study.trials["status"]) == {"done"}


def test_an_arm_without_a_scored_pilot_chooses_nothing(tmp_path: Path) -> None:
    run(tmp_path, "direction=forward", work="tuned", shared=TUNED)  # as it would be untuned
    with pytest.raises(SweepFailed, match=r"4 of 8 trials failed, and 4 were not trained"):
        tuned(tmp_path, "tune={training.learning_rate: [9]}", "seeds=auto", "max_seeds=2")
    study = Study(tmp_path / "tried")
    assert set(study.trials["status"]) == {"pending"}  # though the store has these of forward
    report = (tmp_path / "tried" / "report.md").read_text()
    assert "Not chosen yet: the setting of forward, bidirectional concat (0 of 4 pilots" in report


def test_seeds_are_added_to_what_was_chosen(tmp_path: Path) -> None:
    study = tuned(tmp_path, RATES, "seeds=auto", "max_seeds=11", "report.margin=0.00001")
    seeds = study.trials.groupby("arm")["seed"].count()
    assert seeds.max() == 11
    assert study.trials.groupby("arm")["learning_rate"].nunique().tolist() == [1, 1]
