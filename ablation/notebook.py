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
    """The results of one sweep: tables, statistics, the answer in sentences, and figures.

    trials: one row per planned trial: arm, seed, id, status ("done", "diverged", "failed",
    "pending"), the options (direction, units, ...) and the measures (accuracy, loss, ...; NaN
    without a result).
    curves: one row per point of a learning curve: arm, seed, updates, loss, accuracy, and
    validation_loss (NaN without a validation set).
    positions: one row per step of the sequences: arm, seed, step (from 1), accuracy, ceiling.
    Where numbers are predicted, mse stands in place of accuracy, and floor in place of ceiling.
    plan: the sweep's plan.
    Accuracies are shares (0 to 1), losses are in nats per label, errors in the units of the
    numbers, times in seconds.

    Example:
        >>> study = ablation.load("directions")
        >>> study
        <Study directions: 4 arms, 20 seeds each, 80 of 80 trials done>
        >>> study.trials[["arm", "seed", "accuracy"]].head(2).round(3)
               arm  seed  accuracy
        0  forward     0     0.990
        1  forward     1     0.988
        >>> study.curves.tail(1).dropna(axis="columns").round(3)
                               arm  seed  updates   loss  accuracy
        3999  bidirectional concat    19     5000  0.024     0.984
    """

    @property
    def answer(self) -> list[str]:
        """The answer in sentences, the most important first.

        Example:
            >>> study = ablation.load("directions")
            >>> study.answer[0]
            'Best mean accuracy: forward, 0.9914.'
        """
        return answer(self)

    @cached_property
    def plot(self) -> Gallery:
        """The figures of the report: each method draws one, on new axes or on those it is given.

        Example:
            >>> study = ablation.load("directions")
            >>> axes = study.plot.accuracy()
        """
        return Gallery(self)

    def _repr_html_(self) -> str:
        """What Jupyter shows: the study's size, its answer and the summary table."""
        head = f"<h3>{escape(self.plan.name)}</h3><p>{self.size}</p>"
        items = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.answer)
        summary = summary_table(self)
        table = pd.DataFrame(summary.texts(brief=True)).to_html(index=False) if summary else ""
        return f"{head}<ul>{items}</ul>{table}"


def load(name: str, results: str | Path = "results") -> Study:
    """Open the stored results of a sweep. Nothing is trained.

    name: of the sweep, which is a folder in results. Raises RequestError if there is no such sweep;
    the message lists those that there are.

    Example:
        >>> ablation.load("merge_modes").arms
        ['concat', 'sum', 'mul', 'ave']
    """
    return Study(Path(results) / name)


def run(*overrides: str, **settings: object) -> Study:
    """Run a sweep as the command line does, and load its results.

    overrides: strings as on the command line, such as "merge_mode=sum,mul". settings: the same as
    keywords. A list is swept, and a mapping sets nested keys: training={"epochs": 2}.
    Progress is shown while it trains. Trials that have a stored result are not trained again.

    Raises RequestError if the request is wrong, SweepFailed if trials failed (the others are kept),
    and KeyboardInterrupt if it is stopped (the same call continues it).

    Example:
        The trials of this sweep are stored, so it only reports.

        >>> study = ablation.run(direction="bidirectional", merge_mode=["sum", "mul"], seeds=5)
        merge_mode-...: 2 arms, 10 trials (10 asked for), 10 done, nothing to train.
        ...
        >>> study.arms
        ['sum', 'mul']
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
        if key == "tune" and isinstance(value, Mapping):
            words.append(f"tune={{{', '.join(f'{k}: {_listed(v)}' for k, v in value.items())}}}")
        elif isinstance(value, Mapping):
            words += _overrides(value, f"{path}{key}.")
        elif isinstance(value, list | tuple | range):
            words.append(f"{path}{key}={','.join(map(_value, value))}")
        else:
            words.append(f"{path}{key}={_value(value)}")
    return words


def _listed(values: object) -> str:
    if isinstance(values, list | tuple | range):
        return f"[{', '.join(map(_value, values))}]"
    return _value(values)


def _value(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str) or re.fullmatch(r"[\w./-]+", value):
        return str(value)
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{quoted}'"
