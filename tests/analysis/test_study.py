"""`Study` as used in a notebook, and the conclusions it must reach."""

from __future__ import annotations

from inspect import isfunction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import ablation
import ablation.analysis
from ablation.analysis.age import ranges
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
    """Store results of a sweep named study; the arms' accuracies scatter around these means."""
    trials = [make_trial(direction=direction) for direction in arms]
    plan = make_sweep(store, request_as_composed, *trials, seeds=seeds, **settings)
    store.prepare()
    noise = np.random.default_rng(0).normal(0, 0.0005, (len(arms), 1000))
    for trial in plan.trials:
        index = list(arms).index(trial.arm.direction)
        commit(store, trial, arms[trial.arm.direction] + float(noise[index, trial.seed]))


def commit(store: Store, trial: Trial, accuracy: float) -> None:
    store.commit(make_result(trial, min(accuracy, 1.0)))


def test_a_study_gives_tables_plots_and_html(store: Store, request_as_composed: Request) -> None:
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


def test_what_a_notebook_gets_wrong_is_one_line(store: Store, request_as_composed: Request) -> None:
    sweep(store, request_as_composed, {"forward": 0.99, "go_backwards": 0.93}, seeds=4)
    study = ablation.load("study", store.root)
    for wrong in (study.summary, lambda metric: study.plot.accuracy(metric=metric)):
        with pytest.raises(RequestError, match=r"^metric=los: choose .*did you mean loss\?$"):
            wrong("los")
        with pytest.raises(RequestError, match=r"^metric=arm: choose one of seed, "):
            wrong("arm")
    with pytest.raises(RequestError, match=r"^value=exact: choose one of accuracy, loss"):
        study.plot.learning(value="exact")
    with pytest.raises(RequestError, match=r"^y=unit: choose .*did you mean units"):
        study.plot.grid("length", "unit")


QUESTIONS = [
    name for name, asked in vars(Study).items() if isfunction(asked) and not name.startswith("_")
]


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("trained", [True, False])
def test_every_question_has_an_answer_without_further_arguments(
    question: str, trained: bool, store: Store, request_as_composed: Request
) -> None:
    trials = [make_trial(direction=direction) for direction in ("forward", "go_backwards")]
    plan = make_sweep(store, request_as_composed, *trials, seeds=3)
    for trial in plan.trials if trained else ():
        commit(store, trial, 0.9 + trial.seed / 100)
    found = getattr(Study(store.root / "study"), question)()
    assert isinstance(found, pd.DataFrame | dict)
    assert getattr(Study, question).__doc__


def test_a_task_without_a_pair_does_not_change_the_column_types(
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


def test_an_arm_above_its_ceiling_raises_an_alarm(
    store: Store, request_as_composed: Request
) -> None:
    # At length 4 the ceiling of a backward arm is 0.87, so 0.95 must be a leak.
    sweep(store, request_as_composed, {"forward": 0.98, "go_backwards": 0.95}, seeds=3)
    (alarm,) = alarms(ablation.load("study", store.root))
    assert alarm.startswith("LEAK? go_backwards: accuracy 0.95")


def test_only_undecided_arms_get_another_round(store: Store, request_as_composed: Request) -> None:
    arms = {"forward": 0.99, "go_backwards": 0.9, "bidirectional": 0.9915}
    sweep(store, request_as_composed, arms, seeds=FIRST_ROUND, max_seeds=30)
    study = ablation.load("study", store.root)
    assert study.next_round() == {}  # the number of seeds is fixed
    study.plan = study.plan.model_copy(update={"max_seeds": 30, "report": with_small_margin(study)})
    next_seeds = {arm.direction: seeds for arm, seeds in study.next_round().items()}
    assert next_seeds.keys() <= {"forward", "bidirectional"}
    assert all(seeds == 15 for seeds in next_seeds.values())


def with_small_margin(study: ablation.analysis.Study) -> object:
    return study.plan.report.model_copy(update={"margin": 0.0015})


def test_crossed_leaves_out_factors_determined_by_another(
    store: Store, request_as_composed: Request
) -> None:
    trials = [make_trial(direction=d) for d in ("forward", "go_backwards", "bidirectional")]
    make_sweep(store, request_as_composed, *trials)
    assert ablation.load("study", store.root).crossed == ["direction"]
    grid = [make_trial(direction=d, units=u) for d in ("forward", "bidirectional") for u in (3, 5)]
    make_sweep(store, request_as_composed, *grid)
    assert ablation.load("study", store.root).crossed == ["direction", "units"]


def test_arms_are_compared_only_within_a_task(
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
    """A sweep whose accuracy grows with units: 0.90 for 3, 0.95 for 4, 1 for 5 (+- 0.001)."""
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
        ("worse", 0.06, "no"),  # there is a difference, but it is too small to matter
    ],
)
def test_a_claim_is_checked_against_the_result(
    verdict: str, margin: float, holds: str, store: Store, request_as_composed: Request
) -> None:
    claims = [claim(verdict, margin)]
    _, study = trained(store, request_as_composed, *UNITS, claims=claims)
    row = study.claims().iloc[0]
    assert (row["says"], row["holds"]) == ("so it is", holds)
    assert row["difference"] == pytest.approx(-0.05)
    assert row["n"] == 10


def test_a_difference_close_to_the_margin_does_not_refute_an_equivalence(
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
    for (
        trial
    ) in plan.trials:  # -0.049 +- 0.01: certainly worse, but not certainly by more than 0.05
        commit(store, trial, 0.9 + (trial.arm.units == 4) * (0.049 + 0.01 * (trial.seed % 3 - 1)))
    row = ablation.load("study", store.root).claims().iloc[0]
    assert (row["verdict"], row["holds"]) == ("worse", "undecided")
    assert row["low"] < -0.05 < row["high"]
    assert "-0.0480, but perhaps within 0.05" in answer(ablation.load("study", store.root))[0]


def test_claims_without_trials_are_undecided(store: Store, request_as_composed: Request) -> None:
    report = ReportSettings.model_validate({"claims": [claim("better", 0.01)]})
    plan = make_sweep(store, request_as_composed, *UNITS, seeds=3, report=report)
    assert ablation.load("study", store.root).claims()["holds"].tolist() == ["undecided"]
    store.prepare()
    commit(store, plan.trials[0], 0.9)
    study = ablation.load("study", store.root)
    assert study.claims()["holds"].tolist() == ["undecided"]
    assert "no seed of both is trained yet" in answer(study)[0]
    # The claim may name an arm that is not part of this sweep.
    study.plan = study.plan.model_copy(
        update={"report": ReportSettings.model_validate({"claims": [claim("better", 1, arm=9)]})}
    )
    assert study.claims()["holds"].tolist() == ["undecided"]


def test_an_arm_that_never_reaches_the_target_is_not_equivalent_to_one_that_does(
    store: Store, request_as_composed: Request
) -> None:
    claims = [claim("equivalent", 250.0, arm=5, metric="updates_to_target")]
    _, study = trained(store, request_as_composed, *UNITS, target=0.99, claims=claims)
    assert study.claims()["holds"].tolist() == ["no"]


def test_with_seeds_auto_claims_use_only_a_share_of_alpha(
    store: Store, request_as_composed: Request
) -> None:
    claims = [claim("worse", 0.01)]
    _, study = trained(store, request_as_composed, *UNITS, seeds=6, claims=claims)
    # A p that is significant for a single look, and not for one of several.
    smallest = study.trials["arm"] == "units=3"
    study.trials.loc[smallest, "accuracy"] += [-0.05, 0.05, -0.04, 0.04, -0.03, 0.03]
    assert 0.01 < study.claims()["p"].item() < 0.05
    assert study.claims()["holds"].tolist() == ["yes"]
    study.plan = study.plan.model_copy(update={"max_seeds": 30})
    assert study.claims()["holds"].tolist() == ["undecided"]


def test_reached_is_reported_if_arms_differ_in_size(
    store: Store, request_as_composed: Request
) -> None:
    _, study = trained(store, request_as_composed, *UNITS)
    table = study.reached().set_index("arm")
    assert table["reached"].to_dict() == {"units=3": 0, "units=4": 0, "units=5": 10}
    (first, *_) = answer(study)
    assert first == (
        "Smallest and fastest that reaches 0.98 in at least 9 of 10 seeds: "
        "units=5 (69 parameters, 1.5 s of training, 4 updates)."
    )


def test_the_smallest_and_the_fastest_arm_may_differ(
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
    sentences = answer(ablation.load("study", store.root))
    assert sentences[:2] == [
        "Smallest that reaches 0.98 in at least 5 of 5 seeds: units=5 sequences=40 "
        "(69 parameters).",
        "Fastest that does: units=6 sequences=20 (1.0 s of training, 2 updates).",
    ]


def test_arms_of_equal_size_have_no_target_unless_one_is_set(
    store: Store, request_as_composed: Request
) -> None:
    trials = (make_trial(units=4), make_trial(units=4, direction="bidirectional"))
    _, study = trained(store, request_as_composed, *trials)
    assert study.reached().empty
    _, study = trained(store, request_as_composed, *trials, target=0.9495)
    assert study.reached()["reached"].tolist() == [6, 6]
    assert "No arm reaches 0.9495 in at least 9 of 10 seeds; closest: forward, in 6 of 10." in (
        answer(study)
    )
    _, study = trained(store, request_as_composed, *trials, target=0.9495, reached_by=6)
    assert "in at least 6 of 10 seeds: forward (" in answer(study)[0]


def test_each_task_has_its_own_target_and_pareto_front(
    store: Store, request_as_composed: Request
) -> None:
    trials = [make_trial(units=units, length=length) for length in (4, 5) for units in (4, 5)]
    _, study = trained(store, request_as_composed, *trials)
    assert study.reached()["task"].unique().tolist() == ["cumsum, length 4", "cumsum, length 5"]
    first, second, *_ = answer(study)
    assert "reaches 0.98 on cumsum, length 4 in" in first
    assert "reaches 0.98 on cumsum, length 5 in" in second
    front = study.pareto()
    assert front["arm"].tolist() == [f"length={n} units={u}" for n in (4, 5) for u in (4, 5)]


def test_arms_of_equal_cost_have_no_pareto_front(
    store: Store, request_as_composed: Request
) -> None:
    _, study = trained(store, request_as_composed, *UNITS)
    assert len(study.pareto("parameters")) == 3
    assert study.pareto("updates").empty
    assert study.pareto("seconds").empty
    with pytest.raises(RequestError, match="cost=bytes: choose one of parameters, seconds, upd"):
        study.pareto("bytes")


@pytest.mark.parametrize(
    ("numbers", "text"), [([0], "0"), ([0, 1, 2], "0-2"), ([0, 2, 3, 7], "0, 2-3, 7")]
)
def test_neighbouring_seeds_are_put_together(numbers: list[int], text: str) -> None:
    assert ranges(numbers) == text


def test_a_metric_that_older_results_lack_is_an_error_in_one_line(
    store: Store, request_as_composed: Request
) -> None:
    settings = ReportSettings(metric="macro_f1")
    plan = make_sweep(
        store, request_as_composed, make_trial(), make_trial(units=4), report=settings
    )
    for trial in plan.trials:  # without macro_f1, as older versions stored them
        store.commit(make_result(trial))
    study = Study(store.root / plan.name)
    with pytest.raises(
        RequestError,
        match=r"^report.metric=macro_f1: 4 of 4 results are older than this metric: units=3 seed "
        r"0-1, units=4 seed 0-1; to train them again, delete their files in .*trials and repeat "
        r"the command; otherwise choose one of accuracy, .*",
    ):
        study.contrasts()
    assert len(study.contrasts("accuracy")) == 1


def test_what_only_some_arms_have_is_no_factor(store: Store, request_as_composed: Request) -> None:
    arms = [make_trial(), make_trial(direction="bidirectional")]
    make_sweep(store, request_as_composed, *arms, name="two")
    assert Study(store.root / "two").factors == ["direction", "merge_mode"]
    delayed = [make_trial(lookahead=1), make_trial(model={"name": "mine.build", "width": 2})]
    make_sweep(store, request_as_composed, *arms, *delayed, name="more")
    assert Study(store.root / "more").factors == ["model", "direction", "lookahead", "merge_mode"]
