"""A sweep's folder of tables, figures and one page, made from its results alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from ablation.analysis import Study
from ablation.errors import RequestError
from ablation.measures import COSTS
from ablation.report.expected import expected_orders
from ablation.report.figures.catalogue import Drawn, Gallery, Picture
from ablation.report.figures.drawing import save
from ablation.report.html import render_html
from ablation.report.markdown import render_markdown, state_of
from ablation.report.record import Report, digest_of, forget_report, keep_report
from ablation.report.sentences import alarms, answer
from ablation.report.tables import (
    claims_table,
    contrasts_table,
    failures_table,
    pareto_table,
    probes_table,
    reached_table,
    summary_table,
)
from ablation.storage import replace_file


def build_report(folder: Path) -> Report:
    """Write the report of the sweep whose plan lies in the folder; a partial sweep will do."""
    # Taken before anything is read: what another sweep commits from now on makes this one stale.
    digest = digest_of(folder)
    forget_report(folder)
    study = Study(folder)
    report = Report(
        state=state_of(study),
        alarms=alarms(study),
        answer=answer(study),
        claims=claims_table(study),
        reached=reached_table(study),
        summary=summary_table(study),
        contrasts=contrasts_table(study),
        expected=expected_orders(study),
        pareto=pareto_table(study),
        probes=probes_table(study),
        failures=failures_table(study),
        digest=digest,
    )
    drawn = draw(study)
    pictures = _save(drawn, folder / "figures")
    _files(study, report, folder)
    replace_file(folder / "report.md", render_markdown(study, report, pictures))
    replace_file(folder / "report.html", render_html(study, report, drawn))
    keep_report(report, folder)
    return report


def draw(study: Study) -> list[Drawn]:
    """The figures that the results allow."""
    return Gallery(study).drawn if study.frames.results else []


def _save(drawn: list[Drawn], folder: Path) -> list[Picture]:
    if folder.is_symlink():
        raise RequestError(f"{folder}: it is a link, and figures are deleted and written there")
    names = {picture.name for picture, _ in drawn}
    for old in folder.glob("*.*"):  # of an earlier plan
        if old.suffix in (".png", ".svg") and old.stem not in names:
            old.unlink()
    for picture, figure in drawn:
        save(figure, folder, picture.name)
    return [picture for picture, _ in drawn]


def _files(study: Study, report: Report, folder: Path) -> None:
    _csv(study.trials, folder / "trials.csv")
    if study.frames.results:
        _csv(study.summary(), folder / "summary.csv")
        _csv(study.contrasts(), folder / "contrasts.csv")
        fronts = {cost: study.pareto(cost) for cost in COSTS}
        further = {
            "claims": study.claims(),
            "target": study.reached(),
            "pareto": pd.concat([front.assign(by=cost) for cost, front in fronts.items()]),
        }
        for name, found in further.items():
            path = folder / f"{name}.csv"
            if len(found):
                _csv(found, path)
            else:
                path.unlink(missing_ok=True)  # of an earlier plan
        if len(study.crossed) > 1:
            _csv(study.variance, folder / "factors.csv")
        table = pd.DataFrame(report.summary)
        columns = "l" + "r" * (table.shape[1] - 1)
        replace_file(
            folder / "summary.tex", table.to_latex(index=False, escape=True, column_format=columns)
        )


def _csv(table: pd.DataFrame, path: Path) -> None:
    def harmless(value: Any) -> Any:
        # A spreadsheet would run a text that starts like a formula.
        risky = isinstance(value, str) and value.lstrip()[:1] in tuple("=+-@|%") and value.strip()
        return f"'{value}" if risky else value

    table = table.map(harmless).rename(columns=harmless)
    replace_file(path, table.to_csv(index=False, lineterminator="\n"))
