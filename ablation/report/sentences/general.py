"""One answer over several problems, or over several tasks of one."""

from __future__ import annotations

from ablation.analysis import Study, problems_needed
from ablation.report.sentences.choice import takes
from ablation.report.sentences.words import listed
from ablation.terminal import count

WORDS = ("better", "worse", "undecided")
OPPOSITE = {"better": "worse", "worse": "better"}


def across(study: Study) -> list[str]:
    """Which variant does best over the problems, and whether it would on a new one."""
    table = study.across
    if table.empty:
        return []
    best = table.iloc[0]
    name, measure = best["variant"], study.measure("normalized")
    sentences = [
        f"Over {count(int(best['problems']), 'problem')}: best mean {measure.name} {name}, "
        f"{measure.format(best['mean'])} (0: a guess, 1: the best possible)."
    ]
    groups: dict[str, list[str]] = {word: [] for word in WORDS}
    for row in study.across_contrasts().to_dict("records"):
        if name in (row["variant"], row["other"]):
            first = row["variant"] != name  # the other arm is to be named
            other = row["variant"] if first else row["other"]
            difference = row["difference"] if first else -row["difference"]
            verdict = row["verdict"] if first else OPPOSITE.get(row["verdict"], "undecided")
            groups[verdict].append(f"{other} ({measure.signed(difference)})")
    for word, arms in groups.items():
        if arms:
            text = "Undecided in general" if word == "undecided" else f"{word.capitalize()} than it"
            sentences.append(f"{text}: {listed(arms)}.")
    needed = problems_needed(len(table))
    if best["problems"] < needed:
        sentences.append(
            f"Among {len(table)} variants no difference could be shown in general with fewer than "
            f"{needed} problems."
        )
    sentences.append(
        f"On a new problem of this kind {name} is the best of these {len(table)} with a "
        f"probability of {best['best']:.2f} ({best['best_low']:.2f} to {best['best_high']:.2f})."
    )
    return sentences


def counted(study: Study) -> list[str]:
    """In how many tasks the arm to take is ahead for certain."""
    rows = takes(study)
    if not rows:
        return []
    verdicts = [row.verdict for row in rows]
    parts = [
        (verdicts.count("better"), "is better than the next best"),
        (verdicts.count("equivalent"), "is equivalent to the next best"),
        (verdicts.count("undecided") + verdicts.count("worse"), "is provisional"),
    ]
    said = [f"{words} in {number}" for number, words in parts if number]
    return [f"Of {count(len(rows), 'task')}, the arm to take {', '.join(said)}."] if said else []
