"""Any results folder and any command line: the program works, or refuses in one line."""

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


def paths_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in nested dictionaries and lists, beginning with the value's own."""
    yield path
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, part in inner:
        yield from paths_in(part, (*path, key))


@st.composite
def mutated(draw: st.DrawFn, value: Any) -> Any:
    """The value with one or two of its parts replaced or removed, or with parts added."""
    value = copy.deepcopy(value)
    for _ in range(draw(st.integers(1, 2))):
        path = draw(st.sampled_from(list(paths_in(value))))
        if not path:
            continue
        parent = value
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
    return value


def changed_bytes(text: bytes) -> st.SearchStrategy[bytes]:
    """The text truncated, or with one byte changed."""
    position = st.integers(0, len(text) - 1)
    replaced = st.builds(
        lambda k, byte: text[:k] + bytes([byte]) + text[k + 1 :], position, st.integers(0, 255)
    )
    return replaced | position.map(lambda k: text[:k])


@contextlib.contextmanager
def request_errors() -> Iterator[list[str]]:
    """Catch a RequestError, whose message must be one line; yields the list of messages."""
    messages: list[str] = []
    try:
        yield messages
    except RequestError as error:
        messages.append(str(error))
    assert all(message == one_line(message) != "" for message in messages)


def read(store: Store, content: bytes) -> TrialResult | None:
    """Read the content as a result file; if it is not valid, it must be kept unchanged."""
    path = store.path(TRIAL.id)
    path.write_bytes(content)
    result = None
    with warnings.catch_warnings(record=True) as caught, request_errors() as messages:
        warnings.simplefilter("always")
        result = store.read(TRIAL.id)
    if result is not None:
        assert result.trial == TRIAL
        assert TrialResult.model_validate(result.model_dump()) == result
    elif messages:
        assert path.read_bytes() == content
    else:
        assert one_line(str(caught[0].message)) == str(caught[0].message)
        (renamed,) = store.trials.glob("*.damaged-*")
        assert renamed.read_bytes() == content
        renamed.unlink()
        assert not path.exists()
    return result


RESULT = make_result(TRIAL, probes={"without_forward": 0.5}).model_dump()
ENVELOPE = {"schema": SCHEMA, "sha256": checksum(RESULT), "result": RESULT}


@few
@given(st.binary(max_size=200) | values.map(lambda value: json.dumps(value).encode()))
def test_an_arbitrary_file_is_not_a_result(store: Store, content: bytes) -> None:
    assert read(store, content) is None


@few
@given(changed_bytes(json.dumps(ENVELOPE).encode()))
def test_a_result_with_a_changed_byte_is_recognised(store: Store, content: bytes) -> None:
    result = read(store, content)
    assert result is None or result == TrialResult.model_validate(RESULT)


@few
@given(mutated(ENVELOPE) | mutated(RESULT).map(lambda body: {**ENVELOPE, "result": body}))
def test_a_forged_result_is_valid_or_refused(store: Store, envelope: Any) -> None:
    """With a correct checksum, so that only the schema can recognise the forgery."""
    if isinstance(envelope, dict) and "result" in envelope:
        with contextlib.suppress(ValueError, TypeError):  # NaN has no checksum
            envelope["sha256"] = checksum(envelope["result"])
    read(store, json.dumps(envelope).encode())


class Sweep(NamedTuple):
    """A sweep's folder, and the content of the files that the program reads."""

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
    """Arbitrary bytes, the text with a byte changed, or valid JSON with values changed."""
    forged = mutated(json.loads(text)).map(lambda value: json.dumps(value).encode())
    return st.binary(max_size=100) | changed_bytes(text) | forged | forged


@few
@given(data=st.data())
def test_a_damaged_plan_is_valid_or_refused_in_one_line(sweep: Sweep, data: st.DataObject) -> None:
    (sweep.folder / "plan.json").write_bytes(data.draw(damaged(sweep.plan)))
    with request_errors():
        plan = load_plan(sweep.folder)
        assert Plan.model_validate(plan.model_dump()) == plan
        assert all(entry.id == entry.trial.id for entry in plan.entries)
        assert plan.labels


@few
@given(data=st.data())
def test_a_damaged_report_is_shown_or_rebuilt(sweep: Sweep, data: st.DataObject) -> None:
    (sweep.folder / "report.json").write_bytes(data.draw(damaged(sweep.report)))
    report = current_report(sweep.folder)
    if report is not None:
        assert report.digest == digest_of(sweep.folder)
        show_report(report, sweep.folder)


@few
@given(data=st.data())
def test_a_damaged_attempt_is_read_or_skipped(sweep: Sweep, data: st.DataObject) -> None:
    store = Store(sweep.folder.parent)
    (store.attempts / TRIAL.id / "1.json").write_bytes(data.draw(damaged(sweep.attempt)))
    attempt = store.last_attempt(TRIAL.id)
    assert attempt is None or isinstance(attempt, Attempt)


def plan_of(config: Callable[[], DictConfig], overrides: Sequence[str] = ()) -> Plan | None:
    """The plan of a configuration, or None if it is refused with exit code 2 and one line."""
    stderr, code, plan = io.StringIO(), None, None
    with contextlib.redirect_stderr(stderr):
        try:
            with exit_codes():
                plan = make_plan([parse(config(), overrides)], "", None, (None, None))
        except SystemExit as error:
            code = error.code
    assert code == (None if plan else 2)
    assert stderr.getvalue() == ("" if plan else f"{one_line(stderr.getvalue())}\n")
    assert plan or re.match("ablation: .", stderr.getvalue())
    return plan


@few
@given(mutated({key: COMPOSED[key] for key in COMPOSED if key != "hydra"}))
def test_any_configuration_is_planned_or_refused_in_one_line(content: Any) -> None:
    try:
        config = OmegaConf.create(content)
    except Exception:  # not possible in a YAML file
        return
    plan = plan_of(lambda: config)
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
    composing: None, words: list[str]
) -> None:
    plan = plan_of(lambda: hydra.compose("config", overrides=words), words)
    assert plan is None or plan.entries
