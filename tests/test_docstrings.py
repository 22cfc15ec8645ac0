"""The examples of the public docstrings are run, on the published results."""

from __future__ import annotations

import doctest
import inspect
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pytest

import ablation
from ablation.report import Gallery

RESULTS = Path(__file__).resolve().parents[1] / "results"


def members(kind: type) -> dict[str, Any]:
    """The public methods and properties of a class, those that it inherits among them."""
    names = [name for name in dir(kind) if not name.startswith("_")]
    return {f"{kind.__name__}.{name}": inspect.getattr_static(kind, name) for name in names}


PUBLIC: dict[str, Any] = {
    "ablation": ablation,
    "load": ablation.load,
    "run": ablation.run,
    "Study": ablation.Study,
    **members(ablation.Study),
    "Gallery": Gallery,
    **members(Gallery),
}
EXAMPLES = {
    name: doctest.DocTestParser().get_doctest(
        inspect.getdoc(thing) or "", {"ablation": ablation}, name, None, None
    )
    for name, thing in PUBLIC.items()
}


def test_the_list_is_complete() -> None:
    assert {"Study.contrasts", "Study.plot", "Gallery.accuracy", "Gallery.drawn"} <= PUBLIC.keys()
    kinds = (property, cached_property)
    assert all(
        inspect.isfunction(PUBLIC[name]) or isinstance(PUBLIC[name], kinds)
        for name in PUBLIC
        if "." in name
    )
    assert {name for name in ablation.__all__ if name[0].islower()} <= PUBLIC.keys()


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_public_docstring_has_an_example(name: str) -> None:
    assert EXAMPLES[name].examples


def test_the_examples_show_what_comes_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = tmp_path / "results"
    results.mkdir()  # a sweep of stored trials may be written here
    for stored in RESULTS.iterdir():
        (results / stored.name).symlink_to(stored)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ablation, "load", cache(ablation.load), raising=False)
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for example in EXAMPLES.values():
        runner.run(example, out=told.append)
    assert not runner.summarize(verbose=False).failed, "".join(told)
