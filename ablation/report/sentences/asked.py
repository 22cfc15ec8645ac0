"""What was asked for before training: claims, a target, how much lookahead is enough."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from ablation.analysis import Study
from ablation.report.sentences.words import FEW, about, amount_of, listed, short_tasks


def claims(study: Study) -> list[str]:
    words = {"yes": "Holds", "no": "Does not hold", "undecided": "Undecided"}
    return [
        f"{words[claim['holds']]}: {claim['says']} ({_outcome(study, claim)})."
        for claim in study.claims().to_dict("records")
    ]


def _outcome(study: Study, claim: Mapping[Hashable, Any]) -> str:
    """What came out of a claim, a row of Study.claims."""
    arm, other, verdict = claim["arm"], claim["other"], claim["verdict"]
    if not claim["n"] > 0:
        return f"{arm} against {other}: no seed of both is trained yet"
    measure, within = study.measure(claim["metric"]), f"within {claim['margin']:g}"
    size = f" in {measure.name}"  # one arm never gets there: there is no figure
    if pd.notna(claim["difference"]):
        size = f": {measure.name} {measure.signed(claim['difference'])}"
    if verdict == "undecided":
        more = claim["more_seeds"]
        hope = f"; {about(more)} should decide it" if pd.notna(more) else ""
        return f"{arm} against {other}{size}{hope}"
    if verdict == "equivalent":
        return f"{arm} is equivalent to {other} {within}{size}"
    doubt = f", but perhaps {within}" if claim["holds"] == "undecided" else ""
    return f"{arm} is {verdict} than {other}{size}{doubt}"


def target(study: Study) -> list[str]:
    """The smallest and the fastest arm of each task that reach the target reliably."""
    table, settings = study.reached(), study.plan.report
    sentences = []
    for task, arms in table.groupby("task", sort=False) if len(table) else ():
        where = f" on {task}" if table["task"].nunique() > 1 else ""
        needs = sorted(set(zip(arms["needed"], arms["seeds"], strict=True)))
        least = f"{needs[0][0]} of {needs[0][1]}"
        if len(needs) > 1:  # seeds=auto
            least = str(settings.reached_by or "nine in ten")
        goal = f"reaches {settings.goal:g}{where} in at least {least} seeds"
        reliable = arms[arms["reliable"]]
        if reliable.empty:
            closest = arms.iloc[int((arms["reached"] / arms["n"]).fillna(0).argmax())]
            hint = f"; closest: {closest['arm']}, in {closest['reached']} of {closest['n']}"
            sentences.append(f"No arm {goal}{hint if closest['reached'] else ''}.")
            continue
        small = reliable.sort_values(["parameters", "seconds"], kind="stable").iloc[0]
        fast = reliable.sort_values(["seconds", "parameters"], kind="stable").iloc[0]
        size = amount_of("parameters", small["parameters"])
        effort = f"{amount_of('seconds', fast['seconds'])}, {fast['updates']:,.0f} updates"
        if small["arm"] == fast["arm"]:
            sentences.append(
                f"Smallest and fastest that {goal}: {small['arm']} ({size}, {effort})."
            )
        else:
            sentences.append(f"Smallest that {goal}: {small['arm']} ({size}).")
            sentences.append(f"Fastest that does: {fast['arm']} ({effort}).")
    return sentences


def lookahead(study: Study) -> list[str]:
    """From which lookahead on a forward arm does as well as the best bidirectional one."""
    table, measure = study.lookahead(), study.measure(study.metric)
    if len(table) and table["task"].nunique() > FEW:
        return _lookaheads(table)
    sentences = []
    for task, rows in table.groupby("task", sort=False) if len(table) else ():
        where = f" on {task}" if table["task"].nunique() > 1 else ""
        other, most = rows["other"].iloc[0], rows.iloc[-1]
        within = f"within {rows['margin'].iloc[0]:g}"
        if rows["enough"].any():
            least = rows.loc[rows["enough"], "lookahead"].min()
            start = f"From a lookahead of {least} on" if least else "Even without a lookahead"
            verdicts = set(rows.loc[rows["enough"], "verdict"])
            equal = "equivalent to" if verdicts == {"equivalent"} else "no worse than"
            sentences.append(f"{start}, forward is {equal} {other} {within}{where}.")
        elif most["verdict"] == "worse":
            gap = measure.signed(most["difference"])
            sentences.append(
                f"A lookahead of {most['lookahead']} is not enough{where}: forward is still worse "
                f"than {other} ({gap})."
            )
        else:
            sentences.append(
                f"Whether a lookahead of {most['lookahead']} is enough{where} is undecided."
            )
    return sentences


def _lookaheads(table: pd.DataFrame) -> list[str]:
    """The same of many tasks: on which of them the greatest lookahead is enough."""
    groups: dict[str, list[str]] = {}
    by_task = table.groupby("task", sort=False)
    for task, (_, rows) in zip(short_tasks(table["task"].unique()), by_task, strict=True):
        most = rows.iloc[-1]
        if rows["enough"].any():
            least = rows.loc[rows["enough"], "lookahead"].min()
            word = f"A lookahead of {least} is enough on"
        elif most["verdict"] == "worse":
            word = f"A lookahead of {most['lookahead']} is not enough on"
        else:
            word = f"Whether a lookahead of {most['lookahead']} is enough is undecided on"
        groups.setdefault(word, []).append(task)
    return [f"{word} {listed(tasks)}." for word, tasks in groups.items()]
