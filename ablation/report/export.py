"""A report's tables as files for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from ablation.analysis import Study
from ablation.measures import COSTS
from ablation.report.cells import Table
from ablation.storage import replace_file


def export_tables(study: Study, summary: Table | None, folder: Path) -> None:
    """Write the trials and what was computed of them as CSV, and the summary for LaTeX."""
    _write(study.trials.drop(columns="scores", errors="ignore"), folder / "trials.csv")
    if not study.frames.results:
        return
    _write(study.summary(), folder / "summary.csv")
    _write(study.contrasts(), folder / "contrasts.csv")
    fronts = [study.pareto(cost).assign(by=cost) for cost in COSTS]
    optional = {
        "claims": study.claims(),
        "target": study.reached(),
        "pareto": pd.concat(fronts),
        "classes": study.classes(),
        "settings": study.tuning(),
        "pilots": study.frames.pilots,
    }
    for name, table in optional.items():
        path = folder / f"{name}.csv"
        if len(table):
            _write(table, path)
        else:
            path.unlink(missing_ok=True)  # of an earlier plan
    if len(study.crossed) > 1:
        _write(study.variance, folder / "factors.csv")
    if summary:
        _write_latex(summary, folder / "summary.tex")


def _write(table: pd.DataFrame, path: Path) -> None:
    def harmless(value: Any) -> Any:
        # A spreadsheet would run a text that starts like a formula.
        risky = isinstance(value, str) and value.lstrip()[:1] in tuple("=+-@|%") and value.strip()
        return f"'{value}" if risky else value

    texts = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    table = table.assign(**{str(name): table[name].map(harmless) for name in texts})
    table = table.rename(columns=harmless)
    replace_file(path, table.to_csv(index=False, lineterminator="\n"))


def _write_latex(table: Table, path: Path) -> None:
    texts = pd.DataFrame(table.texts())
    sides = "".join("r" if column.numeric else "l" for column in table.columns)
    replace_file(path, texts.to_latex(index=False, escape=True, column_format=sides))
