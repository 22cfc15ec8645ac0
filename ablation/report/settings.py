"""What a report shows of a tuned sweep: what each setting scored, and what the settings explain."""

from __future__ import annotations

from ablation.analysis import Study
from ablation.measures import MEASURES
from ablation.planning import typed
from ablation.report.cells import Column, Table, make_table

EFFECTS = (
    "Two arms on the pilots' validation data: at one setting, the untuned one if it is in the list "
    "and otherwise the first, and each at the setting that it chose. From the setting: the first "
    "difference minus the second, ± one standard error, paired by seed. The pilots that chose "
    "cannot test: whether the arms differ is under Differences between arms."
)


def settings_table(study: Study) -> Table | None:
    """A row an arm and setting, with its validation score."""
    rows, tuning = study.tuning(), study.plan.tuning
    if tuning is None:
        return None
    settings = [candidate.setting for tuned in tuning.arms for candidate in tuned.candidates]
    metrics = [MEASURES[metric] for metric in rows["metric"].fillna(study.score)]
    digits = tuple(metric.digits for metric in metrics)
    lost = [(Column("lost", "number"), rows["lost"])] if rows["lost"].any() else []
    # As typed: in a data frame, whole numbers beside null are not whole any more.
    texts = {key: [typed(setting[key]) for setting in settings] for key in tuning.grid}
    return make_table(
        (Column("arm"), rows["arm"]),
        *((Column(key.rpartition(".")[2]), column) for key, column in texts.items()),
        (Column("chosen", "flag"), rows["chosen"]),
        (Column("pilots", "number"), rows["n"]),
        *lost,
        (Column("validation score", "number", digits), rows["score"]),
        (Column("±", "number", digits), rows["error"]),
        (Column("behind the chosen", "number", digits), rows["behind"]),
        (Column("± (paired)", "number", digits), rows["behind_error"]),
    )


def settings_note(study: Study) -> str:
    tuning = study.plan.tuning
    if tuning is None:
        return ""
    names = {MEASURES[m].name for m in study.tuning()["metric"].dropna()} or {"first metric"}
    return (
        f"Each arm chose among the same settings, by {tuning.seeds} pilot seeds of each, which are "
        "no part of the verdicts. Validation score: mean "
        f"{' or '.join(sorted(names))} of the pilots on validation data, ± one standard error; the "
        "best wins, and of equal ones the first. A setting with a lost pilot (failed or diverged) "
        "is behind all with fewer. Behind the chosen: less than about two of the errors beside it "
        "is a flat choice, which other pilots might have made otherwise. The best of several "
        "scores is a little too good; the test scores are not, as other seeds made them. Verdicts "
        "are about the chosen settings."
    )


def effects_table(study: Study) -> Table | None:
    """A row a pair of arms: its difference at one setting, and at the chosen ones."""
    rows = study.setting_effects()
    if rows.empty:
        return None
    digits = study.measure(study.score).digits
    return make_table(
        (Column("arm"), rows["arm"]),
        (Column("against"), rows["other"]),
        (Column("one setting"), rows["setting"]),
        (Column("difference there", "difference", digits), rows["shared"]),
        (Column("at the chosen ones", "difference", digits), rows["own"]),
        (Column("from the setting", "difference", digits), rows["from_setting"]),
        (Column("±", "number", digits), rows["error"]),
    )
