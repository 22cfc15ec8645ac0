"""A report as Markdown."""

from __future__ import annotations

import re

import pandas as pd

from ablation.analysis import Study, factor_columns
from ablation.errors import one_line
from ablation.report.figures.catalogue import Picture
from ablation.report.record import Report, Rows
from ablation.terminal import duration


def render_markdown(study: Study, report: Report, pictures: list[Picture]) -> str:
    plan = study.plan
    lines = [f"# {one_line(plan.name)}", ""]
    lines += [f"**{one_line(alarm)}**\n" for alarm in report.alarms]
    lines += [f"- {one_line(sentence)}" for sentence in report.answer] + [""]
    lines += [report.state, *(f"Note: {one_line(note)}." for note in plan.notes), ""]
    if report.claims:
        lines += ["## Claims", "", _markdown(report.claims), ""]
        lines += [
            "Claimed before the sweep: the arm against the other, paired by seed. holds: yes where "
            "the verdict is the one claimed, no where it is another one; an equivalence is refuted "
            "only by an interval beyond the margin. All claims are one family, corrected by Holm.",
            "",
        ]
    if report.reached:
        lines += [f"## Which arms reach {plan.report.target:g}", "", _markdown(report.reached), ""]
        least = plan.report.reached_by or "nine in ten"
        lines += [
            "reached: seeds whose final accuracy is at least the target, with Wilson's interval of "
            f"that share. reliable: at least {least} of the seeds asked for. seconds (of training) "
            "and updates are medians; updates to target: until the learning curve first is there. "
            f"Arms that reach it in no seed: {len(study.reached()) - len(report.reached)}.",
            "",
        ]
    if report.summary:
        lines += ["## Summary", "", _markdown(report.summary), ""]
        lines += ["exact: share of the sequences with every step right. seconds: of training.", ""]
        if "balanced accuracy" in report.summary[0]:
            lines += [
                "balanced accuracy: mean over the classes of the share of their labels that are "
                "right. macro F1: mean over the classes of F1.",
                "",
            ]
    if plan.match == "parameters" and report.summary:
        lines += [_match(study), ""]
    if report.expected:
        lines += ["## Expected and observed order", "", _markdown(report.expected), ""]
        lines += [
            "Expected: by falling ceiling; > where it and the least log loss are more than 0.005 "
            "apart, so that training can show it.",
            "",
        ]
    lines += [f"The same in every arm: {one_line(_constant(study))}.", ""]
    for picture in pictures:
        if picture.name == "parameters":
            lines += ["## What accuracy costs", ""]
            if report.pareto:
                lines += [_markdown(report.pareto), ""]
                lines += [
                    "The arms that no other one beats in both mean accuracy and a cost. Whether a "
                    "step between two of them is more than noise, the contrasts say.",
                    "",
                ]
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
    lines += ["## How to reproduce", "", "```", one_line(plan.command), "```", ""]
    lines += [
        f"The report is of commit {one_line(plan.commit or 'unknown')}"
        f"{', with changes' if plan.dirty else ''}; {one_line(_trained_at(study))}."
    ]
    if study.frames.results:
        origin = study.frames.results[0].origin
        versions = ", ".join(f"{name} {version}" for name, version in origin.versions.items())
        lines += [one_line(f"{versions}; {origin.device}.")]
    lines += ["", "All trials: `trials.csv`. The tables: `summary.csv`, `contrasts.csv`."]
    # Names and messages are data: as HTML, or as a link to elsewhere, they shall do nothing.
    text = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", "\n".join(lines))
    return re.sub(r"\]\((?!figures/)", r"]\(", text) + "\n"


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


def state_of(study: Study) -> str:
    counts = study.trials["status"].value_counts()
    words = {"done": "done", "diverged": "diverged", "failed": "failed", "pending": "not trained"}
    parts = [f"{study.plan.requested} trials asked for, {len(study.trials)} unique"]
    parts += [
        f"{counts.get(status, 0)} {word}"
        for status, word in words.items()
        if status == "done" or counts.get(status, 0)
    ]
    took = sum(result.seconds.whole for result in study.frames.results)
    time = f" They took {duration(took)} of one core." if took else ""
    return ", ".join(parts) + f".{time}"


def _constant(study: Study) -> str:
    first = study.trials.iloc[0]
    held = [f"match={study.plan.match}"]
    held += [
        f"{name}={first[name]}"
        for name in factor_columns(study.trials)
        if name not in study.factors and pd.notna(first[name])
    ]
    return ", ".join(held)


def _markdown(rows: Rows) -> str:
    def line(cells: list[str]) -> str:
        texts = (" ".join(cell.split()).replace("|", "\\|") for cell in cells)
        return f"| {' | '.join(texts)} |"

    columns = list(rows[0])
    align = "| --- |" + " ---: |" * (len(columns) - 1)
    return "\n".join([line(columns), align, *(line(list(row.values())) for row in rows)])
