"""A study in Python: what `ablation.load` gives, with its answer in words and its figures."""

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
    """The results of one sweep, to be asked in a notebook or a script."""

    @property
    def answer(self) -> list[str]:
        """What the study says, in sentences, the most important first."""
        return answer(self)

    @cached_property
    def plot(self) -> Gallery:
        """The figures of the report, each drawn on the axes given or on its own."""
        return Gallery(self)

    def _repr_html_(self) -> str:
        """What Jupyter shows: the study's size, its answer in sentences, and the summary."""
        head = f"<h3>{escape(self.plan.name)}</h3><p>{self.size}</p>"
        said = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.answer)
        summary = summary_table(self)
        table = pd.DataFrame(summary.texts(brief=True)).to_html(index=False) if summary else ""
        return f"{head}<ul>{said}</ul>{table}"


def load(name: str, results: str | Path = "results") -> Study:
    """Open the results of the sweep of that name.

    Raises RequestError, which names the sweeps that there are, where there is no such sweep.
    """
    return Study(Path(results) / name)


def run(*overrides: str, **settings: object) -> Study:
    """Run a sweep as the command line does, and open its results.

    overrides: strings as on the command line, such as "merge_mode=sum,mul". settings: the same as
    keywords; a list is swept, and a mapping holds keys below it: training={"epochs": 2}.
    What is stored already is not trained again, and progress is shown as in a terminal.

    Raises RequestError where something is wrong with the request, SweepFailed where trials failed
    (those that did not are kept), and KeyboardInterrupt when it is stopped.

    Example:
        ablation.run("direction=bidirectional", merge_mode=["sum", "mul"], seeds=5)
    """
    words = [word for word in overrides if word not in ("-m", "--multirun")]
    words += _written(settings)
    app = App(f"python -m ablation -m {shlex.join(words)}".strip())
    try:
        run_overrides(app, words)
    except KeyboardInterrupt:
        raise Interrupted("what has been trained is kept; the same call continues it") from None
    assert app.folder is not None  # or something was raised
    if not (app.folder / "plan.json").exists():
        raise RequestError("plan=true shows the plan and trains nothing: there is no study yet")
    return Study(app.folder)


def _written(settings: Mapping[str, object], path: str = "") -> list[str]:
    """Keywords as overrides."""
    words: list[str] = []
    for key, value in settings.items():
        if isinstance(value, Mapping):
            words += _written(value, f"{path}{key}.")
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
