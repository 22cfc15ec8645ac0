"""The tables of a report: rows of texts, for a page, a terminal and a repository alike."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from ablation.analysis import Study, finished_trials
from ablation.measures import COSTS, MEASURES, measure_of
from ablation.report.record import Rows

UNBALANCED = 0.005  # between accuracy and balanced accuracy: less is not worth two columns


def claims_table(study: Study) -> Rows:
    """A row a claim that was made before the sweep."""
    return [
        {
            "claim": row["says"],
            "arm": row["arm"],
            "against": row["other"],
            "difference": MEASURES[row["metric"]].signed(row["difference"]),
            "of": MEASURES[row["metric"]].name,
            "95 % interval": _interval(row, row["metric"]),
            "claimed": row["claimed"],
            "margin": f"{row['margin']:g}",
            "verdict": row["verdict"],
            "holds": row["holds"],
            "seeds to decide": _number(row["more_seeds"], 0),
        }
        for row in study.claims().to_dict("records")
    ]


def reached_table(study: Study) -> Rows:
    """A row an arm that reaches the target at all: first the reliable ones, the smallest first."""
    table = study.reached()
    if table.empty:
        return []
    table = table[table["reached"] > 0].copy()
    order = ["task", "reliable", "parameters", "seconds"]
    table["task"] = pd.Categorical(table["task"], table["task"].unique())
    return [
        {
            "arm": row["arm"],
            "reached": f"{row['reached']} of {row['n']}",
            "95 % interval": f"{_number(row['low'], 2)}–{_number(row['high'], 2)}"
            if row["n"]
            else "–",
            "reliable": "yes" if row["reliable"] else "no",
            "parameters": _number(row["parameters"], 0),
            "seconds": _number(row["seconds"], 1),
            "updates": _number(row["updates"], 0),
            "updates to target": _number(row["updates_to_target"], 0),
        }
        for row in table.sort_values(order, ascending=[True, False, True, True]).to_dict("records")
    ]


def pareto_table(study: Study) -> Rows:
    """A row an arm that no other beats in both accuracy and some cost, and in which."""
    fronts = {cost: study.pareto(cost) for cost in COSTS}
    fronts = {cost: front for cost, front in fronts.items() if len(front)}
    if not fronts:
        return []
    on = {cost: set(front["arm"]) for cost, front in fronts.items()}
    arms = study.trials.groupby("arm", sort=False)
    table = arms[list(fronts)].median().assign(accuracy=arms["accuracy"].mean())
    return [
        {
            "arm": str(arm),
            "accuracy": _number(row["accuracy"], 4),
            **{cost: _number(row[cost], 1 if cost == "seconds" else 0) for cost in fronts},
            "on the front of": ", ".join(cost for cost in fronts if arm in on[cost]),
        }
        for arm, row in table.iterrows()
        if any(arm in front for front in on.values())
    ]


def summary_table(study: Study) -> Rows:
    """A row an arm: its means over the seeds."""
    if not study.frames.results:
        return []
    metric, trials = study.plan.report.metric, finished_trials(study.trials)
    scores = ["accuracy", "balanced_accuracy", "macro_f1", "exact", "loss"]
    means = trials[[*scores, "parameters", "seconds"]].astype(float)
    by_arm = means.groupby(trials["arm"])
    means = by_arm.mean().reindex(study.arms)
    # A result that is older than these two has none, and a mean over the others would mislead.
    younger = ["balanced_accuracy", "macro_f1"]
    means[younger] = means[younger].where(by_arm[younger].count().eq(by_arm.size(), axis=0))
    # Where the classes are as frequent as each other these two say what accuracy says.
    gap = (means["balanced_accuracy"] - means["accuracy"]).abs().max()
    by_class = younger if gap > UNBALANCED else []
    asked = {}  # by what arms are compared, where it is not in the table anyhow
    if metric not in ("accuracy", *by_class, "exact", "loss", "parameters", "seconds"):
        table = study.summary(metric).set_index("arm")
        measure = MEASURES[metric]
        typical = "median" if measure.limit else "mean"
        asked = {
            arm: {f"{typical} {measure.name}": measure.format(value)}
            for arm, value in table[typical].items()
        }
    rows = []
    for row in study.summary().to_dict("records"):
        arm, several = row["arm"], row["n"] > 1
        interval = f"{_number(row['low'], 4)}–{_number(row['high'], 4)}" if several else "–"
        cells = {
            "arm": arm,
            "seeds": f"{row['n']}",
            "accuracy": _number(row["mean"], 4),
            "95 % interval": interval,
        }
        if "ceiling" in row:
            cells |= {"ceiling": _number(row["ceiling"], 4), "skill": _number(row["skill"], 3)}
        rows.append(
            cells
            | asked.get(arm, {})
            | {MEASURES[score].name: _number(means[score][arm], 4) for score in by_class}
            | {
                "exact": _number(means["exact"][arm], 3),
                "log loss": _number(means["loss"][arm], 4),
                "parameters": _number(means["parameters"][arm], 0),
                "seconds": _number(means["seconds"][arm], 1),
            }
        )
    return rows


def contrasts_table(study: Study) -> Rows:
    """A row a pair of arms that was compared."""
    if not study.frames.results:
        return []
    metric = study.plan.report.metric
    return [
        {
            "arm": row["arm"],
            "against": row["other"],
            "difference": MEASURES[metric].signed(row["difference"]) if row["n"] else "–",
            "95 % interval": _interval(row, metric),
            "p (Holm)": "< .001" if row["p_holm"] < 0.001 else _number(row["p_holm"], 3),
            "P(better)": _number(row["improvement"], 2),
            "verdict": row["verdict"],
            "seeds to decide": _number(row["more_seeds"], 0),
        }
        for row in study.contrasts().to_dict("records")
    ]


def probes_table(study: Study) -> Rows:
    """A row an arm whose trained models were tried with a part of them changed."""
    probes = study.trials.filter(regex="^probe_").astype(float)
    if probes.empty:
        return []
    means = probes.groupby(study.trials["arm"], sort=False).mean().dropna(how="all")
    names = {name: name.removeprefix("probe_").replace("_", " ") for name in means.columns}
    return [
        {"arm": str(arm)} | {names[str(key)]: _number(value, 4) for key, value in row.items()}
        for arm, row in means.iterrows()
    ]


def failures_table(study: Study) -> Rows:
    """A row a trial that has no result."""
    failed = study.trials[study.trials["status"] == "failed"]
    return [
        {
            "failed trial": row["arm"],
            "seed": f"{row['seed']}",
            "why": row["why"],
            "log": str(study.store.log(row["id"])),
        }
        for row in failed.to_dict("records")
    ]


def _interval(row: Mapping[Hashable, Any], metric: str) -> str:
    measure = measure_of(metric)
    return f"{measure.format(row['low'])} to {measure.format(row['high'])}"


def _number(value: Any, digits: int) -> str:
    return "–" if value is None or pd.isna(value) else f"{value:,.{digits}f}"
