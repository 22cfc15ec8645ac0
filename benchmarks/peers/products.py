"""The floor: an update's matrix products and activations, forward and backward, and no more.

Of each direction: inputs times kernel for all steps at once, and for each step state times
recurrent kernel, a tanh of the four gates, a tanh of the memory; backward, for each step the gates'
gradient times the recurrent kernel's transpose, then one product of all steps for the gradient of
each kernel. Of the head: its product, its activation, and the two products of its gradient. Left
out: additions, the product rules of the cell, the loss, the optimizer. Each is one call with its
output's place given; what Python costs a call is in the figure, which is the floor's upper bound.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.peers import Size, Turn


def numpy(size: Size) -> Turn:
    """By NumPy's library of matrix products, which is OpenBLAS from PyPI."""
    return _turn(size, np, lambda array: array)


def torch(size: Size) -> Turn:
    """By PyTorch's, which is MKL on Intel and AMD."""
    import torch

    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    return _turn(size, torch, torch.from_numpy)


def _turn(size: Size, library: Any, array: Callable[[Any], Any]) -> Turn:
    rng = np.random.default_rng(0)
    rows, gates = size.batch * size.length, 4 * size.units

    def new(*shape: int) -> Any:
        return array(rng.normal(0, 0.1, shape).astype(np.float32))

    calls: list[tuple[Callable[..., Any], tuple[Any, ...], Any]] = []

    def product(left: Any, right: Any) -> None:
        calls.append((library.matmul, (left, right), new(left.shape[0], right.shape[1])))

    def activation(values: Any) -> None:
        calls.append((library.tanh, (values,), new(*values.shape)))

    for _ in range(2):  # directions
        recurrent, state, gradient = new(size.units, gates), new(size.batch, size.units), None
        product(new(rows, 1), new(1, gates))
        for _ in range(size.length):
            product(state, recurrent)
            activation(new(size.batch, gates))
            activation(new(size.batch, size.units))
        gradient = new(size.batch, gates)
        for _ in range(size.length):
            product(gradient, recurrent.T)
        product(new(rows, size.units).T, new(rows, gates))
        product(new(rows, 1).T, new(rows, gates))
    outputs, head, error = new(rows, 2 * size.units), new(2 * size.units, 1), new(rows, 1)
    product(outputs, head)
    activation(error)
    product(error, head.T)
    product(outputs.T, error)

    def turn() -> float:
        for _ in range(size.updates):
            for function, inputs, output in calls:
                function(*inputs, out=output)
        return float("nan")

    return turn
