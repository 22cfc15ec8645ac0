"""A sweep from requests to report: plan, leave out what is done, train the rest, tell."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import FrameType

from omegaconf import DictConfig

from ablation.errors import RequestError, SweepFailed, UnwritableFolder
from ablation.execution import Progress, available_cores, run_trials
from ablation.planning import (
    Plan,
    expected_seconds,
    extend_plan,
    make_plan,
    parse,
    save_plan,
    show_plan,
)
from ablation.report import Report, current_report, show_layers, show_predictions, show_report
from ablation.spec import Arm, Settings, Trial
from ablation.storage import Store, TrialResult
from ablation.terminal import duration, say

MANY = 500  # trials that are not started without being asked
WORK = "ablation.execution.worker:work"  # what a worker does; its module is loaded there alone


def run(
    configs: Sequence[DictConfig],
    overrides: Sequence[Sequence[str]],
    command: str,
    run_id: str | None = None,
) -> Path:
    """Train what the configurations ask for and is not there yet; returns the report's folder.

    overrides: what was written on the command line for each configuration. command: all of it.
    run_id: the same for all the calls by which a launcher hands over one multirun piecemeal.
    Raises RequestError before anything has started, SweepFailed when trials failed, and
    KeyboardInterrupt, after the report of what is there, when interrupted.
    """
    requests = [parse(*pair) for pair in zip(configs, overrides, strict=True)]
    settings = requests[0].settings
    store = Store(settings.results)
    sweep = make_plan(requests, command, run_id, _source())
    done = store.read_all(entry.id for entry in sweep.entries)
    pending = [entry.trial for entry in sweep.entries if entry.id not in done]
    workers = settings.workers or len(available_cores())
    expected = expected_seconds(pending, _measured(done), workers)
    show_plan(sweep, set(done), expected, workers, show_arms=settings.plan)
    folder = store.root / sweep.name
    if settings.plan:
        return folder
    if len(pending) > MANY and not settings.yes:
        raise RequestError(
            f"this trains {len(pending)} trials, about {duration(expected)}; "
            "say yes=true to start it, or plan=true to look closer"
        )
    store.prepare()
    with store.writing():
        sweep = save_plan(sweep, folder)
    with signals_as_interrupts() as interruption:
        try:
            if len(sweep.labels) == 1 and done:
                show_layers(next(iter(done.values())))
            sweep = _train_in_rounds(sweep, store, settings, workers, interruption, set(done))
        except KeyboardInterrupt:
            interruption.asked = True
        written = _report(sweep, store)
    if interruption.asked:
        raise KeyboardInterrupt
    if written.alarms:
        raise SweepFailed("an arm is better than it can be; see above")
    if written.failures:
        raise SweepFailed(_failed(sweep, store, len(written.failures), settings.on_error))
    missing = len(sweep.entries) - len(store.done(entry.id for entry in sweep.entries))
    if missing:  # damaged since they were looked at
        raise SweepFailed(f"{missing} trials have no result; the same command trains them")
    return folder


def _report(sweep: Plan, store: Store) -> Report:
    """Write the report, unless it stands, and show it."""
    folder = store.root / sweep.name
    written = current_report(folder)
    if written is None:
        # pandas and matplotlib are loaded when they are needed
        from ablation.report import build_report

        with store.writing():
            written = build_report(folder)
    if len(sweep.labels) == 1:
        first = store.read(sweep.entries[0].id)
        if first is not None:
            show_predictions(first)
    show_report(written, folder)
    return written


def _failed(sweep: Plan, store: Store, failed: int, on_error: str) -> str:
    whole = len(sweep.entries)
    rest = whole - failed - len(store.done(entry.id for entry in sweep.entries))
    left = f", and {rest} were not trained, because of on_error={on_error}" if rest else ""
    return f"{failed} of {whole} trials failed{left}"


def _train_in_rounds(
    sweep: Plan,
    store: Store,
    settings: Settings,
    workers: int,
    interruption: _Interruption,
    done: set[str],
) -> Plan:
    """Train the plan, and with seeds=auto what its undecided contrasts still need.

    done: ids of the trials whose results have been read.
    """
    began = time.monotonic()
    folder = store.root / sweep.name
    tried = set(done)  # what fails is tried again by the next command
    while True:
        pending = [entry.trial for entry in sweep.entries if entry.id not in tried]
        tried |= {trial.id for trial in pending}
        failed = _train(sweep, pending, store, workers, settings, interruption)
        if failed and settings.on_error == "stop":
            return sweep
        spent = settings.budget is not None and time.monotonic() - began > settings.budget
        if sweep.max_seeds is None or spent:
            return sweep
        from ablation.analysis import Study

        extended = extend_plan(sweep, Study(folder).next_round())
        if extended.entries == sweep.entries:
            return sweep
        added = len(extended.entries) - len(sweep.entries)
        say(f"Undecided: {added} trials more, of at most {sweep.max_seeds} seeds an arm.")
        sweep = save_plan(extended, folder)
        # Trials of an earlier run may be among them: that their files are there is not enough.
        tried |= store.read_all(e.id for e in sweep.entries if e.id not in tried).keys()


def _train(
    sweep: Plan,
    pending: Sequence[Trial],
    store: Store,
    workers: int,
    settings: Settings,
    interruption: _Interruption,
) -> set[str]:
    """Train what is pending; the ids of those that failed."""
    failed: set[str] = set()
    if not pending:
        return failed
    names = sweep.labels
    planned = [trial.arm for trial in sweep.trials]
    arguments = (str(store.root), sweep.commit, sweep.dirty)
    shown = len(pending) < len(sweep.entries)
    training = run_trials(pending, WORK, arguments, workers, settings.time_limit)
    before = len(sweep.entries) - len(pending)
    with Progress(names, planned, before) as progress, closing(training):
        if len(pending) < workers:
            _load_ahead()
        for count, ended in enumerate(training, 1):
            if len(pending) - count == workers - 1:
                _load_ahead()
            if ended.kind == UnwritableFolder.__name__:  # no other trial would end better
                raise UnwritableFolder(ended.message)
            if ended.kind is not None:
                store.fail(ended.trial, ended.kind, ended.message, ended.traceback)
                failed.add(ended.trial.id)
            elif len(names) == 1 and not shown and (result := store.read(ended.trial.id)):
                show_layers(result)
                shown = True
            progress.update(ended)
            interruption.check()
            if failed and settings.on_error == "stop":  # what runs is ended; commits stay
                break
    return failed


def _load_ahead() -> None:
    """Load what a report needs, which takes a second, on the core that has run out of trials."""

    def load() -> None:
        with suppress(Exception):  # the program may end meanwhile; what is wrong is said later
            from ablation.report import build_report

            del build_report  # to have been loaded is all

    threading.Thread(target=load).start()


def _measured(done: Mapping[str, TrialResult]) -> list[tuple[Arm, float]]:
    return [(result.trial.arm, result.seconds.training) for result in done.values()]


def _source() -> tuple[str | None, bool | None]:
    """Commit of the program, and whether files other than results have changed since."""
    here = Path(__file__).resolve().parent

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=here, capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()

    try:
        top = Path(git("rev-parse", "--show-toplevel"))
        if top / "ablation" != here:  # installed somewhere below another project
            return None, None
        return git("rev-parse", "HEAD"), bool(git("status", "--porcelain", ":/", ":!/results"))
    except (OSError, subprocess.SubprocessError):
        return None, None


class _Interruption:
    """Whether the end was asked for: what a handler raises may be lost in a library's callback."""

    asked = False

    def check(self) -> None:
        if self.asked:
            raise KeyboardInterrupt


@contextmanager
def signals_as_interrupts() -> Iterator[_Interruption]:
    """Take the end of a job (SIGTERM) and of its terminal (SIGHUP) as Ctrl-C."""
    interruption = _Interruption()

    def interrupt(number: int, frame: FrameType | None) -> None:
        interruption.asked = True
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # of some launcher's worker
        yield interruption
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        if before[number] != signal.SIG_IGN:  # as nohup asks
            signal.signal(number, interrupt)
    try:
        yield interruption
    except Exception as error:
        if not interruption.asked or isinstance(error, RequestError | SweepFailed):
            raise
        # A library that is interrupted while it is being loaded raises whatever it likes.
        raise KeyboardInterrupt from error
    finally:
        for number in numbers:
            signal.signal(number, before[number])
