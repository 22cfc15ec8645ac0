"""The whole answer, in order."""

from __future__ import annotations

from ablation.analysis import Study, finished_trials, guessing_arms
from ablation.report.sentences.asked import claims, lookahead, target
from ablation.report.sentences.choice import choice, pairs_of
from ablation.report.sentences.comparison import comparison, single
from ablation.report.sentences.general import across, counted
from ablation.report.sentences.power import too_small
from ablation.report.sentences.tuned import settings
from ablation.report.sentences.warnings import coarse, failures, none_beats_guessing, some_guess
from ablation.report.sentences.words import FEW


def answer(study: Study) -> list[str]:
    """The answer first: what was asked, then the best arm of each task, and what to take.

    Asked are the claims, what holds over all problems, and who reaches the target where sizes or
    training were swept. Many tasks are counted: the report has a row for each. Where no arm is
    better than a guess, this comes before all else, and none is recommended.
    """
    if not study.frames.results:
        return [*settings(study), "No trial has been trained yet."]
    warnings: list[str] = []
    sentences = [*claims(study), *across(study), *target(study), *lookahead(study)]
    many = len(study.tasks) > FEW
    sentences += counted(study) if many else []
    by_score = study.metric == study.score
    for task in study.tasks:
        finished = set(finished_trials(task)["arm"])
        if not finished:
            continue
        guessing = guessing_arms(task, study.score)
        all_guess = finished <= guessing.keys()
        if all_guess:
            warnings.append(none_beats_guessing(study, guessing, task))
        sentences += failures(study, task)
        if task["arm"].nunique() == 1:
            sentences.append(single(study, task["arm"].iloc[0]))
            continue
        if all_guess and by_score:
            continue
        if many:
            continue
        pairs = pairs_of(study, task)
        sentences += comparison(study, task, pairs)
        if len(pairs) and pairs["possible"].any():
            sentences += choice(study, task, pairs)
        if guessing and not all_guess:
            sentences.append(some_guess(study, guessing))
    return warnings + sentences + settings(study) + coarse(study) + too_small(study)
