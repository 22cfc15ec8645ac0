"""A sweep's report as one page that needs nothing beside it: it opens from a mail attachment."""

from __future__ import annotations

import base64
import hashlib
import io
import math
import re
import warnings
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ablation import plots, stats
from ablation.factors import decomposition
from ablation.gallery import Picture
from ablation.outcome import Report
from ablation.study import Study, factor_columns

# What each colour of the figures becomes on a dark page; figures of other colours stay on white.
DARK = {
    "#222222": "#e6e3dd",
    "#666666": "#a3a9b1",
    "#777777": "#a3a9b1",
    "#bbbbbb": "#5c636d",
    "#e4e4e4": "#31363e",
    "#f1f1f1": "#262a31",
    "#ffffff": "#16191e",
    "#0072b2": "#4aa3e0",
    "#d55e00": "#f58a45",
    "#009e73": "#34c496",
    "#aa4499": "#d987c9",
    "#e69f00": "#f2b83a",
    "#56b4e9": "#a9dcfb",
    "#4d4d4d": "#bdbdbd",
}
FRACTION = re.compile(r"-?\d+\.\d{3,}")
NUMBER = re.compile(r"(<?)\s*([+\-−]?[\d,]*\.?\d+)(?:(?:–| to )[+\-−]?[\d,]*\.?\d+)?")
BLANKS = ("", "–")
CELLS = 5_000  # a map of more trials than these is counts alone


@dataclass(frozen=True)
class Figure:
    """A figure as SVG inside the page; plain: all of its colours have a dark counterpart."""

    name: str
    caption: str
    svg: Markup
    plain: bool


@dataclass(frozen=True)
class Column:
    """A table's column; numbers go to the right."""

    name: str
    numeric: bool


@dataclass(frozen=True)
class Cell:
    """A text, and by what it is sorted: None goes last."""

    text: str
    value: float | None


@dataclass(frozen=True)
class Table:
    """Rows of cells under their columns; the first column names the row."""

    columns: list[Column]
    rows: list[list[Cell]]


@dataclass(frozen=True)
class Coverage:
    """An arm's trials: how many there are in each state, and each with its seed and state."""

    arm: str
    counts: dict[str, int]
    cells: list[tuple[int, str]]


def render(study: Study, report: Report) -> str:
    """The whole page as HTML: the same text for the same results.

    Nothing in it is fetched from elsewhere; a content-security policy allows its own style and
    script, by their hashes, and nothing else. Whatever comes from results is escaped.
    """
    environment = Environment(
        loader=PackageLoader("ablation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Both are files of this package, which hold no data: only they are not escaped.
    style = Markup(_source(environment, "report.css") + _dark())
    script = Markup(_source(environment, "report.js"))
    page = environment.get_template("report.html.j2").render(
        style=style,
        script=script,
        policy=_policy(style, script),
        plan=study.plan,
        report=report,
        summary=tabulate(report.summary),
        contrasts=tabulate(report.contrasts),
        failures=tabulate(report.failures),
        probes=_probes(study),
        variance=_variance(study),
        figures={figure.name: figure for figure in _figures(study)},
        merits=_merits(study),
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
        Column(name, place > 0 and _all_numbers(row[name] for row in rows))
        for place, name in enumerate(names)
    ]
    cells = [
        [
            Cell(row[column.name], _value(row[column.name]) if column.numeric else None)
            for column in columns
        ]
        for row in rows
    ]
    return Table(columns, cells)


def inline(svg: str, prefix: str) -> str:
    """Matplotlib's SVG made fit to stand inside a page with a strict content-security policy.

    The styles of elements become attributes, because the policy forbids inline styles; ids that
    nothing refers to go, the others get the prefix, so that two figures cannot clash; coordinates
    keep two decimals, which is a hundredth of a point.
    """
    root = ElementTree.fromstring(svg)
    used = set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", svg))
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.rpartition("}")[2] in ("metadata", "style"):
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        given = {name.rpartition("}")[2]: text for name, text in element.attrib.items()}
        for part in given.pop("style", "").split(";"):
            name, _, text = part.partition(":")
            if name.strip() and name.strip() != "font-family":
                given[name.strip()] = text.strip()
        name = given.pop("id", "")
        if name in used:
            given["id"] = prefix + name
        for name, text in given.items():
            mark = "#" if name == "href" and text.startswith("#") else "url(#"
            text = " ".join(text.replace(mark, mark + prefix).split())
            given[name] = FRACTION.sub(lambda found: f"{float(found[0]):.2f}", text)
        element.attrib = given
        if element.tag != "text":
            element.text = None
        element.tail = None
    _, _, width, height = root.attrib["viewBox"].split()
    # What matplotlib's own stylesheet says of every element.
    root.attrib = {"viewBox": f"0 0 {width} {height}", "stroke-linejoin": "round"}
    return ElementTree.tostring(root, encoding="unicode")


def _figures(study: Study) -> list[Figure]:
    if not study.frames.results:
        return []
    return [_figure(picture) for picture in study.plot.pictures()]


def _figure(picture: Picture) -> Figure:
    # A user's own matplotlibrc must not reach a page; texts stay texts, to be read and searched.
    fixed: dict[Any, Any] = {"font.family": "sans-serif", "font.sans-serif": "DejaVu Sans"}
    fixed |= {"savefig.bbox": None, "svg.fonttype": "none", "svg.hashsalt": "ablation"}
    target = io.StringIO()
    with mpl.rc_context(fixed), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure, axes = plots.figure(*picture.size)
        picture.draw(axes)
        figure.savefig(target, format="svg", metadata={"Date": None}, transparent=True)
    svg = inline(target.getvalue(), f"{picture.name}-")
    plain = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', svg)) <= DARK.keys()
    return Figure(picture.name, picture.caption, Markup(svg), plain)


def _dark() -> str:
    rules = "\n".join(
        f'  .plain [{place}="{light}"] {{ {place}: {dark}; }}'
        for light, dark in DARK.items()
        for place in ("fill", "stroke")
    )
    return f"@media screen and (prefers-color-scheme: dark) {{\n{rules}\n}}\n"


def _source(environment: Environment, name: str) -> str:
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _policy(style: str, script: str) -> str:
    def digest(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    return (
        f"default-src 'none'; script-src {digest(script)}; style-src {digest(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _all_numbers(texts: Iterable[str]) -> bool:
    given = [text for text in texts if text not in BLANKS]
    return all(NUMBER.fullmatch(text) for text in given)


def _value(text: str) -> float | None:
    found = NUMBER.fullmatch(text)
    if found is None:
        return None
    return 0.0 if found[1] else float(found[2].replace(",", "").replace("−", "-"))


def _say(value: float, form: str) -> str:
    return "–" if math.isnan(value) else format(value, form)


def _chance(p: float) -> str:
    return "< .001" if p < 0.001 else _say(p, ".3f")


def _merits(study: Study) -> dict[str, list[str]]:
    """Why an arm may be the one to take: the best of its task, or its cheapest equivalent."""
    merits: dict[str, list[str]] = {}
    for task in study.tasks:
        if task["arm"].nunique() < 2 or "accuracy" not in task or task["accuracy"].isna().all():
            continue
        merits.setdefault(stats.best(task), []).append("best mean")
        for cost, word in (("parameters", "fewest parameters"), ("seconds", "least time")):
            table = stats.cheapest_equivalent(task, cost, margin=study.plan.report.margin)
            if len(table) > 1:
                merits.setdefault(table.iloc[0]["arm"], []).append(word)
    return merits


def _variance(study: Study) -> tuple[Table, str] | None:
    """The decomposition and its note, where several factors were swept."""
    if not study.frames.results or len(study.crossed) < 2:
        return None
    frame = decomposition(study.trials, study.crossed)
    rows = [
        {
            "term": str(row["term"]).replace(":", " × "),
            "share (%)": _say(100 * row["share"], ".1f"),
            "df": f"{row['df']}",
            "F": _say(row["F"], ",.1f"),
            "p": _chance(row["p"]),
        }
        for row in frame.to_dict("records")
    ]
    return (tabulate(rows), str(frame.attrs.get("note", ""))) if rows else None


def _probes(study: Study) -> Table:
    """Each arm's mean of what probes measured; no rows where no trial was probed."""
    columns = [name for name in study.trials if name.startswith("probe_")]
    measured = study.trials.dropna(subset=columns, how="all") if columns else study.trials.iloc[:0]
    means = measured.groupby("arm", sort=False)[columns].mean() if len(measured) else pd.DataFrame()
    return tabulate(
        [
            {"arm": str(arm)}
            | {
                name.removeprefix("probe_").replace("_", " "): _say(row[name], ".4f")
                for name in columns
            }
            for arm, row in means.iterrows()
        ]
    )


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
    return {name: first[name] for name in names if pd.notna(first[name])}


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
        "commit of the results": named(
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
