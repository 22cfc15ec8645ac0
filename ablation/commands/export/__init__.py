"""Train a stored trial again, and write its model, its predictions and how to feed it new data."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from ablation.analysis import Study
from ablation.commands.export.files import MODEL, write_export
from ablation.commands.verify import check_consent
from ablation.errors import RequestError, SweepFailed, one_line, suggest
from ablation.execution import SavedModel, run_trials
from ablation.measures import MEASURES
from ablation.report import recommended
from ablation.storage import TrialResult
from ablation.terminal import LONGEST, duration, say

WORK = "ablation.execution.worker:train_and_save"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the sweep's name (its folder in results)")
    parser.add_argument("--to", required=True, type=Path, help="a new or empty folder to write to")
    parser.add_argument("--arm", help="as the report names it (default: the one it says to take)")
    seeds = parser.add_mutually_exclusive_group()
    seeds.add_argument("--seed", type=int, help="default: the lowest that is trained")
    seeds.add_argument("--best", action="store_true", help="the seed with the best test score")
    parser.add_argument(
        "--time-limit", default=3600.0, type=float, help="seconds for the training (default: 3600)"
    )
    parser.add_argument(
        "--own-code", action="store_true", help="allow the trial to run the user code that it names"
    )


def run(arguments: argparse.Namespace) -> int:
    """Returns 0; raises RequestError for a wrong request and SweepFailed if the training fails."""
    folder = arguments.to
    _check_folder(folder)
    study = Study(arguments.results / arguments.name)
    arm = choose_arm(study, arguments.arm)
    seed, note = choose_seed(study, arm, arguments.seed, arguments.best)
    stored = _result_of(study, arm, seed)
    check_consent(study.plan.name, [stored.trial], arguments.own_code)
    say(f"Training {arm}, seed {seed}, again ({duration(stored.seconds.whole)} the last time).")
    (outcome,) = run_trials([stored.trial], WORK, (), 1, arguments.time_limit)
    if outcome.kind is not None:
        why = one_line(f"{outcome.kind}: {outcome.message}")[:LONGEST]
        raise SweepFailed(f"{arm}, seed {seed}: {why}")
    made: SavedModel = outcome.value
    notes = [*note, *notes_on(stored, made)]
    try:
        write_export(folder, study.plan.name, arm, stored, made, notes)
    except OSError as error:
        raise SweepFailed(f"--to={folder}: it cannot be written ({error.strerror})") from None
    for sentence in notes:
        say(f"Note: {sentence}")
    exact = made.difference is not None
    same = f", which gives the same outputs to {made.difference:.0e}" if exact else ""
    say(f"Wrote {folder / MODEL}{same}; README.md beside it says how to use it.")
    return 0


def choose_arm(study: Study, asked: str | None) -> str:
    """The arm that was asked for, or the one that the report says to take.

    Raises RequestError for an unknown arm, or if the sweep has several tasks.
    """
    if asked is not None:
        if asked not in study.arms:
            raise RequestError(f"--arm={asked}: {suggest(asked, study.arms)}")
        return asked
    arms = recommended(study)
    if not arms:
        raise RequestError(f"{study.plan.name}: no trial has a result yet")
    if len(arms) > 1:
        raise RequestError(
            f"{study.plan.name} has {len(arms)} tasks; --arm must say which, such as the "
            f"recommended {', '.join(arms)}"
        )
    return arms[0]


def choose_seed(
    study: Study, arm: str, asked: int | None, best: bool = False
) -> tuple[int, list[str]]:
    """The seed that was asked for, the best, or the lowest; with a sentence on what that means.

    Raises RequestError if the arm has no result with such a seed.
    """
    trials = study.trials
    done = trials[(trials["arm"] == arm) & (trials["status"] == "done")].sort_values("seed")
    seeds = [int(seed) for seed in done["seed"]]
    if not seeds:
        raise RequestError(f"{arm}: no trial has a result yet")
    if asked is not None:
        if asked not in seeds:
            raise RequestError(f"--seed={asked}: {suggest(str(asked), map(str, seeds))}")
        return asked, []
    if not best:
        return seeds[0], []
    metric = study.metric
    measure, values = study.measure(metric), done[metric].to_numpy(float)
    if not np.isfinite(values).any():
        raise RequestError(f"--best: no seed of {arm} has a value of {metric}")
    chosen = seeds[int(np.nanargmax(measure.sense * values))]
    return chosen, [
        f"seed {chosen} was chosen because its {measure.name} on the test set is the best of "
        f"{len(seeds)} seeds, so this score is too good; expect the mean of the seeds, "
        f"{measure.format(float(np.nanmean(values)))}."
    ]


def notes_on(stored: TrialResult, made: SavedModel) -> list[str]:
    """Sentences on what is not as it should be: other weights, own code, a model that fails."""
    notes = []
    if made.result.weights != stored.weights:
        measure, key = MEASURES[made.score], made.score
        new, old = (measure.format(result.measured[key]) for result in (made.result, stored))
        notes.append(
            "the weights differ from the stored trial's (another processor, or other versions); "
            f"the files are about the new ones, with {measure.name} {new} where {old} is stored."
        )
    if made.needs:
        own = ", ".join(f"{module}.{name}" for name, module in made.needs.items())
        notes.append(f"loading the model needs {own}: code that does not come with Keras.")
    if made.problem:
        notes.append(f"Keras cannot load the model: {one_line(made.problem)[:LONGEST]}")
    return notes


def _check_folder(folder: Path) -> None:
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise RequestError(f"--to={folder}: it exists; a new or an empty folder is needed")
    except OSError as error:
        raise RequestError(f"--to={folder}: {error.strerror}") from None


def _result_of(study: Study, arm: str, seed: int) -> TrialResult:
    names = study.plan.labels
    for trial in study.plan.compared:
        if names[trial.arm] == arm and trial.seed == seed:
            result = study.store.read(trial.id)
            if result is not None:
                return result
    raise RequestError(f"{arm}, seed {seed}: its result is gone")
