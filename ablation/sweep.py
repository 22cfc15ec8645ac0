"""Runs a sweep: plan it, train the trials that have no result, write and show the report."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

from omegaconf import DictConfig

from ablation.errors import RequestError, SweepFailed, UnwritableFolder
from ablation.execution import (
    Interruption,
    Progress,
    Trainer,
    expected_workers,
    open_trainer,
    run_trials,
    signals_as_interrupts,
)
from ablation.planning import (
    LOOKS,
    Plan,
    countable,
    describe_question,
    expected_seconds,
    extend_plan,
    load_plan,
    make_plan,
    parse,
    save_plan,
    settle_plan,
    show_plan,
)
from ablation.report import Report, current_report, show_layers, show_predictions, show_report
from ablation.spec import Arm, Request, Settings, Trial
from ablation.storage import Store, TrialResult
from ablation.terminal import duration, say

CONFIRM_ABOVE = 500  # trials; more are trained only with yes=true
WORK = "ablation.execution.worker:work"  # a worker's task; only workers import its module
MEASURE = "ablation.execution.worker:measure_arm"


def run(
    configs: Sequence[DictConfig],
    overrides: Sequence[Sequence[str]],
    command: str,
    run_id: str | None = None,
) -> Path:
    """Train the trials of the configurations that have no result; returns the report's folder.

    overrides: those that each configuration was composed from. command: the whole command line.
    run_id: the same for all calls of one multirun, if a launcher passes its jobs one by one.

    Raises RequestError before anything starts, SweepFailed if trials failed, and KeyboardInterrupt
    if interrupted; the last two after the report of the finished trials was written.
    """
    requests = [parse(*pair) for pair in zip(configs, overrides, strict=True)]
    settings = requests[0].settings
    store = Store(settings.results)
    if settings.match == "parameters":
        requests = _resize_own(requests, settings.time_limit)
    sweep = settle_plan(make_plan(requests, command, run_id, _program_version()), store)
    done = store.read_all(entry.id for entry in sweep.entries)
    sizes = {result.trial.arm: result.parameters for result in done.values()}
    arms = dict.fromkeys([*sweep.labels, *(trial.arm for trial in sweep.trials)])
    unknown = [arm for arm in arms if not countable(arm) and arm not in sizes]
    measured = _measure(unknown, "units", settings.time_limit)
    sizes |= {arm: parameters for arm, (_, parameters) in measured.items()}
    pending = [entry.trial for entry in sweep.entries if entry.id not in done]
    pending += [trial for tuned in sweep.undecided for trial in tuned.longest]  # as if it chose so
    workers = expected_workers(settings)
    expected = expected_seconds(pending, _measurements(done), workers)
    show_plan(sweep, set(done), expected, workers, sizes if settings.plan else None)
    folder = store.root / sweep.name
    if pending or settings.plan:
        _show_question(sweep, store, done, workers)
    if settings.plan:
        return folder
    if len(pending) > CONFIRM_ABOVE and not settings.yes:
        raise RequestError(
            f"this trains {len(pending)} trials, about {duration(expected)}; "
            "add yes=true to start it, or plan=true to see the plan"
        )
    store.prepare()
    with store.writing():
        _remember_older_report(sweep, folder)
        sweep = save_plan(sweep, folder)
    with signals_as_interrupts() as interruption:
        try:
            if len(sweep.labels) == 1 and done:
                show_layers(next(iter(done.values())))
            with open_trainer(settings, WORK) as trainer:
                sweep = _train_in_rounds(sweep, store, settings, trainer, interruption, set(done))
        except KeyboardInterrupt:
            interruption.requested = True
        report = _report(sweep, store)
    if interruption.requested:
        raise KeyboardInterrupt
    if report.alarms:
        raise SweepFailed("an arm is better than its ceiling allows; see above")
    if report.failures:
        raise SweepFailed(_failure_summary(sweep, store, len(report.failures), settings.on_error))
    if sweep.undecided:
        names = ", ".join(sweep.labels[tuned.arm] for tuned in sweep.undecided)
        raise SweepFailed(f"{names}: no pilot has a validation score, so no setting is chosen")
    missing = len(sweep.entries) - len(store.done(entry.id for entry in sweep.entries))
    if missing:  # their files were found damaged after the plan was made
        raise SweepFailed(f"{missing} trials have no result; run the same command to train them")
    return folder


def _resize_own(requests: Sequence[Request], time_limit: float) -> list[Request]:
    """The requests; arms with own code have the units that match=parameters asks for."""
    arms = dict.fromkeys(arm for request in requests for arm in request.arms)
    measured = _measure([a for a in arms if not countable(a)], "parameters", time_limit)
    resized = {arm: arm.model_copy(update={"units": n}) for arm, (n, _) in measured.items()}
    return [request.with_arms(lambda arm: resized.get(arm, arm)) for request in requests]


def _measure(arms: Sequence[Arm], match: str, time_limit: float) -> dict[Arm, tuple[int, int]]:
    """Units and parameters of arms with own code, which a worker builds.

    Raises RequestError if the code does not give a model.
    """
    trials = [Trial(arm=arm, seed=0) for arm in arms]
    measured = {}
    with closing(run_trials(trials, MEASURE, (match,), 1, time_limit)) as outcomes:
        for ended in outcomes:
            if ended.kind is not None:
                raise RequestError(ended.message)
            measured[ended.trial.arm] = ended.value
    return measured


def _show_question(
    sweep: Plan, store: Store, done: Mapping[str, TrialResult], workers: int
) -> None:
    """Say before training what verdicts need, and what seeds=auto may cost."""
    question = describe_question(sweep)
    if question is None:
        return
    say(question)
    if done:
        from ablation.analysis import Study  # here, as it loads pandas

        needed = Study(store.root / sweep.name, sweep).seeds_needed()
        for task, margin, spread, seeds in needed.itertuples(index=False):
            say(
                f"Stored trials on {task}: paired differences spread by {spread:.2g}, so that a "
                f"difference of the margin, {margin:g}, needs about {seeds:,} seeds."
            )
    if sweep.max_seeds:
        whole = extend_plan(sweep, dict.fromkeys(sweep.labels, sweep.max_seeds))
        missing = [entry.trial for entry in whole.entries if entry.id not in done]
        time = duration(expected_seconds(missing, _measurements(done), workers))
        say(
            f"seeds=auto trains at most {len(missing):,} trials, about {time}: up to "
            f"{sweep.max_seeds} seeds an arm while a comparison is undecided."
        )


def _remember_older_report(sweep: Plan, folder: Path) -> None:
    """Count the report of a sweep that is about to grow, made before looks were remembered."""
    if (folder / LOOKS).exists() or not (folder / "report.json").exists():
        return
    with suppress(RequestError):  # a plan that cannot be read is replaced
        before = load_plan(folder)
        if before.entries != sweep.entries:
            from ablation.analysis import Study, remember_look  # here, as it loads pandas

            remember_look(Study(folder))


def _report(sweep: Plan, store: Store) -> Report:
    """Show the report; build it first unless the stored one is up to date."""
    folder = store.root / sweep.name
    report = current_report(folder)
    if report is None:
        from ablation.report import build_report  # here, as it loads pandas and matplotlib

        with store.writing():
            report = build_report(folder)
    if len(sweep.labels) == 1 and not sweep.undecided:
        first = store.read(sweep.compared[0].id)
        if first is not None:
            show_predictions(first)
    show_report(report, folder)
    return report


def _failure_summary(sweep: Plan, store: Store, failed: int, on_error: str) -> str:
    total = sweep.total
    untrained = total - failed - len(store.done(entry.id for entry in sweep.entries))
    note = f", and {untrained} were not trained, because of on_error={on_error}"
    return f"{failed} of {total} trials failed{note if untrained else ''}"


def _train_in_rounds(
    sweep: Plan,
    store: Store,
    settings: Settings,
    trainer: Trainer,
    interruption: Interruption,
    done: set[str],
) -> Plan:
    """Train the plan, and what `_next_round` adds to it, round by round.

    done: ids of the trials whose results have been read. Returns the plan as extended.
    """
    began = time.monotonic()
    folder = store.root / sweep.name
    tried = set(done)  # a failed trial is retried by the next command, not by this one
    while True:
        pending = [entry.trial for entry in sweep.entries if entry.id not in tried]
        tried |= {trial.id for trial in pending}
        failed = _train(sweep, pending, store, trainer, settings, interruption)
        if failed and settings.on_error == "stop":
            return sweep
        over_budget = settings.budget is not None and time.monotonic() - began > settings.budget
        extended = _next_round(sweep, store, over_budget)
        if extended.entries == sweep.entries:
            return sweep
        sweep = save_plan(extended, folder)
        # An earlier run may have trained some of them; read them, as their files may be damaged.
        tried |= store.read_all(e.id for e in sweep.entries if e.id not in tried).keys()


def _next_round(sweep: Plan, store: Store, over_budget: bool) -> Plan:
    """The plan with what its arms have chosen; or with seeds=auto, with seeds where undecided."""
    settled = settle_plan(sweep, store, ended=True)
    added = len(settled.entries) - len(sweep.entries)
    if added:
        say(f"Each arm has chosen its setting: training {added} trials.")
    if added or settled.undecided or sweep.max_seeds is None or over_budget:
        return settled
    from ablation.analysis import Study, remember_look

    study = Study(store.root / sweep.name)
    remember_look(study)
    extended = extend_plan(sweep, study.next_round())
    added = len(extended.entries) - len(sweep.entries)
    if added:
        say(f"Undecided: training {added} more trials (at most {sweep.max_seeds} seeds per arm).")
    return extended


def _train(
    sweep: Plan,
    pending: Sequence[Trial],
    store: Store,
    trainer: Trainer,
    settings: Settings,
    interruption: Interruption,
) -> set[str]:
    """Train the pending trials; returns the ids of those that failed."""
    failed: set[str] = set()
    if not pending:
        return failed
    kinds = {trial.is_pilot for trial in pending}  # of pilots and others, only one is shown
    alike = [trial for trial in sweep.trials if trial.is_pilot in kinds]
    names, before = sweep.names(alike), len(alike) - len(pending)
    training = trainer.train(pending, store, sweep.commit, sweep.dirty)
    shown = before > 0
    planned = [trial.arm for trial in alike]
    with Progress(names, planned, before, sweep.metric) as progress, closing(training):
        if len(pending) < trainer.workers:
            _preload_report()
        for count, outcome in enumerate(training, 1):
            if len(pending) - count == trainer.workers - 1:
                _preload_report()
            if outcome.kind == UnwritableFolder.__name__:  # all other trials would fail too
                raise UnwritableFolder(outcome.message)
            if outcome.kind is not None:
                store.fail(outcome.trial, outcome.kind, outcome.message, outcome.traceback)
                failed.add(outcome.trial.id)
            elif len(names) == 1 and not shown and (result := store.read(outcome.trial.id)):
                show_layers(result)
                shown = True
            progress.update(outcome)
            interruption.check()
            if failed and settings.on_error == "stop":  # kills the running trials; results stay
                break
    return failed


def _preload_report() -> None:
    """Import what the report needs, in a thread: it takes a second, and a core is idle by now."""

    def load() -> None:
        with suppress(Exception):  # the program may exit meanwhile; errors show up when it is used
            from ablation.report import build_report

            del build_report  # only the import matters

    threading.Thread(target=load).start()


def _measurements(done: Mapping[str, TrialResult]) -> list[tuple[Arm, float]]:
    """The arm and training seconds of each stored result."""
    return [(result.trial.arm, result.seconds.training) for result in done.values()]


def _program_version() -> tuple[str | None, bool | None]:
    """The program's commit, and whether files other than results differ; None if unknown."""
    package = Path(__file__).resolve().parent

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=package, capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()

    try:
        repository = Path(git("rev-parse", "--show-toplevel"))
        if repository / "ablation" != package:  # installed inside another project's repository
            return None, None
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain", ":/", ":!/results"))
    except (OSError, subprocess.SubprocessError):
        return None, None
