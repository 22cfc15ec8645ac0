"""The Irwin-Hall distribution: the sum of n independent uniforms on [0, 1].

The textbook formula is an alternating sum, which has lost all precision by about n = 20. But the
density is also a B-spline, and the recurrence for B-splines (de Boor 1972) adds only positive
terms:

    f[n](x) = (x f[n-1](x) + (n - x) f[n-1](x - 1)) / (n - 1)

so it is precise for any n. The distribution function is a sum of positive terms too, because
f[n+1](x) = F[n](x) - F[n](x - 1).
"""

from __future__ import annotations

import numpy as np

from ablation.data import Array


def densities(fractions: Array, most: int) -> Array:
    """Densities of the sums of n = 0 .. most uniforms at the points fraction + j, j = 0 .. most.

    fractions: (points,) in [0, 1). Returns (most + 1, points, most + 1), indexed [n, point, j].
    n = 0 has no density, since all its mass is at 0; its entries are zero.
    """
    x = np.asarray(fractions, np.float64)[:, None] + np.arange(most + 1)
    f = np.zeros((most + 1, *x.shape))
    if most >= 1:
        f[1, :, 0] = 1.0
    for n in range(2, most + 1):
        f[n] = x * f[n - 1] / (n - 1)
        f[n, :, 1:] += (n - x[:, 1:]) * f[n - 1, :, :-1] / (n - 1)
    return f


def distributions(fractions: Array, most: int) -> Array:
    """Distribution functions of the sums, for the same n and points as `densities`.

    For n = 0 it is the step function that is 1 from 0 on.
    """
    f = densities(fractions, most + 1)
    return np.asarray(np.minimum(np.cumsum(f[1:, :, : most + 1], axis=2), 1.0))


def cdf(n: int, x: float) -> float:
    """Probability that n uniforms sum to at most x, with a relative error of about n * 1e-16."""
    if x < 0:
        return 0.0
    if x >= n:
        return 1.0
    integer = int(x)
    return float(distributions(np.array([x - integer]), n)[n, 0, integer])
