"""The report of a study: its sections in order, each with its figures, its table and its note."""

from __future__ import annotations

from collections.abc import Sequence

from ablation.analysis import Study
from ablation.measures import MEASURES
from ablation.report import notes
from ablation.report.by_task import tasks_table
from ablation.report.document import Document, Section
from ablation.report.expected import expected_table
from ablation.report.figures.catalogue import Picture
from ablation.report.mistakes import disagreements, mistakes
from ablation.report.record import Failure
from ablation.report.sentences import alarms, answer
from ablation.report.settings import EFFECTS, effects_table, settings_note, settings_table
from ablation.report.status import coverage_of, facts_of, state_of
from ablation.report.tables import (
    across_table,
    claims_table,
    contrasts_table,
    failures_table,
    front_table,
    lookahead_table,
    probes_table,
    summary_table,
    target_table,
    targets_table,
    variance_table,
    variants_table,
)


def make_document(
    study: Study, pictures: Sequence[Picture], failures: Sequence[Failure]
) -> Document:
    """All that a report says; pictures: those that it shows."""
    plan = study.plan
    return Document(
        name=plan.name,
        alarms=tuple(alarms(study)),
        answer=tuple(answer(study)),
        state=state_of(study),
        remarks=tuple(plan.notes),
        sections=tuple(make_sections(study, pictures, failures)),
        coverage=coverage_of(study),
        command=plan.command,
        facts=facts_of(study),
    )


def make_sections(
    study: Study, pictures: Sequence[Picture], failures: Sequence[Failure]
) -> list[Section]:
    """The sections that these results fill, the most important first."""
    target = f"Which arms reach {study.plan.report.goal:g}"
    summary, by_class, by_sequence = summary_table(study), mistakes(study), disagreements(study)
    score = MEASURES[study.score].name
    cost = f"What {'a small error' if study.score == 'mse' else score} costs"
    probes = notes.PROBES.format(score=score)
    tables = [
        ("claims", "Claims", claims_table(study), notes.CLAIMS),
        ("across", "Over all problems", across_table(study), notes.across_note(study)),
        ("pairs", "Variants against each other", variants_table(study), notes.VARIANTS),
        ("tasks", "What to take of each task", tasks_table(study), notes.TASKS),
        ("target", target, target_table(study), notes.target_note(study)),
        ("lookahead", "How much future is enough", lookahead_table(study), notes.LOOKAHEAD),
        ("summary", "Summary", summary, notes.summary_note(study, summary)),
        ("targets", "Each number by itself", targets_table(study), notes.TARGETS),
        ("contrasts", notes.DIFFERENCES, contrasts_table(study), notes.contrasts_note(study)),
        ("settings", "What each setting scored", settings_table(study), settings_note(study)),
        ("effects", "What the setting explains", effects_table(study), EFFECTS),
        ("expected", "Expected and observed order", expected_table(study), notes.EXPECTED),
        ("accuracy", score.capitalize(), None, ""),
        ("learning", "Learning", None, ""),
        ("steps", f"{score.capitalize()} by position", None, ""),
        ("mistakes", "What the arms get wrong", None, ""),
        ("cost", cost, front_table(study), notes.COST.format(score=score)),
        ("factors", "Which factor matters", variance_table(study), notes.variance_note(study)),
        ("probes", "What each direction contributes", probes_table(study), probes),
        ("failures", "Failures", failures_table(failures), notes.FAILURES),
    ]
    sections = []
    for id, title, table, note in tables:
        figures = tuple(picture for picture in pictures if picture.section == id)
        if table or figures:
            # A note says how to read the table.
            sections.append(Section(id, title, figures, table, note if table else ""))
        elif id == "mistakes" and (by_class or by_sequence):
            note = notes.mistakes_note(study, by_class, by_sequence)
            sections.append(Section(id, title, note=note, groups=by_class + by_sequence))
    return sections
