"""A problem of the user's own: found by the dotted name of its function, and looked at twice."""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from ablation.data import TASKS, Ceiling, Sequences
from ablation.errors import RequestError, suggest


def module_of(name: str) -> ModuleType:
    """The module of the function mine.parity; it is run, as every import is.

    Raises RequestError where there is no such module, it cannot be imported, or has no such
    function.
    """
    path, _, function = name.rpartition(".")
    try:
        module = importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name and f"{path}.".startswith(f"{error.name}."):
            raise RequestError(f"problem={name}: no module {path} on the Python path") from None
        raise RequestError(f"problem={name}: {told(error, path)}") from error
    except (Exception, SystemExit) as error:
        raise RequestError(f"problem={name}: {told(error, path)}") from error
    if not callable(getattr(module, function, None)):
        own = {key: v for key, v in vars(module).items() if getattr(v, "__module__", "") == path}
        known = [key for key, value in own.items() if callable(value) and key[0] != "_"]
        possible = suggest(function, known) if known else "it defines none"
        raise RequestError(f"problem={name}: {path} has no function {function}; {possible}")
    return module


def told(error: BaseException, module: str) -> str:
    """An error of the user's code in one line, with the place in it if that can be told."""
    words = " ".join(str(error).split())
    frames = traceback.extract_tb(error.__traceback__)
    last = module.rpartition(".")[2]
    own = [f for f in frames if f.filename.endswith((f"{last}.py", f"{last}/__init__.py"))]
    where = f" (line {own[-1].lineno} of {module})" if own else ""
    return f"{type(error).__name__}: {words}{where}" if words else f"{type(error).__name__}{where}"


def check_sequences(name: str, data: Any, sequences: int, length: int, split: str) -> None:
    """Raise RequestError where a function's answer is not what a model can be trained on."""

    def need(right: object, message: str) -> None:
        if not right:
            raise RequestError(f"problem={name}: {message}")

    need(isinstance(data, Sequences), f"it gave {type(data).__name__}, not ablation.data.Sequences")
    for key in ("x", "y", "scored", "present"):
        value = getattr(data, key)
        optional = value is None and key in ("scored", "present")
        need(optional or isinstance(value, np.ndarray), f"{key} is no NumPy array")
    x, y = data.x, data.y
    # A test set may be smaller than what was asked for; the updates of training are counted.
    enough = 1 <= len(x) <= sequences if split == "test" else len(x) == sequences
    need(x.ndim > 0 and enough, f"x has shape {x.shape}, asked for were {sequences} {split} ones")
    if data.symbols:
        need(x.shape[1:] == (length,), f"x has shape {x.shape}, needed is (n, {length}) of symbols")
        need(x.dtype == np.int32, f"x is {x.dtype}, symbols are int32")
        inside = x.min() >= 0 and x.max() < data.symbols
        need(inside, f"x goes from {x.min()} to {x.max()}, with symbols={data.symbols}")
    else:
        shaped = x.ndim == 3 and x.shape[1] == length and x.shape[2] > 0
        need(shaped, f"x has shape {x.shape}, needed is (n, {length}, features)")
        need(x.dtype == np.float32, f"x is {x.dtype}, float32 is needed")
        need(np.isfinite(x).all(), "x has values that are not finite")
        need(len(data.levels) <= x.shape[-1], f"levels={data.levels}, with {x.shape[-1]} features")
        codes = x[..., x.shape[-1] - len(data.levels) :]
        whole = (codes >= 0) & (codes < data.levels) & (codes == np.round(codes))
        need(whole.all(), f"the last features are no codes from 0, with levels={data.levels}")
    shapes = ((len(x), length), (len(x),))
    need(data.task in TASKS, f"task={data.task!r}: {suggest(str(data.task), TASKS)}")
    if data.task == "classes":
        need(y.shape in shapes, f"y has shape {y.shape}, needed is {shapes[0]} or {shapes[1]}")
        need(data.classes >= 2, f"classes={data.classes}, at least 2 are needed")
    else:
        ends = [f"({', '.join(map(str, shape))}, {data.task})" for shape in shapes]
        right = y.ndim > 1 and y.shape[:-1] in shapes and y.shape[-1] > 0
        need(right, f"y has shape {y.shape}, needed is {ends[0]} or {ends[1]}")
    if data.task == "numbers":
        need(y.dtype.kind == "f", f"y is {y.dtype}, floats are needed")
        need(np.isfinite(y).all(), "y has values that are not finite")
        _check_scale(data, need)
    else:
        most = data.classes if data.task == "classes" else 2
        need(y.dtype == np.int32, f"y is {y.dtype}, int32 is needed")
        labels = y.min() >= 0 and y.max() < most
        need(labels, f"y goes from {y.min()} to {y.max()}, with classes={most}")
    for key in ("scored", "present"):
        value = getattr(data, key)
        fits = value is None or (value.dtype == bool and value.shape == shapes[0])
        need(fits, f"{key} must be bool of shape {shapes[0]}")
    grouped = data.group is None or (
        data.group.shape == (len(x),) and data.group.dtype.kind in "iu"
    )
    need(grouped, f"group must be integers of shape ({len(x)},)")
    need(data.weights.any(), "no label counts: scored and present leave none")


def _check_scale(data: Sequences, need: Callable[[object, str], None]) -> None:
    shape = data.y.shape[-1:]
    need((data.mean is None) == (data.scale is None), "mean and scale belong together")
    for key in ("mean", "scale"):
        value = getattr(data, key)
        fits = value is None or (np.shape(value) == shape and np.isfinite(value).all())
        need(fits, f"{key} must be finite, of shape {shape}")
    need(data.scale is None or (np.asarray(data.scale) > 0).all(), "scale must be above 0")


def check_ceilings(name: str, known: Any, length: int) -> None:
    """Raise RequestError where mine.parity_ceilings did not give a Ceiling for each view."""

    def need(right: object, message: str) -> None:
        if not right:
            raise RequestError(f"problem={name}: {name}_ceilings {message}")

    need(isinstance(known, dict), f"gave {type(known).__name__}, not a dict of Ceiling by view")
    for view, bound in known.items():
        need(isinstance(bound, Ceiling), f"gave no ablation.data.Ceiling for {view}")
        for key in ("mse",) if len(bound.mse) else ("accuracy", "loss"):
            shape = np.shape(getattr(bound, key))
            need(shape in ((length,), (1,)), f"{view}: {key} has shape {shape}, not ({length},)")
            need(np.isfinite(getattr(bound, key)).any(), f"{view}: {key} has no finite value")
        need(np.isfinite(bound.error), f"{view}: error={bound.error}")
