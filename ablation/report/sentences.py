"""What a study says, in sentences."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any, NamedTuple

import pandas as pd

from ablation.analysis import (
    Study,
    best_arm,
    cheapest_equivalent,
    finished_trials,
    guessing_arms,
    label_step,
    task_name,
)
from ablation.measures import MEASURES, Measure
from ablation.terminal import count, duration

MOST_ADVISED = 200  # more seeds an arm; nobody trains so many
ARMS_NAMED = 7  # a longer list of arms is cut
OPPOSITE = {"better": "worse", "worse": "better"}


def answer(study: Study) -> list[str]:
    """The answer first: what was asked, then the best arm of each task, and what to take.

    Asked are the claims, and who reaches the target where sizes or training were swept. Where no
    arm is better than a guess, this comes before all else, and none is recommended.
    """
    if not study.frames.results:
        return ["No trial has been trained yet."]
    warnings = []
    sentences = [*_claims(study), *_target(study), *_lookahead(study)]
    contrasts = study.contrasts()
    by_score = study.metric == study.score
    for task in study.tasks:
        finished = set(finished_trials(task)["arm"])
        if not finished:
            continue
        guessing = guessing_arms(task, study.score)
        all_guess = finished <= guessing.keys()
        if all_guess:
            warnings.append(_none_beats(study, guessing, task))
        sentences += _failures(study, task)
        if task["arm"].nunique() == 1:
            sentences.append(_single(study, task["arm"].iloc[0]))
            continue
        if all_guess and by_score:
            continue
        pairs = contrasts[contrasts["arm"].isin(task["arm"])] if len(contrasts) else contrasts
        sentences += _comparison(study, task, pairs)
        if len(pairs) and pairs["possible"].any():
            sentences += _choice(study, task, pairs)
        if guessing and not all_guess:
            sentences.append(_some_guess(study, guessing))
    return warnings + sentences + _coarse(study)


def _coarse(study: Study) -> list[str]:
    """That a margin is finer than the test part can show."""
    measure, margin = study.measure(study.metric), study.margin()
    compared = [task for task in study.tasks if task["arm"].nunique() > 1]
    steps = [label_step(task, study.metric) for task in compared]
    step = max((step for step in steps if margin < step), default=0.0)
    if not step:
        return []
    return [
        f"No two arms can be called equivalent within {margin:g}: one test label of "
        f"{1 / step:,.0f} is {measure.name} {measure.format(step)}."
    ]


def _none_beats(study: Study, guessing: Mapping[str, float], task: pd.DataFrame) -> str:
    measure, by_score = study.measure(study.score), study.metric == study.score
    where = f" on {task_name(task)}" if len(study.tasks) > 1 else ""
    of_numbers = measure.guess == "constant"
    usual = "the mean, mean squared error" if of_numbers else "the most frequent class"
    factors = " or ".join(factor.rpartition(".")[2].replace("_", " ") for factor in study.factors)
    nothing = f": nothing can be said of {factors}" if task["arm"].nunique() > 1 and factors else ""
    return (
        f"No arm{'' if by_score else f'’s {measure.name}'} beats guessing{where} (always {usual}: "
        f"{_between(measure, guessing)}){nothing if by_score else ''}."
    )


def _some_guess(study: Study, guessing: Mapping[str, float]) -> str:
    measure = study.measure(study.score)
    beyond, usual = "above", "the most frequent class"
    if measure.guess == "constant":
        beyond, usual = "below", "the training set's mean"
    return (
        f"{measure.name.capitalize()} not shown to be {beyond} that of always predicting {usual} "
        f"({_between(measure, guessing)}): {_listed(guessing)}."
    )


def _failures(study: Study, task: pd.DataFrame) -> list[str]:
    """Arms of which some seeds failed to train: this is an answer of its own."""
    rows = study.summary(study.metric).query("failed > 0 and arm in @task.arm")
    return [
        f"{row['arm']} trains in {row['n'] + row['dropped'] - row['failed']} of "
        f"{count(row['n'] + row['dropped'], 'seed')}: the others ended far below these."
        for row in rows.to_dict("records")
    ]


def _between(measure: Measure, guesses: Mapping[str, float]) -> str:
    """One score, or the lowest and the highest if they differ."""
    low, high = (measure.format(f(guesses.values())) for f in (min, max))
    return low if low == high else f"{low} to {high}"


def recommended(study: Study) -> list[str]:
    """The arm of each task that the answer says to take: the best, or a cheaper one as good.

    Where one has fewer parameters and another is faster, it is the smaller one. Tasks without a
    result are left out.
    """
    if not study.frames.results:
        return []
    contrasts, arms = study.contrasts(), []
    for task in study.tasks:
        if len(finished_trials(task)):
            pairs = contrasts[contrasts["arm"].isin(task["arm"])] if len(contrasts) else contrasts
            decided = len(pairs) > 0 and pairs["possible"].any()
            cheaper = _cheaper(study, task, pairs) if decided else None
            arms.append(cheaper[0].arm if cheaper else best_arm(task, study.metric))
    return arms


def alarms(study: Study) -> list[str]:
    """What must not be: arms better than their view of the input allows."""
    score = study.score
    leaks = study.leaks().to_dict("records")
    return [_alarm(leak, score, study.measure(score)) for leak in leaks]


def _alarm(leak: Mapping[Hashable, Any], score: str, measure: Measure) -> str:
    far = measure.format(leak["excess"])
    if leak["error"]:
        far = f"{leak['excess'] / leak['error']:.0f} standard errors"
    value, best = (measure.format(leak[name]) for name in (score, measure.bound))
    return (
        f"LEAK? {leak['arm']}: {measure.name} {value} is "
        f"{'above' if measure.sense > 0 else 'below'} its {measure.bound} {best} by {far}. No "
        "model can do that without a bug, or labels in its input."
    )


def _claims(study: Study) -> list[str]:
    words = {"yes": "Holds", "no": "Does not hold", "undecided": "Undecided"}
    return [
        f"{words[claim['holds']]}: {claim['says']} ({_outcome(study, claim)})."
        for claim in study.claims().to_dict("records")
    ]


def _outcome(study: Study, claim: Mapping[Hashable, Any]) -> str:
    """What came out of a claim, a row of Study.claims."""
    arm, other, verdict = claim["arm"], claim["other"], claim["verdict"]
    if not claim["n"] > 0:
        return f"{arm} against {other}: no seed of both is trained yet"
    measure, within = study.measure(claim["metric"]), f"within {claim['margin']:g}"
    size = f" in {measure.name}"  # one arm never gets there: there is no figure
    if pd.notna(claim["difference"]):
        size = f": {measure.name} {measure.signed(claim['difference'])}"
    if verdict == "undecided":
        more = claim["more_seeds"]
        hope = f"; {_about(more)} should decide it" if pd.notna(more) else ""
        return f"{arm} against {other}{size}{hope}"
    if verdict == "equivalent":
        return f"{arm} is equivalent to {other} {within}{size}"
    doubt = f", but perhaps {within}" if claim["holds"] == "undecided" else ""
    return f"{arm} is {verdict} than {other}{size}{doubt}"


def _target(study: Study) -> list[str]:
    """The smallest and the fastest arm of each task that reach the target reliably."""
    table, settings = study.reached(), study.plan.report
    sentences = []
    for task, arms in table.groupby("task", sort=False) if len(table) else ():
        where = f" on {task}" if table["task"].nunique() > 1 else ""
        needs = sorted(set(zip(arms["needed"], arms["seeds"], strict=True)))
        least = f"{needs[0][0]} of {needs[0][1]}"
        if len(needs) > 1:  # seeds=auto
            least = str(settings.reached_by or "nine in ten")
        goal = f"reaches {settings.goal:g}{where} in at least {least} seeds"
        reliable = arms[arms["reliable"]]
        if reliable.empty:
            closest = arms.iloc[int((arms["reached"] / arms["n"]).fillna(0).argmax())]
            hint = f"; closest: {closest['arm']}, in {closest['reached']} of {closest['n']}"
            sentences.append(f"No arm {goal}{hint if closest['reached'] else ''}.")
            continue
        small = reliable.sort_values(["parameters", "seconds"], kind="stable").iloc[0]
        fast = reliable.sort_values(["seconds", "parameters"], kind="stable").iloc[0]
        size = _amount("parameters", small["parameters"])
        effort = f"{_amount('seconds', fast['seconds'])}, {fast['updates']:,.0f} updates"
        if small["arm"] == fast["arm"]:
            sentences.append(
                f"Smallest and fastest that {goal}: {small['arm']} ({size}, {effort})."
            )
        else:
            sentences.append(f"Smallest that {goal}: {small['arm']} ({size}).")
            sentences.append(f"Fastest that does: {fast['arm']} ({effort}).")
    return sentences


def _lookahead(study: Study) -> list[str]:
    """From which lookahead on a forward arm does as well as the best bidirectional one."""
    table, measure = study.lookahead(), study.measure(study.metric)
    sentences = []
    for task, rows in table.groupby("task", sort=False) if len(table) else ():
        where = f" on {task}" if table["task"].nunique() > 1 else ""
        other, most = rows["other"].iloc[0], rows.iloc[-1]
        within = f"within {study.margin():g}"
        if rows["enough"].any():
            least = rows.loc[rows["enough"], "lookahead"].min()
            start = f"From a lookahead of {least} on" if least else "Even without a lookahead"
            verdicts = set(rows.loc[rows["enough"], "verdict"])
            equal = "equivalent to" if verdicts == {"equivalent"} else "no worse than"
            sentences.append(f"{start}, forward is {equal} {other} {within}{where}.")
        elif most["verdict"] == "worse":
            gap = measure.signed(most["difference"])
            sentences.append(
                f"A lookahead of {most['lookahead']} is not enough{where}: forward is still worse "
                f"than {other} ({gap})."
            )
        else:
            sentences.append(
                f"Whether a lookahead of {most['lookahead']} is enough{where} is undecided."
            )
    return sentences


def _single(study: Study, arm: str) -> str:
    sizes = []
    for metric in dict.fromkeys([study.metric, study.score]):
        (row,) = study.summary(metric).query("arm == @arm").to_dict("records")
        sizes.append(_measured(study.measure(metric), row))
    return f"{arm}: {', '.join(sizes)} over {count(row['n'], 'seed')}."


def _measured(measure: Measure, row: Mapping[Hashable, Any]) -> str:
    """The measure of one arm, a row of its summary."""
    if measure.limit:
        value = row["median"]
        return f"{measure.name} {measure.format(value) if pd.notna(value) else 'not reached'}"
    spread = f" ± {measure.format(row['sd'])}" if row["n"] > 1 else ""
    return f"{measure.name} {measure.format(row['mean'])}{spread}"


class Opponent(NamedTuple):
    """An arm as it did against the reference, whichever of the two the contrast names first."""

    arm: str
    difference: float
    verdict: str
    more_seeds: float
    withheld: str


def _opponents(reference: str, pairs: pd.DataFrame) -> list[Opponent]:
    columns = ["arm", "other", "difference", "verdict", "more_seeds", "withheld"]
    opponents = []
    for arm, other, difference, verdict, *more in pairs.reindex(columns=columns).to_numpy():
        if other == reference:
            opponents.append(Opponent(arm, difference, verdict, *more))
        elif arm == reference:
            opposite = OPPOSITE.get(verdict, verdict)
            opponents.append(Opponent(other, -difference, opposite, *more))
    return opponents


def _comparison(study: Study, task: pd.DataFrame, pairs: pd.DataFrame) -> list[str]:
    """The best arm of a task, and how the others did against it or the baseline."""
    baseline = study.plan.report.baseline
    measure, best = study.measure(study.metric), best_arm(task, study.metric)
    value = study.summary(study.metric).set_index("arm")[measure.typical][best]
    shown = measure.format(value) if pd.notna(value) else "not reached"
    sentences = [f"Best {measure.typical} {measure.name}: {best}, {shown}."]
    reference = baseline if baseline in set(task["arm"]) else best
    assert reference is not None
    opponents = _opponents(reference, pairs)
    words = {
        "better": f"Better than {reference}",
        "equivalent": f"Equivalent to {reference} within {study.margin():g}",
        "worse": f"Worse than {reference}",
        "undecided": f"Undecided against {reference}",
    }
    possible = pairs.empty or bool(pairs["possible"].any())
    for verdict, word in words.items():
        group = [o for o in opponents if o.verdict == verdict and not o.withheld]
        if group and (possible or verdict != "undecided"):
            named = [_sized(o, measure) if verdict != "equivalent" else o.arm for o in group]
            sentences.append(f"{word}: {_listed(named)}.")
    for why in dict.fromkeys(o.withheld for o in opponents if o.withheld):
        alike = _listed(o.arm for o in opponents if o.withheld == why)
        sentences.append(
            f"Within {study.margin():g} of {reference}, but not called "
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
        sentences.append(f"{_about(max(estimates)).capitalize()} should decide {decided}.")
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
    part = undecided["from_sequences"].astype(float).median()
    if not part > 0.5:
        return []
    return [
        f"Test sequences cause {100 * part:.0f} % of the uncertainty of what is undecided: more of "
        "them help more than more seeds."
    ]


def _sized(opponent: Opponent, measure: Measure) -> str:
    size = opponent.difference
    return opponent.arm if pd.isna(size) else f"{opponent.arm} ({measure.signed(size)})"


class Cheaper(NamedTuple):
    """An arm that is as good as the best and costs less, and the two costs."""

    arm: str
    cost: str
    amount: float
    instead: float


def _choice(study: Study, task: pd.DataFrame, pairs: pd.DataFrame) -> list[str]:
    """Which of the best arm and its equivalents to take, by parameters and by seconds."""
    best, cheaper = best_arm(task, study.metric), _cheaper(study, task, pairs)
    if cheaper is None:
        return [_alone_at_the_top(best, task["arm"].nunique(), pairs)]
    return [
        f"As good as {best} and cheaper: {arm} ({_amount(cost, amount)} instead of "
        f"{_amount(cost, instead).split()[0]})."
        for arm, cost, amount, instead in cheaper
    ] or [f"Take {best}: no arm that is as good is cheaper."]


def _cheaper(study: Study, task: pd.DataFrame, pairs: pd.DataFrame) -> list[Cheaper] | None:
    """The cheapest arm by parameters and the one by seconds; None if no arm is as good.

    An arm that may be no better than predicting the most frequent class is not as good.
    """
    guessing, metric = guessing_arms(task, study.score).keys(), study.metric
    best = best_arm(task, metric)
    # With a baseline the best arm's other pairs are not among those compared.
    compared = pairs if study.plan.report.baseline is None else None
    found = []
    for cost in ("parameters", "seconds"):
        if cost == metric:
            continue
        arms = cheapest_equivalent(task, cost, metric, margin=study.margin(), contrasts=compared)
        arms = arms[(arms["arm"] == best) | ~arms["arm"].isin(guessing)]
        if len(arms) == 1:
            return None
        costs, cheapest = arms.set_index("arm")["cost"], arms["arm"].iloc[0]
        if costs[cheapest] < costs[best] * (MEASURES[cost].cheaper or 1.0):
            found.append(Cheaper(cheapest, cost, costs[cheapest], costs[best]))
    return found


def _alone_at_the_top(best: str, arms: int, pairs: pd.DataFrame) -> str:
    opponents = _opponents(best, pairs)
    verdicts = [opponent.verdict for opponent in opponents]
    undecided = verdicts.count("undecided")
    if undecided == 1 == len(opponents):
        return f"Provisional: take {best}; its comparison with {opponents[0].arm} is undecided."
    if undecided == len(verdicts):
        return f"Provisional: take {best}; all {undecided} comparisons are still undecided."
    if undecided:
        open_ones = f"{undecided} of {len(verdicts)} comparisons"
        are = "is" if undecided == 1 else "are"
        return f"Provisional: take {best}; {open_ones} {are} still undecided."
    if verdicts.count("worse") == len(opponents) == arms - 1:
        return f"Take {best}: every other arm is worse."
    return f"Take {best}: no other arm was shown to be as good."


def _about(seeds: float) -> str:
    return f"about {seeds:,.0f} more seed{'' if seeds == 1 else 's'}"


def _amount(cost: str, value: float) -> str:
    return f"{value:,.1f} s of training" if cost == "seconds" else f"{value:,.0f} {cost}"


def _listed(names: Iterable[str]) -> str:
    names = list(names)
    rest = len(names) - ARMS_NAMED
    return ", ".join(names[:ARMS_NAMED]) + (f" and {rest} more" if rest > 0 else "")
