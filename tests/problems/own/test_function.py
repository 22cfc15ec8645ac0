"""Problems of the user's own: found, asked, and looked at before anything is trained on them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ablation import problems
from ablation.data import Ceiling, Sequences
from ablation.errors import RequestError
from ablation.spec import Problem

SOURCE = """
import numpy as np
from ablation.data import Ceiling, Sequences

def parity(rng, sequences, length, *, ones=0.5, split="train"):
    x = (rng.random((sequences, length, 1)) < ones).astype(np.float32)
    return Sequences(x, x[..., 0].cumsum(1).astype(np.int32) % 2)

def parity_ceilings(length, *, ones=0.5):
    return {"forward": Ceiling(np.ones(length), np.zeros(length)),
            "majority": Ceiling(np.full(length, max(ones, 1 - ones)), np.ones(length))}

def parity_longest(*, ones=0.5):
    return 7

def parity_available(length, *, ones=0.5):
    return 30

def parity_files(*, ones=0.5):
    return [__file__]

def bare(rng, sequences, length):
    return parity(rng, sequences, length)

def broken(rng, sequences, length):
    return 1 / 0

def wrong_ceilings(length):
    return {"forward": 1.0}

wrong = bare
_hidden = 5
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make the text the module mine."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(text: str) -> None:
        sys.modules.pop("mine", None)
        (tmp_path / "mine.py").write_text(text)

    return write


@pytest.fixture
def parity(write: Callable[[str], None]) -> Problem:
    write(SOURCE)
    return Problem(name="mine.parity", test_size=20)


def own(name: str, **parameters: Any) -> Problem:
    return Problem.model_validate({"name": f"mine.{name}", "test_size": 20, **parameters})


def test_an_own_problem_is_one_as_any_other(parity: Problem) -> None:
    data = problems.load(parity, 5, 40, seed=3)
    assert data.train.x.shape == (40, 5, 1)
    assert data.test.y.shape == (20, 5)
    again = problems.load(parity, 5, 40, seed=3)
    np.testing.assert_array_equal(data.train.x, again.train.x)
    other = problems.load(parity, 5, 40, seed=4)
    assert (data.train.x != other.train.x).any()
    np.testing.assert_array_equal(data.test.x, other.test.x)
    assert problems.load(own("parity", ones=1.0), 5, 40, 0).train.x.min() == 1


def test_its_hooks_have_its_name_in_front(parity: Problem) -> None:
    assert problems.longest(parity) == 7
    assert problems.available(parity, 5) == 30
    assert [path.name for path in problems.files(parity)] == ["mine.py"]
    assert problems.ceilings_of(own("parity", ones=0.7), 5)["majority"].accuracy[0] == 0.7
    bare = own("bare")
    assert problems.available(bare, 5) is None
    assert problems.files(bare) == []
    assert problems.ceilings_of(bare, 5) == {}
    with pytest.raises(RequestError, match=r"length: problem=mine\.bare needs a number of steps"):
        problems.longest(bare)


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (own("party"), r"problem=mine\.party: mine has no function party; .*did you mean parity\?"),
        (own("_hidden"), r"problem=mine\._hidden: mine has no function _hidden; choose one of "),
        (
            own("parity", one=1),
            r"problem\.one: mine\.parity has no such key; .* did you mean ones\?",
        ),
        (own("parity", ones="many"), r"problem\.ones=many: a finite number is needed"),
        (own("parity", split="test"), r"problem\.split: mine\.parity has no such key"),
        (own("broken"), r"problem=mine\.broken: ZeroDivisionError: .* \(line 26 of mine\)"),
        (Problem(name="nowhere.parity"), r"problem=nowhere\.parity: no module nowhere on the Pyth"),
        (Problem(name="mine.x.parity"), r"problem=mine\.x\.parity: no module mine\.x on the Pyth"),
    ],
)
def test_what_is_wrong_is_one_line(parity: Problem, problem: Problem, said: str) -> None:
    with pytest.raises(RequestError, match=said) as caught:
        problems.check(problem, 4)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def parity(:", r"SyntaxError: "),
        ("import nothing_of_that_name", r"ModuleNotFoundError: No module named 'nothing_of_that"),
        ("x = 1\ny = z", r"NameError: name 'z' is not defined \(line 2 of mine\)"),
        ("raise SystemExit", r"SystemExit"),
        ("parity = 5", r"mine has no function parity; it defines none"),
    ],
)
def test_a_module_that_cannot_be_imported_is_one_line(
    write: Callable[[str], None], text: str, said: str
) -> None:
    write(text)
    with pytest.raises(RequestError, match=rf"^problem=mine\.parity: {said}") as caught:
        problems.check(own("parity"), 4)
    assert len(str(caught.value).splitlines()) == 1


X = np.zeros((2, 4, 1), np.float32)
Y = np.zeros((2, 4), np.int32)
SYMBOLS = np.ones((2, 4), np.int32)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((X, Y), "it gave tuple, not ablation.data.Sequences"),
        (Sequences([[0.0]], Y), "x is no NumPy array"),  # type: ignore[arg-type]
        (Sequences(X[:1], Y[:1]), r"x has shape \(1, 4, 1\), asked for were 2 train ones"),
        (Sequences(X[..., 0], Y), r"x has shape \(2, 4\), needed is \(n, 4, features\)"),
        (Sequences(X[:, :3], Y), r"x has shape \(2, 3, 1\), needed is \(n, 4, features\)"),
        (Sequences(X.astype(float), Y), "x is float64, float32 is needed"),
        (Sequences(X + np.float32(np.nan), Y), "x has values that are not finite"),
        (Sequences(X, Y[:, :2]), r"y has shape \(2, 2\), needed is \(2, 4\) or \(2,\)"),
        (Sequences(X, Y.astype(float)), "y is float64, int32 is needed"),
        (Sequences(X, Y + 2), "y goes from 2 to 2, with classes=2"),
        (Sequences(X, Y - 1), "y goes from -1 to -1, with classes=2"),
        (Sequences(X, Y, classes=1), "classes=1, at least 2 are needed"),
        (Sequences(X, Y, scored=Y), r"scored must be bool of shape \(2, 4\)"),
        (Sequences(X, Y, scored=Y > 0), "no label counts"),
        (Sequences(X, Y, present=np.ones(2, bool)), r"present must be bool of shape \(2, 4\)"),
        (Sequences(X, Y, symbols=3), r"x has shape \(2, 4, 1\), needed is \(n, 4\) of symbols"),
        (Sequences(SYMBOLS.astype(np.int64), Y, symbols=3), "x is int64, symbols are int32"),
        (Sequences(SYMBOLS * 3, Y, symbols=3), "x goes from 3 to 3, with symbols=3"),
    ],
)
def test_what_no_model_can_be_trained_on_is_refused(
    parity: Problem, monkeypatch: pytest.MonkeyPatch, answer: Any, said: str
) -> None:
    problems.check(parity, 4)
    monkeypatch.setattr(sys.modules["mine"], "parity", lambda rng, sequences, length: answer)
    with pytest.raises(RequestError, match=rf"^problem=mine\.parity: {said}"):
        problems.check(parity, 4)


@pytest.mark.parametrize(
    "answer",
    [
        Sequences(X, Y),
        Sequences(X, Y[:, 0]),
        Sequences(SYMBOLS, Y, symbols=2),
        Sequences(X, Y + 2, classes=3, scored=Y == 0, present=Y == 0),
    ],
)
def test_what_a_model_can_be_trained_on_is_taken(
    parity: Problem, monkeypatch: pytest.MonkeyPatch, answer: Sequences
) -> None:
    problems.check(parity, 4)
    monkeypatch.setattr(sys.modules["mine"], "parity", lambda rng, sequences, length: answer)
    problems.check(parity, 4)


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (5, "gave int, not a dict of Ceiling by view"),
        ({"forward": 1.0}, r"gave no ablation\.data\.Ceiling for forward"),
        ({"forward": Ceiling(np.ones(3), np.ones(4))}, r"forward: accuracy has shape \(3,\)"),
        ({"forward": Ceiling(np.ones(4), np.ones(4) * np.nan)}, "forward: loss has no finite"),
        ({"forward": Ceiling(np.ones(4), np.ones(4), error=np.inf)}, "forward: error=inf"),
    ],
)
def test_ceilings_are_looked_at_too(
    parity: Problem, monkeypatch: pytest.MonkeyPatch, known: Any, said: str
) -> None:
    assert problems.ceilings_of(parity, 4)
    monkeypatch.setattr(sys.modules["mine"], "parity_ceilings", lambda length: known)
    with pytest.raises(RequestError, match=rf"^problem=mine\.parity: mine\.parity_ceilings {said}"):
        problems.ceilings_of(parity, 4)
