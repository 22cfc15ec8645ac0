"""The house style: scales that keep values apart, words as they are given."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes

from ablation.report.figures import drawing
from ablation.report.figures.drawing import ShownAxes, new_figure

pytestmark = pytest.mark.filterwarnings("error")


def empty_axes() -> Axes:
    return new_figure()[1]


def test_jupyter_shows_axes_as_a_picture() -> None:
    axes = new_figure()[1]
    assert isinstance(axes, ShownAxes)
    assert axes._repr_png_().startswith(b"\x89PNG")


def place(axes: Axes, *values: float) -> list[float]:
    """Where on the width of the axes, 0 to 1, the values are drawn."""
    points = axes.transScale.transform([(value, 0) for value in values])
    return [float(x) for x in axes.transLimits.transform(points)[:, 0]]


def ticks(axes: Axes) -> list[str]:
    return [text.get_text() for text in axes.get_xticklabels()]


def test_errors_far_apart_are_drawn_as_logarithms_and_the_note_says_so() -> None:
    axes = empty_axes()
    said = drawing.scale(axes, "x", np.array([0.9, 0.99, 0.999, 1.0]), "accuracy")
    assert said == "\naxis: logarithm of the errors"
    low, middle, high, one = place(axes, 0.9, 0.99, 0.999, 1)
    assert 0 < low < middle < high < one < 1
    assert high - middle > 0.5 * (middle - low)
    assert {"0.9", "0.99", "1"} <= set(ticks(axes))


@pytest.mark.parametrize(
    ("values", "metric"),
    [((0.90, 0.91, 0.92), "accuracy"), ((1.0, 2.0, 100.0), "loss"), ((-0.1, 0.0, 5.0), "")],
    ids=["linear", "logarithm of the values", "no metric"],
)
def test_any_other_scale_speaks_for_itself(values: tuple[float, ...], metric: str) -> None:
    axes = empty_axes()
    assert drawing.scale(axes, "x", np.array(values), metric) == ""
    shown = place(axes, *values)
    assert shown == sorted(shown)
    assert shown[0] > 0
    assert shown[-1] < 1


def test_a_minus_is_a_minus_and_zero_has_none() -> None:
    axes = empty_axes()
    drawing.scale(axes, "x", np.array([-0.01, 0.01]))
    labels = ticks(axes)
    assert "0.000" in labels
    assert any(label.startswith("\N{MINUS SIGN}") for label in labels)
    assert not any(label.startswith("-") for label in labels)


def test_one_value_has_a_scale_too() -> None:
    axes = empty_axes()
    drawing.scale(axes, "x", np.array([0.5]), "accuracy")
    assert 0 < place(axes, 0.5)[0] < 1
    assert ticks(axes)


def test_a_second_line_of_the_note_lifts_the_title() -> None:
    heights = []
    for note in ("", "one", "one\ntwo"):
        axes = empty_axes()
        drawing.dress(axes, "title", note, "x")
        axes.figure.draw_without_rendering()  # type: ignore[union-attr]
        title = axes._left_title.get_window_extent()  # type: ignore[attr-defined]
        heights.append(title.y0 - axes.bbox.y1)
    assert heights == sorted(set(heights))


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.5, "0.5000"), (12345.6, "12,346"), (1234.0, "1,234"), (np.nan, "no value")],
)
def test_values_in_words(value: float, said: str) -> None:
    assert drawing.say(value) == said


def test_a_key_that_is_not_known_is_its_own_label() -> None:
    assert drawing.axis_label("seconds") == "training time (s)"
    assert drawing.word("seconds") == "training time"
    assert drawing.axis_label("depth") == drawing.word("depth") == "depth"
