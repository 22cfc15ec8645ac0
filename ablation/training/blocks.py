"""A recurrent layer's loop over the steps, in blocks of steps, and its gradient.

Sequences that are padded are divided into short blocks. The loop runs only the blocks that some
sequence of the batch reaches, so its work follows the steps that exist, while the compiled program
is the same for every batch. From one block to the next only the state is kept: the gradient
computes a block a second time, which takes less time than to write the values of all steps to
memory and to read them back. Sequences without padding are a single block, unless they are long.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

Tensor = Any
Tensors = tuple[Tensor, ...]

BLOCK = 8  # steps at most; 16 and 32 are slower for sequences of 2 to 183 steps
LONG = 500  # steps from which on sequences without padding are divided too


class Equations:
    """A cell's equations.

    Tensors are (batch, ...) in `forward_step` and `backward_step`, and (steps, batch, ...) in
    `local_gradients`. A state is the tuple of tensors passed from step to step, the output first.
    """

    units: int
    state_tensors: int  # number of tensors in a state

    def forward_step(self, x: Tensor, h: Tensor, *state: Tensor) -> tuple[Tensors, Tensors]:
        """One step: the next state, and the values that `local_gradients` needs.

        x: the inputs times the kernel, with the bias added. h: the previous output times the
        recurrent kernel, with the recurrent bias added if there is one. Both are (batch, gates).
        """
        raise NotImplementedError

    def local_gradients(self, saved: Tensors, previous: Tensors, current: Tensors) -> Tensors:
        """The factors that `backward_step` multiplies by, computed for all steps at once.

        saved: the second result of `forward_step`. previous, current: the states before and after
        each step.
        """
        raise NotImplementedError

    def backward_step(self, d_state: Tensors, local: Tensors) -> tuple[Tensors, Tensors]:
        """One step back: the gradients of h and x, and those of the previous state.

        The first tuple has a single tensor if both gradients are the same. The second leaves out
        the path through h: it is one matrix product, the same for all cells, which the loop adds.
        """
        raise NotImplementedError


def outputs_of(
    layer: Equations, inputs: Tensor, present: Tensor, kernel: Tensor, *recurrent: Tensor
) -> Tensor:
    """The layer's outputs: (steps, batch, features) -> (steps, batch, units).

    present: (steps, batch, 1) bool, False where a step is masked and the state is carried over;
    None if no step is masked. recurrent: the recurrent kernel, and its bias if there is one.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(inputs: Tensor, *weights: Tensor) -> tuple[Tensor, Any]:
        blocks = _Blocks(layer, inputs, present, *weights)
        outputs, kept = blocks.forward()
        return outputs, lambda d_outputs: blocks.backward(kept, d_outputs)

    return run(inputs, kernel, *recurrent)


class _Blocks:
    """The steps of a batch, divided into blocks, with the layer that reads them.

    first, end: the first step that any sequence has, and the one after the last.
    inputs, present: (blocks, steps of a block, batch, ...).
    """

    def __init__(
        self,
        layer: Equations,
        inputs: Tensor,
        present: Tensor,
        kernel: Tensor,
        recurrent: Tensor,
        *biases: Tensor,
    ) -> None:
        self.layer, self.kernel, self.recurrent, self.biases = layer, kernel, recurrent, biases
        self.steps = steps = inputs.shape[0]
        whole = present is None and steps < LONG
        self.number = 1 if whole else -(-steps // BLOCK)
        self.size = -(-steps // self.number)
        self.first, self.end = _bounds(present, steps)
        self.inputs = self._divided(inputs)
        self.present = None if present is None else self._divided(present)
        zeros = tf.zeros((tf.shape(inputs)[1], layer.units), inputs.dtype)
        self.start = (zeros,) * layer.state_tensors
        gates = tf.tensordot(inputs[0], kernel, 1)
        first_step = layer.forward_step(gates, gates, *self.start)
        self.widths = [tensor.shape[-1] for tensors in first_step for tensor in tensors]

    def forward(self) -> tuple[Tensor, Tensors]:
        """The outputs of all steps, and what `backward` needs.

        That is all values of the steps if there is one block, else the states before each block.
        """
        if self.number == 1:
            last, kept = self._forward(0, self.start, keep=True)
            outputs = kept[0]
        else:
            befores = self._arrays(self.number, self.widths[: len(self.start)])
            found = self._arrays(self.number, self.widths[:1], self.size)

            def next_block(b: Tensor, state: Tensors, befores: Tensors, found: Tensors) -> Any:
                befores = _write(befores, b, state)
                state, outputs = self._forward(b, state, keep=False)
                return b + 1, state, befores, _write(found, b, outputs)

            _, last, befores, found = _while(
                lambda b: b * self.size < self.end,
                next_block,
                (self.first // self.size, self.start, befores, found),
                self.number,
            )
            kept, outputs = _stacked(befores), self._joined(_stacked(found)[0])
        if self.present is not None:
            outputs = tf.where(self._after_the_end(), last[0], outputs)
        return outputs, kept

    def backward(self, kept: Tensors, d_outputs: Tensor) -> Tensors:
        """The gradients of inputs and weights, from those of the outputs."""
        d_state = self.start
        if self.present is not None:  # the outputs after the end are all the last one
            d_last = tf.reduce_sum(tf.where(self._after_the_end(), d_outputs, 0.0), 0)
            d_state = (d_last, *d_state[1:])
        d_outputs = self._divided(d_outputs)
        if self.number == 1:
            _, d_inputs, d_weights = self._backward(0, self.start, kept, d_outputs[0], d_state)
            return (d_inputs, *d_weights)
        arrays = self._arrays(self.number, [self.inputs.shape[-1]], self.size)
        zeros = tuple(map(tf.zeros_like, (self.kernel, self.recurrent, *self.biases)))

        def previous_block(b: Tensor, d_state: Tensors, arrays: Tensors, sums: Tensors) -> Any:
            before = tuple(states[b] for states in kept)
            _, values = self._forward(b, before, keep=True)
            d_state, d_inputs, d_weights = self._backward(b, before, values, d_outputs[b], d_state)
            sums = tuple(map(tf.add, sums, d_weights))
            return b - 1, d_state, _write(arrays, b, (d_inputs,)), sums

        last = (self.end + self.size - 1) // self.size - 1
        *_, arrays, sums = _while(
            lambda b: b >= self.first // self.size,
            previous_block,
            (last, d_state, arrays, zeros),
            self.number,
        )
        return (self._joined(_stacked(arrays)[0]), *sums)

    def _forward(self, b: Tensor, state: Tensors, keep: bool) -> tuple[Tensors, Tensors]:
        """The state after a block, and the states and further values of all its steps.

        keep: whether all of them are needed, or only the first ones, the outputs.
        """
        x = tf.tensordot(self.inputs[b], self.kernel, 1)
        present = None if self.present is None else self.present[b]

        def step(k: Tensor, state: Tensors, arrays: Tensors) -> Any:
            h = sum(self.biases, state[0] @ self.recurrent)
            current, saved = self.layer.forward_step(x[k], h, *state)
            current = _where(present, k, current, state)
            return k + 1, current, _write(arrays, k, (*current, *saved)[: len(arrays)])

        widths = self.widths if keep else self.widths[:1]
        arrays = self._arrays(self.size, widths)
        count = self._steps_in(b)
        _, state, arrays = _while(lambda k: k < count, step, (0, state, arrays), self.size)
        return state, _stacked(arrays)

    def _backward(
        self, b: Tensor, before: Tensors, values: Tensors, d_outputs: Tensor, d_state: Tensors
    ) -> tuple[Tensors, Tensor, Tensors]:
        """The gradients of the state before a block, of its inputs, and of the weights."""
        current, saved = values[: len(before)], values[len(before) :]
        previous = tuple(
            tf.concat([state[None], states[:-1]], 0)
            for state, states in zip(before, current, strict=True)
        )
        local = self.layer.local_gradients(saved, previous, current)
        transposed = tf.transpose(self.recurrent)  # once, not in each step
        present = None if self.present is None else self.present[b]

        def step(k: Tensor, d_state: Tensors, arrays: Tensors) -> Any:
            d_state = (d_state[0] + d_outputs[k], *d_state[1:])
            parts = tuple(part[k] for part in local)
            d_gates, d_previous = self.layer.backward_step(d_state, parts)
            d_previous = (d_previous[0] + d_gates[0] @ transposed, *d_previous[1:])
            d_gates = _where(present, k, d_gates, tuple(map(tf.zeros_like, d_gates)))
            d_previous = _where(present, k, d_previous, d_state)
            return k - 1, d_previous, _write(arrays, k, d_gates)

        arrays = self._arrays(self.size, [self.kernel.shape[-1]] * (1 + len(self.biases)))
        # k itself goes down. An index that is computed from `end` would be a constant for XLA, and
        # it would compile the program again for each batch.
        start = (self._steps_in(b) - 1, d_state, arrays)
        _, d_state, arrays = _while(lambda k: k >= 0, step, start, self.size)
        stacked = _stacked(arrays)
        d_h, d_x = stacked[0], stacked[-1]  # one array if both are the same
        d_inputs = tf.tensordot(d_x, tf.transpose(self.kernel), 1)
        d_kernel = _product(self.inputs[b], d_x)
        d_recurrent = _product(previous[0], d_h)
        d_biases = (tf.reduce_sum(d_h, (0, 1)) for _ in self.biases)
        return d_state, d_inputs, (d_kernel, d_recurrent, *d_biases)

    def _steps_in(self, b: Tensor) -> Tensor:
        """How many steps of a block are run."""
        return tf.minimum(self.size, self.end - b * self.size)

    def _arrays(self, count: int, widths: Sequence[int], *before: int) -> Tensors:
        """For each width an array of so many tensors (*before, batch, width)."""
        dtype, batch = self.inputs.dtype, self.inputs.shape[2]
        return tuple(
            tf.TensorArray(dtype, count, element_shape=(*before, batch, width)) for width in widths
        )

    def _after_the_end(self) -> Tensor:
        return (tf.range(self.steps) >= self.end)[:, None, None]

    def _divided(self, values: Tensor) -> Tensor:
        """(steps, batch, width) in blocks; what is missing in the last one is 0."""
        missing = self.number * self.size - self.steps
        values = tf.pad(values, [[0, missing], [0, 0], [0, 0]]) if missing else values
        return tf.reshape(values, (self.number, self.size, -1, values.shape[-1]))

    def _joined(self, values: Tensor) -> Tensor:
        """The opposite of `_divided`."""
        return tf.reshape(values, (self.number * self.size, -1, values.shape[-1]))[: self.steps]


def _bounds(present: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    if present is None:
        return 0, steps
    some, numbers = tf.reduce_any(present, (1, 2)), tf.range(steps)
    first = tf.reduce_min(tf.where(some, numbers, steps))
    return first, tf.reduce_max(tf.where(some, numbers + 1, 0))


def _while(
    goes_on: Callable[[Tensor], Tensor], body: Callable[..., Any], start: Any, most: int
) -> Any:
    return tf.while_loop(lambda k, *_: goes_on(k), body, start, maximum_iterations=most)


def _stacked(arrays: Tensors) -> Tensors:
    return tuple(array.stack() for array in arrays)


def _write(arrays: Tensors, k: Tensor, values: Tensors) -> Tensors:
    return tuple(array.write(k, value) for array, value in zip(arrays, values, strict=True))


def _where(present: Tensor, k: Tensor, unmasked: Tensors, masked: Tensors) -> Tensors:
    """Each sequence's values at step k: `unmasked` where the step is present, else `masked`."""
    if present is None:
        return unmasked
    return tuple(tf.where(present[k], *pair) for pair in zip(unmasked, masked, strict=True))


def _product(left: Tensor, right: Tensor) -> Tensor:
    """Over all steps and sequences: (steps, batch, n), (steps, batch, m) -> (n, m)."""
    rows = (tf.reshape(values, (-1, values.shape[-1])) for values in (left, right))
    return tf.matmul(*rows, transpose_a=True)
