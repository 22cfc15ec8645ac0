"""Keras's own tests of its recurrent layers, run with our layers in their place.

The installed Keras ships these tests. We run every test file that uses LSTM, GRU or SimpleRNN.
"""

from __future__ import annotations

import re
import unittest
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import keras
import keras.src.layers
import pytest
from keras.src import api_export

from ablation.training import recurrence

OURS = {"LSTM": recurrence.LSTM, "GRU": recurrence.GRU, "SimpleRNN": recurrence.SimpleRNN}
LAYERS = Path(keras.src.layers.__file__).parent
USED = re.compile(rf"\blayers\.({'|'.join(OURS)})\b")
FILES = [path for path in sorted(LAYERS.rglob("*_test.py")) if USED.search(path.read_text("utf-8"))]

if not FILES:
    reason = f"Keras {keras.__version__} is installed without its tests"
    pytest.skip(reason, allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("default")  # warnings in Keras's tests are not ours


class Replaced(unittest.TestCase):
    """A base class that makes Keras's tests use other layers instead of Keras's."""

    layers: ClassVar[dict[str, Any]]

    def setUp(self) -> None:
        super().setUp()
        keras.utils.set_random_seed(1)
        patch = self.enterContext(pytest.MonkeyPatch.context())
        for name, layer in self.layers.items():
            patch.setattr(keras.src.layers, name, layer)
            # Keras looks layers up here to build them from a configuration, as Bidirectional does.
            patch.setitem(api_export.REGISTERED_NAMES_TO_OBJS, f"keras.layers.{name}", layer)


def with_layers(case: Any, layers: dict[str, Any]) -> Any:
    return type(case.__name__, (Replaced, case), {"layers": layers})


def cases_of(path: Path) -> list[Any]:
    """The test classes in one of Keras's test files."""
    module = ".".join(("keras.src.layers", *path.relative_to(LAYERS).with_suffix("").parts))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pytest does not know the marks that Keras declares
        values = vars(import_module(module)).values()
    classes = [value for value in values if isinstance(value, type) and value.__module__ == module]
    return [value for value in classes if issubclass(value, unittest.TestCase)]


CASES = {f"{path.stem}: {case.__name__}": case for path in FILES for case in cases_of(path)}
globals().update({name: with_layers(case, OURS) for name, case in CASES.items()})  # for pytest


def failures(layers: dict[str, Any], file: str, test: str) -> int:
    """How often this test fails, over the test classes of a file, with these layers."""
    cases = [with_layers(case, layers) for name, case in CASES.items() if name.startswith(file)]
    suite = unittest.TestSuite(case(test) for case in cases)
    assert suite.countTestCases()
    result = unittest.TestResult()
    suite.run(result)
    return len(result.failures) + len(result.errors)


class Forgetful(recurrence.LSTM):
    """An LSTM that ignores its initial state."""

    def call(
        self, sequences: Any, initial_state: Any = None, mask: Any = None, training: bool = False
    ) -> Any:
        return super().call(sequences, None, mask, training)


def test_the_tests_of_keras_detect_a_wrong_layer() -> None:
    file, test = "lstm_test", "test_pass_initial_state"
    assert failures(OURS, file, test) == 0
    assert failures({"LSTM": Forgetful}, file, test) == 1
