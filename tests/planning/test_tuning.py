from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from ablation.errors import RequestError
from ablation.planning import Plan, load_plan, make_plan, parse, save_plan, settle_plan
from ablation.planning.tuning import TunedArm, Tuning, validation_score
from ablation.spec import FIRST_PILOT, Request, Settings, Trial
from ablation.storage import Curve, Store, TrialResult
from tests.helpers import compose, make_result, make_trial

SMALL = ("training=smoke", "length=4", "units=3", "training.validation=0.2", "problem.test_size=60")
RATES = "tune={training.learning_rate: [0.01, 0.001, 0.1]}"


def request(*overrides: str) -> Request:
    return parse(compose(*SMALL, *overrides), overrides)


def plan_of(*requests: Request) -> Plan:
    return make_plan(requests, "python -m ablation", None, (None, None))


def tuned_plan(*overrides: str) -> Plan:
    words = (RATES, "tune_seeds=2", "seeds=3", "name=tuned", *overrides)
    return plan_of(*(request(f"direction={way}", *words) for way in ("forward", "bidirectional")))


def tuned_arms(*overrides: str) -> list[TunedArm]:
    """The arms of the plan, with the settings that they choose from."""
    tuning = tuned_plan(*overrides).tuning
    assert tuning is not None
    return tuning.arms


def scored(trial: Trial, *scores: float, kept: int | None = None) -> TrialResult:
    """A result with these validation scores, one a look; its test score is 0."""
    looks = list(range(1, len(scores) + 1))
    losses: list[float | None] = [1 - score for score in scores]
    curve = Curve(updates=looks, loss=losses, accuracy=list(scores), validation_loss=losses)
    return make_result(trial, accuracy=0.0, curve=curve, kept=kept)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["tune={lr: [1]}"], "tune.lr: unknown key; did you mean training.learning_rate"),
        (["tune={model.width: [1]}"], "tune.model.width: this model has no such key"),
        (["tune={training.learning_rate: []}"], "tune: training.learning_rate: a list of values"),
        (["tune={units: 3}"], "tune: units: a list of values"),
        (["tune={units: [3, 3]}"], "tune: units: a value stands there twice"),
        (["tune={units: [[3]]}"], "tune: units: single values are needed"),
        (["tune={units: [3, 0]}"], "tune: units=0: it must be greater than 0"),
        (["tune={cell: [gur]}"], "tune: cell=gur: .*did you mean gru"),
        (["tune={}"], "tune: {key: .values.} is needed"),
        (["tune=3"], "tune=3: {key: .values.} is needed"),
        (["tune={seeds: [3]}"], "tune.seeds: it is no option of a trial"),
        (["tune={training: [smoke]}"], "tune.training: name a key with a single value"),
        (["tune={problem.threshold: [1]}"], "tune.problem.threshold: it decides on what data"),
        (["tune={training.validation: [0.1]}"], "tune.training.validation: it decides on what"),
        (["tune={units: [3]}", "match=parameters"], "tune.units: match=parameters chooses"),
        (["tune={units: [3]}", "training.validation=null"], "tune: .*training.validation=0.1"),
        ([RATES, "tune_seeds=0"], "tune_seeds=0: it must be greater than 0"),
    ],
)
def test_what_cannot_be_tuned_is_refused_in_a_line(overrides: list[str], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        request(*overrides)


def test_what_is_compared_is_not_tuned() -> None:
    with pytest.raises(RequestError, match=r"tune\.units: arms of this sweep differ in it"):
        plan_of(*(request("tune={units: [3, 4]}", f"units={units}") for units in (3, 4)))
    ways = "tune={direction: [forward]}"
    with pytest.raises(RequestError, match="direction=forward makes one arm of sum and mul"):
        plan_of(
            *(request(ways, "direction=bidirectional", f"merge_mode={m}") for m in ("sum", "mul"))
        )
    losses = ("tune={training.loss: [crossentropy]}", "report.metric=loss")
    with pytest.raises(RequestError, match=r"tune.training.loss: with report.metric=loss"):
        plan_of(request(*losses))


def test_pilots_do_not_choose_by_what_other_seeds_are_tested_on(tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    rows = [f"{n},{step},{n % 2}" for n in range(40) for step in range(2)]
    table.write_text("\n".join(["sequence,value,label", *rows]))
    own: tuple[str, ...] = ("problem=file", f"problem.path={table}", "problem.sequence=sequence")
    own = (*own, "problem.label=label", "training.batch_size=5", "length=null")
    with pytest.raises(RequestError, match=r"tune: with problem.resplit or problem.folds each"):
        request(RATES, *own, "problem.resplit=true")
    assert len(request(RATES, *own).candidates) == 3


def test_candidates_are_the_product_and_what_has_no_effect_is_tried_once() -> None:
    grid = "tune={units: [3, 4], lookahead: [0, 1], training.dropout: [null, 0.5]}"
    forward, both = request(grid, "direction=forward"), request(grid, "direction=bidirectional")
    assert [len(forward.candidates), len(both.candidates)] == [8, 4]
    settings = [candidate.setting for candidate in both.candidates]
    assert settings[1] == {"units": 3, "lookahead": 0, "training.dropout": 0.5}
    arms = [candidate.arm for candidate in both.candidates]
    assert [(arm.units, arm.training.dropout) for arm in arms] == [
        (3, None),
        (3, 0.5),
        (4, None),
        (4, 0.5),
    ]


def test_the_candidates_of_matched_arms_are_matched() -> None:
    plan = plan_of(request("tune={cell: [lstm, gru]}", "match=parameters", "units=8"))
    assert plan.tuning
    (tuned,) = plan.tuning.arms
    lstm, gru = (candidate.arm.units for candidate in tuned.candidates)
    assert 8 == lstm < gru


def test_pilots_are_never_seeds_of_a_verdict() -> None:
    metadata = Settings.model_json_schema()["properties"]["max_seeds"]
    assert metadata["maximum"] < FIRST_PILOT
    pilots = [entry.trial for entry in tuned_plan().entries]
    assert len(pilots) == 12
    for seed in (FIRST_PILOT, FIRST_PILOT + 1):  # the same in all arms and settings
        assert len({trial.arm for trial in pilots if trial.seed == seed}) == 6


def test_a_plan_counts_what_is_known_only_after_the_pilots(store: Store) -> None:
    plan = tuned_plan()
    assert (plan.requested, plan.total, len(plan.entries)) == (18, 18, 12)
    assert list(plan.labels.values()) == ["forward", "bidirectional concat"]
    assert "bidirectional concat learning_rate=0.1" in plan.names(plan.trials).values()
    assert settle_plan(plan, store) == plan
    for trial in plan.trials:
        best = 0.1 if trial.arm.direction == "forward" else 0.001
        store.commit(scored(trial, 0.9 if trial.arm.training.learning_rate == best else 0.8))
    settled = settle_plan(plan, store)
    assert (settled.total, len(settled.entries), settled.undecided) == (18, 18, [])
    rates = {arm.training.learning_rate: name for arm, name in settled.labels.items()}
    assert rates == {0.1: "forward", 0.001: "bidirectional concat"}
    assert [trial.is_pilot for trial in settled.trials] == [True] * 12 + [False] * 6
    assert load_plan(store.root / save_plan(settled, store.root / "tuned").name) == settled


def test_the_default_name_does_not_depend_on_what_is_chosen() -> None:
    plan = tuned_plan("name=null")
    assert plan.name.startswith("direction-by-merge_mode-")
    assert plan.name == tuned_plan("name=null").name
    others = [tuned_plan("name=null", word).name for word in ("tune_seeds=3", "seeds=4")]
    assert len({plan.name, *others}) == 3


def choose(scores: Mapping[int, list[float | None]], metric: str | None = None) -> int | None:
    """The candidate that is chosen; scores: of its pilots, None: diverged. Missing ones failed."""
    (tuned, _) = tuned_arms()
    tuning = Tuning(grid={}, seeds=2, metric=metric, arms=[tuned])
    results = {}
    for place, candidate in enumerate(tuned.candidates):
        pilots = tuning.pilots_of(candidate)
        for trial, score in zip(pilots, scores.get(place, []), strict=False):
            result = scored(trial, 0.5, 0.5 if score is None else score)
            if score is None:
                lost = result.curve.model_copy(update={"loss": [0.5, None]})
                result = result.model_copy(update={"curve": lost})
            results[trial.id] = result
    (chosen,) = tuning.chosen(results).arms
    return chosen.chosen


def test_the_best_mean_is_chosen_and_of_equal_ones_the_first() -> None:
    assert choose({0: [0.5, 0.6], 1: [0.9, 0.3], 2: [0.6, 0.65]}) == 2
    assert choose({0: [0.5, 0.5], 1: [0.75, 0.5], 2: [0.5, 0.75]}) == 1
    assert choose({0: [0.5, 0.6], 1: [0.9, 0.3], 2: [0.6, 0.65]}, "loss") == 2


def test_a_setting_that_lost_a_pilot_is_behind_all_with_fewer() -> None:
    assert choose({0: [0.5, 0.5], 1: [0.9, None], 2: [0.9]}) == 0
    assert choose({0: [None], 1: [None, None], 2: [0.1]}) == 2
    assert choose({0: [None], 1: [None, None]}) is None


def test_a_pilot_is_scored_on_validation_data_where_its_weights_are_from() -> None:
    trial = make_trial()
    assert validation_score(None, scored(trial, 0.9, 0.7)) == 0.7
    assert validation_score(None, scored(trial, 0.9, 0.7, kept=1)) == 0.9
    assert validation_score("loss", scored(trial, 0.75, 0.5)) == 0.5
    assert validation_score(None, make_result(trial)) is None  # it looked at test sequences


def test_arms_are_compared_at_the_untuned_setting_or_else_the_first() -> None:
    def shared(*overrides: str) -> dict[str, object]:
        (_, tuned) = tuned_arms(*overrides)
        return dict(tuned.candidates[tuned.shared_place].setting)

    assert shared() == {"training.learning_rate": 0.001}
    assert shared("training.learning_rate=0.5") == {"training.learning_rate": 0.01}


def test_jobs_of_one_run_join_what_they_tune(tmp_path: Path) -> None:
    words = (RATES, "tune_seeds=1", "seeds=1", "name=tuned")
    for way in ("forward", "bidirectional"):
        job = make_plan([request(f"direction={way}", *words)], "c", "run", (None, None))
        plan = save_plan(job, tmp_path / "tuned")
    assert list(plan.labels.values()) == ["forward", "bidirectional concat"]
    assert (len(plan.entries), plan.total) == (6, 8)
