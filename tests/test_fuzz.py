"""Whatever lies in a results folder or stands on the command line: an answer, or one line."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import hydra
import pytest
from hydra import initialize_config_dir
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from omegaconf import DictConfig, OmegaConf

from ablation.__main__ import exit_codes
from ablation.errors import RequestError, one_line
from ablation.planning import Plan, load_plan, make_plan, parse
from ablation.report import (
    Column,
    Failure,
    Report,
    Table,
    current_report,
    digest_of,
    show_report,
    store_report,
)
from ablation.spec import SCHEMA, Request
from ablation.storage import Attempt, Store, TrialResult, checksum
from tests.helpers import CONF, compose, make_result, make_sweep, make_trial

TRIAL = make_trial(direction="bidirectional")
COMPOSED: Any = OmegaConf.to_container(compose(), resolve=False)

few = settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**30, -1, 0, 2**63])
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["_target_", "auto", "../x", "\x1b[2J", "a\nb", "", "nan", "1e3", "os.system"]
    )
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside a value of dictionaries and lists, its own first."""
    yield path
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, part in inner:
        yield from places(part, (*path, key))


@st.composite
def mutated(draw: st.DrawFn, whole: Any) -> Any:
    """The value with some of its parts replaced, removed, or joined by another."""
    whole = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(list(places(whole))))
        if not path:
            continue
        parent = whole
        for key in path[:-1]:
            parent = parent[key]
        how = draw(st.sampled_from(["replace", "replace", "remove", "add"]))
        if how == "replace":
            parent[path[-1]] = draw(values)
        elif how == "remove":
            del parent[path[-1]]
        elif isinstance(parent, dict):
            parent[draw(st.text(max_size=6))] = draw(values)
        else:
            parent.append(draw(values))
    return whole


def changed_bytes(text: bytes) -> st.SearchStrategy[bytes]:
    """The text cut off, or with one byte that is another."""
    place = st.integers(0, len(text) - 1)
    flipped = st.builds(
        lambda k, byte: text[:k] + bytes([byte]) + text[k + 1 :], place, st.integers(0, 255)
    )
    return flipped | place.map(lambda k: text[:k])


@contextlib.contextmanager
def refused() -> Iterator[list[str]]:
    """Take a RequestError, whose message must be one line, and keep it."""
    messages: list[str] = []
    try:
        yield messages
    except RequestError as error:
        messages.append(str(error))
    assert all(message == one_line(message) != "" for message in messages)


def read(store: Store, content: bytes) -> TrialResult | None:
    """What the store makes of a file's content; what is no result stays, or is moved as it is."""
    path = store.path(TRIAL.id)
    path.write_bytes(content)
    result = None
    with warnings.catch_warnings(record=True) as caught, refused() as messages:
        warnings.simplefilter("always")
        result = store.read(TRIAL.id)
    if result is not None:
        assert result.trial == TRIAL
        assert TrialResult.model_validate(result.model_dump()) == result
    elif messages:
        assert path.read_bytes() == content
    else:
        assert one_line(str(caught[0].message)) == str(caught[0].message)
        (aside,) = store.trials.glob("*.damaged-*")
        assert aside.read_bytes() == content
        aside.unlink()
        assert not path.exists()
    return result


RESULT = make_result(TRIAL, probes={"without_forward": 0.5}).model_dump()
ENVELOPE = {"schema": SCHEMA, "sha256": checksum(RESULT), "result": RESULT}


@few
@given(st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode()))
def test_any_file_in_a_results_place_is_no_result(store: Store, content: bytes) -> None:
    assert read(store, content) is None


@few
@given(changed_bytes(json.dumps(ENVELOPE).encode()))
def test_a_result_with_a_changed_byte_is_found_out(store: Store, content: bytes) -> None:
    result = read(store, content)
    assert result is None or result == TrialResult.model_validate(RESULT)


@few
@given(mutated(ENVELOPE) | mutated(RESULT).map(lambda body: {**ENVELOPE, "result": body}))
def test_a_forged_result_is_whole_or_none(store: Store, whole: Any) -> None:
    """With a right checksum, so that the schema alone stands between a forgery and the report."""
    if isinstance(whole, dict) and "result" in whole:
        with contextlib.suppress(ValueError, TypeError):  # NaN has none
            whole["sha256"] = checksum(whole["result"])
    read(store, json.dumps(whole).encode())


class Sweep(NamedTuple):
    """A sweep's folder, and what is in the files that are read again."""

    folder: Path
    plan: bytes
    report: bytes
    attempt: bytes


@pytest.fixture
def sweep(store: Store, request_as_composed: Request) -> Sweep:
    study = make_sweep(store, request_as_composed, TRIAL)
    folder = store.root / study.name
    store.fail(TRIAL, "ValueError", "no", "Traceback")
    (attempt,) = (store.attempts / TRIAL.id).glob("*.json")
    arm, accuracy = Column("arm", brief=True), Column("accuracy", "number", 4, brief=True)
    interval = Column("95 % interval", "interval", (4, 4), brief=True)
    report = Report(
        state="1 done",
        alarms=("LEAK?",),
        answer=("Best",),
        summary=Table((arm, accuracy, interval), (("a", 0.5, (0.4, 0.6)), ("b", 1, None)), ("a",)),
        failures=(Failure(arm="b", seed=0, why="ValueError: no", log="output.log"),),
        digest=digest_of(folder),
    )
    store_report(report, folder)
    assert current_report(folder) == report
    texts = (folder / "plan.json", folder / "report.json", attempt)
    content = [path.read_bytes() for path in texts]
    attempt.unlink()
    return Sweep(folder, *content)


def damaged(text: bytes) -> st.SearchStrategy[bytes]:
    forged = mutated(json.loads(text)).map(lambda value: json.dumps(value).encode())
    return st.binary(max_size=100) | changed_bytes(text) | forged | forged


@few
@given(data=st.data())
def test_any_plan_is_a_plan_or_one_line(sweep: Sweep, data: st.DataObject) -> None:
    (sweep.folder / "plan.json").write_bytes(data.draw(damaged(sweep.plan)))
    with refused():
        plan = load_plan(sweep.folder)
        assert Plan.model_validate(plan.model_dump()) == plan
        assert all(entry.id == entry.trial.id for entry in plan.entries)
        assert plan.labels


@few
@given(data=st.data())
def test_any_report_is_shown_or_made_again(sweep: Sweep, data: st.DataObject) -> None:
    (sweep.folder / "report.json").write_bytes(data.draw(damaged(sweep.report)))
    report = current_report(sweep.folder)
    if report is not None:
        assert report.digest == digest_of(sweep.folder)
        show_report(report, sweep.folder)  # whatever it says


@few
@given(data=st.data())
def test_any_attempt_is_told_or_passed_over(sweep: Sweep, data: st.DataObject) -> None:
    store = Store(sweep.folder.parent)
    (store.attempts / TRIAL.id / "1.json").write_bytes(data.draw(damaged(sweep.attempt)))
    attempt = store.last_attempt(TRIAL.id)
    assert attempt is None or isinstance(attempt, Attempt)


def asked(config: Callable[[], DictConfig], overrides: Sequence[str] = ()) -> Plan | None:
    """The plan of a configuration, or None where it is refused with exit code 2 and one line."""
    said, code, plan = io.StringIO(), None, None
    with contextlib.redirect_stderr(said):
        try:
            with exit_codes():
                plan = make_plan([parse(config(), overrides)], "", None, (None, None))
        except SystemExit as ended:
            code = ended.code
    assert code == (None if plan else 2)
    assert said.getvalue() == ("" if plan else f"{one_line(said.getvalue())}\n")
    assert plan or re.match("ablation: .", said.getvalue())
    return plan


@few
@given(mutated({key: COMPOSED[key] for key in COMPOSED if key != "hydra"}))
def test_any_configuration_is_planned_or_refused_in_one_line(whole: Any) -> None:
    try:
        config = OmegaConf.create(whole)
    except Exception:  # what no YAML file could have held
        return
    plan = asked(lambda: config)
    assert plan is None or Plan.model_validate_json(plan.model_dump_json()) == plan


KEYS = [
    *("problem", "direction", "merge_mode", "cell", "training", "engine", "experiment"),
    *("units", "length", "layers", "seeds", "max_seeds", "budget", "match", "name", "results"),
    *("workers", "time_limit", "plan", "yes", "report", "report.margin", "report.metric"),
    *("report.claims", "training.batch_size", "training.learning_rate", "training.sequences"),
    *(
        "problem.name",
        "problem.test_size",
        "problem.threshold",
        "problem.path",
        "digest",
        "_target_",
    ),
    *("unit", "hydra.mode", "hydra/launcher", "hydra", "", "a.b", "@", "problem@x", "defaults"),
]
VALUES = [
    *(
        "",
        "null",
        "0",
        "-1",
        "1",
        "1e3",
        "010",
        "no",
        "nan",
        "inf",
        "auto",
        "sum",
        "file",
        "digits",
    ),
    *(
        "[1,2]",
        "{a:1}",
        "1,2",
        "range(3)",
        "choice(1,2)",
        "${units}",
        "${nothing}",
        "${oc.env:HOME}",
    ),
    *("'", "[", "(", "${", "\\", "../x", "a b", "'a b'", "\x1b[2J", "é", "99999999999999999999999"),
    *("mine.parity", "os.system", "mine.Gate", "1" * 5000, "[" * 200, "${units:${units}}"),
]
overrides = st.lists(
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["", "", "", "+", "++", "~"]),
        st.sampled_from(KEYS),
        st.sampled_from(["=", "=", "=", "=", "", "=="]),
        st.sampled_from(VALUES) | st.text("abc019.,=-+~${}[]()'\"\\ :#\n\t\x1b", max_size=8),
    )
    | st.text(max_size=12),
    min_size=1,
    max_size=2,
)


@pytest.fixture
def composing() -> Iterator[None]:
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        yield


@few
@given(overrides)
def test_any_command_line_is_planned_or_refused_in_one_line(
    composing: None, given: list[str]
) -> None:
    plan = asked(lambda: hydra.compose("config", overrides=given), given)
    assert plan is None or plan.entries
