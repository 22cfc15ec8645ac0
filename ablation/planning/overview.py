"""Shows a plan in the terminal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

from rich.markup import escape

from ablation import problems
from ablation.measures import measure_of
from ablation.planning.parameters import count_parameters, countable
from ablation.planning.plan import Plan
from ablation.planning.tuning import settings_in_words, typed
from ablation.spec import Arm
from ablation.terminal import count, duration, make_table, terminal

LEAST_DIFFERENT, LEAST_EQUIVALENT = 2, 5  # seeds, see docs/statistics.md
FIRST_LOOK = 0.045  # the level of a first look


def show_plan(
    plan: Plan,
    done: set[str],
    expected: float,
    workers: int,
    sizes: Mapping[Arm, int] | None = None,
) -> None:
    """Print what will be trained in one line, and with `sizes` a table of the arms before it.

    done: ids of the trials that have a result. expected: seconds for the others.
    sizes: parameters of the arms with own code, which only a worker can count.
    """
    names = plan.labels
    pending = plan.total - len(done)
    if sizes is not None:
        _show_data(plan)
    for note in plan.notes:
        terminal.print(f"Note: {note}.", markup=False, soft_wrap=True)
    if sizes is not None:
        table = make_table("arm", "seeds", "done", "parameters", "updates")
        trials = plan.compared
        for arm, name in names.items():
            ids = [trial.id for trial in trials if trial.arm == arm]
            parameters = count_parameters(arm) if countable(arm) else sizes[arm]
            numbers = (len(ids), len(done.intersection(ids)), parameters, arm.training.updates)
            table.add_row(escape(name), *(f"{number:,}" for number in numbers))
        terminal.print(table)
        _show_tuning(plan, done)
    work = "nothing to train" if not pending else f"{pending} to train"
    if pending:
        work += f", about {duration(expected)} on {count(workers, 'worker')}"
    terminal.print(
        f"[bold]{plan.name}[/bold]: {count(len(names), 'arm')}, {count(plan.total, 'trial')}"
        f" ({plan.requested} asked for), {len(done)} done, {work}.",
        soft_wrap=True,
    )


def _show_tuning(plan: Plan, done: set[str]) -> None:
    """What arms choose from, how many pilots that takes, and what has been chosen."""
    if plan.tuning is None:
        return
    pilots = [entry.id for entry in plan.entries if entry.trial.is_pilot]
    keys = " and ".join(
        f"{key} of {', '.join(map(typed, values))}" for key, values in plan.tuning.grid.items()
    )
    terminal.print(
        f"Tuned: each arm chooses {keys} on validation data, by {count(len(pilots), 'pilot')} "
        f"({plan.tuning.seeds} of each setting), {len(done.intersection(pilots))} done.",
        markup=False,
        soft_wrap=True,
    )
    for tuned, name in zip(plan.tuning.arms, plan.labels.values(), strict=True):
        if tuned.choice:
            terminal.print(f"  {name}: {settings_in_words(tuned.choice.setting)}", markup=False)


def describe_question(plan: Plan) -> str | None:
    """How many comparisons the arms make, and from how many seeds on verdicts are possible.

    None where nothing is compared.
    """
    tasks = Counter((arm.problem, arm.length) for arm in plan.labels)
    arms = max(tasks.values())
    if arms < 2:
        return None
    pairs = arms - 1 if plan.report.baseline else arms * (arms - 1) // 2
    measure = measure_of(plan.metric)
    if measure.fixed:
        return None
    least = LEAST_DIFFERENT
    if measure.limit:  # flips of n signs: the least p is 2 / 2^n
        least = math.ceil(1 - math.log2(FIRST_LOOK / pairs))
    seeds = max((trial.seed for trial in plan.trials if not trial.is_pilot), default=0) + 1
    each = " on each problem and length" if len(tasks) > 1 else ""
    few = (
        f" {count(seeds, 'seed')} cannot give any." if seeds < least and not plan.max_seeds else ""
    )
    return (
        f"Verdicts{each}: {count(pairs, 'comparison')} of {arms} arms; better or worse is possible "
        f"from {least} seeds an arm on, equivalent from {max(least, LEAST_EQUIVALENT)}.{few}"
    )


def _show_data(plan: Plan) -> None:
    """How each problem's data were read, where there are any."""
    for problem in dict.fromkeys(trial.arm.problem for trial in plan.trials):
        found = problems.understood(problem)
        if found:
            terminal.print(f"[bold]{escape(str(problem.parameters.get('path')))}[/bold]")
        for name, text in found:
            terminal.print(f"  {name:<10} {text}", markup=False, highlight=False, soft_wrap=True)
