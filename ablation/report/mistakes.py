"""What the arms get wrong: which class for which, and on which sequences two of them differ."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ablation.analysis import Study, best_arm, finished_trials
from ablation.report.cells import Column, Table, make_table
from ablation.report.document import Group
from ablation.terminal import count

MOST_ARMS = 20  # with tables of their own; of more, only those that are shown at first
MOST_PREDICTED = 10  # classes; a wider table of labels by predictions is not read
MOST_ROWS = 50  # classes, those with the most labels
MOST_SEQUENCES = 10  # those on which two arms differ most


def mistakes(study: Study) -> tuple[Group, ...]:
    """A group an arm: labels by predictions, where there are few, a row a class, a row a span type.

    Open are both arms of a pair; of more arms, the best of each task and what it is held against.
    """
    classes, confusions, spans = study.classes(), study.confusion(), study.classes(spans=True)
    if classes.empty:
        return ()
    reasons = {arm: why for task in study.tasks for arm, why in _shown(study, task).items()}
    arms = sorted(dict.fromkeys(classes["arm"]), key=lambda arm: arm not in reasons)
    if len(arms) > MOST_ARMS:
        arms = [arm for arm in arms if arm in reasons]
    groups = []
    for arm in arms:
        rows = classes[classes["arm"] == arm]
        pairs = confusions[confusions["arm"] == arm] if len(confusions) else confusions
        types = spans[spans["arm"] == arm] if len(spans) else spans
        tables = (_confusion_table(pairs), _classes_table(rows), _classes_table(types, "span"))
        why = f" ({reasons[arm]})" if reasons.get(arm) else ""
        groups.append(Group(f"{arm}{why}", tuple(t for t in tables if t), arm in reasons))
    return tuple(groups)


def disagreements(study: Study) -> tuple[Group, ...]:
    """For the two arms of each task that are shown at first: the sequences they differ on most."""
    groups = []
    for task in study.tasks if study.frames.results else ():
        arms = list(_shown(study, task))
        table = study.sequences(*arms) if len(arms) == 2 else pd.DataFrame()
        if len(table) and table["difference"].any():
            tables = (_sequences_table(arms, table[table["difference"] != 0]),)
            groups.append(Group(_sides(arms, table), tuple(t for t in tables if t), True))
    return tuple(groups)


def _sides(arms: list[str], table: pd.DataFrame) -> str:
    """On how many sequences either arm is better."""
    sense = 1 if table["metric"].iloc[0] == "accuracy" else -1
    signs = np.sign(table["difference"]) * sense
    better, worse, same = (int((signs == sign).sum()) for sign in (1, -1, 0))
    return (
        f"{arms[0]} against {arms[1]}: better on {count(better, 'test sequence')}, "
        f"worse on {worse:,}, the same on {same:,}"
    )


def _sequences_table(arms: list[str], rows: pd.DataFrame) -> Table | None:
    rows = rows.head(MOST_SEQUENCES)
    differ = rows["seeds"].nunique() > 1  # each seed tests other sequences
    return make_table(
        (Column("sequence"), rows["sequence"].astype(str)),
        *([(Column("tested by seeds", "number"), rows["seeds"])] if differ else []),
        (Column("labels", "number"), rows["labels"]),
        (Column(arms[0], "number", 3), rows["score"]),
        (Column(arms[1], "number", 3), rows["other_score"]),
        (Column("difference", "difference", 3), rows["difference"]),
    )


def _shown(study: Study, task: pd.DataFrame) -> dict[str, str]:
    """The arms of a task that are shown at first, each with the reason, if there are others."""
    baseline, finished, metric = study.plan.report.baseline, finished_trials(task), study.metric
    arms = list(dict.fromkeys(finished["arm"]))
    if len(arms) < 3 or not finished[metric].notna().any():
        return dict.fromkeys(arms[:2], "")
    measure = study.measure(metric)
    best = best_arm(finished, metric)
    reasons = {best: f"best {measure.typical} {measure.name}"}
    if baseline in arms:
        return {str(baseline): "baseline"} | reasons
    others = finished[(finished["arm"] != best) & finished[metric].notna()]
    if len(others):
        second = best_arm(others, metric)
        reasons[second] = f"second best {measure.typical} {measure.name}"
    return reasons


def _confusion_table(pairs: pd.DataFrame) -> Table | None:
    names = list(dict.fromkeys(pairs["label"])) if len(pairs) else []
    if not 0 < len(names) <= MOST_PREDICTED:
        return None
    columns = [pairs.loc[pairs["predicted"] == name, "count"] for name in names]
    return make_table(
        (Column("label"), names),
        *(
            (Column(f"as {name}", "number"), counts)
            for name, counts in zip(names, columns, strict=True)
        ),
    )


def _classes_table(rows: pd.DataFrame, head: str = "class") -> Table | None:
    if rows.empty:
        return None
    most = rows["support"].nlargest(MOST_ROWS).index
    rows = rows[rows.index.isin(most)]
    return make_table(
        (Column(head), rows["class"]),
        (Column("precision", "number", 3), rows["precision"]),
        (Column("recall", "number", 3), rows["recall"]),
        (Column("F1", "number", 3), rows["f1"]),
        (Column("support", "number"), rows["support"]),
    )
