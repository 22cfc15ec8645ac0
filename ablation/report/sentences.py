"""What a study says, in sentences."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from ablation.analysis import Study, best_arm, cheapest_equivalent
from ablation.measures import MEASURES

ARMS_NAMED = 7  # a longer list of arms is cut


def answer(study: Study) -> list[str]:
    """The answer first: what was asked, then the best arm of each task, and what to take.

    Asked are the claims, and who reaches the target where sizes or training were swept.
    """
    if not study.frames.results:
        return ["No trial has been trained yet."]
    sentences = [*_claimed(study), *_reached(study)]
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


def _claimed(study: Study) -> list[str]:
    words = {"yes": "Holds", "no": "Does not hold", "undecided": "Undecided"}
    return [
        f"{words[row['holds']]}: {row['says']} "
        f"({row['arm']} against {row['other']}, {claim_outcome(row)})."
        for row in study.claims().to_dict("records")
    ]


def claim_outcome(claim: Mapping[Hashable, Any]) -> str:
    """What came out of a claim, a row of Study.claims: the difference and what it means."""
    metric, margin = claim["metric"], f"{claim['margin']:g}"
    if not claim["n"] > 0:
        return "no trial has been compared yet"
    text = f"{MEASURES[metric].name} {MEASURES[metric].signed(claim['difference'])}"
    if claim["holds"] == "undecided":
        if claim["verdict"] in ("better", "worse"):
            return f"{text}: {claim['verdict']}, but perhaps within {margin}"
        more = claim["more_seeds"]
        return text + (f": about {further(more)} would decide" if pd.notna(more) else "")
    within = f" within {margin}" if claim["verdict"] == "equivalent" else ""
    return f"{text}: {claim['verdict']}{within}"


def _reached(study: Study) -> list[str]:
    """The smallest and the fastest arm of each task that reach the target reliably."""
    table, target = study.reached(), study.plan.report.target
    lines = []
    for task, arms in table.groupby("task", sort=False) if len(table) else ():
        where = f" on {task}" if table["task"].nunique() > 1 else ""
        needs = sorted(set(zip(arms["needed"], arms["seeds"], strict=True)))
        seeds = f"{needs[0][0]} of {needs[0][1]}"
        if len(needs) > 1:  # seeds=auto
            seeds = str(study.plan.report.reached_by or "nine in ten")
        goal = f"reaches {target:g}{where} in at least {seeds} seeds"
        enough = arms[arms["reliable"]]
        if enough.empty:
            near = arms.iloc[int((arms["reached"] / arms["n"]).fillna(0).argmax())]
            nearest = f"{near['arm']} in {near['reached']} of {near['n']}"
            lines.append(f"No arm {goal}{f'; nearest: {nearest}' if near['reached'] else ''}.")
            continue
        small = enough.sort_values(["parameters", "seconds"], kind="stable").iloc[0]
        fast = enough.sort_values(["seconds", "parameters"], kind="stable").iloc[0]
        size = f"{small['parameters']:,.0f} parameters"
        effort = f"{fast['seconds']:.1f} s of training, {fast['updates']:,.0f} updates"
        if small["arm"] == fast["arm"]:
            lines.append(f"Smallest and fastest that {goal}: {small['arm']} ({size}, {effort}).")
        else:
            lines.append(f"Smallest that {goal}: {small['arm']} ({size}).")
            lines.append(f"Fastest: {fast['arm']} ({effort}).")
    return lines


def _alone(study: Study, arm: str) -> list[str]:
    (row,) = study.summary().query("arm == @arm").to_dict("records")
    spread = f" ± {row['sd']:.4f}" if row["n"] > 1 else ""
    return [f"{arm}: accuracy {row['mean']:.4f}{spread} over {_seeds(int(row['n']))}."]


def _compared(study: Study, task: pd.DataFrame, contrasts: pd.DataFrame) -> list[str]:
    report = study.plan.report
    metric, baseline = report.metric, report.baseline
    best = best_arm(task, metric)
    reference = baseline if baseline in set(task["arm"]) else best
    measure = MEASURES[metric]
    typical = "median" if measure.limit else "mean"
    value = task.loc[task["arm"] == best, metric].agg(typical)
    lines = [f"Best {typical} {measure.name}: {best}, {measure.format(value)}."]
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
        size = "" if verdict == "equivalent" else f" ({measure.signed(difference)})"
        groups[verdict].append(f"{other}{size}")
        if verdict == "undecided" and pd.notna(row["more_seeds"]):
            more.append(row["more_seeds"])
    words = {
        "better": f"Better than {reference}",
        "equivalent": f"Equivalent to {reference} within {report.margin_of(metric):g}",
        "worse": f"Worse than {reference}",
        "undecided": f"Undecided against {reference}",
    }
    possible = contrasts["possible"].any() or contrasts.empty
    for verdict, word in words.items():
        if groups[verdict] and (possible or verdict != "undecided"):
            lines.append(f"{word}: {_list(groups[verdict])}.")
    if more and possible:
        lines.append(f"To decide all of it would take about {further(max(more))}.")
    if not possible:
        lines.append(
            f"With {_seeds(int(contrasts['n'].max()))} no difference could ever be significant "
            f"among {task['arm'].nunique()} arms: train more seeds."
        )
    return lines


def _recommended(study: Study, task: pd.DataFrame, contrasts: pd.DataFrame) -> list[str]:
    """Which of the best arm and its equivalents to take, by parameters and by seconds."""
    report = study.plan.report
    compared = contrasts if report.baseline is None else None  # the best may not be among its rows
    margin = report.margin_of(report.metric)
    lines = []
    for cost in ("parameters", "seconds"):
        if cost == report.metric:
            continue
        table = cheapest_equivalent(task, cost, report.metric, margin=margin, compared=compared)
        if len(table) == 1:
            return [_alone_at_the_top(table["arm"].item(), contrasts)]
        best = table.loc[table["verdict"] == "best", "cost"].item()
        first = table.iloc[0]
        if first["cost"] < best * (MEASURES[cost].cheaper or 1.0):
            amount = f"{first['cost']:,.0f} parameters"
            if cost == "seconds":
                amount = f"{first['cost']:.1f} s of training"
            lines.append(f"As good and cheaper: {first['arm']} ({amount}).")
    top = best_arm(task, report.metric)
    return lines or [f"Take {top}: of those as good, none is cheaper."]


def _alone_at_the_top(arm: str, contrasts: pd.DataFrame) -> str:
    mine = (contrasts["arm"] == arm) | (contrasts["other"] == arm)
    known = contrasts[mine] if mine.any() else contrasts  # a baseline may be all that it met
    if (known["verdict"] == "undecided").any():
        return f"For now take {arm}: none is shown to be as good, but not all to be worse."
    return f"Take {arm}: no other arm is shown to be as good."


def further(seeds: float) -> str:
    """So many seeds more."""
    return f"{seeds:.0f} further seed" + ("" if seeds == 1 else "s")


def _list(names: list[str]) -> str:
    shown = names[:ARMS_NAMED]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def _seeds(n: int) -> str:
    return f"{n} seed" + ("" if n == 1 else "s")
