"""Figures as SVG that may stand inside a page."""

from __future__ import annotations

import io
import re
import warnings
import xml.etree.ElementTree as ElementTree
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure as MatplotlibFigure

FRACTION = re.compile(r"-?\d+\.\d{3,}")


def inline_svg(svg: str, prefix: str) -> str:
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
            given[name] = FRACTION.sub(lambda number: f"{float(number[0]):.2f}", text)
        element.attrib = given
        if element.tag != "text":
            element.text = None
        element.tail = None
    _, _, width, height = root.attrib["viewBox"].split()
    # What matplotlib's own stylesheet says of every element.
    root.attrib = {"viewBox": f"0 0 {width} {height}", "stroke-linejoin": "round"}
    return ElementTree.tostring(root, encoding="unicode")


def svg_of(figure: MatplotlibFigure) -> str:
    # A user's own matplotlibrc must not reach a page; texts stay texts, to be read and searched.
    fixed: dict[Any, Any] = {"font.family": "sans-serif", "font.sans-serif": "DejaVu Sans"}
    fixed |= {"savefig.bbox": None, "svg.fonttype": "none", "svg.hashsalt": "ablation"}
    target = io.StringIO()
    with mpl.rc_context(fixed), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure.savefig(target, format="svg", metadata={"Date": None}, transparent=True)
    return target.getvalue()
