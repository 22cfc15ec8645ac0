"""The arm's recurrent layers: its direction, lookahead, merge mode and cell, one layer a call."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import keras
from keras import layers, ops

from ablation.data import PADDING
from ablation.errors import RequestError
from ablation.seeding import stream
from ablation.spec import CELLS, DIRECTIONS, MERGES, STACK, Trial
from ablation.training import recurrence
from ablation.training.dropout import Dropout

Tensor = Any
WRAPPED = ("concat", "sum", "mul", "ave")  # the merge modes that Keras's Bidirectional has


class Maker:
    """Makes the recurrent layers of an arm, the next one at each call.

    mask: (batch, steps) bool, the steps of the input that exist; None where all do.
    """

    def __init__(self, trial: Trial, mask: Tensor | None = None) -> None:
        self.trial = trial
        self.mask = mask
        self.made = 0
        self.applied = 0

    def __call__(
        self, units: int | None = None, return_sequences: bool = True
    ) -> Callable[[Tensor], Tensor]:
        """The next recurrent layer of the arm, to be called once.

        It takes (batch, steps, features) and returns (batch, steps, width), or (batch, width)
        without return_sequences. The width is a multiple of the units, which depends on the merge
        mode. units: None for those of the arm.
        """
        depth = self.made
        applied: list[int] = []
        self.made += 1

        def layer(inputs: Tensor) -> Tensor:
            if applied:
                raise RequestError(
                    f"model={self.trial.arm.model.name}: a layer that recurrent() made is called "
                    "twice; call recurrent() again for another layer"
                )
            applied.append(depth)
            self.applied += 1
            place = _Place(self.trial, depth, units or self.trial.arm.units, return_sequences)
            outputs = place.outputs(self._with_mask(inputs, depth))
            if self.trial.arm.model.name != STACK:
                # Layers of the user's own that follow start alike, whatever the arm drew in here.
                keras.utils.set_random_seed(seed_of(self.trial, f"model_{depth}"))
            return outputs

        return layer

    def _with_mask(self, inputs: Tensor, depth: int) -> Tensor:
        """The inputs with the mask again, if a layer before has dropped it and kept the steps."""
        if self.mask is None or mask_of(inputs) is not None:
            return inputs
        same_steps = inputs.shape[1] == self.mask.shape[1]
        return masked(inputs, self.mask, f"masked_{depth}") if same_steps else inputs


class _Place:
    """One recurrent layer of the arm, at its depth: the seeds follow from both."""

    def __init__(self, trial: Trial, depth: int, units: int, every_step: bool) -> None:
        self.trial = trial
        self.depth = depth
        self.units = units
        self.every_step = every_step
        self.direction = DIRECTIONS[trial.arm.direction]
        # The first layer waits for the future; what it returns is in time again for the next ones.
        self.lookahead = (trial.arm.lookahead or 0) if every_step and depth == 0 else 0

    def outputs(self, inputs: Tensor) -> Tensor:
        """What the layer makes of the inputs, dropout included."""
        outputs = (self._bidirectional if self.direction.merges else self._one_way)(inputs)
        rate = self.trial.arm.training.dropout
        if rate is None:
            return outputs
        # After the merge: arms whose layers are as wide leave out the same places.
        seed = seed_of(self.trial, str(self.depth), "dropout")
        return Dropout(rate, seed=seed, name=f"dropout_{self.depth}")(outputs)

    def _one_way(self, inputs: Tensor) -> Tensor:
        (way,) = self.direction.ways
        layer = self._recurrent(way, inputs)
        if self.lookahead:
            return self._delayed(layer, inputs)
        outputs = layer(inputs)
        turned = way == "backward" and self.direction.aligned and self.every_step
        return _reverse_time(self.depth, outputs) if turned else outputs

    def _delayed(self, layer: layers.RNN, inputs: Tensor) -> Tensor:
        """(batch, steps, units) whose step t has read the inputs of step t + lookahead.

        After the end of a sequence the layer reads zeros, and a further feature is 1, so that it
        can tell them from inputs.
        """
        mask = mask_of(inputs)
        after = [[0, 0], [0, self.lookahead], [0, 0]]
        if mask is None:
            present, later = ops.ones_like(inputs[..., :1]), None
        else:
            present = ops.cast(mask, inputs.dtype)[..., None]
            later = ops.pad(mask, [[0, 0], [self.lookahead, 0]], constant_values=True)
        ended = ops.pad(1 - present, after, constant_values=1)
        longer = ops.concatenate([ops.pad(inputs * present, after), ended], axis=-1)
        layer.build(longer.shape)
        self._share_kernel(layer, inputs.shape[-1])
        outputs = layer(longer, mask=later)[:, self.lookahead :]
        return outputs if mask is None else masked(outputs, mask, f"in_time_{self.depth}")

    def _share_kernel(self, layer: layers.RNN, features: int) -> None:
        """Start with the kernel that the layer has without a lookahead, above the further row."""
        if self.trial.arm.cell not in CELLS:
            return  # only the user knows which weights read the inputs
        kernel = layer.cell.kernel
        plain = self._kernel_initializer("forward")((features, kernel.shape[1]))
        kernel.assign(ops.concatenate([plain, kernel[features:]]))

    def _bidirectional(self, inputs: Tensor) -> Tensor:
        arm = self.trial.arm
        ways = [self._recurrent(way, inputs) for way in self.direction.ways]
        if not self.direction.aligned or arm.cell not in CELLS or arm.merge_mode not in WRAPPED:
            return self._of_parts(ways, inputs)
        # Bidirectional clones a single layer's configuration, seeds included, and both halves would
        # start with the same weights: the backward half comes with seeds of its own. The forward
        # half is a copy all the same, and of Keras's class, unless it is told otherwise.
        with keras.saving.custom_object_scope({type(ways[0]).__name__: type(ways[0])}):
            layer = layers.Bidirectional(
                ways[0],
                backward_layer=ways[1],
                merge_mode=arm.merge_mode,
                name=f"bidirectional_{self.depth}",
            )
        return layer(inputs)

    def _of_parts(self, ways: list[layers.RNN], inputs: Tensor) -> Tensor:
        """What Bidirectional does, of its parts.

        It copies the forward layer from a configuration, which own cells would have to be able to
        write and read, and its copy would start from other weights. And it always turns the
        outputs of the backward layer round.
        """
        aligned = self.direction.aligned
        for way in ways:
            way.zero_output_for_mask = self.every_step and aligned
        halves = [way(inputs) for way in ways]
        if self.every_step and aligned:
            halves[1] = _reverse_time(self.depth, halves[1])
        merged = self._merge()(halves)
        if merged.shape[:-1] != halves[0].shape[:-1] or merged.shape[-1] is None:
            shapes = f"{halves[0].shape[:-1]} and its units, it gives {merged.shape}"
            raise RequestError(
                f"merge_mode={self.trial.arm.merge_mode}: its output must have the shape {shapes}"
            )
        return merged

    def _merge(self) -> layers.Layer:
        mode = str(self.trial.arm.merge_mode)
        # An initializer takes its seed from Keras's own when it is made: here or in the first call.
        keras.utils.set_random_seed(seed_of(self.trial, f"merge_{self.depth}"))
        layer = getattr(layers, MERGES[mode].layer)() if mode in MERGES else imported(mode)()
        if not isinstance(layer, layers.Layer):
            raise RequestError(f"merge_mode={mode}: it gives {layer!r}, which is no Keras layer")
        layer.name = f"merge_{self.depth}"
        layer.supports_masking = True  # the steps keep their places, and the mask is theirs
        return layer

    def _recurrent(self, way: str, inputs: Tensor) -> layers.RNN:
        # Each half's weights depend on the seed, its way and its depth alone, so arms share them.
        arm, role = self.trial.arm, f"{way}_{self.depth}"
        if arm.cell not in CELLS:
            return self._own_recurrent(way, inputs)
        # Ours have a loop that compiles to less; engine=fit trains Keras's and so checks ours.
        home = recurrence if arm.engine == "xla" else layers
        made: layers.RNN = getattr(home, CELLS[arm.cell].layer)(
            self.units,
            return_sequences=self.every_step,
            go_backwards=way == "backward",
            kernel_initializer=self._kernel_initializer(way),
            recurrent_initializer=keras.initializers.Orthogonal(
                seed=seed_of(self.trial, f"{role}/recurrent")
            ),
            name=role,
            **CELLS[arm.cell].options,
        )
        return made

    def _kernel_initializer(self, way: str) -> keras.initializers.Initializer:
        seed = seed_of(self.trial, f"{way}_{self.depth}/kernel")
        return keras.initializers.GlorotUniform(seed=seed)

    def _own_recurrent(self, way: str, inputs: Tensor) -> layers.RNN:
        """A recurrent layer of the user's own, or one around a cell of the user's own."""
        role = f"{way}_{self.depth}"
        options = {"return_sequences": self.every_step, "go_backwards": way == "backward"}
        keras.utils.set_random_seed(seed_of(self.trial, role))
        own = imported(self.trial.arm.cell)
        whole = isinstance(own, type) and issubclass(own, layers.RNN)
        layer = own(self.units, **options) if whole else layers.RNN(own(self.units), **options)
        layer.name = role
        if not self.lookahead:
            layer.build(inputs.shape)  # now, while its weights follow from the seed and the role
        return layer


def _reverse_time(depth: int, outputs: Tensor) -> Tensor:
    """(batch, steps, ...) turned round in time, with the mask, which belongs to the steps.

    A bare Keras layer with go_backwards=True returns its outputs latest step first; this puts
    them back beside their labels. Of Keras alone, so that a saved model needs nothing else.
    """
    steps = keras.Input(outputs.shape[1:], dtype=outputs.dtype)
    flip = keras.Function(steps, ops.flip(steps, axis=1)).operations[-1]
    return layers.Activation(flip, name=f"reverse_time_{depth}")(outputs)


def mask_of(tensor: Tensor) -> Tensor | None:
    """The mask (batch, steps) that Keras keeps with a tensor of a model."""
    return getattr(tensor, "_keras_mask", None)


def masked(tensor: Tensor, mask: Tensor, name: str) -> Tensor:
    """The tensor (batch, steps, features) with this mask, and 0 where it is False.

    Of Keras's layers alone, so that a saved model needs nothing else.
    """
    # Left to name itself, it would take a name that the model has already.
    return layers.Masking(PADDING, name=name)(ops.where(mask[..., None], tensor, PADDING))


def imported(name: str) -> Any:
    """The user's own class or function, whose module runs here: in a worker, and nowhere else."""
    module, _, attribute = name.rpartition(".")
    return getattr(importlib.import_module(module), attribute)


def seed_of(trial: Trial, role: str, purpose: str = "weights") -> int:
    """The seed of what has this role in the model, for the trial's seed."""
    return int(stream(trial.seed, f"{purpose}/{role}").integers(2**31))
