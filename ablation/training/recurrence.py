"""Keras's recurrent layers with their loop over time written for a compiler.

The layers are Keras's own: their weights, configuration, summary and results are the same, they
are saved as Keras's, and where the loop here does not cover an option, Keras's runs. Keras
multiplies the inputs and adds to the gradient of each kernel in every step, and lets gradients
through the loop be found by taping it. Here all inputs are multiplied before the loop and the
gradient of a kernel is one product after it, and of the way back all that does not depend on the
step behind is computed for all steps at once, so that a step of the loop is one product and a few
element-wise operations. Derivatives: Hochreiter & Schmidhuber 1997, Cho 2014, as Keras writes them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

Tensor = Any
Tensors = tuple[Tensor, ...]

KERAS = "keras.layers"  # the module of a saved layer: another process finds Keras's by its name
# What the loop covers of a layer's options; each kind of layer has some of them.
COVERED = {
    "activation": keras.activations.tanh,
    "recurrent_activation": keras.activations.sigmoid,
    "use_bias": True,
    "reset_after": True,
    "dropout": 0,
    "recurrent_dropout": 0,
    "stateful": False,
    "return_state": False,
    "unroll": False,
}


class Recurrence(layers.RNN):
    """Replaces the loop of a layer of Keras, whose cell it describes by three functions.

    Tensors are (batch, ...) in `step` and `back`, and (steps, batch, ...) in `slopes`. A state is
    what goes from step to step, the output first.
    """

    carried: int  # tensors of a state

    def step(self, x: Tensor, h: Tensor, *state: Tensor) -> tuple[Tensors, Tensors]:
        """The next state, and what `slopes` needs, from what the inputs and the output give."""
        raise NotImplementedError

    def slopes(self, kept: Tensors, before: Tensors, after: Tensors) -> Tensors:
        """All that `back` needs, from what each step kept and its state before and after it."""
        raise NotImplementedError

    def back(self, d_state: Tensors, slopes: Tensors) -> tuple[Tensors, Tensors]:
        """The gradients of what h and x give (one if they are the same), and of the state before.

        The latter without what goes through h, which is a product, and the same for all cells.
        """
        raise NotImplementedError

    def biases(self) -> list[Tensor]:
        """The bias of the inputs, and that of the output if there is one."""
        return [self.cell.bias]

    def call(
        self, sequences: Tensor, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        """As Keras calls it; the outputs of a layer that goes backwards are latest step first."""
        if not self._covered(sequences, initial_state, mask):
            return super().call(sequences, initial_state, mask=mask, training=training)
        inputs = tf.transpose(sequences, (1, 0, 2))
        present = None if mask is None else tf.transpose(mask)[..., None]
        if self.go_backwards:
            inputs = tf.reverse(inputs, [0])
            present = None if present is None else tf.reverse(present, [0])
        bias, *biases = (tf.convert_to_tensor(bias) for bias in self.biases())
        # With a column of ones the gradient of the bias is a row of that of the kernel.
        kernel = tf.concat([tf.convert_to_tensor(self.cell.kernel), bias[None]], 0)
        x = tf.tensordot(tf.concat([inputs, tf.ones_like(inputs[..., :1])], -1), kernel, 1)
        recurrent = tf.convert_to_tensor(self.cell.recurrent_kernel)
        outputs = _loop(self, present)(x, recurrent, *biases)
        if present is not None and self.zero_output_for_mask:
            outputs = tf.where(present, outputs, 0.0)
        return tf.transpose(outputs, (1, 0, 2)) if self.return_sequences else outputs[-1]

    def _covered(self, sequences: Tensor, initial_state: Any, mask: Any) -> bool:
        """Whether the loop here does what is asked; whatever it does not is left to Keras's."""
        return (
            initial_state is None
            and all(getattr(self, option, value) == value for option, value in COVERED.items())
            and getattr(self, "use_cudnn", False) is not True
            and sequences.dtype == self.compute_dtype == "float32"
            and bool(sequences.shape[1])  # steps are known
            and (mask is None or _of_steps(mask, sequences))
        )


def _of_steps(mask: Any, sequences: Tensor) -> bool:
    """Whether the mask is one tensor that says yes or no of each step."""
    return bool(
        tf.is_tensor(mask) and mask.dtype == "bool" and mask.shape[1:] == sequences.shape[1:2]
    )


def _loop(cell: Recurrence, present: Tensor) -> Callable[..., Tensor]:
    """The loop over the steps, with its gradient: (steps, batch, gates) -> (steps, batch, units).

    present: (steps, batch, 1), False where the state stays as it is; or None.
    """

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(x: Tensor, recurrent: Tensor, *biases: Tensor) -> tuple[Tensor, Any]:
        steps = x.shape[0]
        nothing = tf.zeros((tf.shape(x)[1], cell.units), x.dtype)

        def forward(k: Tensor, state: Tensors, arrays: Tensors) -> Any:
            after, kept = cell.step(x[k], sum(biases, state[0] @ recurrent), *state)
            after = _where(present, k, after, state)
            return k + 1, after, _write(arrays, k, (*after, *kept))

        state = (nothing,) * cell.carried
        widths = [value.shape[-1] for part in cell.step(x[0], x[0], *state) for value in part]
        arrays = _arrays(steps, widths, x)
        *_, arrays = _while(steps, forward, (0, state, arrays))
        stored = tuple(array.stack() for array in arrays)
        after, kept = stored[: cell.carried], stored[cell.carried :]

        def gradient(d_outputs: Tensor) -> Tensors:
            before = tuple(tf.concat([nothing[None], values[:-1]], 0) for values in after)
            slopes = cell.slopes(kept, before, after)
            turned = tf.transpose(recurrent)  # once, and not in each step

            def backward(j: Tensor, d_state: Tensors, arrays: Tensors) -> Any:
                k = steps - 1 - j
                d_state = (d_state[0] + d_outputs[k], *d_state[1:])
                gates, d_before = cell.back(d_state, tuple(values[k] for values in slopes))
                d_before = (d_before[0] + gates[0] @ turned, *d_before[1:])
                gates = _where(present, k, gates, tuple(map(tf.zeros_like, gates)))
                d_before = _where(present, k, d_before, d_state)
                return j + 1, d_before, _write(arrays, k, gates)

            widths = [x.shape[-1]] * (1 + len(biases))
            *_, arrays = _while(steps, backward, (0, state, _arrays(steps, widths, x)))
            gates = [array.stack() for array in arrays]
            rows = tf.reshape(gates[0], (-1, x.shape[-1]))
            d_recurrent = tf.matmul(tf.reshape(before[0], (-1, cell.units)), rows, transpose_a=True)
            return (gates[-1], d_recurrent, *(tf.reduce_sum(rows, 0) for _ in biases))

        return after[0], gradient

    return run  # type: ignore[no-any-return]


def _while(steps: int, body: Callable[..., Any], start: Any) -> Any:
    return tf.while_loop(lambda k, *_: k < steps, body, start, maximum_iterations=steps)


def _arrays(steps: int, widths: list[int], like: Tensor) -> Tensors:
    return tuple(
        tf.TensorArray(like.dtype, steps, element_shape=(like.shape[1], width)) for width in widths
    )


def _write(arrays: Tensors, k: Tensor, values: Tensors) -> Tensors:
    return tuple(array.write(k, value) for array, value in zip(arrays, values, strict=True))


def _where(present: Tensor, k: Tensor, there: Tensors, absent: Tensors) -> Tensors:
    if present is None:
        return there
    return tuple(tf.where(present[k], *pair) for pair in zip(there, absent, strict=True))


def _of_sigmoid(values: Tensor) -> Tensor:
    return values * (1 - values)


class LSTM(Recurrence, layers.LSTM):
    """Gates: input, forget, candidate, output. State: output and memory."""

    __module__ = KERAS
    carried = 2

    def step(self, x: Tensor, h: Tensor, *state: Tensor) -> tuple[Tensors, Tensors]:
        # One tanh for all gates, sigmoid(z) = (1 + tanh(z / 2)) / 2: a row is one run of vectors.
        half = np.repeat(np.array([0.5, 0.5, 1, 0.5], np.float32), self.units)
        gates = tf.tanh((x + h) * half) * half + (1 - half)
        enter, forget, candidate, leave = tf.split(gates, 4, -1)
        memory = forget * state[1] + enter * candidate
        squashed = tf.tanh(memory)
        return (leave * squashed, memory), (gates, squashed)

    def slopes(self, kept: Tensors, before: Tensors, after: Tensors) -> Tensors:
        enter, forget, candidate, leave = tf.split(kept[0], 4, -1)
        of_gates = [
            candidate * _of_sigmoid(enter),
            before[1] * _of_sigmoid(forget),
            enter * (1 - candidate**2),
            kept[1] * _of_sigmoid(leave),
        ]
        return leave * (1 - kept[1] ** 2), tf.concat(of_gates, -1), forget

    def back(self, d_state: Tensors, slopes: Tensors) -> tuple[Tensors, Tensors]:
        d_output, d_memory = d_state
        of_memory, of_gates, forget = slopes
        d_memory = d_memory + d_output * of_memory
        gates = tf.concat([d_memory, d_memory, d_memory, d_output], -1) * of_gates
        return (gates,), (tf.zeros_like(d_output), d_memory * forget)


class GRU(Recurrence, layers.GRU):
    """Gates: update, reset, candidate, the reset after the product. State: the output."""

    __module__ = KERAS
    carried = 1

    def biases(self) -> list[Tensor]:
        return [self.cell.bias[0], self.cell.bias[1]]

    def step(self, x: Tensor, h: Tensor, *state: Tensor) -> tuple[Tensors, Tensors]:
        both = 2 * self.units
        gates = tf.sigmoid(x[:, :both] + h[:, :both])
        update, reset = tf.split(gates, 2, -1)
        candidate = tf.tanh(x[:, both:] + reset * h[:, both:])
        output = update * state[0] + (1 - update) * candidate
        return (output,), (update, reset, candidate, h[:, both:])

    def slopes(self, kept: Tensors, before: Tensors, after: Tensors) -> Tensors:
        update, reset, candidate, h = kept
        of_update = (before[0] - candidate) * _of_sigmoid(update)
        of_candidate = (1 - update) * (1 - candidate**2)
        of_reset = of_candidate * h * _of_sigmoid(reset)
        of_h = tf.concat([of_update, of_reset, of_candidate * reset], -1)
        return of_h, tf.concat([of_update, of_reset, of_candidate], -1), update

    def back(self, d_state: Tensors, slopes: Tensors) -> tuple[Tensors, Tensors]:
        of_h, of_x, update = slopes
        three = tf.concat([d_state[0]] * 3, -1)
        return (three * of_h, three * of_x), (d_state[0] * update,)


class SimpleRNN(Recurrence, layers.SimpleRNN):
    """One gate, whose tanh is the output and the state."""

    __module__ = KERAS
    carried = 1

    def step(self, x: Tensor, h: Tensor, *state: Tensor) -> tuple[Tensors, Tensors]:
        return (tf.tanh(x + h),), ()

    def slopes(self, kept: Tensors, before: Tensors, after: Tensors) -> Tensors:
        return (1 - after[0] ** 2,)

    def back(self, d_state: Tensors, slopes: Tensors) -> tuple[Tensors, Tensors]:
        return (d_state[0] * slopes[0],), (tf.zeros_like(d_state[0]),)
