"""A study in Python: what `ablation.load` gives, with its answer in words and its figures."""

from __future__ import annotations

from functools import cached_property
from html import escape
from pathlib import Path

from ablation import analysis
from ablation.report import Gallery, answer


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
        """What Jupyter shows: the answer in sentences, and the summary."""
        said = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.answer)
        table = self.summary().round(4).to_html(index=False) if self.frames.results else ""
        return f"<h3>{escape(self.plan.name)}</h3><ul>{said}</ul>{table}"


def load(name: str, results: str | Path = "results") -> Study:
    """Open the results of the sweep of that name.

    Raises RequestError, which names the sweeps that there are, where there is no such sweep.
    """
    return Study(Path(results) / name)
