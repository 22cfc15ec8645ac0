"""A hand-written LSTM in JAX; a whole turn of updates is one compiled scan."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from benchmarks.peers import Size, Turn, batches

RATE, FIRST, SECOND, EPSILON = 0.001, 0.9, 0.999, 1e-7  # Adam, with Keras's defaults


def scan(size: Size) -> Turn:
    """The network, its gradient and Adam in one program."""
    x, y = (jnp.asarray(part) for part in batches(size))
    start = _weights(size)
    zeros = jax.tree.map(jnp.zeros_like, start)
    state = [(start, zeros, zeros, jnp.zeros(()))]

    train = jax.jit(lambda state, x, y: lax.scan(_update, state, (x, y)))

    def turn() -> float:
        state[0], losses = train(state[0], x, y)
        return float(losses.mean())

    return turn


def _weights(size: Size) -> dict[str, Any]:
    rng = np.random.default_rng(0)

    def uniform(*shape: int) -> Any:
        bound = np.sqrt(6 / sum(shape))
        return jnp.asarray(rng.uniform(-bound, bound, shape), jnp.float32)

    def direction() -> dict[str, Any]:
        kernel, recurrent = uniform(1, 4 * size.units), uniform(size.units, 4 * size.units)
        return {"kernel": kernel, "recurrent": recurrent, "bias": jnp.zeros(4 * size.units)}

    head, bias = uniform(2 * size.units, 1), jnp.zeros(1)
    return {"forward": direction(), "backward": direction(), "head": head, "bias": bias}


def _lstm(weights: dict[str, Any], inputs: Any, backward: bool) -> Any:
    """The outputs (steps, batch, units) for inputs (steps, batch, 1)."""

    def step(carried: Any, inputs: Any) -> Any:
        hidden, memory = carried
        gates = jnp.split(inputs + hidden @ weights["recurrent"], 4, axis=-1)
        input_gate, forget_gate, output_gate = (jax.nn.sigmoid(gate) for gate in gates[:3])
        memory = forget_gate * memory + input_gate * jnp.tanh(gates[3])
        hidden = output_gate * jnp.tanh(memory)
        return (hidden, memory), hidden

    zeros = jnp.zeros((inputs.shape[1], weights["recurrent"].shape[0]))
    gates = inputs @ weights["kernel"] + weights["bias"]
    return lax.scan(step, (zeros, zeros), gates, reverse=backward)[1]


def _loss(weights: dict[str, Any], x: Any, y: Any) -> Any:
    x, y = x.swapaxes(0, 1), y.swapaxes(0, 1)
    halves = [_lstm(weights["forward"], x, False), _lstm(weights["backward"], x, True)]
    scores = jnp.concatenate(halves, axis=-1) @ weights["head"] + weights["bias"]
    return jnp.mean(jax.nn.softplus(scores) - y * scores)


def _update(state: Any, batch: Any) -> Any:
    weights, first, second, count = state
    loss, gradient = jax.value_and_grad(_loss)(weights, *batch)
    count = count + 1
    first = jax.tree.map(lambda m, g: FIRST * m + (1 - FIRST) * g, first, gradient)
    second = jax.tree.map(lambda v, g: SECOND * v + (1 - SECOND) * g * g, second, gradient)
    rate = RATE * jnp.sqrt(1 - SECOND**count) / (1 - FIRST**count)
    weights = jax.tree.map(
        lambda w, m, v: w - rate * m / (jnp.sqrt(v) + EPSILON), weights, first, second
    )
    return (weights, first, second, count), loss
