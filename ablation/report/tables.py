"""The tables of a report: raw values of the study under columns that say how they are shown."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ablation.analysis import Study, best_arm, finished_trials
from ablation.measures import COSTS, Measure, measure_of
from ablation.report.cells import Column, Kind, Table, make_table
from ablation.report.record import Failure

UNBALANCED = 0.005  # between accuracy and balanced accuracy: less is not worth two columns
BY_CLASS = ("balanced_accuracy", "macro_f1")
# What the summary shows, as far as it was measured.
SHOWN = (
    *("accuracy", *BY_CLASS, "segment_f1", "exact", "mse", "mae", "r2"),
    *("loss", "parameters", "seconds"),
)
HEADS = {"loss": "log loss", "mse": "MSE", "mae": "MAE"}  # of columns, otherwise as in sentences
DIGITS = {"parameters": 0, "seconds": 1, "updates": 0}  # over the seeds of an arm

ARM = Column("arm", brief=True)
VERDICT = Column("verdict", "verdict")
FROM_TEST = Column("from test part (%)", "number")
FROM_DATA = Column("from data size (%)", "number")
MORE_SEEDS = Column("seeds to decide", "number")


def claims_table(study: Study) -> Table | None:
    """A row a claim that was made before the sweep."""
    claims = study.claims()
    if claims.empty:
        return None
    measures = claims["metric"].map(study.measure)
    digits = tuple(measure.digits for measure in measures)
    return make_table(
        (Column("claim", "long"), claims["says"]),
        (Column("holds"), claims["holds"]),
        (Column("arm"), claims["arm"]),
        (Column("against"), claims["other"]),
        (Column("claimed"), claims["claimed"]),
        (VERDICT, claims["verdict"]),
        (Column("difference", "difference", digits), claims["difference"]),
        (Column("of"), [measure.name for measure in measures]),
        (Column("95 % interval", "limits", digits), _pairs(claims["low"], claims["high"])),
        (Column("margin", "general"), claims["margin"]),
        (MORE_SEEDS, claims["more_seeds"]),
    )


def across_table(study: Study) -> Table | None:
    """A row a variant, where several problems have variants in common."""
    rows = study.across
    if rows.empty:
        return None
    digits = study.measure("normalized").digits
    return make_table(
        (Column("variant", brief=True), rows["variant"]),
        (Column("problems", "number", brief=True), rows["problems"]),
        (Column("normalized score", "number", digits, brief=True), rows["mean"]),
        (Column("IQM", "number", digits), rows["iqm"]),
        (Column("95 % interval", "limits", digits), _pairs(rows["iqm_low"], rows["iqm_high"])),
        (Column("mean rank", "number", 2, brief=True), rows["rank"]),
        (Column("best on a new problem", "number", 2, brief=True), rows["best"]),
        (Column("95 % interval of it", "limits", 2), _pairs(rows["best_low"], rows["best_high"])),
    )


def variants_table(study: Study) -> Table | None:
    """A row a pair of variants, paired by problem."""
    rows = study.across_contrasts()
    if rows.empty:
        return None
    digits = study.measure("normalized").digits
    return make_table(
        (Column("variant"), rows["variant"]),
        (Column("against"), rows["other"]),
        (Column("difference", "difference", digits), rows["difference"]),
        (Column("95 % interval", "limits", digits), _pairs(rows["low"], rows["high"])),
        (Column("p (Holm)", "p"), rows["p_holm"]),
        (Column("P(more)", "number", 2), rows["more"]),
        (Column("P(same)", "number", 2), rows["same"]),
        (Column("P(less)", "number", 2), rows["less"]),
        (VERDICT, rows["verdict"]),
    )


def target_table(study: Study) -> Table | None:
    """A row an arm that reaches the target at all: first the reliable ones, the smallest first."""
    arms = study.reached()
    if arms.empty:
        return None
    arms = arms[arms["reached"] > 0].copy()
    arms["task"] = pd.Categorical(arms["task"], arms["task"].unique())
    order = ["task", "reliable", "parameters", "seconds"]
    arms = arms.sort_values(order, ascending=[True, False, True, True])
    return make_table(
        (ARM, arms["arm"]),
        (Column("reached", "share"), _pairs(arms["reached"], arms["n"])),
        (Column("95 % interval", "interval", 2), _pairs(arms["low"], arms["high"])),
        (Column("reliable", "flag"), arms["reliable"]),
        *((_cost(name), arms[name]) for name in ("parameters", "seconds", "updates")),
        (Column("updates to target", "number"), arms["updates_to_target"]),
    )


def summary_table(study: Study) -> Table | None:
    """A row an arm: its means over the seeds, what arms are compared by first."""
    if not study.frames.results:
        return None
    metric, score = study.metric, study.score
    measure, chosen = study.measure(metric), study.summary(metric)
    arms, trials = study.summary(score), finished_trials(study.trials)
    measured = [key for key in SHOWN if trials[key].notna().any()]
    means = trials[measured].astype(float).groupby(trials["arm"]).mean().reindex(arms["arm"])
    name = f"median {measure.name}" if measure.limit else _head(study, metric)
    finished = chosen["n"] + chosen["dropped"]
    trained = _pairs(finished - chosen["failed"], finished)
    ends: Kind = "limits" if measure.limit else "interval"  # of a median, one may be unknown
    fields: list[tuple[Column, Iterable[object]]] = [
        (ARM, arms["arm"]),
        (Column("seeds", "number", brief=True), chosen["n"]),
        *([(Column("train", "share", brief=True), trained)] if chosen["failed"].any() else []),
        (Column(name, "number", measure.digits, brief=True), chosen[measure.typical]),
        (
            Column("95 % interval", ends, measure.digits, brief=True),
            _pairs(chosen["low"], chosen["high"]),
        ),
    ]
    hidden = set(BY_CLASS) - set(_by_class(trials, means))
    by_score = metric == score  # otherwise a terminal has no room for as much
    for key in dict.fromkeys([score, *measured]):
        if key != metric and key not in hidden:
            fields.append((_column(study, key, by_score), means[key]))
        if key == score:
            fields += _bounds(arms, study.measure(score))
    return make_table(*fields, best=_best(study))


def _head(study: Study, key: str) -> str:
    """What a column is called; the loss of numbers is no log loss."""
    name = study.measure(key).name
    return name if (key, study.score) == ("loss", "mse") else HEADS.get(key, name)


def _column(study: Study, key: str, by_score: bool) -> Column:
    """A further column of the summary."""
    if key in COSTS:
        return _cost(key, brief=by_score and key == "seconds")
    measure, short = study.measure(key), ("exact", "r2")
    return Column(
        _head(study, key),
        "number",
        3 if key in short else measure.digits,
        brief=key == study.score or (by_score and key in short),
    )


def targets_table(study: Study) -> Table | None:
    """A row an arm and number, where several numbers are predicted."""
    rows = study.targets()
    if rows.empty or rows["target"].nunique() < 2:
        return None
    return make_table(
        (ARM, rows["arm"]),
        (Column("number"), rows["target"]),
        *(
            (Column(HEADS[name], "general"), rows[name].map(lambda value: float(f"{value:.4g}")))
            for name in ("mse", "mae")
        ),
        (Column("R2", "number", 3), rows["r2"]),
    )


def lookahead_table(study: Study) -> Table | None:
    """A row a lookahead, against the best arm that reads both directions."""
    rows = study.lookahead()
    if rows.empty:
        return None
    metric = study.metric
    measure = study.measure(metric)
    means = study.summary(metric).set_index("arm")[measure.typical]
    task = [(Column("task"), rows["task"])] if rows["task"].nunique() > 1 else []
    return make_table(
        *task,
        (Column("lookahead", "number", 0), rows["lookahead"]),
        (Column(measure.name, "number", measure.digits), rows["arm"].map(means)),
        (Column("against"), rows["other"]),
        (Column("difference", "difference", measure.digits), rows["difference"]),
        (Column("95 % interval", "limits", measure.digits), _pairs(rows["low"], rows["high"])),
        (Column("p (Holm)", "p"), rows["p_holm"]),
        (VERDICT, rows["verdict"]),
    )


def contrasts_table(study: Study) -> Table | None:
    """A row a pair of arms that was compared."""
    pairs = study.contrasts() if study.frames.results else pd.DataFrame()
    if pairs.empty:
        return None
    digits = study.measure(study.metric).digits
    part = pairs["from_sequences"].astype(float)
    divided = (pairs["population"] == "divisions").all()
    return make_table(
        (Column("arm"), pairs["arm"]),
        (Column("against"), pairs["other"]),
        (Column("difference", "difference", digits), pairs["difference"]),
        (Column("95 % interval", "limits", digits), _pairs(pairs["low"], pairs["high"])),
        (Column("p (Holm)", "p"), pairs["p_holm"]),
        (Column("P(better)", "number", 2), pairs["improvement"]),
        (VERDICT, pairs["verdict"]),
        (MORE_SEEDS, pairs["more_seeds"]),
        *([(FROM_DATA if divided else FROM_TEST, 100 * part)] if part.notna().any() else []),
    )


def front_table(study: Study) -> Table | None:
    """A row an arm that no other beats in both accuracy (or error) and some cost, and in which."""
    fronts = {cost: set(front["arm"]) for cost in COSTS if len(front := study.pareto(cost))}
    if not fronts:
        return None
    trials = study.trials.groupby("arm", sort=False)
    measure = study.measure(study.score)
    arms = trials[list(fronts)].median().assign(score=trials[study.score].mean())
    arms = arms[arms.index.isin(set.union(*fronts.values()))]
    costs = [", ".join(cost for cost in fronts if arm in fronts[cost]) for arm in arms.index]
    return make_table(
        (ARM, arms.index),
        (Column(measure.name, "number", measure.digits), arms["score"]),
        *((_cost(cost), arms[cost]) for cost in fronts),
        (Column("on the front of"), costs),
    )


def variance_table(study: Study) -> Table | None:
    """A row a term of the variance's decomposition, where several factors were swept."""
    if not study.frames.results or len(study.crossed) < 2:
        return None
    terms = study.variance
    return make_table(
        (Column("term"), terms["term"]),
        (Column("share (%)", "number", 1), 100 * terms["share"].astype(float)),
        (Column("df", "number"), terms["df"]),
        (Column("F", "number", 1), terms["F"]),
        (Column("p", "p"), terms["p"]),
    )


def probes_table(study: Study) -> Table | None:
    """A row an arm whose trained models were tried with a part of them changed."""
    probes = study.trials.filter(regex="^probe_").astype(float)
    if probes.empty:
        return None
    means = probes.groupby(study.trials["arm"], sort=False).mean().dropna(how="all")
    names = {name: str(name).removeprefix("probe_").replace("_", " ") for name in means}
    digits = study.measure(study.score).digits
    return make_table(
        (ARM, means.index),
        *((Column(name, "number", digits), means[key]) for key, name in names.items()),
    )


def failures_of(study: Study) -> tuple[Failure, ...]:
    """The trials and pilots that have no result though they were tried."""
    tables = (table[table["status"] == "failed"] for table in (study.frames.pilots, study.trials))
    return tuple(
        Failure(arm=arm, seed=seed, why=why, log=str(study.store.log(id)))
        for failed in tables
        for arm, seed, why, id in failed.reindex(columns=["arm", "seed", "why", "id"]).itertuples(
            index=False
        )
    )


def failures_table(failures: Iterable[Failure]) -> Table | None:
    """A row a trial that failed."""
    rows = list(failures)
    return make_table(
        (Column("failed trial"), [failure.arm for failure in rows]),
        (Column("seed", "number"), [failure.seed for failure in rows]),
        (Column("why", "long"), [failure.why for failure in rows]),
        (Column("log", "long"), [failure.log for failure in rows]),
    )


def _by_class(trials: pd.DataFrame, means: pd.DataFrame) -> pd.DataFrame:
    """The scores that weigh classes alike, where these are not as frequent as each other."""
    if not set(BY_CLASS) <= set(means):
        return pd.DataFrame()
    arms = trials[list(BY_CLASS)].groupby(trials["arm"])
    # A result that is older than these has none, and a mean over the others would mislead.
    complete = arms.count().eq(arms.size(), axis=0).reindex(means.index)
    scores = means[list(BY_CLASS)].where(complete)
    gap = (scores["balanced_accuracy"] - means["accuracy"]).abs().max()
    return scores if gap > UNBALANCED else pd.DataFrame()  # else they say what accuracy says


def _bounds(arms: pd.DataFrame, measure: Measure) -> list[tuple[Column, Iterable[object]]]:
    """What accuracy is held against: the best possible, or always the most frequent class."""
    columns = {
        measure.bound: Column(measure.bound, "number", measure.digits, brief=True),
        measure.guess: Column(measure.guess, "number", measure.digits, brief=True),
        "skill": Column("skill", "number", 3),
    }
    known = [name for name in columns if name in arms]
    if "skill" in arms and arms["skill"].notna().all():
        known.remove(measure.guess)  # the skill says it, and a page has no room for both
    return [(columns[name], arms[name]) for name in known]


def _best(study: Study) -> set[str]:
    """The arm with the best mean of each task in which arms are compared; none of a median."""
    metric = study.metric
    tasks = [task for task in study.tasks if task[metric].notna().any()]
    compared = [
        task for task in tasks if task["arm"].nunique() > 1 and not measure_of(metric).limit
    ]
    return {best_arm(task, metric) for task in compared}


def _cost(name: str, brief: bool = False) -> Column:
    return Column(name, "number", DIGITS[name], brief)


def _pairs(
    low: Iterable[float | np.number], high: Iterable[float | np.number]
) -> Iterable[tuple[object, object]]:
    return zip(low, high, strict=True)
