"""How the arms of a task did against the best one or the baseline, and what would decide more."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from ablation.analysis import Study, best_arm
from ablation.measures import Measure
from ablation.report.sentences.words import about, listed, measured
from ablation.terminal import count, duration

MOST_ADVISED = 200  # more seeds an arm; nobody trains so many
OPPOSITE = {"better": "worse", "worse": "better"}


def single(study: Study, arm: str) -> str:
    """What the only arm of a task reached."""
    sizes = []
    for metric in dict.fromkeys([study.metric, study.score]):
        (row,) = study.summary(metric).query("arm == @arm").to_dict("records")
        sizes.append(measured(study.measure(metric), row))
    return f"{arm}: {', '.join(sizes)} over {count(row['n'], 'seed')}."


class Opponent(NamedTuple):
    """An arm as it did against the reference, whichever of the two the contrast names first."""

    arm: str
    difference: float
    verdict: str
    more_seeds: float
    withheld: str


def opponents_of(reference: str, pairs: pd.DataFrame) -> list[Opponent]:
    columns = ["arm", "other", "difference", "verdict", "more_seeds", "withheld"]
    opponents = []
    for arm, other, difference, verdict, *more in pairs.reindex(columns=columns).to_numpy():
        if other == reference:
            opponents.append(Opponent(arm, difference, verdict, *more))
        elif arm == reference:
            opposite = OPPOSITE.get(verdict, verdict)
            opponents.append(Opponent(other, -difference, opposite, *more))
    return opponents


def comparison(study: Study, task: pd.DataFrame, pairs: pd.DataFrame) -> list[str]:
    """The best arm of a task, and how the others did against it or the baseline."""
    baseline = study.plan.report.baseline
    measure, best = study.measure(study.metric), best_arm(task, study.metric)
    value = study.summary(study.metric).set_index("arm")[measure.typical][best]
    shown = measure.format(value) if pd.notna(value) else "not reached"
    sentences = [f"Best {measure.typical} {measure.name}: {best}, {shown}."]
    reference = baseline if baseline in set(task["arm"]) else best
    assert reference is not None
    opponents = opponents_of(reference, pairs)
    words = {
        "better": f"Better than {reference}",
        "equivalent": f"Equivalent to {reference} within {study.margin(task=task):g}",
        "worse": f"Worse than {reference}",
        "undecided": f"Undecided against {reference}",
    }
    possible = pairs.empty or bool(pairs["possible"].any())
    for verdict, word in words.items():
        group = [o for o in opponents if o.verdict == verdict and not o.withheld]
        if group and (possible or verdict != "undecided"):
            named = [_sized(o, measure) if verdict != "equivalent" else o.arm for o in group]
            sentences.append(f"{word}: {listed(named)}.")
    for why in dict.fromkeys(o.withheld for o in opponents if o.withheld):
        alike = listed(o.arm for o in opponents if o.withheld == why)
        sentences.append(
            f"Within {study.margin(task=task):g} of {reference}, but not called "
            f"equivalent because {why}: {alike}."
        )
    if not possible:
        seeds = int(pairs["n"].max())
        sentences.append(
            f"With {count(seeds, 'seed')} no difference could ever be significant "
            f"among {task['arm'].nunique()} arms: train more seeds."
            if seeds
            else "No two arms have a finished seed in common yet."
        )
        return sentences
    sentences += _what_helps(pairs)
    needs = [opponent.more_seeds for opponent in opponents if opponent.verdict == "undecided"]
    estimates = [seeds for seeds in needs if pd.notna(seeds)]
    if estimates:
        whole = "it" if len(needs) == 1 else "all of these"
        decided = whole if len(estimates) == len(needs) else f"{len(estimates)} of these"
        undecided = [opponent.arm for opponent in opponents if opponent.verdict == "undecided"]
        sentences.append(f"{about(max(estimates)).capitalize()} should decide {decided}.")
        sentences.append(_advice(task[task["arm"].isin([reference, *undecided])], max(estimates)))
    return sentences


def _advice(trials: pd.DataFrame, more: float) -> str:
    """What so many more seeds of these arms mean; of very many, that something else is needed."""
    if more > MOST_ADVISED:
        return "That is too many to train: accept a wider margin, or stop here."
    seeds = trials["seed"].nunique() + int(more)
    missing = trials["arm"].nunique() * int(more)
    time = duration(missing * float(trials["seconds_whole"].mean()))
    return (
        f"With seeds={seeds} these arms train {count(missing, 'more trial')}: {time} of one core."
    )


def _what_helps(pairs: pd.DataFrame) -> list[str]:
    """Whether seeds or test sequences would decide what is undecided."""
    undecided = pairs[(pairs["verdict"] == "undecided") & (pairs["withheld"] == "")]
    parts = undecided["from_sequences"].astype(float).dropna()
    part = float(parts.median()) if len(parts) else 0.0
    if part <= 0.5:
        return []
    if (undecided["population"] == "divisions").all():
        return [
            f"The size of the data causes {100 * part:.0f} % of the uncertainty of what is "
            "undecided: more sequences help more than more seeds."
        ]
    return [
        f"Test sequences cause {100 * part:.0f} % of the uncertainty of what is undecided: more of "
        "them help more than more seeds."
    ]


def _sized(opponent: Opponent, measure: Measure) -> str:
    size = opponent.difference
    return opponent.arm if pd.isna(size) else f"{opponent.arm} ({measure.signed(size)})"
