"""What a study says, in sentences."""

from __future__ import annotations

import pandas as pd

from ablation import stats
from ablation.study import Study

ARMS_NAMED = 7  # a longer list of arms is cut
CLEARLY_FASTER = 0.95  # seconds are noisy: a smaller difference is not worth a sentence


def findings(study: Study) -> list[str]:
    """The answer first: the best arm of each task, how the others stand to it, what to take."""
    if not study.frames.results:
        return ["No trial has been trained yet."]
    sentences: list[str] = []
    tasks = [task for task in study.tasks if task["accuracy"].notna().any()]
    contrasts = study.contrasts()
    for task in tasks:
        arms = list(dict.fromkeys(task["arm"]))
        if len(arms) == 1:
            sentences += _alone(study, arms[0])
            continue
        mine = contrasts[contrasts["arm"].isin(arms) & contrasts["other"].isin(arms)]
        sentences += _compared(study, task, mine)
        if mine["possible"].any():
            sentences += _recommended(study, task, mine)
    return sentences


def alarms(study: Study) -> list[str]:
    """What must not be: arms better than their view of the input allows."""
    return [
        f"LEAK? {row['arm']}: accuracy {row['accuracy']:.4f} is above its ceiling "
        f"{row['ceiling']:.4f} by {row['excess'] / row['error'] if row['error'] else 99:.0f} "
        "standard errors. No model can do that without a bug, or labels in its input."
        for row in study.leaks().to_dict("records")
    ]


def _alone(study: Study, arm: str) -> list[str]:
    (row,) = study.summary().query("arm == @arm").to_dict("records")
    spread = f" ± {row['sd']:.4f}" if row["n"] > 1 else ""
    return [f"{arm}: accuracy {row['mean']:.4f}{spread} over {_seeds(int(row['n']))}."]


def _compared(study: Study, task: pd.DataFrame, contrasts: pd.DataFrame) -> list[str]:
    report = study.plan.report
    metric, baseline = report.metric, report.baseline
    best = stats.best(task, metric)
    reference = baseline if baseline in set(task["arm"]) else best
    typical, middle = ("median", "median") if metric in stats.CENSORED else ("mean", "mean")
    value = task.loc[task["arm"] == best, metric].agg(middle)
    word = metric.replace("_", " ")
    lines = [f"Best {typical} {word}: {best}, {value:,.{digits(metric)}f}."]
    groups: dict[str, list[str]] = {"worse": [], "better": [], "equivalent": [], "undecided": []}
    more: list[float] = []
    for row in contrasts.to_dict("records"):
        if reference not in (row["arm"], row["other"]):
            continue
        turned = row["arm"] == reference
        other = row["other"] if turned else row["arm"]
        difference = -row["difference"] if turned else row["difference"]
        verdict = row["verdict"]
        if turned and verdict in ("better", "worse"):
            verdict = "worse" if verdict == "better" else "better"
        size = "" if verdict == "equivalent" else f" ({signed(difference, metric)})"
        groups[verdict].append(f"{other}{size}")
        if verdict == "undecided" and pd.notna(row["more_seeds"]):
            more.append(row["more_seeds"])
    words = {
        "better": f"Better than {reference}",
        "equivalent": f"Equivalent to {reference} within {report.margin_of(metric):g}",
        "worse": f"Worse than {reference}",
        "undecided": f"Undecided against {reference}",
    }
    for verdict, word in words.items():
        if groups[verdict]:
            lines.append(f"{word}: {_list(groups[verdict])}.")
    if more:
        count = max(more)
        seeds = "seed" if count == 1 else "seeds"
        lines.append(f"To decide all of it would take about {count:.0f} further {seeds}.")
    if len(contrasts) and not contrasts["possible"].any():
        lines.append(
            f"With {_seeds(int(contrasts['n'].max()))} no difference could ever be significant: "
            "train more seeds."
        )
    return lines


def _recommended(study: Study, task: pd.DataFrame, contrasts: pd.DataFrame) -> list[str]:
    """Which of the best arm and its equivalents to take, by parameters and by seconds."""
    report = study.plan.report
    compared = contrasts if report.baseline is None else None  # the best may not be among its rows
    margin = report.margin_of(report.metric)
    lines = []
    for cost, least in (("parameters", 1.0), ("seconds", CLEARLY_FASTER)):
        if cost == report.metric:
            continue
        table = stats.cheapest_equivalent(
            task, cost, report.metric, margin=margin, compared=compared
        )
        if len(table) == 1:
            return [f"Take {table['arm'].item()}: no other arm is shown to be as good."]
        best = table.loc[table["verdict"] == "best", "cost"].item()
        first = table.iloc[0]
        if first["cost"] < best * least:
            amount = f"{first['cost']:,.0f} parameters"
            if cost == "seconds":
                amount = f"{first['cost']:.1f} s of training"
            lines.append(f"As good and cheaper: {first['arm']} ({amount}).")
    top = stats.best(task, report.metric)
    return lines or [f"Take {top}: of those as good, none is cheaper."]


def signed(difference: float, metric: str) -> str:
    """A difference with its sign and the metric's digits; what rounds to nothing has no minus."""
    places = digits(metric)
    return "?" if pd.isna(difference) else f"{round(difference, places) + 0.0:+,.{places}f}"


def digits(metric: str) -> int:
    """Decimal places that a value of this metric is shown with."""
    return {"parameters": 0, "updates_to_target": 0, "seconds": 2}.get(metric, 4)


def _list(names: list[str]) -> str:
    shown = names[:ARMS_NAMED]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def _seeds(n: int) -> str:
    return f"{n} seed" + ("" if n == 1 else "s")
