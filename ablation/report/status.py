"""What of a sweep is trained, and with what its results were made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pandas as pd

from ablation.analysis import Study, factor_columns
from ablation.report.document import Coverage, Fact
from ablation.terminal import duration

STATES = {
    "done": "done",
    "diverged": "diverged",
    "failed": "failed",
    "pending": "not trained",
}


def state_of(study: Study) -> str:
    """How many trials were asked for, what became of them, and how long they took."""
    pilots = study.frames.pilots
    counts = pd.concat([study.trials["status"], pilots["status"]]).value_counts()
    parts = [f"{study.plan.requested} trials asked for, {study.plan.total} unique"]
    parts += [f"{len(pilots)} of them pilots"] if len(pilots) else []
    parts += [
        f"{counts.get(state, 0)} {word}"
        for state, word in STATES.items()
        if state == "done" or counts.get(state, 0)
    ]
    seconds = sum(result.seconds.whole for result in study.frames.results)
    seconds += pilots["seconds"].sum()
    time = f" They took {duration(seconds)} of one core." if seconds else ""
    return ", ".join(parts) + f".{time}"


def coverage_of(study: Study) -> tuple[Coverage, ...]:
    """The trials of each arm by seed."""
    rows = []
    for arm, trials in study.trials.groupby("arm", sort=False):
        counts = {str(state): int(n) for state, n in trials["status"].value_counts().items()}
        ordered = trials.sort_values("seed")
        states = zip(ordered["seed"].tolist(), ordered["status"].tolist(), strict=True)
        rows.append(Coverage(str(arm), counts, tuple(states)))
    return tuple(rows)


def facts_of(study: Study) -> tuple[Fact, ...]:
    """The commits, versions and devices behind plan and results, and what all arms share."""
    plan, origins = study.plan, [result.origin for result in study.frames.results]
    facts = [Fact("planned at commit", (_commit(plan.commit, plan.dirty),))]
    if origins:
        versions = [
            ", ".join(f"{name} {version}" for name, version in origin.versions.items())
            for origin in origins
        ]
        facts += [
            Fact("trained at commit", _counted(_commit(o.commit, o.dirty) for o in origins)),
            Fact("versions", _counted(versions)),
            Fact("device", _counted(origin.device for origin in origins)),
            Fact("newest result", (max(origin.finished for origin in origins),)),
        ]
    return (*facts, Fact("the same in every arm", _constants(study)))


def _commit(commit: str | None, dirty: bool | None) -> str:
    return (commit or "unknown") + (", with changes" if dirty else "")


def _counted(texts: Iterable[str]) -> tuple[str, ...]:
    """Each text once, the most frequent first; of several, with how many trials have it."""
    counts = Counter(texts).most_common()
    several = len(counts) > 1
    return tuple(f"{text} ({n} trials)" if several else text for text, n in counts)


def _constants(study: Study) -> tuple[str, ...]:
    first = study.trials.iloc[0]
    sizes = study.trials.reindex(columns=["test_sequences"])["test_sequences"].dropna().unique()
    # What was asked for may be more than there is.
    hidden = {*study.factors, *(["problem.test_size"] if len(sizes) == 1 else [])}
    # What is tuned is no factor, and may yet differ.
    names = [
        name
        for name in factor_columns(study.trials)
        if name not in hidden and study.trials[name].nunique() == 1
    ]
    # A parameter that only some problems have is not the same in every arm.
    values = [f"{name}={first[name]}" for name in names if study.trials[name].notna().all()]
    values += [f"test sequences={sizes[0]:,.0f}"] if len(sizes) == 1 else []
    return (f"match={study.plan.match}", *values)
