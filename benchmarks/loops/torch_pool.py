"""PyTorch with a pool of single-threaded processes: python torch_pool.py SEQUENCES TRIALS."""

from __future__ import annotations

import multiprocessing
import os
import sys
from typing import Any

import torch
from torch import nn

MERGES = ("sum", "mul", "concat", "ave")


def data(n: int) -> tuple[Any, Any]:
    x = torch.rand(n, 10, 1)
    return x, (x.cumsum(1) >= 10 / 4).float()


def train(task: tuple[int, str, int]) -> float:
    seed, merge_mode, sequences = task
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    lstm = nn.LSTM(1, 50, batch_first=True, bidirectional=True)
    head = nn.Linear(100 if merge_mode == "concat" else 50, 1)
    optimizer = torch.optim.Adam([*lstm.parameters(), *head.parameters()], lr=0.001, fused=True)
    loss_of = nn.BCEWithLogitsLoss()

    def scores(x: Any) -> Any:
        both = lstm(x)[0]
        forward, backward = both.chunk(2, dim=-1)
        if merge_mode == "concat":
            return head(both)
        if merge_mode == "mul":
            return head(forward * backward)
        return head((forward + backward) / (2 if merge_mode == "ave" else 1))

    x, y = data(sequences)
    for one_x, one_y in zip(x.split(10), y.split(10), strict=True):
        optimizer.zero_grad()
        loss_of(scores(one_x), one_y).backward()
        optimizer.step()
    x, y = data(10_000)
    with torch.no_grad():
        return float(((scores(x) > 0) == (y > 0)).float().mean())


if __name__ == "__main__":
    sequences, trials = map(int, sys.argv[1:])
    tasks = [(k // len(MERGES), MERGES[k % len(MERGES)], sequences) for k in range(trials)]
    # PyTorch's documentation recommends the start method "spawn".
    context = multiprocessing.get_context("spawn")
    with context.Pool(len(os.sched_getaffinity(0))) as pool:
        for task, accuracy in zip(tasks, pool.imap(train, tasks), strict=True):
            print(*task, accuracy)
