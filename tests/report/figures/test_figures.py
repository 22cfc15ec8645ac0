"""Figures: what is drawn is what the frame holds, for awkward frames too."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from ablation.report.figures.accuracy import accuracy_by_arm
from ablation.report.figures.arms import MANY, PALE, colours
from ablation.report.figures.cost import cost_by_arm
from ablation.report.figures.drawing import new_figure, save
from ablation.report.figures.forest import forest, pair_name
from ablation.report.figures.grid import heat_map
from ablation.report.figures.learning import learning_curves
from ablation.report.figures.steps import metric_by_step
from ablation.report.figures.variance import variance_shares

pytestmark = pytest.mark.filterwarnings("error")

ARMS = ("forward", "go_backwards", "bidirectional concat")
Draw = Callable[[Axes], Axes]


def make_trials(
    arms: tuple[str, ...] = ARMS, seeds: int = 5, means: tuple[float, ...] = (0.994, 0.905, 0.991)
) -> pd.DataFrame:
    rows = [
        {
            "arm": arm,
            "seed": seed,
            "status": "done",
            "accuracy": means[i % len(means)] + 0.0003 * ((seed * 7 + i) % 5 - 2),
            "exact": 0.9,
            "loss": 0.02,
            "seconds": 1.0 + i + 0.01 * seed,
            "parameters": 10_451 * (1 + i % 2),
            "units": 10 * (1 + i % 2),
            "length": 10 + 10 * (seed % 2),
            "ceiling": 1.0 if i % 3 != 1 else 0.906,
            "majority": 0.8892,
        }
        for i, arm in enumerate(arms)
        for seed in range(seeds)
    ]
    return pd.DataFrame(rows)


def make_summary(trials: pd.DataFrame) -> pd.DataFrame:
    groups = trials.groupby("arm", sort=False)["accuracy"]
    mean = groups.mean()
    bounds = {"n": groups.count(), "mean": mean, "low": mean - 0.0004, "high": mean + 0.0004}
    return pd.DataFrame(bounds).reset_index()


def make_curves(trials: pd.DataFrame) -> pd.DataFrame:
    points = trials[["arm", "seed", "accuracy"]].merge(
        pd.DataFrame({"updates": np.arange(100, 1001, 100)}), how="cross"
    )
    points["accuracy"] -= 0.4 * np.exp(-points["updates"] / 200)
    return points.assign(loss=1.1 - points["accuracy"])


def make_positions(trials: pd.DataFrame) -> pd.DataFrame:
    points = trials[["arm", "seed", "accuracy", "ceiling"]]
    points = points.merge(pd.DataFrame({"step": np.arange(1, 11)}), how="cross")
    points["accuracy"] += 0.0003 * points["step"]
    return points


def make_contrasts(arms: tuple[str, ...] = ARMS) -> pd.DataFrame:
    rows = [
        (arms[0], other, 0.003 * i - 0.003, 0.003 * i - 0.004, 0.003 * i - 0.002, verdict, 0.01)
        for i, (other, verdict) in enumerate(
            zip(arms * 2, ("better", "worse", "equivalent", "undecided"), strict=False)
        )
    ]
    columns = ["arm", "other", "difference", "low", "high", "verdict", "p_holm"]
    return pd.DataFrame(rows, columns=columns)


def all_figures(trials: pd.DataFrame, arms: tuple[str, ...] = ARMS) -> dict[str, Draw]:
    terms = pd.DataFrame({"term": ["direction", "$units_", "rest"], "share": [0.9, 0.0, 0.1]})
    return {
        "arm": lambda axes: accuracy_by_arm(trials, make_summary(trials), axes),
        "exact": lambda axes: accuracy_by_arm(trials, pd.DataFrame(), axes, "exact"),
        "curves": lambda axes: learning_curves(make_curves(trials), axes),
        "loss": lambda axes: learning_curves(make_curves(trials), axes, "loss"),
        "steps": lambda axes: metric_by_step(make_positions(trials), axes),
        "heat": lambda axes: heat_map(trials, "units", "length", axes),
        "parameters": lambda axes: cost_by_arm(trials, axes),
        "seconds": lambda axes: cost_by_arm(trials, axes, "seconds"),
        "forest": lambda axes: forest(make_contrasts(arms), axes),
        "variance": lambda axes: variance_shares(terms, axes),
    }


def drawn(draw: Draw) -> tuple[Figure, Axes]:
    """Draw into a new figure and lay it out, as saving would."""
    figure, axes = new_figure(7, 4)
    assert draw(axes) is axes
    figure.draw_without_rendering()
    return figure, axes


def words(figure: Figure) -> str:
    texts = figure.findobj(lambda artist: isinstance(artist, Text))
    return "\n".join(artist.get_text() for artist in texts if isinstance(artist, Text))


def clouds(axes: Axes) -> list[PathCollection]:
    return [c for c in axes.collections if isinstance(c, PathCollection)]


def test_each_trial_is_one_point_at_its_value() -> None:
    trials = make_trials()
    _, axes = drawn(all_figures(trials)["arm"])
    points = np.concatenate([np.asarray(c.get_offsets()) for c in clouds(axes)])
    assert len(points) == len(trials)
    np.testing.assert_allclose(points[:, 0], trials["accuracy"])
    low, high = axes.get_xlim()
    assert low < points[:, 0].min()
    assert points[:, 0].max() < high


def test_a_seed_has_the_same_offset_in_each_arm() -> None:
    _, axes = drawn(all_figures(make_trials())["arm"])
    first, *others = (np.asarray(c.get_offsets())[:, 1] for c in clouds(axes))
    for row, other in enumerate(others, start=1):
        np.testing.assert_allclose(other - row, first)
    assert len(set(first)) == 5
    assert np.abs(first).max() < 0.5


@pytest.mark.parametrize(
    ("name", "title"),
    {
        "arm": "Accuracy by arm",
        "exact": "Sequences exactly right by arm",
        "curves": "Accuracy during training",
        "steps": "Accuracy by time step",
        "heat": "Mean accuracy by units and length",
        "seconds": "Accuracy against training time",
        "forest": "Difference in accuracy between arms",
        "variance": "What the variance in accuracy comes from",
    }.items(),
)
def test_the_title_says_what_is_shown(name: str, title: str) -> None:
    assert drawn(all_figures(make_trials())[name])[1].get_title(loc="left") == title


def test_an_arm_keeps_its_colour_in_every_figure() -> None:
    trials = make_trials()
    figures = all_figures(trials)
    expected = colours(trials["arm"])
    assert list(expected) == list(ARMS)
    assert len(set(expected.values())) == 3
    cloud_colours = [
        to_hex(np.asarray(c.get_facecolor())[0][:3]) for c in clouds(drawn(figures["arm"])[1])
    ]
    assert cloud_colours == [c.lower() for c in expected.values()]
    for name in ("curves", "steps"):
        last = {
            to_hex(str(line.get_color())): np.asarray(line.get_ydata(), float)[-1]
            for line in drawn(figures[name])[1].lines
            if line.get_marker() not in ("None", "")
        }
        order = sorted(last, key=lambda colour: last[colour])
        assert order == [expected[a].lower() for a in (ARMS[1], ARMS[2], ARMS[0])], name


def test_arms_given_in_full_hold_the_colours_of_a_partial_frame() -> None:
    trials = make_trials()
    part = trials[trials["arm"] == ARMS[2]]
    _, axes = drawn(lambda a: accuracy_by_arm(part, pd.DataFrame(), a, arms=ARMS))
    colour = to_hex(np.asarray(clouds(axes)[0].get_facecolor())[0][:3])
    assert colour == colours(ARMS)[ARMS[2]].lower()


def test_the_drawn_front_leaves_out_the_beaten_arm() -> None:
    trials = make_trials(means=(0.95, 0.99, 0.97))
    trials["parameters"] = trials["arm"].map(dict(zip(ARMS, (100, 200, 300), strict=True)))
    _, axes = drawn(lambda a: cost_by_arm(trials, a))
    (front,) = (line for line in axes.lines if line.get_label() == "Pareto front")
    assert set(np.asarray(front.get_xdata(), float)) == {100, 200}


def test_saving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    saved = []
    for turn in ("one", "two"):
        figure, axes = new_figure()
        all_figures(make_trials())["arm"](axes)
        saved.append(save(figure, tmp_path / turn, "arm"))
    assert [path.name for path in saved[0]] == ["arm.png", "arm.svg"]
    for first, second in zip(*saved, strict=True):
        assert first.read_bytes() == second.read_bytes()
    assert b"<dc:date>" not in saved[0][1].read_bytes()


def test_a_far_majority_does_not_flatten_the_arms() -> None:
    trials = make_trials(means=(0.990, 0.992, 0.995)).assign(ceiling=np.nan)
    figure, axes = drawn(lambda a: accuracy_by_arm(trials, make_summary(trials), a))
    assert axes.get_xlim()[0] > 0.98
    assert "majority 0.889, outside the view" in words(figure)


def test_groups_far_apart_are_cut_and_keep_one_scale() -> None:
    trials = make_trials(seeds=10).assign(ceiling=np.nan, majority=np.nan)
    _, axes = drawn(all_figures(trials)["arm"])
    places = axes.transData.transform([(v, 0) for v in (0.9045, 0.9055, 0.9905, 0.9915)])[:, 0]
    assert places[1] - places[0] == pytest.approx(places[3] - places[2])
    assert places[1] - places[0] > 5 * axes.bbox.width * 0.001 / 0.09  # five times a plain axis
    assert (places >= axes.bbox.x0).all()
    assert (places <= axes.bbox.x1).all()


def test_a_perfect_arm_is_inside_a_logarithmic_view() -> None:
    positions = make_positions(make_trials(means=(1.0, 0.7, 0.99))).assign(ceiling=1.0)
    positions["accuracy"] = positions["accuracy"].clip(upper=1)
    _, axes = drawn(lambda a: metric_by_step(positions, a))
    assert axes.get_ylim()[0] < 0.7
    assert axes.get_ylim()[1] > 1
    shown = axes.transLimits.transform(axes.transScale.transform([(1, 0.99), (1, 0.999), (1, 1)]))
    assert shown[1, 1] - shown[0, 1] > 0.1
    assert 0.9 < shown[2, 1] < 1
    assert "1" in [label.get_text() for label in axes.get_yticklabels()]


@pytest.mark.parametrize("name", ["arm", "exact", "curves", "steps", "parameters", "seconds"])
def test_the_note_says_that_an_axis_is_one_of_errors(name: str) -> None:
    arms = tuple(f"arm {i}" for i in range(12))
    wide = make_trials(arms, means=tuple(1 - 10 ** -(1 + i / 8) for i in range(12)))
    wide["exact"] = wide["accuracy"]
    close = make_trials(means=(0.5, 0.51, 0.52)).assign(ceiling=np.nan, majority=np.nan)
    said = "\naxis: logarithm of the errors"
    assert said in words(drawn(all_figures(wide)[name])[0])
    assert said not in words(drawn(all_figures(close)[name])[0])


LABELS = ("_hidden", "cost $a_1$ and $", r"back\$slash", "über → 双方向", "x" * 60, " ")


@pytest.mark.parametrize("name", ["arm", "curves", "seconds", "forest"])
def test_labels_are_drawn_as_they_are(name: str, tmp_path: Path) -> None:
    figure, axes = new_figure()
    all_figures(make_trials(LABELS), LABELS)[name](axes)
    save(figure, tmp_path, name)
    text = words(figure)
    assert "_hidden" in text
    assert "cost $a_1$ and $" in text
    assert r"back\$slash" in text
    for artist in figure.findobj(Text):
        assert isinstance(artist, Text)
        assert "$" not in artist.get_text() or not artist.get_parse_math()
    assert axes.get_position().width > 0.25


@pytest.mark.parametrize("name", sorted({*all_figures(make_trials())} - {"exact", "parameters"}))
@pytest.mark.parametrize(
    "trials",
    [
        make_trials(("only",), 1),
        make_trials(("only",), 4),
        make_trials(seeds=1),
        make_trials(
            tuple(f"direction=bidirectional merge_mode=mul units={i}" for i in range(20)), 2
        ),
        make_trials(means=(0.5, 0.0, 1.0)),
        make_trials().drop(columns=["majority", "status"]).assign(ceiling=np.nan),
        make_trials().assign(loss=np.inf, status="diverged", accuracy=np.nan, seconds=np.nan),
    ],
    ids=["one", "one arm", "one seed", "twenty", "extreme", "unknown", "diverged"],
)
def test_awkward_frames_are_drawn(name: str, trials: pd.DataFrame) -> None:
    drawn(all_figures(trials)[name])


@pytest.mark.parametrize("name", sorted(all_figures(make_trials())))
@pytest.mark.parametrize("columns", [True, False], ids=["with columns", "bare"])
def test_an_empty_frame_says_so(name: str, columns: bool) -> None:
    none = make_trials().iloc[:0] if columns else pd.DataFrame()
    draws: dict[str, Draw] = {
        "arm": lambda a: accuracy_by_arm(none, pd.DataFrame(), a),
        "exact": lambda a: accuracy_by_arm(none, pd.DataFrame(), a, "exact"),
        "curves": lambda a: learning_curves(none, a),
        "loss": lambda a: learning_curves(none, a, "loss"),
        "steps": lambda a: metric_by_step(none, a),
        "heat": lambda a: heat_map(none, "units", "length", a),
        "parameters": lambda a: cost_by_arm(none, a),
        "seconds": lambda a: cost_by_arm(none, a, "seconds"),
        "forest": lambda a: forest(none, a),
        "variance": lambda a: variance_shares(none, a),
    }
    assert "no results yet" in words(drawn(draws[name])[0])


def test_lost_trials_are_counted_beside_their_arm() -> None:
    trials = make_trials()
    trials["accuracy"] = trials["accuracy"].mask(trials.index.isin([0, 1, 5]))
    trials["status"] = trials["status"].mask(trials.index.isin([0, 1]), "diverged")
    text = words(drawn(lambda a: accuracy_by_arm(trials, make_summary(trials), a))[0])
    assert "\n2 diverged" in text
    assert "\n1 without a value" in text


def test_names_at_the_right_do_not_overlap() -> None:
    trials = make_trials(tuple(f"arm {i}" for i in range(9)), means=(0.99, 0.9901, 0.9899))
    _, axes = drawn(lambda a: learning_curves(make_curves(trials), a))
    boxes = [t.get_window_extent() for t in axes.texts if t.get_text().startswith("arm ")]
    boxes.sort(key=lambda box: box.y0)
    assert len(boxes) == 9
    assert all(low.y1 <= high.y0 + 2 for low, high in pairwise(boxes))


def test_long_labels_stay_apart_when_shortened() -> None:
    stem = "direction=bidirectional merge_mode=concat units={} length=10 cell=lstm"
    trials = make_trials(tuple(stem.format(i) for i in range(MANY)), 2)
    text = words(drawn(lambda a: learning_curves(make_curves(trials), a))[0])
    assert all(f"units={i}" in text.splitlines() for i in range(MANY))


def test_of_many_curves_the_extremes_are_named_and_the_others_are_grey() -> None:
    names = tuple(f"arm={i}" for i in range(30))
    means = tuple(0.6 + i / 100 for i in range(30))
    trials = make_trials(names, means=means)
    for draw in (
        lambda a: learning_curves(make_curves(trials), a),
        lambda a: metric_by_step(make_positions(trials), a),
    ):
        figure, axes = drawn(draw)
        labels = {t.get_text() for t in axes.texts if t.get_text().startswith("arm=")}
        assert labels == {f"arm={i}" for i in (0, 1, 25, 26, 27, 28, 29)}
        grey = [line for line in axes.lines if line.get_color() == PALE]
        assert len(grey) == 23
        assert "the 5 best and the 2 worst; grey: the other 23" in words(figure)


def test_the_best_loss_is_the_lowest() -> None:
    trials = make_trials(tuple(f"arm={i}" for i in range(13)))
    table = make_curves(trials)
    table["loss"] = 0.1 + table["arm"].str.removeprefix("arm=").astype(int)
    _, axes = drawn(lambda a: learning_curves(table, a, "loss"))
    labels = {t.get_text() for t in axes.texts if t.get_text().startswith("arm=")}
    assert labels == {f"arm={i}" for i in (0, 1, 2, 3, 4, 11, 12)}


def test_of_many_points_those_on_the_front_are_named() -> None:
    names = tuple(f"arm={i}" for i in range(30))
    trials = make_trials(names, means=tuple(0.9 if i % 3 else 0.9 + i / 1000 for i in range(30)))
    trials["parameters"] = trials["arm"].str.removeprefix("arm=").astype(int) + 100
    figure, axes = drawn(lambda a: cost_by_arm(trials, a))
    labels = {t.get_text() for t in axes.texts if t.get_text().startswith("arm=")}
    front = {f"arm={i}" for i in range(0, 30, 3)}
    assert labels <= front | {"arm=1", "arm=2"}
    assert {f"arm={i}" for i in range(6, 30, 3)} <= labels
    assert "grey: the other" in words(figure)


def test_each_task_has_a_front_of_its_own() -> None:
    trials = make_trials(means=(0.95, 0.99, 0.97))
    trials["parameters"] = trials["arm"].map(dict(zip(ARMS, (100, 200, 300), strict=True)))
    trials["task"] = trials["arm"].map(dict(zip(ARMS, ("one", "one", "two"), strict=True)))
    _, axes = drawn(lambda a: cost_by_arm(trials, a))
    fronts = [line for line in axes.lines if line.get_label() == "Pareto front"]
    assert [sorted(set(np.asarray(f.get_xdata(), float).tolist())) for f in fronts] == [
        [100, 200],
        [300],
    ]


def test_a_common_arm_is_named_once() -> None:
    table = make_contrasts(tuple(f"units={i} sequences=50000 batch_size=10" for i in range(5)))
    table["other"] = "units=50 sequences=50000 batch_size=10"
    _, axes = drawn(lambda a: forest(table, a))
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert not any("units=50" in row for row in rows)
    assert axes.get_xlabel().endswith("against units=50 sequences=50000 batch_size=10")


def test_what_two_long_names_share_is_said_once() -> None:
    stem = "length=10 bidirectional concat sequences=50000 units="
    assert pair_name(f"{stem}5", f"{stem}50") == (
        "length=10 bidirectional concat sequences=50000: units=5 \N{MINUS SIGN} units=50"
    )
    assert pair_name("forward", "sum") == "forward \N{MINUS SIGN} sum"
    assert pair_name(stem, f"{stem} gru").count(stem.split()[0]) == 2


def test_each_cell_states_its_mean_and_a_missing_one_stays_blank() -> None:
    frame = pd.DataFrame(
        [(5, 10, 0.5), (5, 10, 0.7), (20, 10, 0.8), (5, 100, 0.9)],
        columns=["units", "length", "accuracy"],
    )
    text = words(drawn(lambda a: heat_map(frame, "units", "length", a))[0])
    assert all(part in text for part in ("0.6000", "0.8000", "0.9000", "no trial", "1 to 2"))


def test_verdicts_differ_in_colour_and_are_written() -> None:
    _, axes = drawn(all_figures(make_trials())["forest"])
    marks = [line for line in axes.lines if line.get_marker() not in ("None", "")]
    assert len({str(line.get_color()) for line in marks}) == 4
    beside = [t.get_text().split()[0] for t in axes.texts if "p =" in t.get_text()]
    assert beside == ["better", "worse", "equivalent", "undecided"]


def test_an_infinite_loss_is_left_out() -> None:
    table = make_curves(make_trials())
    table["loss"] = table["loss"].mask(table["seed"] == 0, np.inf)
    _, axes = drawn(lambda a: learning_curves(table, a, "loss"))
    assert all(np.isfinite(np.asarray(line.get_ydata(), float)).all() for line in axes.lines)
    assert axes.get_ylim()[1] < 2
