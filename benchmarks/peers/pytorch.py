"""PyTorch's nn.LSTM, trained with the loop of its tutorials."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from benchmarks.peers import Size, Turn, batches


def eager(size: Size) -> Turn:
    """Without compiling."""
    return _turn(size, lambda function: function)


def compiled(size: Size) -> Turn:
    """With torch.compile, which compiles the network except the LSTM itself."""
    return _turn(size, torch.compile)


def _turn(size: Size, compile: Callable[[Any], Any]) -> Turn:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    x, y = (torch.from_numpy(part) for part in batches(size))
    lstm = nn.LSTM(1, size.units, batch_first=True, bidirectional=True)
    head = nn.Linear(2 * size.units, 1)
    parameters = [*lstm.parameters(), *head.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=0.001, fused=True)  # the fastest variant
    loss_of = nn.BCEWithLogitsLoss()

    @compile
    def loss(x: Any, y: Any) -> Any:
        return loss_of(head(lstm(x)[0]), y)

    def turn() -> float:
        for one_x, one_y in zip(x, y, strict=True):
            optimizer.zero_grad()
            value = loss(one_x, one_y)
            value.backward()
            optimizer.step()
        return float(value)

    return turn
