"""Many tasks: the answer counts them, and a table has a row for each."""

from __future__ import annotations

from ablation.analysis import Study
from ablation.report.by_task import NONE, tasks_table
from ablation.report.sentences import answer, recommended
from ablation.report.sentences.words import short_tasks
from ablation.spec import Request
from ablation.storage import Store
from tests.helpers import make_result, make_sweep, make_trial

# By length: what forward and go_backwards reach. Nothing is learnt at the last length.
MEANS = {4: (0.95, 0.90), 5: (0.90, 0.95), 6: (0.9, 0.9001), 7: (0.5, 0.5)}


def test_a_row_a_task_says_what_to_take(store: Store, request_as_composed: Request) -> None:
    trials = [
        make_trial(length=length, direction=direction, problem={"test_size": 10_000})
        for length in MEANS
        for direction in ("forward", "go_backwards")
    ]
    plan = make_sweep(store, request_as_composed, *trials, seeds=6)
    for trial in plan.trials:
        mean = MEANS[trial.arm.length][trial.arm.direction == "go_backwards"]
        majority = 0.6 if mean == 0.5 else 0.3
        noise = 0.0001 * (-1) ** (trial.seed + (trial.arm.direction == "forward"))
        store.commit(make_result(trial, accuracy=mean + noise, majority=majority))
    study = Study(store.root / plan.name)
    table = tasks_table(study)
    assert table is not None
    rows = table.texts()
    assert [row["task"] for row in rows] == [f"cumsum, length {length}" for length in MEANS]
    assert [row["take"] for row in rows] == ["forward", "go_backwards", "go_backwards", NONE]
    assert [row["verdict"] for row in rows[:3]] == ["better", "better", "equivalent"]
    assert rows[0]["ahead by"] == "+0.0500"
    assert rows[0]["next best"] == "go_backwards"
    taken = recommended(study)
    assert taken[:2] == ["length=4 forward", "length=5 go_backwards"]
    sentences = answer(study)
    assert sentences[0].startswith("No arm beats guessing on cumsum, length 7")
    assert (
        "Of 4 tasks, the arm to take is better than the next best in 2, is equivalent to the next "
        "best in 1." in sentences
    )
    assert not any(sentence.startswith("Best mean") for sentence in sentences)


def test_tasks_are_named_by_what_tells_them_apart() -> None:
    assert short_tasks(["a, length 4", "b, length 4"]) == ["a", "b"]
    assert short_tasks(["a, length 4", "a, length 8"]) == ["length 4", "length 8"]
    assert short_tasks(["a, length 4", "b, length 8"]) == ["a, length 4", "b, length 8"]
    assert short_tasks(["a, length 4"]) == ["a, length 4"]
