"""A sweep's folder of tables, figures and one page, made from its results alone."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from ablation import expected, findings, outcome, page, plots, stats
from ablation.errors import RequestError, plain_warnings
from ablation.gallery import Picture
from ablation.outcome import Report, Rows
from ablation.store import replace
from ablation.study import Study, factor_columns


def build(folder: Path) -> Report:
    """Write the report of the sweep whose plan lies in the folder; a partial sweep will do."""
    study = Study(folder)
    report = Report(
        state=_state(study),
        alarms=findings.alarms(study),
        answer=findings.findings(study),
        summary=_summary(study),
        contrasts=_contrasts(study),
        expected=expected.orders(study),
        probes=_probes(study),
        failures=_failures(study),
        digest=outcome.digest(folder),
    )
    pictures = _draw(study, folder / "figures")
    _tables(study, report, folder)
    replace(folder / "report.md", _page(study, report, pictures))
    replace(folder / "report.html", page.render(study, report))
    outcome.keep(report, folder)
    return report


def _draw(study: Study, folder: Path) -> list[Picture]:
    drawn = study.plot.drawn if study.frames.results else []
    names = {picture.name for picture, _ in drawn}
    for old in folder.glob("*.*"):  # of an earlier plan
        if old.suffix in (".png", ".svg") and old.stem not in names:
            old.unlink()
    for picture, figure in drawn:
        plots.save(figure, folder, picture.name)
    return [picture for picture, _ in drawn]


def _tables(study: Study, report: Report, folder: Path) -> None:
    _csv(study.trials, folder / "trials.csv")
    if study.frames.results:
        _csv(study.summary(), folder / "summary.csv")
        _csv(study.contrasts(), folder / "contrasts.csv")
        if len(study.crossed) > 1:
            _csv(study.variance, folder / "factors.csv")
        table = pd.DataFrame(report.summary)
        columns = "l" + "r" * (table.shape[1] - 1)
        replace(
            folder / "summary.tex", table.to_latex(index=False, escape=True, column_format=columns)
        )


def _page(study: Study, report: Report, pictures: list[Picture]) -> str:
    plan = study.plan
    lines = [f"# {plan.name}", ""]
    lines += [f"**{alarm}**\n" for alarm in report.alarms]
    lines += [f"- {sentence}" for sentence in report.answer] + [""]
    lines += [report.state, *(f"Note: {note}." for note in plan.notes), ""]
    if report.summary:
        lines += [_markdown(report.summary), ""]
        lines += ["exact: share of the sequences with every step right. seconds: of training.", ""]
    if plan.match == "parameters" and report.summary:
        lines += [_match(study), ""]
    if report.expected:
        lines += ["## Expected and observed order", "", _markdown(report.expected), ""]
        lines += [
            "Expected: by falling ceiling; > where it and the least log loss are more than 0.005 "
            "apart, so that training can show it.",
            "",
        ]
    lines += [f"The same in every arm: {_constant(study)}.", ""]
    for picture in pictures:
        lines += [f"![{picture.caption}](figures/{picture.name}.png)", "", picture.caption, ""]
        if picture.name == "variance" and study.variance.attrs["note"]:
            lines += [f"{study.variance.attrs['note']}", ""]
        if picture.name == "contrasts":
            lines += [_markdown(report.contrasts), ""]
            lines += [
                f"difference: of {plan.report.metric}, paired by seed. p: sign-flip permutation "
                "test, corrected by Holm over the rows of one problem and length. equivalent: two "
                f"one-sided tests within ±{plan.report.margin_of(plan.report.metric):g}. "
                "P(better): the chance that a run of the first arm beats one of the second.",
                "",
            ]
    if report.probes:
        lines += ["## What each direction contributes", "", _markdown(report.probes), ""]
        lines += [
            "Accuracy of the trained models on 2,000 test sequences: intact; with one half "
            "silenced, its output replaced by its mean at each step; with another merge.",
            "",
        ]
    if report.failures:
        lines += ["## Failed", "", _markdown(report.failures), ""]
    lines += ["## How to reproduce", "", "```", plan.command, "```", ""]
    lines += [
        f"The report is of commit {plan.commit or 'unknown'}"
        f"{', with changes' if plan.dirty else ''}; {_trained_at(study)}."
    ]
    if study.frames.results:
        origin = study.frames.results[0].origin
        versions = ", ".join(f"{name} {version}" for name, version in origin.versions.items())
        lines += [f"{versions}; {origin.device}."]
    lines += ["", "All trials: `trials.csv`. The tables: `summary.csv`, `contrasts.csv`."]
    return "\n".join(lines) + "\n"


def _trained_at(study: Study) -> str:
    commits = {(r.origin.commit, r.origin.dirty) for r in study.frames.results}
    names = sorted(f"{commit}{' with changes' if dirty else ''}" for commit, dirty in commits)
    return f"its trials were trained at {', '.join(names) or 'none yet'}"


def _match(study: Study) -> str:
    counts = study.trials.dropna(subset=["parameters"]).groupby("arm", sort=False)["parameters"]
    spread = ", ".join(f"{arm} {count:,.0f}" for arm, count in counts.first().items())
    return (
        "Arms are matched by parameters: the units of each were chosen to come closest to one "
        f"bidirectional concat LSTM of the units asked for. Left over: {spread}."
    )


def _state(study: Study) -> str:
    counts = study.trials["status"].value_counts()
    words = {"done": "done", "diverged": "diverged", "failed": "failed", "pending": "not trained"}
    parts = [f"{study.plan.requested} trials asked for, {len(study.trials)} unique"]
    parts += [
        f"{counts.get(status, 0)} {word}"
        for status, word in words.items()
        if status == "done" or counts.get(status, 0)
    ]
    return ", ".join(parts) + "."


def _summary(study: Study) -> Rows:
    if not study.frames.results:
        return []
    trials = study.trials
    others = {
        metric: stats.summary(trials, metric).set_index("arm")["mean"]
        for metric in ("exact", "loss", "parameters", "seconds")
    }
    rows = []
    for row in study.summary().to_dict("records"):
        arm, several = row["arm"], row["n"] > 1
        interval = f"{_number(row['low'], 4)}–{_number(row['high'], 4)}" if several else "–"
        cells = {
            "arm": arm,
            "seeds": f"{row['n']}",
            "accuracy": _number(row["mean"], 4),
            "95 % interval": interval,
        }
        if "ceiling" in row:
            cells |= {"ceiling": _number(row["ceiling"], 4), "skill": _number(row["skill"], 3)}
        rows.append(
            cells
            | {
                "exact": _number(others["exact"][arm], 3),
                "log loss": _number(others["loss"][arm], 4),
                "parameters": _number(others["parameters"][arm], 0),
                "seconds": _number(others["seconds"][arm], 1),
            }
        )
    return rows


def _contrasts(study: Study) -> Rows:
    if not study.frames.results:
        return []
    metric = study.plan.report.metric
    places = findings.digits(metric)
    return [
        {
            "arm": row["arm"],
            "against": row["other"],
            "difference": findings.signed(row["difference"], metric) if row["n"] else "–",
            "95 % interval": f"{_number(row['low'], places)} to {_number(row['high'], places)}",
            "p (Holm)": "< .001" if row["p_holm"] < 0.001 else _number(row["p_holm"], 3),
            "P(better)": _number(row["improvement"], 2),
            "verdict": row["verdict"],
            "seeds to decide": _number(row["more_seeds"], 0),
        }
        for row in study.contrasts().to_dict("records")
    ]


def _probes(study: Study) -> Rows:
    probes = study.trials.filter(regex="^probe_").astype(float)
    if probes.empty:
        return []
    means = probes.groupby(study.trials["arm"], sort=False).mean().dropna(how="all")
    names = {name: name.removeprefix("probe_").replace("_", " ") for name in means.columns}
    return [
        {"arm": str(arm)} | {names[str(key)]: _number(value, 4) for key, value in row.items()}
        for arm, row in means.iterrows()
    ]


def _failures(study: Study) -> Rows:
    failed = study.trials[study.trials["status"] == "failed"]
    return [
        {
            "failed trial": row["arm"],
            "seed": f"{row['seed']}",
            "why": row["why"],
            "log": str(study.store.log(row["id"]).relative_to(study.store.root)),
        }
        for row in failed.to_dict("records")
    ]


def _constant(study: Study) -> str:
    first = study.trials.iloc[0]
    held = [f"match={study.plan.match}"]
    held += [
        f"{name}={first[name]}"
        for name in factor_columns(study.trials)
        if name not in study.factors and pd.notna(first[name])
    ]
    return ", ".join(held)


def _number(value: Any, digits: int) -> str:
    return "–" if value is None or pd.isna(value) else f"{value:,.{digits}f}"


def _markdown(rows: Rows) -> str:
    def line(cells: list[str]) -> str:
        texts = (" ".join(cell.split()).replace("|", "\\|") for cell in cells)
        return f"| {' | '.join(texts)} |"

    columns = list(rows[0])
    align = "| --- |" + " ---: |" * (len(columns) - 1)
    return "\n".join([line(columns), align, *(line(list(row.values())) for row in rows)])


def _csv(table: pd.DataFrame, path: Path) -> None:
    def harmless(value: Any) -> Any:
        # A spreadsheet would run a text that starts like a formula.
        return f"'{value}" if isinstance(value, str) and value[:1] in tuple("=+-@") else value

    replace(path, table.map(harmless).to_csv(index=False, lineterminator="\n"))


def main() -> None:
    """Rebuild the report of a sweep from its results."""
    parser = argparse.ArgumentParser("python -m ablation.report", description=main.__doc__)
    parser.add_argument("name", help="the sweep's name, which is its folder in the results")
    parser.add_argument("--results", default="results", type=Path, help="where results lie")
    arguments = parser.parse_args()
    plain_warnings()
    from ablation import console

    folder = arguments.results / arguments.name
    try:
        report = build(folder)
    except RequestError as error:
        print(f"ablation: {error}", file=sys.stderr)
        sys.exit(2)
    console.show_report(report, folder)
    sys.exit(1 if report.alarms else 0)


if __name__ == "__main__":
    main()
