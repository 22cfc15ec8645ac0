"""Keras's LSTM, GRU and SimpleRNN with a faster loop over the steps.

The layers subclass Keras's. Weights, configuration, summary and results are the same, and a model
is saved with Keras's own layers. If a layer uses an option that our loop does not support, it runs
Keras's loop instead.

In every step, Keras's loop multiplies the inputs by the kernel and adds to the gradient of each
kernel; its gradient comes from a tape. Our loop moves this work out of the steps:

- Before the forward loop, one product multiplies the inputs of all steps by the kernel.
- Before the backward loop, everything that does not depend on the following step is computed for
  all steps at once.
- After the backward loop, one product gives the gradient of each kernel.

What remains in a step is one product and a few element-wise operations. The derivatives are those
of Hochreiter & Schmidhuber (1997) and Cho et al. (2014), for the cells as Keras defines them.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from ablation.training.blocks import Equations, outputs_of

Tensor = Any
Tensors = tuple[Tensor, ...]

KERAS = "keras.layers"  # the module written to saved models, so that they load without this package
# The option values that our loop supports. Not every layer has all of these options.
SUPPORTED = {
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


class Recurrence(Equations, layers.RNN):
    """A Keras layer with our loop over the steps; a subclass defines the cell's equations."""

    def biases(self) -> list[Tensor]:
        """The bias of the inputs, then the recurrent bias if there is one."""
        return [self.cell.bias]

    def call(
        self, sequences: Tensor, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        """The same as Keras's `call`. With go_backwards, the outputs start with the last step."""
        if not self._supported(sequences, initial_state, mask):
            return super().call(sequences, initial_state, mask=mask, training=training)
        inputs = tf.transpose(sequences, (1, 0, 2))
        present = None if mask is None else tf.transpose(mask)[..., None]
        if self.go_backwards:
            inputs = tf.reverse(inputs, [0])
            present = None if present is None else tf.reverse(present, [0])
        bias, *biases = (tf.convert_to_tensor(bias) for bias in self.biases())
        # A column of ones makes the bias a row of the kernel, so one product gives both gradients.
        kernel = tf.concat([tf.convert_to_tensor(self.cell.kernel), bias[None]], 0)
        inputs = tf.concat([inputs, tf.ones_like(inputs[..., :1])], -1)
        recurrent = tf.convert_to_tensor(self.cell.recurrent_kernel)
        outputs = outputs_of(self, inputs, present, kernel, recurrent, *biases)
        if present is not None and self.zero_output_for_mask:
            outputs = tf.where(present, outputs, 0.0)
        return tf.transpose(outputs, (1, 0, 2)) if self.return_sequences else outputs[-1]

    def _supported(self, sequences: Tensor, initial_state: Any, mask: Any) -> bool:
        """Whether our loop supports this call and the layer's options."""
        return (
            initial_state is None
            and all(getattr(self, option, value) == value for option, value in SUPPORTED.items())
            and getattr(self, "use_cudnn", False) is not True
            and sequences.dtype == self.compute_dtype == "float32"
            and bool(sequences.shape[1])  # the number of steps is known
            and (mask is None or _is_step_mask(mask, sequences))
        )


def _is_step_mask(mask: Any, sequences: Tensor) -> bool:
    """Whether the mask is one boolean tensor of shape (batch, steps)."""
    return bool(
        tf.is_tensor(mask) and mask.dtype == "bool" and mask.shape[1:] == sequences.shape[1:2]
    )


def _sigmoid_gradient(output: Tensor) -> Tensor:
    """The derivative of the sigmoid, given its output."""
    return output * (1 - output)


class LSTM(Recurrence, layers.LSTM):
    """Gates: input, forget, candidate, output. State: output and memory (Keras's carry)."""

    __module__ = KERAS
    state_tensors = 2

    def forward_step(self, x: Tensor, h: Tensor, *state: Tensor) -> tuple[Tensors, Tensors]:
        # sigmoid(z) = (1 + tanh(z / 2)) / 2, so a single tanh over each row computes all gates.
        half = np.repeat(np.array([0.5, 0.5, 1, 0.5], np.float32), self.units)
        gates = tf.tanh((x + h) * half) * half + (1 - half)
        input_, forget, candidate, output = tf.split(gates, 4, -1)
        memory = forget * state[1] + input_ * candidate
        squashed = tf.tanh(memory)
        return (output * squashed, memory), (gates, squashed)

    def local_gradients(self, saved: Tensors, previous: Tensors, current: Tensors) -> Tensors:
        gates, squashed = saved
        input_, forget, candidate, output = tf.split(gates, 4, -1)
        of_gates = [
            candidate * _sigmoid_gradient(input_),
            previous[1] * _sigmoid_gradient(forget),
            input_ * (1 - candidate**2),
            squashed * _sigmoid_gradient(output),
        ]
        return output * (1 - squashed**2), tf.concat(of_gates, -1), forget

    def backward_step(self, d_state: Tensors, local: Tensors) -> tuple[Tensors, Tensors]:
        d_output, d_memory = d_state
        of_memory, of_gates, forget = local
        d_memory = d_memory + d_output * of_memory
        d_gates = tf.concat([d_memory, d_memory, d_memory, d_output], -1) * of_gates
        return (d_gates,), (tf.zeros_like(d_output), d_memory * forget)


class GRU(Recurrence, layers.GRU):
    """Gates: update, reset, candidate; the reset follows the product. State: the output."""

    __module__ = KERAS
    state_tensors = 1

    def biases(self) -> list[Tensor]:
        return [self.cell.bias[0], self.cell.bias[1]]

    def forward_step(self, x: Tensor, h: Tensor, *state: Tensor) -> tuple[Tensors, Tensors]:
        split = 2 * self.units  # update and reset come before it, the candidate after
        gates = tf.sigmoid(x[:, :split] + h[:, :split])
        update, reset = tf.split(gates, 2, -1)
        candidate = tf.tanh(x[:, split:] + reset * h[:, split:])
        output = update * state[0] + (1 - update) * candidate
        return (output,), (update, reset, candidate, h[:, split:])

    def local_gradients(self, saved: Tensors, previous: Tensors, current: Tensors) -> Tensors:
        update, reset, candidate, h = saved
        of_update = (previous[0] - candidate) * _sigmoid_gradient(update)
        of_candidate = (1 - update) * (1 - candidate**2)
        of_reset = of_candidate * h * _sigmoid_gradient(reset)
        of_h = tf.concat([of_update, of_reset, of_candidate * reset], -1)
        return of_h, tf.concat([of_update, of_reset, of_candidate], -1), update

    def backward_step(self, d_state: Tensors, local: Tensors) -> tuple[Tensors, Tensors]:
        of_h, of_x, update = local
        d_output = tf.concat([d_state[0]] * 3, -1)  # once for each gate
        return (d_output * of_h, d_output * of_x), (d_state[0] * update,)


class SimpleRNN(Recurrence, layers.SimpleRNN):
    """No gates: the output, which is also the state, is tanh(x + h)."""

    __module__ = KERAS
    state_tensors = 1

    def forward_step(self, x: Tensor, h: Tensor, *state: Tensor) -> tuple[Tensors, Tensors]:
        return (tf.tanh(x + h),), ()

    def local_gradients(self, saved: Tensors, previous: Tensors, current: Tensors) -> Tensors:
        return (1 - current[0] ** 2,)

    def backward_step(self, d_state: Tensors, local: Tensors) -> tuple[Tensors, Tensors]:
        return (d_state[0] * local[0],), (tf.zeros_like(d_state[0]),)
