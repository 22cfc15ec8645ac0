"""A plan in the terminal."""

from __future__ import annotations

from rich.markup import escape

from ablation import problems
from ablation.planning.parameters import count_parameters, countable
from ablation.planning.plan import Plan
from ablation.terminal import count, duration, make_table, terminal


def show_plan(plan: Plan, done: set[str], expected: float, workers: int, whole: bool) -> None:
    """One line of what will be done; with `whole` a table of the arms too."""
    names = plan.labels
    unique, pending = len(plan.entries), len(plan.entries) - len(done)
    for note in plan.notes:
        terminal.print(f"Note: {note}.", markup=False, soft_wrap=True)
    if whole:
        table = make_table("arm", "seeds", "done", "parameters", "updates")
        for arm, name in names.items():
            entries = [entry for entry in plan.entries if entry.trial.arm == arm]
            sample = problems.sample(arm.problem, arm.length)
            shape = sample.x.shape[-1], sample.classes, sample.symbols
            parameters = f"{count_parameters(arm, *shape):,}" if countable(arm) else "?"
            finished = sum(entry.id in done for entry in entries)
            cells = (f"{len(entries):,}", f"{finished:,}", parameters, f"{arm.training.updates:,}")
            table.add_row(escape(name), *cells)
        terminal.print(table)
    work = "nothing to train" if not pending else f"{pending} to train"
    if pending:
        crew = f"{workers} worker{'s' if workers > 1 else ''}"
        work += f", about {duration(expected)} on {crew}"
    terminal.print(
        f"[bold]{plan.name}[/bold]: {count(len(names), 'arm')}, {count(unique, 'trial')}"
        f" ({plan.requested} asked for), {len(done)} done, {work}.",
        soft_wrap=True,
    )
