from __future__ import annotations

from ablation.errors import Interrupted, RequestError, SweepFailed, printable, suggest


def test_the_closest_choice_is_suggested_if_one_is_similar() -> None:
    assert suggest("summ", ["sum", "mul"]) == "choose one of sum, mul; did you mean sum?"
    assert suggest("xyz", ["sum", "mul"]) == "choose one of sum, mul"


def test_characters_that_control_a_terminal_are_escaped() -> None:
    assert printable("Größe ≥ 3 – naïve\n✓ 中文") == "Größe ≥ 3 – naïve\n✓ 中文"
    assert printable("a\tb") == "a       b"
    hostile = "\x1b[2J\x9b1m \u202egnp.exe\r\x07\u2028\ud800"
    assert printable(hostile) == r"\x1b[2J\x9b1m \u202egnp.exe\r\x07\u2028\ud800"


def test_a_request_error_is_one_line_whatever_it_quotes() -> None:
    assert str(RequestError("units=1\n\x1b]0;x\x07: no\n")) == r"units=1; \x1b]0;x\x07: no"


def test_a_notebook_shows_the_line_and_no_traceback() -> None:
    for error in (RequestError("units=0: no"), SweepFailed("1 of 2"), Interrupted("it is kept")):
        assert error._render_traceback_() == [f"{type(error).__name__}: {error}"]
