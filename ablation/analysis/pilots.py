"""What the pilots of a tuned sweep say: each setting's score, and what of a difference it makes.

All of this is measured on validation data, by seeds that are no part of a verdict. The pilots frame
has a row a pilot: arm, candidate (its place among the arm's settings), seed, id, status ("done",
"diverged", "failed", "pending"), why (it failed), metric, score (NaN if it has none), seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd

from ablation.measures import MEASURES
from ablation.planning import Plan, TunedArm, score_name, settings_in_words, validation_score
from ablation.storage import Store, TrialResult

COLUMNS = ["arm", "candidate", "seed", "id", "status", "why", "metric", "score", "seconds"]


def failure_of(store: Store, id: str) -> dict[str, str]:
    """The columns of a trial without a result, if it was tried."""
    attempt = store.last_attempt(id)
    return {"status": "failed", "why": f"{attempt.kind}: {attempt.message}"} if attempt else {}


def load_pilots(plan: Plan, store: Store) -> pd.DataFrame:
    """The pilots frame; without rows if nothing is tuned."""
    rows: list[dict[str, Any]] = []
    for name, tuned in _by_name(plan).items():
        for place, candidate in enumerate(tuned.candidates):
            assert plan.tuning
            for trial in plan.tuning.pilots_of(candidate):
                row = {"arm": name, "candidate": place, "seed": trial.seed, "id": trial.id}
                result = store.read(trial.id)
                told = _told(plan.tuning.metric, result) if result else failure_of(store, trial.id)
                rows.append({"status": "pending", "score": math.nan, "seconds": 0.0, **row, **told})
    return pd.DataFrame(rows, columns=COLUMNS)


def _told(metric: str | None, result: TrialResult) -> dict[str, Any]:
    score = validation_score(metric, result)
    return {
        "status": "diverged" if score is None else "done",
        "metric": score_name(metric, result),
        "score": math.nan if score is None else score,
        "seconds": result.seconds.whole,
    }


def _by_name(plan: Plan) -> dict[str, TunedArm]:
    """The arms that choose, by their names; none if nothing is tuned."""
    return dict(zip(plan.labels.values(), plan.tuning.arms, strict=True)) if plan.tuning else {}


def _scores(pilots: pd.DataFrame, arm: str) -> pd.DataFrame:
    """An arm's scores: a row a seed, a column a candidate."""
    return pilots[pilots["arm"] == arm].pivot(index="seed", columns="candidate", values="score")


def _mean(values: pd.Series) -> tuple[float, float]:
    """The mean of the values that are known, and its standard error; NaN where there is none."""
    n = int(values.notna().sum())
    error = float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    return (float(values.mean()) if n else math.nan), error


def _at_end(tuned: TunedArm) -> list[str]:
    """The keys whose chosen value is the lowest or the highest of a list of numbers."""
    ends = []
    for key, value in tuned.choice.setting.items() if tuned.choice else ():
        values = [candidate.setting[key] for candidate in tuned.candidates]
        numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
        # null is off: what is tried beside it has no lower end.
        bounds = {max(numbers), *([] if None in values else [min(numbers)])} if numbers else set()
        if len(set(numbers)) > 1 and value in bounds:
            ends.append(key)
    return ends


def summarise_settings(plan: Plan, pilots: pd.DataFrame) -> pd.DataFrame:
    """How each setting of each arm did in its pilots, one row per arm and setting.

    Columns: arm, a column for each key that is tuned, n (pilots with a score), lost (pilots that
    failed or diverged), metric, score (mean), error (its standard error over pilots; NaN of one),
    behind (the chosen setting's score minus this one's, turned so that more is worse; paired by
    seed), behind_error, chosen, at_end (the keys, joined by commas, whose chosen value is the
    lowest or the highest of a list of numbers).
    """
    rows: list[dict[str, Any]] = []
    for name, tuned in _by_name(plan).items():
        own, scores = pilots[pilots["arm"] == name], _scores(pilots, name)
        metric = next(iter(own["metric"].dropna()), None)
        sense = MEASURES[metric].sense if metric else 1
        lost = own["status"].isin(["failed", "diverged"]).groupby(own["candidate"]).sum()
        for place, candidate in enumerate(tuned.candidates):
            chosen = tuned.chosen == place
            score, error = _mean(scores[place])
            gaps = scores[place] - scores[place if tuned.chosen is None else tuned.chosen]
            behind, behind_error = _mean(-sense * gaps)
            told = {
                "n": int(scores[place].notna().sum()),
                "lost": int(lost[place]),
                "metric": metric,
                "score": score,
                "error": error,
                "behind": math.nan if tuned.chosen is None else behind,
                "behind_error": math.nan if tuned.chosen is None else behind_error,
                "chosen": chosen,
                "at_end": ", ".join(_at_end(tuned)) if chosen else "",
            }
            rows.append({"arm": name, **candidate.setting, **told})
    return pd.DataFrame(rows)


def setting_effects(
    plan: Plan, pilots: pd.DataFrame, pairs: Iterable[tuple[str, str]]
) -> pd.DataFrame:
    """How much of the difference of two arms at one setting comes from the setting.

    Columns: arm, other, setting (which both have), n (pilots), shared (difference of the mean
    validation scores, arm minus other, both with this setting), own (the same, each with the
    setting that it has chosen), from_setting (shared minus own), error (its standard error, paired
    by seed; NaN of one pilot). Pairs that cannot be compared are left out.
    """
    arms = _by_name(plan)
    rows: list[dict[str, Any]] = []
    for arm, other in pairs:
        one, two = arms[arm], arms[other]
        if one.chosen is None or two.chosen is None:
            continue
        first, second = _scores(pilots, arm), _scores(pilots, other)
        gaps = pd.DataFrame(
            {
                "shared": first[one.shared_place] - second[two.shared_place],
                "own": first[one.chosen] - second[two.chosen],
            }
        ).dropna()
        if gaps.empty:
            continue
        change, error = _mean(gaps["shared"] - gaps["own"])
        # An arm in which a key has no effect has it in one setting only.
        named = max((one, two), key=lambda tuned: len(tuned.candidates))
        setting = settings_in_words(named.candidates[named.shared_place].setting)
        means = {str(name): float(values.mean()) for name, values in gaps.items()}
        told = {"arm": arm, "other": other, "setting": setting, "n": len(gaps), **means}
        rows.append({**told, "from_setting": change, "error": error})
    return pd.DataFrame(rows)
