"""The floor: only the matrix products and activations of an update, forward and backward.

Forward, for each direction: the inputs times the kernel, for all steps at once. Then, for each
step, the state times the recurrent kernel, a tanh of the four gates, and a tanh of the memory.
Backward, for each step: the gradient of the gates times the transposed recurrent kernel. Then one
product over all steps for the gradient of each kernel. For the head: its product, its activation,
and the two products of its gradient.

Additions, the elementwise gradients of the cell, the loss and the optimizer are left out. Each
operation is one call that writes to an existing array. The time includes Python's overhead per
call, so it is an upper bound of the floor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.peers import Size, Turn


def numpy(size: Size) -> Turn:
    """With NumPy, whose wheels use OpenBLAS."""
    return _turn(size, np, lambda array: array)


def torch(size: Size) -> Turn:
    """With PyTorch, which uses MKL on Intel and AMD."""
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
