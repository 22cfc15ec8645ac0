"""How to read each table of a report: what its columns mean, and how they were computed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ablation.analysis import Margin, Study, task_name, unseen_share
from ablation.report.cells import Table
from ablation.report.document import Group
from ablation.report.mistakes import MOST_ROWS
from ablation.report.sentences import what_can_be_shown

MOST_MARGINS = 5  # tasks whose margins are said one by one

CLAIMS = (
    "Each claim was made before the sweep: the arm against the other arm, paired by seed. Holds: "
    "yes if the verdict is the claimed one, no if it is another. A claim of equivalence is refuted "
    "only if the whole interval lies beyond the margin. All claims are corrected together, by "
    "Holm's method."
)
EXPECTED = (
    "Expected: arms by falling ceiling, with > where both the ceiling and the least possible log "
    "loss are more than 0.005 apart, so that training can show it; where numbers are predicted, by "
    "rising floor, with > where floors are more than the margin apart. As expected: yes if every "
    "such pair has that verdict."
)
DIFFERENCES = "Differences between arms"  # a section to which another one's note refers
COST = (
    "The arms that no other arm beats in both mean {score} and a cost. Whether a step between two "
    f"of them is more than noise is shown under {DIFFERENCES}."
)
LOOKAHEAD = (
    "A forward arm with a lookahead answers for a step after it has read so many steps more. Each "
    "lookahead is compared with the task's best bidirectional arm, paired by seed; p is corrected "
    "by Holm's method for all pairs of a lookahead and a bidirectional arm."
)
PROBES = (
    "Mean {score} of the trained models on up to 2,000 test sequences after a change, without "
    "training again. Intact: the model as it was trained. Without a half: the output of that half "
    "is replaced by its mean over the sequences at each step. Merged by: the halves are merged in "
    "another way than the one trained."
)
MISTAKES = (
    "Test labels, summed over the seeds. First table: a row for each label; a column says how "
    "often it was predicted as that class. Second table: precision is the share of a class's "
    "predictions that are right, recall the share of its labels that are found, F1 their harmonic "
    "mean, support the number of its labels. Where classes are tags, a third table has the same of "
    "the spans that they mark; a span is right if its type, first and last step are."
)
TASKS = (
    "Take: the best arm, or the cheapest that is equivalent to it. Ahead by: in the metric, "
    f"against the next best arm, as in {DIFFERENCES}; of an arm that is taken for its price it may "
    "be negative, but within the margin."
)
VARIANTS = (
    "The problems are the sample: each row is paired by problem, each of which counts once. "
    "Difference: the Hodges-Lehmann estimate in normalized score, with the interval of the "
    "signed-rank test. p: Wilcoxon's signed ranks, exact (Demšar 2006), corrected by Holm's method "
    "over all pairs. On a new problem: the probability that the first is better by more than the "
    "margin, within it, or worse."
)
SEQUENCES = (
    "Of two arms, the test sequences with the largest difference: labels that count, and the share "
    "of them that each arm gets right (of numbers: the mean squared error), mean over the seeds. A "
    "sequence has the name that the data gives it, or its number, from 0, as in the "
    "predictions.csv of an exported model."
)
TARGETS = "Means over the seeds of each number's errors, in its own units, and of its R2."
FAILURES = "The same command tries failed trials again and keeps all others."


def target_note(study: Study) -> str:
    settings, arms = study.plan.report, study.reached()
    missed = int((arms["reached"] == 0).sum()) if len(arms) else 0
    return (
        "Reached: the seeds whose final accuracy is at least the target, of those that finished, "
        "with Wilson's 95 % interval of that share. Reliable: at least "
        f"{settings.reached_by or 'nine in ten'} of the planned seeds reach it. Seconds (of "
        "training, without compiling) and updates are medians. Updates to target: until the "
        f"learning curve first gets there. Arms that reach it in no seed: {missed}."
    )


def across_note(study: Study) -> str:
    p = study.across.attrs.get("friedman", math.nan)
    friedman = f" Friedman's test that all rank alike: p = {p:.3g}." if p == p else ""
    return (
        "A variant is an arm without its problem. Normalized score: where the score lies between "
        "always guessing (0) and the best possible on that problem (1; a perfect score where no "
        "ceiling is known). All of this speaks of new problems, as far as these are a sample of "
        "them. Mean: over the problems. IQM: the mean of the middle half of all runs, with a "
        "bootstrap interval for these problems (Agarwal et al. 2021). Mean rank: 1 is the best "
        "(Demšar 2006). Best on a new problem: the probability, from a Bayesian bootstrap over the "
        "problems (Rubin 1981) with one problem more on which any may win." + friedman
    )


def summary_note(study: Study, table: Table | None) -> str:
    names = {column.name for column in table.columns} if table else set()
    if study.measure(study.metric).limit:
        interval = "of the median, by order statistics"
    else:
        interval = "of the mean, by Student's t"
    divided = any(arm.problem.divided for arm in study.plan.labels)
    sentences = [
        f"Means over the seeds, on the test set. 95 % interval: {interval}, for "
        + ("new divisions of the data." if divided else "new seeds on the same test set.")
    ]
    if "floor" in names:
        sentences.append(
            "Floor: the least mean squared error that any model with this arm's view of the input "
            "can reach."
        )
    if study.trials.reindex(columns=["constant"]).notna().any(axis=None):
        sentences.append(f"Constant: {_mean_guess(study)}.")
    if "ceiling" in names:
        sentences.append(
            "Ceiling: the best that any model with this arm's view of the input can reach."
        )
    if study.trials.reindex(columns=["majority"]).notna().any(axis=None):
        sentences.append(f"Majority: {_guess(study)}.")
    if "skill" in names:
        sentences.append(
            "Skill: where the error lies between the constant's (0) and the floor (1)."
            if "floor" in names
            else "Skill: where the accuracy lies between the majority (0) and the ceiling (1)."
        )
    if "R2" in names or study.metric == "r2":
        sentences.append(
            "R2: the share of the variance of the test set's numbers that is explained, as "
            "scikit-learn's r2_score computes it: 0 is as good as always predicting their mean. "
            "MSE and MAE, the mean squared and the mean absolute error, are in the units of the "
            "numbers; with several, they are means over them. Loss: what was trained on, of scaled "
            "numbers."
        )
    if "segment F1" in names:
        sentences.append(
            "Segment F1: of the spans that the tags mark; a span is right if its type, first and "
            "last step are."
        )
    if "balanced accuracy" in names:
        sentences.append(
            "Balanced accuracy: the mean over the classes of the share of their labels that are "
            "right. Macro F1: the mean over the classes of the harmonic mean of precision and "
            "recall."
        )
    if "exact" in names:
        sentences.append("Exact: the share of sequences with every label right.")
    sentences.append("Seconds: of training, without compiling.")
    if study.plan.match == "parameters":
        sentences.append(
            "Arms are matched by parameters: the units of each were chosen to come as close as "
            "possible to one bidirectional concat LSTM with the units asked for; the parameters "
            "column shows what is left over."
        )
    return " ".join(sentences)


def _guess(study: Study) -> str:
    """What always predicting the most frequent class scores, in words."""
    shares = study.trials["majority"].dropna()
    if f"{shares.min():.4f}" == f"{shares.max():.4f}":
        return f"always predicting the most frequent class is right for {shares.mean():.4f}"
    return "the accuracy of always predicting the most frequent class"


def _mean_guess(study: Study) -> str:
    """What always predicting the mean scores, in words."""
    errors = study.trials["constant"].dropna()
    low, high = (study.measure("mse").format(value) for value in (errors.min(), errors.max()))
    between = low if low == high else f"{low} to {high}"
    return f"always predicting the training set's mean has a mean squared error of {between}"


def mistakes_note(study: Study, by_class: Sequence[Group], by_sequence: Sequence[Group]) -> str:
    sentences = []
    if by_class:
        sentences.append(MISTAKES)
        most = study.classes().groupby("arm").size().max()
        if most > MOST_ROWS:
            sentences.append(f"Of {most} classes, the {MOST_ROWS} with the most labels.")
        if len(by_class) < len(study.arms):
            sentences.append(f"Only these of the {len(study.arms)} arms have tables here.")
    if by_sequence:
        divided = any(arm.problem.divided for arm in study.plan.labels)
        sentences.append(
            SEQUENCES.replace("over the seeds", "over the seeds that tested it", int(divided))
        )
    return " ".join(sentences)


def contrasts_note(study: Study) -> str:
    measure = study.measure(study.metric)
    if measure.limit:
        test = "sign flips of Wilcoxon's signed ranks, with Gehan's ranks where it was not reached"
    elif measure.fixed:
        test = "none is needed of what is the same for every seed"
    else:
        test = (
            "paired t test, whose variance borrows from the other pairs where there are at least "
            "four arms and five seeds (Smyth 2004)"
        )
    sentences = [
        f"Difference: in {measure.name}, paired by seed. {_population(study)} "
        f"p: {test}, corrected by Holm's method over the rows of one problem and "
        "length. P(better): the chance that a run of the first arm beats a run of the second. "
        "Equivalent: two one-sided tests within the margin (Lakens 2017), from five seeds on. "
        f"{_margins(study)} "
        "Seeds to decide: how many more would settle it with 80 % power if the observed difference "
        "were the true one. docs/statistics.md has the error rates."
    ]
    if not measure.limit and not measure.fixed:
        sentences += [_unseen(study), *what_can_be_shown(study)]
    sentences.append(_looks(study))
    return " ".join(sentences)


def _margins(study: Study) -> str:
    """The margin of each task and why; of many tasks in one sentence."""
    margins = margins_of(study)
    if len(set(margins.values())) == 1:
        (margin,) = set(margins.values())
        return f"Margin: ±{margin.value:g}, {margin.reason}."
    if len(margins) > MOST_MARGINS:
        least, most = min(margins.values()), max(margins.values())
        return f"Margin: ±{least.value:g} ({least.reason}) to ±{most.value:g} ({most.reason})."
    texts = [f"±{value:g} on {task} ({reason})" for task, (value, reason) in margins.items()]
    return f"Margin: {'; '.join(texts)}."


def margins_of(study: Study) -> dict[str, Margin]:
    """The margin of each task in which arms are compared."""
    compared = [task for task in study.tasks if task["arm"].nunique() > 1]
    return {task_name(task): study.margin_of(task=task) for task in compared}


def _looks(study: Study) -> str:
    """How much of the 5 % each look at the data has."""
    looks = study.looks()
    level = f"{looks.alphas()[-1]:.2g}"
    if len(looks.seeds) > 1:
        return (
            f"Looks: these arms were looked at with {', '.join(map(str, looks.seeds))} seeds. All "
            "looks share 5 % (Lan & DeMets 1983), and a decision is final: p has to be at most "
            f"{', '.join(f'{alpha:.2g}' for alpha in looks.alphas())}."
        )
    if looks.seeds[-1] < looks.planned:
        return (
            f"Looks: {looks.seeds[-1]} of {looks.planned} planned seeds are trained, so p has to "
            f"be at most {level}; most of the 5 % is kept for the end."
        )
    return (
        f"Looks: this is the first, and p has to be at most {level}; the rest of the 5 % is kept "
        "for looks with more seeds."
    )


def _population(study: Study) -> str:
    """What the verdicts speak of."""
    rows = study.contrasts()
    if len(rows) and (rows["population"] == "seeds and sequences").all():
        return (
            "All of this speaks of new seeds and new test sequences (crossed random effects, "
            "Cornfield & Tukey 1956; Satterthwaite 1946). From test part: the share of the test "
            "sequences in the variance of the difference; the rest comes from the seeds."
        )
    if len(rows) and (rows["population"] == "divisions").all():
        return (
            "All of this speaks of new divisions of these data: each seed has a training and a "
            "test part of its own, the same in all arms. Because training parts overlap, the "
            "variance is multiplied by 1 / seeds + test / training in place of 1 / seeds "
            "(Nadeau & Bengio 2003; of folds Bouckaert & Frank 2004). From data size: the share "
            "of the variance that stays however many seeds there are."
        )
    why = "results without the score of each sequence, or a metric that is no mean of these"
    if study.plan.report.population == "seeds":
        why = "report.population=seeds"
    return f"All of this speaks of new seeds on the same test set ({why})."


def _unseen(study: Study) -> str:
    """What seeds without a failure do not say."""
    seeds = int(study.contrasts()["n"].max()) if len(study.contrasts()) else 0
    return (
        f"Equivalent speaks of seeds that train: {seeds} seeds without a failure do not exclude "
        f"that up to {100 * unseen_share(seeds):.0f} % of seeds fail."
    )


def variance_note(study: Study) -> str:
    """What is missing of the grid, if anything is."""
    return str(study.variance.attrs["note"]) if study.frames.results else ""
