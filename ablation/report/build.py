"""A sweep's folder of tables, figures and one page, made from its results alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ablation.analysis import Study, remember_look
from ablation.errors import RequestError
from ablation.report.export import export_tables
from ablation.report.figures.catalogue import Drawn, Gallery
from ablation.report.figures.drawing import save
from ablation.report.html import render_html
from ablation.report.markdown import render_markdown
from ablation.report.notes import margins_of
from ablation.report.record import Report, digest_of, forget_report, store_report
from ablation.report.sections import make_document
from ablation.report.tables import failures_of
from ablation.storage import replace_file


def build_report(folder: Path) -> Report:
    """Write the report of the sweep whose plan lies in the folder; a partial sweep will do."""
    # Taken before anything is read: what another sweep commits from now on makes this one stale.
    digest = digest_of(folder)
    forget_report(folder)
    study = Study(folder)
    remember_look(study)  # before anybody can see it, so that no kill makes it forgotten
    drawn = draw(study)
    failures = failures_of(study)
    document = make_document(study, [picture for picture, _ in drawn], failures)
    summary = next((s.table for s in document.sections if s.id == "summary"), None)
    _save(drawn, folder / "figures")
    export_tables(study, summary, folder)
    replace_file(folder / "report.md", render_markdown(document))
    replace_file(folder / "report.html", render_html(document, drawn))
    report = Report(
        state=document.state,
        alarms=document.alarms,
        answer=document.answer,
        summary=summary,
        failures=failures,
        digest=digest,
        margins=tuple(
            f"{task}: {value:g}, {reason}" for task, (value, reason) in margins_of(study).items()
        ),
    )
    store_report(report, folder)
    return report


def draw(study: Study) -> list[Drawn]:
    """The figures that the results allow."""
    return Gallery(study).drawn if study.frames.results else []


def _save(drawn: Sequence[Drawn], folder: Path) -> None:
    if folder.is_symlink():
        raise RequestError(f"{folder}: it is a link, and figures are deleted and written there")
    names = {picture.name for picture, _ in drawn}
    for old in folder.glob("*.*"):  # of an earlier plan
        if old.suffix in (".png", ".svg") and old.stem not in names:
            old.unlink()
    for picture, figure in drawn:
        save(figure, folder, picture.name)
