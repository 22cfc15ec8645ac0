"""A report as Markdown, for a repository."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ablation.errors import one_line
from ablation.report.cells import Table
from ablation.report.document import Document, Section
from ablation.terminal import count


def render_markdown(document: Document) -> str:
    """The whole report as one text."""
    lines = [f"# {one_line(document.name)}", ""]
    lines += [f"**{one_line(alarm)}**\n" for alarm in document.alarms]
    lines += [f"- {one_line(sentence)}" for sentence in document.answer] + [""]
    lines += [document.state, *(f"Note: {one_line(remark)}." for remark in document.remarks), ""]
    for section in document.sections:
        lines += _section(section)
    lines += ["## How to reproduce", "", "```", one_line(document.command), "```", ""]
    lines += [one_line(f"- {fact.name}: {'; '.join(fact.values)}") for fact in document.facts]
    lines += ["", "All trials: `trials.csv`. The tables: `summary.csv`, `contrasts.csv`."]
    # Names and messages are data: as HTML, or as a link to elsewhere, they shall do nothing.
    text = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", "\n".join(lines))
    return re.sub(r"\]\((?!figures/)", r"]\(", text) + "\n"


def _section(section: Section) -> list[str]:
    lines = [f"## {section.title}", ""]
    for figure in section.figures:
        lines += [f"![{one_line(figure.title)}](figures/{figure.name}.png)", ""]
        lines += [one_line(figure.caption), ""]
    if section.table:
        lines += [_table(section.table), ""]
    for group in section.groups:
        if group.open:
            lines += [f"### {one_line(group.title)}", ""]
            lines += [line for table in group.tables for line in (_table(table), "")]
    folded = sum(not group.open for group in section.groups)
    if folded:
        lines += [f"The same of {count(folded, 'other arm')}: in `report.html`.", ""]
    return lines + ([section.note, ""] if section.note else [])


def _table(table: Table) -> str:
    columns = table.columns
    lines = [
        _row(column.name for column in columns),
        _row("---:" if column.numeric else "---" for column in columns),
        *(_row(cell.text for cell in row) for row in table.cells()),
    ]
    return "\n".join(lines)


def _row(texts: Iterable[str]) -> str:
    cells = (" ".join(text.split()).replace("|", "\\|") for text in texts)
    return f"| {' | '.join(cells)} |"
