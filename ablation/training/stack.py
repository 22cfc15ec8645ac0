"""The built-in model, the lesson's network: recurrent layers in a stack, then the head."""

from __future__ import annotations

from typing import Any

from keras import layers

from ablation.data import PADDING, Sequences
from ablation.spec import Trial
from ablation.training.directions import Maker
from ablation.training.embedding import embedding, with_vectors


def build(trial: Trial, data: Sequences, x: Any, head: layers.Dense) -> Any:
    """The probabilities that the stack gives for these inputs; symbols are embedded first."""
    recurrent, hidden = Maker(trial), x
    if data.symbols:
        hidden = embedding(trial, data, data.symbols, "embedding", mask_zero=True)(x)
    elif data.present is not None:
        hidden = layers.Masking(PADDING, name="masking")(x)
    if data.levels:
        hidden = with_vectors(trial, data, hidden)
    for depth in range(trial.arm.layers):
        below_another = depth < trial.arm.layers - 1
        hidden = recurrent(return_sequences=data.per_step or below_another)(hidden)
    return head(hidden)
