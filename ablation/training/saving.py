"""What a saved model needs where it is loaded, and whether it is still the same there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from ablation.data import Array
from ablation.training.directions import imported


def classes_needed(model: keras.Model) -> dict[str, str]:
    """The module of each class and function in the model that does not come with Keras, by name."""
    return dict(sorted(set(_named(json.loads(model.to_json())))))


def difference_when_loaded(
    model: keras.Model, needs: dict[str, str], x: Array, outputs: Array
) -> float:
    """The largest difference of the outputs that the model gives for x once it is loaded.

    It is made again from what a file says of it, of Keras's own layers, with the same weights.
    needs: as from `classes_needed`. Whatever Keras raises where that is impossible is raised.
    """
    own = {name: imported(f"{module}.{name}") for name, module in needs.items()}
    loaded = keras.models.model_from_json(model.to_json(), custom_objects=own)
    loaded.set_weights(model.get_weights())
    predicted = loaded.predict(x, verbose=0)
    return float(np.abs(predicted - outputs).max())


def _named(config: Any) -> Iterator[tuple[str, str]]:
    parts = config.values() if isinstance(config, dict) else config
    if isinstance(config, dict) and {"module", "class_name"} <= config.keys():
        module, name = config["module"], config["class_name"]
        if name == "function":
            name = config["config"]
        package = str(module or "builtins").partition(".")[0]
        if package not in ("keras", "builtins"):
            yield str(name), str(module)
    if isinstance(config, dict | list):
        for part in parts:
            yield from _named(part)
