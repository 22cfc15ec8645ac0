"""A user's script that calls each public method once; mypy checks its types."""

from __future__ import annotations

from typing import assert_type

import pandas as pd
from matplotlib.axes import Axes

import ablation


def main() -> None:
    study = ablation.load("directions")
    assert_type(study, ablation.Study)
    assert_type(study.arms, list[str])
    assert_type(study.answer, list[str])
    for table in (study.trials, study.curves, study.positions, *study.tasks):
        assert_type(table, pd.DataFrame)
    for table in (study.summary("loss"), study.contrasts(baseline="forward"), study.claims()):
        assert_type(table, pd.DataFrame)
    for table in (study.reached(), study.pareto("seconds"), study.leaks(), study.variance):
        assert_type(table, pd.DataFrame)
    for axes in (study.plot.accuracy(metric="exact"), study.plot.contrasts(), study.plot.steps()):
        assert_type(axes, Axes)
    for axes in (study.plot.learning(), study.plot.parameters(), study.plot.seconds()):
        assert_type(axes, Axes)
    again = ablation.run("experiment=directions", results="results", plan=True)
    assert_type(again.trials, pd.DataFrame)
    assert_type(ablation.__version__, str)
    print(*study.answer, sep="\n")


main()
