"""A study as a notebook asks it, and what it must find out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import ablation
import ablation.analysis
from ablation.analysis.study import Study
from ablation.errors import RequestError
from ablation.planning import FIRST_ROUND, Plan
from ablation.report import alarms, answer
from ablation.spec import ReportSettings, Request, Trial
from ablation.storage import Seconds, Store
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
        at = list(arms).index(trial.arm.direction)
        commit(store, trial, arms[trial.arm.direction] + float(noise[at, trial.seed]))


def commit(store: Store, trial: Trial, accuracy: float) -> None:
    store.commit(make_result(trial, min(accuracy, 1.0)))


def test_a_notebook_gets_tables_and_axes(store: Store, request_as_composed: Request) -> None:
    sweep(store, request_as_composed, {"forward": 0.99, "go_backwards": 0.93}, seeds=8)
    study = ablation.load("study", store.root)
    assert study.arms == ["forward", "go_backwards"]
    assert len(study.trials) == 16
    assert list(study.summary()["n"]) == [8, 8]
    assert repr(study) == "<Study study: 2 arms, 8 seeds each, 16 of 16 trials done>"
    page = study._repr_html_()
    assert "<h3>study</h3><p>2 arms, 8 seeds each, 16 of 16 trials done</p>" in page
    assert "<li>Worse than forward: go_backwards" in page
    assert page.count("<tr") == 3  # the summary with its head
    assert set(study.contrasts("updates_to_target")["verdict"]) == {"better"}
    (verdict,) = study.contrasts()["verdict"]
    assert verdict == "better"
    assert study.contrasts(margin=0.5)["verdict"].item() == "equivalent"
    assert study.plot.accuracy().get_title(loc="left") or study.plot.accuracy().get_title()
    assert "Worse than forward: go_backwards" in " ".join(answer(study))
    with pytest.raises(RequestError, match="stored sweeps: study"):
        ablation.load("other", store.root)


def test_a_task_without_a_pair_leaves_the_numbers_of_others_numbers(
    store: Store, request_as_composed: Request
) -> None:
    trials = [make_trial(direction=direction) for direction in ("forward", "go_backwards")]
    trials.append(make_trial(direction="forward", length=5))
    for trial in make_sweep(store, request_as_composed, *trials, seeds=3).trials:
        commit(store, trial, 0.9 + trial.seed / 100)
    contrasts = ablation.load("study", store.root).contrasts()
    assert len(contrasts) == 1
    assert contrasts["difference"].dtype == float
    assert contrasts["n"].dtype == int


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


def loose(study: ablation.analysis.Study) -> object:
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


def trained(
    store: Store, base: Request, *trials: Trial, seeds: int = 10, **report: object
) -> tuple[Plan, Study]:
    """A sweep whose accuracy grows with units: .90 of 3, .95 of 4, 1 of 5, a seed 1e-3 apart."""
    settings = ReportSettings.model_validate(report)
    plan = make_sweep(store, base, *trials, seeds=seeds, report=settings)
    store.prepare()
    for trial in plan.trials:
        commit(store, trial, 0.75 + 0.05 * trial.arm.units + (trial.seed % 3 - 1) / 1000)
    return plan, ablation.load("study", store.root)


UNITS = tuple(make_trial(units=units) for units in (3, 4, 5))


def claim(verdict: str, margin: float, arm: int = 3, metric: str = "accuracy") -> dict[str, object]:
    names = {"arm": f"units={arm}", "other": "units=4"}
    return {"says": "so it is", "verdict": verdict, "margin": margin, "metric": metric, **names}


@pytest.mark.parametrize(
    ("verdict", "margin", "holds"),
    [
        ("worse", 0.01, "yes"),
        ("better", 0.01, "no"),
        ("equivalent", 0.01, "no"),
        ("equivalent", 0.06, "yes"),
        ("worse", 0.06, "no"),  # the difference is there, but too small to matter
    ],
)
def test_a_claim_is_checked_against_the_result(
    verdict: str, margin: float, holds: str, store: Store, request_as_composed: Request
) -> None:
    asked = [claim(verdict, margin)]
    _, study = trained(store, request_as_composed, *UNITS, claims=asked)
    row = study.claims().iloc[0]
    assert (row["says"], row["holds"]) == ("so it is", holds)
    assert row["difference"] == pytest.approx(-0.05)
    assert row["n"] == 10


def test_a_difference_about_the_margin_does_not_refute_an_equivalence(
    store: Store, request_as_composed: Request
) -> None:
    plan = make_sweep(
        store,
        request_as_composed,
        *UNITS[:2],
        seeds=10,
        report=ReportSettings.model_validate({"claims": [claim("equivalent", 0.05)]}),
    )
    store.prepare()
    for trial in plan.trials:  # -.049 +- .01: surely less, but by more than .05?
        commit(store, trial, 0.9 + (trial.arm.units == 4) * (0.049 + 0.01 * (trial.seed % 3 - 1)))
    row = ablation.load("study", store.root).claims().iloc[0]
    assert (row["verdict"], row["holds"]) == ("worse", "undecided")
    assert row["low"] < -0.05 < row["high"]
    assert "-0.0480, but perhaps within 0.05" in answer(ablation.load("study", store.root))[0]


def test_claims_wait_for_their_trials(store: Store, request_as_composed: Request) -> None:
    report = ReportSettings.model_validate({"claims": [claim("better", 0.01)]})
    plan = make_sweep(store, request_as_composed, *UNITS, seeds=3, report=report)
    assert ablation.load("study", store.root).claims()["holds"].tolist() == ["undecided"]
    store.prepare()
    commit(store, plan.trials[0], 0.9)
    study = ablation.load("study", store.root)
    assert study.claims()["holds"].tolist() == ["undecided"]
    assert "no seed of both is trained yet" in answer(study)[0]
    # Of a job that arrives alone, the claim's arms are not there yet.
    study.plan = study.plan.model_copy(
        update={"report": ReportSettings.model_validate({"claims": [claim("better", 1, arm=9)]})}
    )
    assert study.claims()["holds"].tolist() == ["undecided"]


def test_an_arm_that_never_gets_there_is_not_equivalent(
    store: Store, request_as_composed: Request
) -> None:
    asked = [claim("equivalent", 250.0, arm=5, metric="updates_to_target")]
    _, study = trained(store, request_as_composed, *UNITS, target=0.99, claims=asked)
    assert study.claims()["holds"].tolist() == ["no"]


def test_claims_of_an_adaptive_sweep_have_a_share_of_the_error(
    store: Store, request_as_composed: Request
) -> None:
    # p of six pairs is 1/32 at least: enough for one look, not for one of several.
    asked = [claim("worse", 0.01)]
    _, study = trained(store, request_as_composed, *UNITS, seeds=6, claims=asked)
    assert study.claims()["holds"].tolist() == ["yes"]
    study.plan = study.plan.model_copy(update={"max_seeds": 30})
    assert study.claims()["holds"].tolist() == ["undecided"]


def test_the_target_is_asked_where_sizes_differ(store: Store, request_as_composed: Request) -> None:
    _, study = trained(store, request_as_composed, *UNITS)
    table = study.reached().set_index("arm")
    assert table["reached"].to_dict() == {"units=3": 0, "units=4": 0, "units=5": 10}
    (first, *_) = answer(study)
    assert first == (
        "Smallest and fastest that reaches 0.98 in at least 9 of 10 seeds: "
        "units=5 (69 parameters, 1.5 s of training, 4 updates)."
    )


def test_the_smallest_and_the_fastest_may_be_two(
    store: Store, request_as_composed: Request
) -> None:
    quick = make_trial(units=6, training={"sequences": 20})
    plan = make_sweep(store, request_as_composed, UNITS[2], quick, seeds=5)
    store.prepare()
    for trial in plan.trials:
        seconds = Seconds(
            training=9 if trial.arm.units == 5 else 1, compiling=0, evaluating=0, whole=9
        )
        store.commit(make_result(trial, 0.99, seconds=seconds))
    said = answer(ablation.load("study", store.root))
    assert said[:2] == [
        "Smallest that reaches 0.98 in at least 5 of 5 seeds: units=5 sequences=40 "
        "(69 parameters).",
        "Fastest that does: units=6 sequences=20 (1.0 s of training, 2 updates).",
    ]


def test_directions_have_no_target_unless_one_is_asked_for(
    store: Store, request_as_composed: Request
) -> None:
    two = (make_trial(units=4), make_trial(units=4, direction="bidirectional"))
    _, study = trained(store, request_as_composed, *two)
    assert study.reached().empty
    _, study = trained(store, request_as_composed, *two, target=0.9495)
    assert study.reached()["reached"].tolist() == [6, 6]
    assert "No arm reaches 0.9495 in at least 9 of 10 seeds; closest: forward, in 6 of 10." in (
        answer(study)
    )
    _, study = trained(store, request_as_composed, *two, target=0.9495, reached_by=6)
    assert "in at least 6 of 10 seeds: forward (" in answer(study)[0]


def test_each_task_has_its_own_target_and_front(store: Store, request_as_composed: Request) -> None:
    trials = [make_trial(units=units, length=length) for length in (4, 5) for units in (4, 5)]
    _, study = trained(store, request_as_composed, *trials)
    assert study.reached()["task"].unique().tolist() == ["cumsum, length 4", "cumsum, length 5"]
    first, second, *_ = answer(study)
    assert "reaches 0.98 on cumsum, length 4 in" in first
    assert "reaches 0.98 on cumsum, length 5 in" in second
    front = study.pareto()
    assert front["arm"].tolist() == [f"length={n} units={u}" for n in (4, 5) for u in (4, 5)]


def test_a_front_needs_arms_that_differ_in_the_cost(
    store: Store, request_as_composed: Request
) -> None:
    _, study = trained(store, request_as_composed, *UNITS)
    assert len(study.pareto("parameters")) == 3
    assert study.pareto("updates").empty
    assert study.pareto("seconds").empty
    with pytest.raises(RequestError, match="cost=bytes: choose one of parameters, seconds, upd"):
        study.pareto("bytes")


def test_a_metric_that_no_result_has_is_told_in_one_line(
    store: Store, request_as_composed: Request
) -> None:
    settings = ReportSettings(metric="macro_f1")
    plan = make_sweep(
        store, request_as_composed, make_trial(), make_trial(units=4), report=settings
    )
    for trial in plan.trials:  # as if stored before it was measured
        store.commit(make_result(trial))
    study = Study(store.root / plan.name)
    with pytest.raises(RequestError, match=r"^report.metric=macro_f1: no result of study has it.*"):
        study.contrasts()
    assert len(study.contrasts("accuracy")) == 1
