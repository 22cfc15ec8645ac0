"""A sweep's report as one page that needs nothing beside it: it opens from a mail attachment."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ablation.analysis import Study, best_arm, factor_columns
from ablation.report.figures.catalogue import Drawn
from ablation.report.record import Report
from ablation.report.svg import inline_svg, svg_of

TEMPLATES = Path(__file__).with_name("templates")
NUMBER = re.compile(r"(<?)\s*([+\-−]?[\d,]*\.?\d+)(?:(?:–| to )[+\-−]?[\d,]*\.?\d+)?")
BLANKS = ("", "–")
CELLS = 5_000  # a map of more trials than these is counts alone


class Figure(NamedTuple):
    """A figure as SVG inside the page; plain: all of its colours have a dark counterpart."""

    caption: str
    svg: Markup
    plain: bool


class Column(NamedTuple):
    """A table's column; numbers go to the right."""

    name: str
    numeric: bool


class Cell(NamedTuple):
    """A text, and by what it is sorted: None goes last."""

    text: str
    value: float | None


class Table(NamedTuple):
    """Rows of cells under their columns; the first column names the row."""

    columns: list[Column]
    rows: list[list[Cell]]


class Coverage(NamedTuple):
    """An arm's trials: how many there are in each state, and each with its seed and state."""

    arm: str
    counts: dict[str, int]
    cells: list[tuple[int, str]]


def render_html(study: Study, report: Report, drawn: Sequence[Drawn]) -> str:
    """The whole page as HTML: the same text for the same results.

    Nothing in it is fetched from elsewhere; a content-security policy allows its own style and
    script, by their hashes, and nothing else. Whatever comes from results is escaped.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Both are files of this package and hold no data; escaped, they would not work.
    style, script = (
        Markup((TEMPLATES / name).read_text("utf-8")) for name in ("report.css", "report.js")
    )
    page = environment.get_template("report.html.j2").render(
        style=style,
        script=script,
        policy=_policy(style, script),
        plan=study.plan,
        report=report,
        claims=tabulate(report.claims),
        reached=tabulate(report.reached),
        never=len(study.reached()) - len(report.reached),
        pareto=tabulate(report.pareto),
        summary=tabulate(report.summary),
        contrasts=tabulate(report.contrasts),
        expected=tabulate(report.expected),
        failures=tabulate(report.failures),
        probes=tabulate(report.probes),
        variance=_variance(study),
        figures=_figures(drawn, style),
        best=_best(study),
        coverage=_coverage(study),
        trials=len(study.trials),
        most_cells=CELLS,
        origin=_origin(study),
        constant=_constant(study),
    )
    return page + "\n"


def tabulate(rows: Sequence[Mapping[str, str]]) -> Table:
    """Rows of texts as a table that knows which columns are numbers, and their values.

    A column is one of numbers if every cell is: 1,234, -0.5, < .001, an interval of two (which
    counts by its first), or a blank. The first column is always text.
    """
    names = list(rows[0]) if rows else []
    columns = [
        Column(
            name,
            place > 0 and all(row[name] in BLANKS or NUMBER.fullmatch(row[name]) for row in rows),
        )
        for place, name in enumerate(names)
    ]

    def cell(text: str, numeric: bool) -> Cell:
        return Cell(text, _value(text) if numeric else None)

    return Table(columns, [[cell(row[name], number) for name, number in columns] for row in rows])


def _figures(drawn: Sequence[Drawn], style: str) -> dict[str, Figure]:
    """The figures by name; a figure of colours for which the style has none stays light."""
    themed = set(re.findall(r'\[fill="(#\w+)"\]', style))
    figures = {}
    for picture, figure in drawn:
        svg = inline_svg(svg_of(figure), f"{picture.name}-")
        plain = set(re.findall(r'(?:fill|stroke)="(#\w+)"', svg)) <= themed
        if not plain:  # the same colours in a spelling that the style does not match
            svg = re.sub(r'"(#[0-9a-f]{6})"', r'"\1ff"', svg)
        figures[picture.name] = Figure(picture.caption, Markup(svg), plain)
    return figures


def _policy(style: str, script: str) -> str:
    def digest(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    return (
        f"default-src 'none'; script-src {digest(script)}; style-src {digest(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _value(text: str) -> float | None:
    found = NUMBER.fullmatch(text)
    if found is None or found[1]:
        return 0.0 if found else None
    return float(found[2].replace(",", "").replace("−", "-"))


def _say(value: float, form: str) -> str:
    return "–" if math.isnan(value) else format(value, form)


def _chance(p: float) -> str:
    return "< .001" if p < 0.001 else _say(p, ".3f")


def _best(study: Study) -> set[str]:
    """The arm with the best mean of each task in which arms are compared."""
    compared = [task for task in study.tasks if task["arm"].nunique() > 1 and "accuracy" in task]
    return {best_arm(task) for task in compared if task["accuracy"].notna().any()}


def _variance(study: Study) -> tuple[Table, str] | None:
    """The decomposition and its note, where several factors were swept."""
    if not study.frames.results or len(study.crossed) < 2:
        return None
    frame = study.variance
    rows = [
        {
            "term": str(row["term"]),
            "share (%)": _say(100 * row["share"], ".1f"),
            "df": f"{row['df']}",
            "F": _say(row["F"], ",.1f"),
            "p": _chance(row["p"]),
        }
        for row in frame.to_dict("records")
    ]
    return (tabulate(rows), str(frame.attrs.get("note", ""))) if rows else None


def _coverage(study: Study) -> list[Coverage]:
    rows = []
    for arm, trials in study.trials.groupby("arm", sort=False):
        counts = {str(state): int(n) for state, n in trials["status"].value_counts().items()}
        ordered = trials.sort_values("seed")
        cells = list(zip(ordered["seed"].tolist(), ordered["status"].tolist(), strict=True))
        rows.append(Coverage(str(arm), counts, cells))
    return rows


def _constant(study: Study) -> dict[str, Any]:
    first = study.trials.iloc[0]
    names = [name for name in factor_columns(study.trials) if name not in study.factors]
    held = {name: first[name] for name in names if pd.notna(first[name])}
    return {"match": study.plan.match} | held


def _origin(study: Study) -> dict[str, list[str]]:
    """With what the results were made; several values, most frequent first, are counted."""
    origins = [result.origin for result in study.frames.results]
    if not origins:
        return {}

    def named(texts: Iterable[str]) -> list[str]:
        counts = Counter(texts).most_common()
        several = len(counts) > 1
        return [f"{text} ({count} trials)" if several else text for text, count in counts]

    return {
        "trained at commit": named(
            (origin.commit or "unknown") + (", with changes" if origin.dirty else "")
            for origin in origins
        ),
        "versions": named(
            ", ".join(f"{name} {version}" for name, version in origin.versions.items())
            for origin in origins
        ),
        "device": named(origin.device for origin in origins),
        "newest result": [max(origin.finished for origin in origins)],
    }
