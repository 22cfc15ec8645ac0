"""What was chosen in a tuned sweep, and whether the lists were long enough."""

from __future__ import annotations

from ablation.analysis import Study
from ablation.planning import settings_in_words
from ablation.report.sentences.words import listed
from ablation.terminal import count


def settings(study: Study) -> list[str]:
    """The setting of each arm, those at the end of a list, and what a setting explains."""
    tuning = study.plan.tuning
    if tuning is None:
        return []
    names = dict(zip((t.arm for t in tuning.arms), study.plan.labels.values(), strict=True))
    if study.plan.undecided:
        without = listed(names[tuned.arm] for tuned in study.plan.undecided)
        states = study.frames.pilots["status"]
        done = f"{states.isin(['done', 'diverged']).sum()} of {len(states)} pilots"
        return [f"Not chosen yet: the setting of {without} ({done} are trained)."]
    groups: dict[str, list[str]] = {}
    for tuned in tuning.arms:
        assert tuned.choice
        groups.setdefault(settings_in_words(tuned.choice.setting), []).append(names[tuned.arm])
    chosen = "; ".join(f"{setting} by {listed(arms)}" for setting, arms in groups.items())
    pilots = count(tuning.seeds, "pilot seed")
    return [f"Chosen on validation data with {pilots}: {chosen}.", *_ends(study), *_effect(study)]


def _ends(study: Study) -> list[str]:
    rows = study.tuning()
    sentences = []
    for keys, arms in rows[rows["at_end"] != ""].groupby("at_end", sort=False)["arm"]:
        sentences.append(
            f"At the end of its list of {keys}: the choice of {listed(arms)}. A value beyond may "
            "be better; lengthen the list."
        )
    return sentences


def _effect(study: Study) -> list[str]:
    """The pair whose difference depends most on the setting."""
    rows = study.setting_effects()
    rows = rows[rows["from_setting"] != 0] if len(rows) else rows
    if rows.empty:
        return []
    row = rows.iloc[int(rows["from_setting"].abs().argmax())]
    measure = study.measure(study.score)
    shared, own = (measure.signed(row[name]) for name in ("shared", "own"))
    return [
        f"The setting matters most between {row['arm']} and {row['other']}: validation "
        f"{measure.name} differs by {shared} with {row['setting']} in both, and by {own} with the "
        "chosen ones."
    ]
