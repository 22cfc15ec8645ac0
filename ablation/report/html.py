"""A report as one page that needs nothing beside it: it opens from a mail attachment."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ablation.report.document import Document
from ablation.report.figures.catalogue import Drawn
from ablation.report.status import STATES
from ablation.report.svg import inline_svg, svg_of

TEMPLATES = Path(__file__).with_name("templates")
MOST_SQUARES = 5_000  # trials; of more than these only the counts are shown


class Figure(NamedTuple):
    """A figure as SVG inside the page; plain: all of its colours have a dark counterpart."""

    svg: Markup
    plain: bool


def render_html(document: Document, drawn: Sequence[Drawn]) -> str:
    """The whole page as HTML: the same text for the same results.

    Nothing in it is fetched from elsewhere; a content-security policy allows its own style and
    script, by their hashes, and nothing else. Whatever comes from results is escaped.
    drawn: the figures that the document's sections name.
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
        document=document,
        figures=_figures(drawn, style),
        states=STATES,
        squares=sum(len(arm.trials) for arm in document.coverage) <= MOST_SQUARES,
        most_squares=f"{MOST_SQUARES:,}",
        style=style,
        script=script,
        policy=_policy(style, script),
    )
    return page + "\n"


def _figures(drawn: Sequence[Drawn], style: str) -> dict[str, Figure]:
    """The figures by name; a figure of colours for which the style has none stays light."""
    themed = set(re.findall(r'\[fill="(#\w+)"\]', style))
    figures = {}
    for picture, figure in drawn:
        svg = inline_svg(svg_of(figure), f"{picture.name}-")
        plain = set(re.findall(r'(?:fill|stroke)="(#\w+)"', svg)) <= themed
        if not plain:  # the same colours in a spelling that the style does not match
            svg = re.sub(r'"(#[0-9a-f]{6})"', r'"\1ff"', svg)
        figures[picture.name] = Figure(Markup(svg), plain)
    return figures


def _policy(style: str, script: str) -> str:
    def digest(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    return (
        f"default-src 'none'; script-src {digest(script)}; style-src {digest(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
