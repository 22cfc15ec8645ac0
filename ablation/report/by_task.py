"""A row a task: what to take, and how sure that is. Of many tasks, the answer counts these rows."""

from __future__ import annotations

from ablation.analysis import Study, task_name
from ablation.report.cells import Column, Table, make_table
from ablation.report.sentences.choice import takes
from ablation.report.sentences.words import short_names

NONE = "none: no arm beats guessing"


def tasks_table(study: Study) -> Table | None:
    """A row a task that compares arms, where there are several."""
    rows = takes(study)
    if len(rows) < 2:
        return None
    measure, means = study.measure(study.metric), study.summary(study.metric)
    values = means.set_index("arm")[measure.typical]
    names: dict[str, str] = {"": ""}
    for row in rows:
        names |= short_names(row.task["arm"].unique())
    return make_table(
        (Column("task", brief=True), [task_name(row.task) for row in rows]),
        (Column("take", brief=True), [names[row.arm] or NONE for row in rows]),
        (
            Column(measure.name, "number", measure.digits, brief=True),
            [values.get(row.arm) for row in rows],
        ),
        (Column("next best"), [names[row.other] for row in rows]),
        (
            Column("ahead by", "difference", measure.digits, brief=True),
            [row.difference for row in rows],
        ),
        (Column("verdict", "verdict", brief=True), [row.verdict for row in rows]),
        (Column("seeds to decide", "number"), [row.more_seeds for row in rows]),
    )
