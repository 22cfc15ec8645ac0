from __future__ import annotations

from fractions import Fraction
from math import comb, factorial

import numpy as np
import pytest

from ablation.problems.ceilings import irwin_hall


def textbook(n: int, x: Fraction) -> float:
    """The alternating sum, in exact rationals."""
    terms = ((-1) ** k * comb(n, k) * (x - k) ** n for k in range(int(x) + 1))
    return float(sum(terms, Fraction(0)) / factorial(n))


@pytest.mark.parametrize("n", [1, 2, 3, 7, 20, 50, 100, 200])
def test_cdf_is_precise_where_the_textbook_formula_is_not(n: int) -> None:
    for share in (
        Fraction(1, 8),
        Fraction(1, 4),
        Fraction(37, 100),
        Fraction(1, 2),
        Fraction(3, 4),
    ):
        x = share * n
        assert irwin_hall.cdf(n, float(x)) == pytest.approx(textbook(n, x), rel=1e-12)


def test_the_cdf_of_an_empty_sum_is_a_step() -> None:
    assert [irwin_hall.cdf(0, x) for x in (-0.1, 0.0, 0.1)] == [0.0, 1.0, 1.0]


@pytest.mark.parametrize("n", [1, 4, 31, 200])
def test_is_symmetric_and_bounded(n: int) -> None:
    assert irwin_hall.cdf(n, n / 2) == pytest.approx(0.5, abs=1e-13)
    assert irwin_hall.cdf(n, n / 3) == pytest.approx(1 - irwin_hall.cdf(n, n * 2 / 3), abs=1e-13)
    assert irwin_hall.cdf(n, -0.5) == 0.0
    assert irwin_hall.cdf(n, n) == irwin_hall.cdf(n, n + 1.5) == 1.0


def test_density_integrates_to_the_distribution() -> None:
    root, weight = np.polynomial.legendre.leggauss(32)
    f = irwin_hall.densities((root + 1) / 2, 40)
    mass = np.einsum("p,npj->nj", weight / 2, f).cumsum(axis=1)
    at_integers = irwin_hall.distributions(np.array([0.0]), 40)[:, 0, :]
    np.testing.assert_allclose(mass[1:, :-1], at_integers[1:, 1:], atol=1e-13)
