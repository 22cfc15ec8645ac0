"""The Python interface: run a sweep, load its results as a study, see its answer and figures."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from functools import cached_property
from html import escape
from pathlib import Path

import pandas as pd

from ablation import analysis
from ablation.compose import App, run_overrides
from ablation.errors import Interrupted, RequestError
from ablation.report import Gallery, answer, summary_table


class Study(analysis.Study):
    """The results of one sweep, for a notebook or a script: tables, answer and figures."""

    @property
    def answer(self) -> list[str]:
        """The conclusions of the study as sentences, the most important first."""
        return answer(self)

    @cached_property
    def plot(self) -> Gallery:
        """The figures of the report; each method draws on the axes passed to it, or on new ones."""
        return Gallery(self)

    def _repr_html_(self) -> str:
        """What Jupyter shows: the study's size, its answer and the summary table."""
        head = f"<h3>{escape(self.plan.name)}</h3><p>{self.size}</p>"
        items = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.answer)
        summary = summary_table(self)
        table = pd.DataFrame(summary.texts(brief=True)).to_html(index=False) if summary else ""
        return f"{head}<ul>{items}</ul>{table}"


def load(name: str, results: str | Path = "results") -> Study:
    """Load the results of a sweep by its name, from the results folder.

    Raises RequestError, which lists the stored sweeps, if there is none of that name.
    """
    return Study(Path(results) / name)


def run(*overrides: str, **settings: object) -> Study:
    """Run a sweep as the command line does, and load its results.

    overrides: strings as on the command line, such as "merge_mode=sum,mul". settings: the same as
    keywords; a list is swept, and a mapping sets nested keys: training={"epochs": 2}.
    Trials that have a result are not trained again. Progress is shown as in a terminal.

    Raises RequestError if the request is wrong, SweepFailed if trials failed (the results of the
    others are kept), and KeyboardInterrupt if interrupted.

    Example:
        ablation.run("direction=bidirectional", merge_mode=["sum", "mul"], seeds=5)
    """
    words = [word for word in overrides if word not in ("-m", "--multirun")]
    words += _overrides(settings)
    app = App(f"python -m ablation -m {shlex.join(words)}".strip())
    try:
        run_overrides(app, words)
    except KeyboardInterrupt:
        raise Interrupted("finished trials are kept; make the same call to continue") from None
    assert app.folder is not None  # otherwise run_overrides has raised
    if not (app.folder / "plan.json").exists():
        raise RequestError("plan=true: this only shows the plan, so there is no study to load yet")
    return Study(app.folder)


def _overrides(settings: Mapping[str, object], path: str = "") -> list[str]:
    """Keyword arguments as overrides. path: the keys above them, with a dot at the end."""
    words: list[str] = []
    for key, value in settings.items():
        if isinstance(value, Mapping):
            words += _overrides(value, f"{path}{key}.")
        elif isinstance(value, list | tuple | range):
            words.append(f"{path}{key}={','.join(map(_value, value))}")
        else:
            words.append(f"{path}{key}={_value(value)}")
    return words


def _value(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str) or re.fullmatch(r"[\w./-]+", value):
        return str(value)
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{quoted}'"
