"""How often verdicts are wrong, and how often they find what is there.

Simulates sweeps whose truth is known and counts false claims, by the tests of this program and by
others. The tables are in docs/statistics.md. One core, a few minutes; --quick: half a minute.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ablation.analysis import failures, populations, sequential, student
from benchmarks.divided import resplit
from benchmarks.record import options, record
from benchmarks.simulated import KINDS, SPREAD, STEPS, Floats, Rng, sweeps

ALPHA, MARGIN, DIFFERENCE = 0.05, 0.005, 0.005
EXACT = 10  # seeds up to which all flips of the signs are counted
METHODS = ("sign flips", "t", "blocks", "ours")
ARMS, SEEDS = (2, 4, 6, 15), (3, 5, 8, 10, 20, 30)


def pairs_of(arms: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The first and the second arm of all pairs."""
    first, second = np.triu_indices(arms, 1)
    return first, second


def holm(p: Floats) -> Floats:
    """Holm's corrected p of each row, (sweeps, pairs)."""
    order = np.argsort(p, axis=1)
    factors = p.shape[1] - np.arange(p.shape[1])
    corrected = np.maximum.accumulate(np.take_along_axis(p, order, axis=1) * factors, axis=1)
    back: Floats = np.empty_like(p)
    np.put_along_axis(back, order, corrected, axis=1)
    return back


def sign_flips(differences: Floats) -> Floats:
    """p of all 2^n flips of the signs, (sweeps, pairs) from (sweeps, n, pairs)."""
    flips = list(itertools.product([1.0, -1.0], repeat=differences.shape[1] - 1))
    signs = np.c_[np.ones(len(flips)), flips]
    observed = np.abs(differences.sum(axis=1))
    p: Floats = np.empty(observed.shape)
    for row in range(len(differences)):
        sums = np.abs(signs @ differences[row])
        p[row] = (sums >= observed[row] - 1e-12).mean(axis=0)
    return p


@cache
def tukey(arms: int, df: int) -> float:
    """The critical value of the studentised range."""
    return float(stats.studentized_range.isf(ALPHA, arms, df))


def ours(values: Floats, step: float, margin: float, further: float = ALPHA) -> dict[str, Floats]:
    """The program's own tests of all pairs, each (sweeps, pairs); further: of a next look."""
    count, seeds, arms = values.shape
    first, second = pairs_of(arms)
    differences = values[..., first] - values[..., second]
    floor = student.rounding_variance(step)
    priors = np.array([student.prior_of(sweep.T, floor) for sweep in values])
    variance, df = (np.repeat(column, len(first)) for column in priors.T)
    prior = student.Prior(variance, df)
    flat = np.ones(count * len(first))
    pairs = student.Pairs(
        flat * seeds,
        differences.mean(axis=1).ravel(),
        differences.var(axis=1, ddof=1).ravel(),
        flat * floor,
        flat * np.nan,
        flat * np.nan,
    )
    found = student.t_tests(pairs, prior, flat * margin, ALPHA / len(first), further / len(first))
    return {name: column.reshape(count, len(first)) for name, column in found.items()}


def decided(values: Floats, step: float) -> dict[str, NDArray[np.bool_]]:
    """Which pairs each method calls different, (sweeps, pairs)."""
    _, seeds, arms = values.shape
    first, second = pairs_of(arms)
    differences = values[..., first] - values[..., second]
    found = {"ours": holm(ours(values, step, MARGIN)["p"]) <= ALPHA}
    t = np.abs(differences.mean(axis=1)) / np.sqrt(
        np.maximum(differences.var(axis=1, ddof=1), 1e-30) / seeds
    )
    found["t"] = holm(2 * stats.t.sf(t, seeds - 1)) <= ALPHA
    residual = values - values.mean(axis=1, keepdims=True) - values.mean(axis=2, keepdims=True)
    residual += values.mean(axis=(1, 2), keepdims=True)
    df = (arms - 1) * (seeds - 1)
    error = np.sqrt(np.maximum((residual**2).sum(axis=(1, 2)) / df, 1e-30) / seeds)
    found["blocks"] = np.abs(differences.mean(axis=1)) / error[:, None] >= tukey(arms, df)
    if seeds <= EXACT:
        found["sign flips"] = holm(sign_flips(differences)) <= ALPHA
    return found


def errors(rng: Rng, count: int) -> Iterator[dict[str, Any]]:
    """Family error, power, errors of equivalence and coverage of each kind, arms and seeds.

    The error is the larger one of two truths: all arms equal, and two groups of equal arms far
    apart. For the power, the groups are 0.005 apart; for equivalence, they are a margin apart.
    """
    for arms, seeds, kind in itertools.product(ARMS, SEEDS, KINDS):
        step, half = STEPS.get(kind, 0.0), np.arange(arms) >= arms // 2
        first, second = pairs_of(arms)
        across = half[first] != half[second]

        def draw(shift: float, half: Any = half, kind: str = kind, seeds: int = seeds) -> Floats:
            return sweeps(rng, kind, 0.9 + shift * half, seeds, count)

        equal, apart = draw(0.0), draw(0.9 if arms > 2 else 0.0)
        null, found = decided(equal, step), decided(draw(DIFFERENCE), step)
        grouped = decided(apart, step) if arms > 2 else null
        truly = ~across if arms > 2 else np.ones(1, bool)
        row: dict[str, Any] = {"values": kind, "arms": arms, "seeds": seeds}
        for method in METHODS:
            if method in null:
                wrong = [null[method].any(axis=1), grouped[method][:, truly].any(axis=1)]
                row[f"error, {method}"] = round(max(map(np.mean, wrong)), 3)
                row[f"power, {method}"] = round(found[method][:, across].mean(), 2)
        limit = ours(draw(MARGIN), step, MARGIN)
        same = holm(limit["p_equivalence"]) <= ALPHA
        row["false equivalence"] = round(same[:, across].any(axis=1).mean(), 3)
        row["found equivalent"] = round(
            (holm(ours(equal, step, MARGIN)["p_equivalence"]) <= ALPHA).mean(), 2
        )
        inside = (limit["low"] <= -MARGIN) & (limit["high"] >= -MARGIN)
        row["coverage, difference"] = round(inside[:, across].mean(), 3)
        mean = equal.mean(axis=1)
        error = equal.std(axis=1, ddof=1) / np.sqrt(seeds) * stats.t.isf(ALPHA / 2, seeds - 1)
        truth = 0.9 - (3 * SPREAD / np.sqrt(2) if kind == "two humps" else 0)
        row["coverage, arm"] = round((np.abs(mean - truth) <= error).mean(), 3)
        yield row


def rounds(rng: Rng, count: int) -> Iterator[dict[str, Any]]:
    """Family error of seeds=auto, where no arm differs: a claim at any of its looks."""
    schedule = sequential.Schedule()
    looks = sequential.Looks(schedule.looks, schedule.most, rounds=True)
    kinds = ("normal", "skewed", "heavy-tailed", "half 5 times", "1 to 10 times")
    for arms, kind in itertools.product((2, 4, 6), kinds):
        values = sweeps(rng, kind, np.full(arms, 0.9), schedule.most, count)
        wrong = np.zeros(count, bool)
        for seeds, level in zip(looks.seeds, looks.alphas(ALPHA), strict=True):
            p = ours(values[:, :seeds], 0.0, MARGIN)["p"]
            wrong |= (holm(p) <= level).any(axis=1)
        yield {"values": kind, "arms": arms, "error": round(wrong.mean(), 3)}


def by_hand(rng: Rng, count: int) -> Iterator[dict[str, Any]]:
    """Errors and power where a person trains the seeds that the report asks for and looks again.

    Ten seeds at first; then as many more as the undecided pair that needs fewest asks for, at most
    five times and 200 seeds. Decisions are final. "Before": each look at 5 %. The errors are those
    of any look; the power of a difference of 0.003 is given for the first look and for all.
    """
    first, near, far = 10, 0.0005, 0.003
    for arms, kind in itertools.product((2, 4), KINDS):
        half = np.arange(arms) >= arms // 2
        one, other = pairs_of(arms)
        across = half[one] != half[other]
        equal = sweeps(rng, kind, np.full(arms, 0.9), MOST_BY_HAND, count)
        apart = sweeps(rng, kind, 0.9 + far * half.astype(float), MOST_BY_HAND, count)
        row: dict[str, Any] = {"values": kind, "arms": arms}
        for name, looks in (("before", None), ("now", sequential.Looks((first,), first))):
            null = _followed(equal, kind, near, first, looks)
            found = _followed(apart, kind, near, first, looks)
            same = _followed(apart, kind, far, first, looks)
            row[f"error, {name}"] = round((null.verdicts == DIFFERENT).any(axis=1).mean(), 3)
            wrong = (same.verdicts == EQUIVALENT)[:, across].any(axis=1)
            row[f"false equivalence, {name}"] = round(wrong.mean(), 3)
            row[f"first power, {name}"] = round((found.first == DIFFERENT)[:, across].mean(), 2)
            row[f"power, {name}"] = round((found.verdicts == DIFFERENT)[:, across].mean(), 2)
            row[f"seeds, {name}"] = round(found.seeds.mean())
        yield row


MOST_BY_HAND, LOOKS_BY_HAND = 200, 6
UNDECIDED, DIFFERENT, EQUIVALENT = 0, 1, 2


class Followed(NamedTuple):
    """Verdicts of the first look and of all, (sweeps, pairs), and the seeds of the last look."""

    first: NDArray[np.int64]
    verdicts: NDArray[np.int64]
    seeds: NDArray[np.int64]


def _followed(
    values: Floats, kind: str, margin: float, first: int, looks: sequential.Looks | None
) -> Followed:
    """What comes of following the advice, each sweep by itself; looks: None: each at 5 %."""
    count, _, arms = values.shape
    seeds, spent = np.full(count, first), np.zeros(count)
    verdicts = np.zeros((count, len(pairs_of(arms)[0])), np.int64)
    going, start = np.ones(count, bool), verdicts
    for look in range(LOOKS_BY_HAND):
        for n in np.unique(seeds[going]):
            rows = np.flatnonzero(going & (seeds == n))
            level, further = np.full(len(rows), ALPHA), ALPHA
            if looks:
                level = looks.spent(n, ALPHA) - spent[rows]
                further = looks.spent(2 * n, ALPHA) - looks.spent(n, ALPHA)
                spent[rows] = looks.spent(n, ALPHA)
            tests = ours(values[rows, :n], STEPS.get(kind, 0.0), margin, further)
            same = holm(tests["p_equivalence"]) <= level[:, None]
            now = np.where(same, EQUIVALENT, holm(tests["p"]) <= level[:, None])
            verdicts[rows] = np.where(verdicts[rows] == UNDECIDED, now, verdicts[rows])
            asked = np.where(verdicts[rows] == UNDECIDED, tests["more_seeds"], np.nan)
            more = np.nan_to_num(asked, nan=np.inf).min(axis=1)
            going[rows] = n + more <= MOST_BY_HAND
            seeds[rows] += np.where(going[rows], more, 0).astype(int)
        if look == 0:
            start = verdicts.copy()
    return Followed(start, verdicts, seeds)


def unseen(rng: Rng, count: int) -> Iterator[dict[str, Any]]:
    """A stable arm, and one that fails in a share of its seeds: how often they are equivalent.

    The arms are alike in the seeds that train, but for failures their means are beyond the margin
    of 0.002 apart. Sign flips are this program's method of before: they withheld nothing.
    """
    margin = 0.002
    for (share, depth), seeds in itertools.product(((0.05, 0.1), (0.1, 0.1), (0.05, 0.3)), SEEDS):
        values = sweeps(rng, "normal", np.array([0.9, 0.9]), seeds, count)
        values = 0.9 + (values - 0.9) / 3  # alike within the margin
        failed = rng.random((count, seeds)) < share
        values[..., 1] -= depth * failed
        same = holm(ours(values, 0.0, margin)["p_equivalence"])[:, 0] <= ALPHA
        seen = np.array(
            [
                failures.failed_seeds(sweep[:, 1], 1, margin, np.nan).any() if seeds > 2 else False
                for sweep in values
            ]
        )
        said = same & ~seen & (seeds >= 5)
        yield {
            "fails": f"{share:.0%} by {depth:g}",
            "seeds": seeds,
            "called equivalent before": round(same.mean(), 2),
            "now": round(said.mean(), 2),
            "now, although a seed had failed": round((said & failed.any(axis=1)).mean(), 3),
            "not excluded": f"{failures.unseen_share(seeds):.0%} fail",
        }


class Scores(NamedTuple):
    """The hits of a trial, as a result stores them."""

    sums: Floats
    labels: NDArray[np.int64]
    groups: None = None
    score: str = "hits"


def sequences(rng: Rng, count: int) -> Iterator[dict[str, Any]]:
    """Two arms equal in the population that are right on different test sequences.

    An arm is right if a normal number is positive: standard deviation 1.5 of the sequence, 1 of the
    arm on this sequence, 1 of the seed on it; mean accuracy 0.9. The power is that for an arm that
    is 0.02 better.
    """
    for size, seeds in itertools.product((50, 100, 1000, 10_000), (3, 5, 10, 20)):
        labels = np.ones(size, np.int64)
        wrong, found = np.zeros(2), np.zeros(2)
        sweeps = max(count // 4, 1)
        for shift, _ in itertools.product((0.0, 0.254), range(sweeps)):
            latent = 2.64 + rng.normal(0, 1.5, size) + rng.normal(size=(2, 1, size))
            latent = latent + rng.normal(size=(2, seeds, size))
            latent[0] += shift
            right = (latent > 0).astype(float)
            arms = [[populations.TestScores(Scores(row, labels)) for row in arm] for arm in right]
            part = populations.sequence_part(arms[0], arms[1], "accuracy")
            difference = right[0].mean(axis=1) - right[1].mean(axis=1)
            numbers = [seeds, difference.mean(), difference.var(ddof=1), 1 / size**2 / 6]
            for place, added in enumerate(((math.nan, math.nan), part)):
                pair = student.Pairs(*(np.array([value]) for value in (*numbers, *added)))
                p = student.t_tests(pair, student.Prior(), np.array([MARGIN]), ALPHA)["p"][0]
                (found if shift else wrong)[place] += p <= ALPHA
        yield {
            "test sequences": size,
            "seeds": seeds,
            "error, seeds": round(wrong[0] / sweeps, 3),
            "error, both": round(wrong[1] / sweeps, 3),
            "power, seeds": round(found[0] / sweeps, 2),
            "power, both": round(found[1] / sweeps, 2),
        }


TABLES = {
    "errors": errors,
    "rounds": rounds,
    "by_hand": by_hand,
    "unseen": unseen,
    "sequences": sequences,
    "resplit": resplit,
}


def main() -> None:
    """Simulate, print the tables and save them."""
    parser = options(__doc__)
    parser.add_argument("tables", nargs="*", choices=[*TABLES, []], help="all if none is named")
    parser.add_argument("--sweeps", type=int, default=2000, help="simulated in each cell")
    parser.add_argument("--quick", action="store_true", help="a tenth of the sweeps")
    arguments = parser.parse_args()
    count = arguments.sweeps // 10 if arguments.quick else arguments.sweeps
    folder: Path = arguments.results
    for name in arguments.tables or TABLES:
        error = np.sqrt(ALPHA * (1 - ALPHA) / count)
        notes = [
            f"{count} sweeps a cell: an error rate of 0.05 has a standard error of {error:.4f}."
        ]
        record(
            f"verdicts-{name}", list(TABLES[name](np.random.default_rng(0), count)), notes, folder
        )


if __name__ == "__main__":
    main()
