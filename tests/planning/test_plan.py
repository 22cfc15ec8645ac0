from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from ablation.errors import RequestError
from ablation.planning import describe_question
from ablation.planning.plan import Plan, load_plan, make_plan, save_plan
from ablation.spec import MERGES, ReportSettings, Request, Trial
from tests.helpers import make_request, make_trial

SOURCE = ("c0ffee", False)

ADDER = """
import sys
from contextlib import ExitStack
from pathlib import Path
from ablation.planning import Plan, save_plan
print("ready", flush=True)
save_plan(Plan.model_validate_json(sys.stdin.read()), Path(sys.argv[1]))
"""


def plan_of(requests: list[Request], run: str | None = None) -> Plan:
    return make_plan(requests, "python -m ablation", run, SOURCE)


def test_all_arms_of_a_seed_come_before_the_next_seed(request_as_composed: Request) -> None:
    trials = [make_trial(units=units) for units in (5, 3, 4)]
    plan = plan_of([make_request(request_as_composed, trial, seeds=3) for trial in trials])
    order = [(trial.seed, trial.arm.units) for trial in plan.trials]
    assert order == [(seed, units) for seed in range(3) for units in (5, 3, 4)]
    assert [entry.id for entry in plan.entries] == [trial.id for trial in plan.trials]
    assert list(plan.labels.values()) == ["units=5", "units=3", "units=4"]
    assert (plan.requested, plan.notes) == (9, [])


def test_equivalent_combinations_become_one_arm_with_a_note(request_as_composed: Request) -> None:
    trials = [make_trial(merge_mode=mode) for mode in MERGES]
    both = make_trial(direction="bidirectional")
    requests = [make_request(request_as_composed, trial) for trial in [*trials, both]]
    for request, mode in zip(requests, MERGES, strict=False):
        request.unused["merge_mode"] = mode
    plan = plan_of(requests)
    assert (plan.requested, len(plan.entries)) == (10, 4)
    (note,) = plan.notes
    assert note.startswith("4 combinations are one arm, forward")
    assert "merge_mode" in note


def test_a_repeated_value_is_trained_once_with_a_note(request_as_composed: Request) -> None:
    both = make_trial(direction="bidirectional")
    plan = plan_of([make_request(request_as_composed, both) for _ in range(2)])
    assert (plan.requested, len(plan.entries)) == (4, 2)
    (note,) = plan.notes
    assert note.startswith("2 combinations are one arm, bidirectional concat")
    assert "the same values" in note


def test_the_largest_number_of_seeds_is_used(request_as_composed: Request) -> None:
    plan = plan_of([make_request(request_as_composed, seeds=n) for n in (2, 5, 3)])
    assert [trial.seed for trial in plan.trials] == [0, 1, 2, 3, 4]
    assert plan.requested == 10


@pytest.mark.parametrize(
    "setting", [{"name": "x"}, {"workers": 7}, {"results": "x"}, {"time_limit": 1.5}]
)
def test_a_setting_of_the_whole_sweep_cannot_be_swept(
    setting: dict[str, Any], request_as_composed: Request
) -> None:
    requests = [make_request(request_as_composed), make_request(request_as_composed, **setting)]
    with pytest.raises(RequestError, match=f"^{next(iter(setting))}: .*cannot be swept"):
        plan_of(requests)


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        ({"name": "cumsums"}, "problem=cumsums: .*did you mean cumsum"),
        ({"treshold": 0.5}, "problem.treshold: .*did you mean threshold"),
        ({"split": "train"}, "problem.split: cumsum has no such key"),
        ({"rng": 1}, "problem.rng: cumsum has no such key"),
        ({"threshold": "abc"}, "problem.threshold=abc: .*number"),
        ({"threshold": float("inf")}, "problem.threshold=inf: .*number"),
    ],
)
def test_wrong_options_of_a_problem_are_refused(
    problem: dict[str, Any], message: str, request_as_composed: Request
) -> None:
    with pytest.raises(RequestError, match=message):
        plan_of([make_request(request_as_composed, make_trial(problem=problem))])


def default_name(base: Request, *trials: Trial, seeds: int = 2) -> str:
    return plan_of([make_request(base, trial, seeds=seeds, name=None) for trial in trials]).name


def test_the_default_name_says_what_varies_and_differs_between_commands(
    request_as_composed: Request,
) -> None:
    base = request_as_composed
    two = [make_trial(units=3), make_trial(units=5)]
    name = default_name(base, *two)
    assert name == default_name(base, *two)
    assert name.startswith("units-")
    others = [
        default_name(base, make_trial(units=3), make_trial(units=6)),
        default_name(base, *two, seeds=3),
        default_name(base, *two, make_trial(units=7)),
        default_name(base, make_trial(units=3)),
        default_name(base, *(make_trial(units=u, layers=2) for u in (3, 5))),
    ]
    assert len({name, *others}) == 6


def test_the_default_name_is_a_valid_folder_name(request_as_composed: Request) -> None:
    base = request_as_composed
    trials = [
        make_trial(
            direction=direction,
            merge_mode=mode,
            problem={"threshold": k / 10},
            cell=cell,
            layers=k,
            length=k,
            units=k,
            engine=engine,
            training={"epochs": k, "learning_rate": k / 7, "sequences": 10 * k},
        )
        for k, direction, mode, cell, engine in (
            (1, "forward", None, "gru", "xla"),
            (2, "bidirectional", "sum", "lstm", "fit"),
        )
    ]
    for name in (default_name(base, *trials), default_name(base, make_trial())):
        changed = base.settings.model_dump() | {"name": name}
        assert type(base.settings).model_validate(changed).name == name


def test_a_saved_plan_loads_unchanged(tmp_path: Path, request_as_composed: Request) -> None:
    plan = plan_of([make_request(request_as_composed)])
    assert save_plan(plan, tmp_path / "study") == plan
    assert load_plan(tmp_path / "study") == plan


def test_another_command_replaces_the_plan(tmp_path: Path, request_as_composed: Request) -> None:
    first = plan_of([make_request(request_as_composed)])
    second = plan_of([make_request(request_as_composed, make_trial(units=5))])
    save_plan(first, tmp_path)
    assert save_plan(second, tmp_path) == second
    assert load_plan(tmp_path) == second


def test_jobs_of_one_run_share_a_plan(tmp_path: Path, request_as_composed: Request) -> None:
    base = request_as_composed
    jobs = [make_request(base, make_trial(units=units)) for units in (3, 4, 5, 3)]
    for job in jobs:
        save_plan(plan_of([job], run="today"), tmp_path)
    merged, expected = load_plan(tmp_path), plan_of(jobs)
    assert (merged.entries, merged.requested) == (expected.entries, expected.requested)
    save_plan(plan_of(jobs[:1], run="tomorrow"), tmp_path)
    assert len(load_plan(tmp_path).entries) == 2


def test_concurrent_jobs_of_one_run_lose_no_trial(
    tmp_path: Path, request_as_composed: Request
) -> None:
    units = range(1, 5)
    command = [sys.executable, "-c", ADDER, str(tmp_path)]
    with ExitStack() as stack:
        jobs: list[subprocess.Popen[str]] = []
        for k in units:
            plan = plan_of([make_request(request_as_composed, make_trial(units=k))], run="today")
            pipe = subprocess.PIPE
            job = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
            assert job.stdin is not None
            job.stdin.write(plan.model_dump_json())
            jobs.append(stack.enter_context(job))
        assert {job.stdout.readline() for job in jobs if job.stdout} == {"ready\n"}
        for job in jobs:  # releases all of them at the same time
            assert job.stdin is not None
            job.stdin.close()
    assert [job.returncode for job in jobs] == [0] * len(jobs)
    assert {trial.arm.units for trial in load_plan(tmp_path).trials} == set(units)


def test_an_unknown_sweep_lists_the_stored_ones(
    tmp_path: Path, request_as_composed: Request
) -> None:
    with pytest.raises(RequestError, match=r"no sweep nine in .*none"):
        load_plan(tmp_path / "nine")
    for name in ("two", "one"):
        save_plan(plan_of([make_request(request_as_composed)]), tmp_path / name)
    with pytest.raises(RequestError, match=r"no sweep nine in .*: one, two"):
        load_plan(tmp_path / "nine")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"name": 3}', "\x00"])
def test_a_broken_plan_is_reported_in_one_line_with_its_path(text: str, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(RequestError, match=r"plan\.json: not a plan") as caught:
        load_plan(tmp_path)
    assert len(str(caught.value).splitlines()) == 1


def test_the_plan_is_readable_json(tmp_path: Path, request_as_composed: Request) -> None:
    plan = save_plan(plan_of([make_request(request_as_composed)]), tmp_path)
    content = json.loads((tmp_path / "plan.json").read_text())
    assert content["command"] == "python -m ablation"
    assert [entry["id"] for entry in content["entries"]] == [entry.id for entry in plan.entries]


CLAIM = {"says": "two is better", "arm": "units=5", "other": "units=3", "verdict": "better"}


def with_report(base: Request, *trials: Trial, seeds: int = 2, **report: object) -> list[Request]:
    settings = ReportSettings.model_validate(report)
    return [make_request(base, trial, seeds=seeds, report=settings) for trial in trials]


TWO = (make_trial(units=3), make_trial(units=5))


@pytest.mark.parametrize(
    ("report", "message"),
    [
        ({"baseline": "units=4"}, r"report.baseline=units=4: choose one of units=3, units=5; did"),
        (
            {"claims": [CLAIM, CLAIM | {"arm": "units=55"}]},
            r"claims\.1\.arm=units=55: .*mean units=5",
        ),
        ({"claims": [CLAIM | {"other": "x"}]}, r"claims\.0\.other=x: .*claims=\[\] for none"),
        ({"claims": [CLAIM | {"other": "units=5"}]}, r"other=units=5: .*another arm of the same"),
        ({"reached_by": 3}, r"report.reached_by=3: no arm has more than 2 seeds"),
    ],
)
def test_a_report_about_arms_or_seeds_outside_the_plan_is_refused(
    report: dict[str, Any], message: str, request_as_composed: Request
) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        plan_of(with_report(request_as_composed, *TWO, **report))
    assert len(str(caught.value).splitlines()) == 1


def test_a_claim_about_arms_of_different_lengths_is_refused(request_as_composed: Request) -> None:
    longer = make_trial(units=5, length=5)
    claim = CLAIM | {"arm": "length=5 units=5", "other": "length=4 units=3"}
    with pytest.raises(RequestError, match="same problem and length as length=5 units=5"):
        plan_of(with_report(request_as_composed, TWO[0], longer, claims=[claim]))


def test_a_report_about_planned_arms_is_kept(tmp_path: Path, request_as_composed: Request) -> None:
    report: dict[str, Any] = {"baseline": "units=3", "claims": [CLAIM], "reached_by": 2}
    requests = with_report(request_as_composed, *TWO, **report)
    plan = save_plan(plan_of(requests), tmp_path)
    assert load_plan(tmp_path) == plan
    assert plan.report.claims[0].says == "two is better"
    # A job that arrives alone does not know the other arms.
    assert plan_of(requests[:1], run="today").report == plan.report


def test_an_older_plan_has_no_claims(tmp_path: Path, request_as_composed: Request) -> None:
    save_plan(plan_of(with_report(request_as_composed, *TWO)), tmp_path)
    values = json.loads((tmp_path / "plan.json").read_text())
    values["report"] = {"metric": "accuracy", "margin": None, "baseline": None, "target": 0.98}
    (tmp_path / "plan.json").write_text(json.dumps(values))
    report = load_plan(tmp_path).report
    assert (report.claims, report.reached_by) == ((), None)


@pytest.mark.parametrize(
    ("report", "least"),
    [({}, "from 2 seeds an arm on"), ({"metric": "updates_to_target"}, "from 8 seeds an arm on")],
)
def test_a_plan_says_from_how_many_seeds_verdicts_are_possible(
    report: dict[str, str], least: str, request_as_composed: Request
) -> None:
    arms = [make_trial(direction=name) for name in ("forward", "go_backwards", "bidirectional")]
    settings = ReportSettings.model_validate(report)
    requests = [make_request(request_as_composed, arm, seeds=1, report=settings) for arm in arms]
    question = describe_question(make_plan(requests, "", None, (None, None)))
    assert question is not None
    assert question.startswith("Verdicts: 3 comparisons of 3 arms; ")
    assert least in question
    assert question.endswith("1 seed cannot give any.")
    assert describe_question(make_plan(requests[:1], "", None, (None, None))) is None
