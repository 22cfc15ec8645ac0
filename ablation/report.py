"""A sweep's folder of tables, figures and one page, made from its results alone."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from ablation import plan as plans
from ablation import plots, stats
from ablation.errors import RequestError
from ablation.frame import Frames, frames
from ablation.plan import Plan
from ablation.result import TrialResult
from ablation.store import Store, replace

Draw = Callable[[Axes], Axes]


@dataclass(frozen=True)
class Report:
    """What the terminal shows of a report that was written.

    summary: the table, ready to read; failures: a row a trial that has no result; state: what was
    planned and what is there; first: the first trial's result.
    """

    summary: pd.DataFrame
    failures: pd.DataFrame
    state: str
    first: TrialResult | None


def build(folder: Path) -> Report:
    """Write the report of the sweep whose plan lies in the folder; a partial sweep will do."""
    plan = plans.load(folder)
    store = Store(folder.parent)
    found = frames(plan, store)
    trials = found.trials
    table = readable_summary(trials) if found.results else pd.DataFrame()
    failures = _failures(plan, store, trials)
    state = _state(plan, trials)
    _csv(trials, folder / "trials.csv")
    pictures: list[tuple[str, str]] = []
    if found.results:
        summary = summaries(trials)
        _csv(summary, folder / "summary.csv")
        replace(folder / "summary.tex", _tex(table))
        for name, caption, size, draw in figures(found):
            figure, axes = plots.figure(*size)
            draw(axes)
            plots.save(figure, folder / "figures", name)
            pictures.append((name, caption))
    replace(folder / "report.md", _page(plan, found, table, failures, state, pictures))
    return Report(table, failures, state, found.results[0] if found.results else None)


def summaries(trials: pd.DataFrame) -> pd.DataFrame:
    """Arms × their statistics: accuracy in full, the mean and sd of the other measures."""
    table = stats.summary(trials)
    for metric in ("exact", "loss", "seconds"):
        other = stats.summary(trials, metric).set_index("arm")
        table[f"{metric}_mean"] = table["arm"].map(other["mean"])
        table[f"{metric}_sd"] = table["arm"].map(other["sd"])
    finished = trials.dropna(subset=["accuracy"])
    table["parameters"] = table["arm"].map(finished.groupby("arm")["parameters"].first())
    return table


def readable_summary(trials: pd.DataFrame) -> pd.DataFrame:
    """The summary as a person reads it: few columns, few digits."""
    table = summaries(trials)
    rows = []
    for row in table.to_dict("records"):
        cells = {"arm": row["arm"], "seeds": f"{row['n']}"}
        cells["accuracy"] = _number(row["mean"], 4)
        cells["95 % interval"] = (
            f"{_number(row['low'], 4)}–{_number(row['high'], 4)}" if row["n"] > 1 else "–"
        )
        if "ceiling" in row:
            cells["ceiling"] = _number(row["ceiling"], 4)
        cells["exact"] = _number(row["exact_mean"], 3)
        cells["log loss"] = _number(row["loss_mean"], 4)
        cells["parameters"] = "–" if pd.isna(row["parameters"]) else f"{int(row['parameters']):,}"
        cells["seconds"] = _number(row["seconds_mean"], 1)
        rows.append(cells)
    return pd.DataFrame(rows)


def figures(found: Frames) -> list[tuple[str, str, tuple[float, float], Draw]]:
    """Name, caption, size in inches and painter of each figure that these results allow."""
    trials, arms = found.trials, tuple(dict.fromkeys(found.trials["arm"]))
    summary = stats.summary(trials)
    listed: list[tuple[str, str, tuple[float, float], Draw]] = [
        (
            "accuracy",
            "Accuracy on the test set: every seed a point, the mean with its 95 % interval.",
            (7.0, plots.height_of(len(arms))),
            lambda axes: plots.accuracy_by_arm(trials, summary, axes, arms=arms),
        ),
        (
            "learning",
            "Accuracy on part of the test set while training: mean and middle half of the seeds.",
            (7.0, 4.0),
            lambda axes: plots.learning_curves(found.curves, axes, arms=arms),
        ),
    ]
    if len(found.positions):
        listed.append(
            (
                "steps",
                "Accuracy at each time step.",
                (7.0, 4.0),
                lambda axes: plots.accuracy_by_step(found.positions, axes, arms=arms),
            )
        )
    numeric = numeric_factors(trials)
    if len(numeric) == 2:
        x, y = numeric
        listed.append(
            (
                "grid",
                f"Mean accuracy over {x} and {y}.",
                (7.0, 4.5),
                lambda axes: plots.heat_map(trials, x, y, axes),
            )
        )
    listed += [
        (
            "parameters",
            "Accuracy against the number of parameters; the line joins what nothing beats.",
            (7.0, 4.2),
            lambda axes: plots.cost(trials, axes, "parameters", arms=arms),
        ),
        (
            "seconds",
            "Accuracy against the seconds that training took.",
            (7.0, 4.2),
            lambda axes: plots.cost(trials, axes, "seconds", arms=arms),
        ),
    ]
    return listed


def numeric_factors(trials: pd.DataFrame) -> list[str]:
    """The swept factors whose values are numbers."""
    return [
        name
        for name in stats.distinguishing(trials, factor_columns(trials))
        if pd.api.types.is_numeric_dtype(trials[name])
    ]


def factor_columns(trials: pd.DataFrame) -> list[str]:
    """The columns of a trials frame that say what was asked for, not what came out."""
    columns = list(trials.columns)
    first, last = columns.index("problem"), columns.index("problem.test_size")
    own = [name for name in columns[last:] if name.startswith("problem.")]
    return [*columns[first:last], *own]


def _page(
    plan: Plan,
    found: Frames,
    table: pd.DataFrame,
    failures: pd.DataFrame,
    state: str,
    pictures: list[tuple[str, str]],
) -> str:
    lines = [f"# {plan.name}", "", state, ""]
    lines += [f"- {note}." for note in plan.notes] + ([""] if plan.notes else [])
    if len(table):
        lines += [_markdown(table), ""]
    held = _constant(found.trials)
    if held:
        lines += [f"The same in every arm: {held}.", ""]
    for name, caption in pictures:
        lines += [f"![{caption}](figures/{name}.png)", "", caption, ""]
    if len(failures):
        lines += ["## Failed", "", _markdown(failures), ""]
    lines += ["## How to reproduce", "", "```", plan.command, "```", ""]
    commit = plan.commit or "unknown"
    lines += [f"At commit {commit}{' with uncommitted changes' if plan.dirty else ''}."]
    if found.results:
        origin = found.results[0].origin
        versions = ", ".join(f"{name} {version}" for name, version in origin.versions.items())
        lines += [f"{versions}; {origin.device}."]
    lines += ["", "Every trial is in `trials.csv`, the table in `summary.csv` and `summary.tex`."]
    return "\n".join(lines) + "\n"


def _state(plan: Plan, trials: pd.DataFrame) -> str:
    counts = trials["status"].value_counts()
    parts = [f"{plan.requested} trials asked for, {len(trials)} unique"]
    for status, word in (
        ("done", "done"),
        ("diverged", "diverged"),
        ("failed", "failed"),
        ("pending", "not trained yet"),
    ):
        if counts.get(status, 0) or status == "done":
            parts.append(f"{counts.get(status, 0)} {word}")
    return ", ".join(parts) + "."


def _failures(plan: Plan, store: Store, trials: pd.DataFrame) -> pd.DataFrame:
    rows = trials[trials["status"] == "failed"]
    return pd.DataFrame(
        {
            "failed trial": rows["arm"],
            "seed": rows["seed"],
            "why": rows["why"] if len(rows) else [],
            "log": [str(store.log(id).relative_to(store.root)) for id in rows["id"]],
        }
    )


def _constant(trials: pd.DataFrame) -> str:
    columns = factor_columns(trials)
    varying = stats.distinguishing(trials, columns)
    first = trials.iloc[0]
    return ", ".join(
        f"{name}={first[name]}"
        for name in columns
        if name not in varying and pd.notna(first[name])
    )


def _number(value: Any, digits: int) -> str:
    return "–" if value is None or pd.isna(value) else f"{value:.{digits}f}"


def _markdown(table: pd.DataFrame) -> str:
    def line(cells: list[Any]) -> str:
        texts = (" ".join(str(cell).split()).replace("|", "\\|") for cell in cells)
        return f"| {' | '.join(texts)} |"

    align = "| --- |" + " ---: |" * (table.shape[1] - 1)
    return "\n".join([line(list(table.columns)), align, *map(line, table.values.tolist())])


def _tex(table: pd.DataFrame) -> str:
    return table.to_latex(index=False, escape=True, column_format="l" + "r" * (table.shape[1] - 1))


def _csv(table: pd.DataFrame, path: Path) -> None:
    def harmless(value: Any) -> Any:
        # A spreadsheet would run a text that starts like a formula.
        return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@" and value else value

    text = table.map(harmless).to_csv(index=False, lineterminator="\n")
    replace(path, text)


def main() -> None:
    """Rebuild the report of a sweep: python -m ablation.report NAME."""
    parser = argparse.ArgumentParser("python -m ablation.report", description=main.__doc__)
    parser.add_argument("name", help="the sweep's name, which is its folder in the results")
    parser.add_argument("--results", default="results", type=Path, help="where results lie")
    arguments = parser.parse_args()
    from ablation import console

    folder = arguments.results / arguments.name
    try:
        report = build(folder)
    except RequestError as error:
        print(f"ablation: {error}", file=sys.stderr)
        sys.exit(2)
    console.show_outcome(report, folder, single=False)


if __name__ == "__main__":
    main()
