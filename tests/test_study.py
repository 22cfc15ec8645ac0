"""A study as a notebook asks it, and what it must find out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import ablation
from ablation.config import Request, Trial
from ablation.errors import RequestError
from ablation.findings import alarms, findings
from ablation.plan import FIRST_ROUND
from ablation.store import Store
from tests.helpers import make_result, make_sweep, make_trial


def sweep(
    store: Store,
    request_as_composed: Request,
    arms: dict[str, float],
    seeds: int,
    **settings: object,
) -> None:
    """Results of arms whose accuracies lie about these means, in a sweep named study."""
    trials = [make_trial(direction=direction) for direction in arms]
    plan = make_sweep(store, request_as_composed, *trials, seeds=seeds, **settings)
    store.prepare()
    noise = np.random.default_rng(0).normal(0, 0.0005, (len(arms), 1000))
    for trial in plan.trials:
        at = list(arms).index(trial.direction)
        commit(store, trial, arms[trial.direction] + float(noise[at, trial.seed]))


def commit(store: Store, trial: Trial, accuracy: float) -> None:
    store.commit(make_result(trial, min(accuracy, 1.0)))


def test_a_notebook_gets_tables_and_axes(store: Store, request_as_composed: Request) -> None:
    sweep(store, request_as_composed, {"forward": 0.99, "go_backwards": 0.93}, seeds=8)
    study = ablation.load("study", store.root)
    assert study.arms == ["forward", "go_backwards"]
    assert len(study.trials) == 16
    assert list(study.summary()["n"]) == [8, 8]
    assert repr(study) == "<Study study: 2 arms, 16 of 16 done>"
    assert "<li>Worse than forward: go_backwards" in study._repr_html_()
    assert set(study.contrasts("updates_to_target")["verdict"]) == {"better"}
    (verdict,) = study.contrasts()["verdict"]
    assert verdict == "better"
    assert study.contrasts(margin=0.5)["verdict"].item() == "equivalent"
    assert study.plot.accuracy().get_title(loc="left") or study.plot.accuracy().get_title()
    assert "Worse than forward: go_backwards" in " ".join(findings(study))
    with pytest.raises(RequestError, match="there are: study"):
        ablation.load("other", store.root)


def test_an_arm_above_its_ceiling_is_an_alarm(store: Store, request_as_composed: Request) -> None:
    # At length 4 a backward arm can be right in .87 of the steps; .95 has seen the labels.
    sweep(store, request_as_composed, {"forward": 0.98, "go_backwards": 0.95}, seeds=3)
    (alarm,) = alarms(ablation.load("study", store.root))
    assert alarm.startswith("LEAK? go_backwards: accuracy 0.95")


def test_rounds_go_on_where_it_is_undecided_only(
    store: Store, request_as_composed: Request
) -> None:
    arms = {"forward": 0.99, "go_backwards": 0.9, "bidirectional": 0.9915}
    sweep(store, request_as_composed, arms, seeds=FIRST_ROUND, max_seeds=30)
    study = ablation.load("study", store.root)
    assert study.next_round() == {}  # the number of seeds was given
    study.plan = study.plan.model_copy(update={"max_seeds": 30, "report": loose(study)})
    wanted = {arm.direction: seeds for arm, seeds in study.next_round().items()}
    assert wanted.keys() <= {"forward", "bidirectional"}
    assert all(seeds == 15 for seeds in wanted.values())


def loose(study: ablation.study.Study) -> object:
    return study.plan.report.model_copy(update={"margin": 0.0015})


def test_crossed_leaves_out_what_follows(store: Store, request_as_composed: Request) -> None:
    trials = [make_trial(direction=d) for d in ("forward", "go_backwards", "bidirectional")]
    make_sweep(store, request_as_composed, *trials)
    assert ablation.load("study", store.root).crossed == ["direction"]
    grid = [make_trial(direction=d, units=u) for d in ("forward", "bidirectional") for u in (3, 5)]
    make_sweep(store, request_as_composed, *grid)
    assert ablation.load("study", store.root).crossed == ["direction", "units"]


def test_tasks_are_compared_apart(
    store: Store, request_as_composed: Request, tmp_path: Path
) -> None:
    trials = [
        make_trial(length=t, direction=d) for t in (4, 5) for d in ("forward", "go_backwards")
    ]
    plan = make_sweep(store, request_as_composed, *trials, seeds=3)
    store.prepare()
    for trial in plan.trials:
        commit(store, trial, 0.8 + 0.01 * trial.seed)
    contrasts = ablation.load("study", store.root).contrasts()
    assert len(contrasts) == 2
    for column in ("arm", "other"):
        assert [name.split()[0] for name in contrasts[column]] == ["length=4", "length=5"]
