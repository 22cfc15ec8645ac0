"""By what arms are compared: what the settings leave to the data, and whether the data has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ablation import problems
from ablation.data import Sequences
from ablation.errors import RequestError, suggest
from ablation.spec import Arm, Problem, ReportSettings
from ablation.tasks import TASKS, are_tags, comparable


def settle_metrics(
    report: ReportSettings, samples: Mapping[Problem, Sequences], arms: Sequence[Arm]
) -> ReportSettings:
    """The settings with the metrics that they leave to the task.

    samples: some sequences of each problem. Raises RequestError for a metric that a problem does
    not have, where problems of a sweep have no first metric in common, and for a metric of the
    user's own that not all arms are scored by, or that has no margin.
    """
    tasks = {problem.name: data.task for problem, data in samples.items()}
    kinds = list(dict.fromkeys(tasks.values()))
    possible = [key for key in comparable(kinds[0]) if all(key in comparable(k) for k in kinds)]
    firsts = {TASKS[kind].METRIC for kind in kinds}

    def chosen(key: str, metric: str | None, margin: float | None) -> str:
        if metric and "." in metric:
            if not all(metric in (arm.training.metrics or ()) for arm in arms):
                raise RequestError(
                    f"{key}={metric}: training.metrics=[{metric}] has to name it too, so that it "
                    "is computed"
                )
            if margin is None:
                scope = key.rpartition(".")[0]
                raise RequestError(
                    f"{scope}.margin=null: {metric} has no margin of its own; say how large a "
                    "difference does not matter"
                )
            return metric
        problem = next((name for name, k in tasks.items() if metric not in comparable(k)), "")
        if metric is None and len(firsts) > 1:
            each = " and ".join(f"{name} predicts {TASKS[k].WHAT}" for name, k in tasks.items())
            raise RequestError(f"{key}=null: {each}; {suggest('', possible)}, which all have")
        if metric is None:
            return next(iter(firsts))
        if metric not in possible:
            what = TASKS[tasks[problem]].WHAT
            raise RequestError(
                f"{key}={metric}: {problem} predicts {what}; {suggest(metric, possible)}"
            )
        return metric

    claims = tuple(
        claim.model_copy(
            update={"metric": chosen(f"report.claims.{at}.metric", claim.metric, claim.margin)}
        )
        for at, claim in enumerate(report.claims)
    )
    metric = chosen("report.metric", report.metric, report.margin)
    settled = report.model_copy(update={"metric": metric, "claims": claims})
    metrics = {str(settled.metric), *(str(claim.metric) for claim in claims)}
    for problem, data in samples.items():
        _check_classes(metrics, report.positive, problem, data)
    return settled


def _check_classes(
    metrics: set[str], positive: str | None, problem: Problem, data: Sequences
) -> None:
    """Raise RequestError if the problem has not the classes that a metric is of."""
    if positive is None and not metrics & {"f1", "segment_f1"}:
        return  # the names of the classes need not be read
    if data.task == "numbers":
        raise RequestError(f"report.positive={positive}: {problem.name} predicts numbers")
    count = data.classes if data.task == "classes" else data.y.shape[-1]
    names = problems.class_names(problem) or [str(number) for number in range(count)]
    if positive is not None and positive not in names:
        raise RequestError(f"report.positive={positive}: {suggest(positive, names)}")
    if "f1" in metrics and positive is None and (data.task, count) != ("classes", 2):
        raise RequestError(f"report.metric=f1: report.positive says of what; {suggest('', names)}")
    if "segment_f1" in metrics and not (are_tags(names) and data.per_step):
        raise RequestError(
            f"report.metric=segment_f1: the classes of {problem.name} are no tags of steps, such "
            "as O, B-name and I-name; choose another metric, such as macro_f1"
        )
