"""The command line in the process of the tests."""

from __future__ import annotations

import importlib
import io
import signal
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from ablation import report
from ablation.__main__ import main
from ablation.storage import programs_folder, xla_flags
from tests.simulated import build_report


def run_here(folder: Path, *words: str) -> CompletedProcess[str]:
    """Run a command line in a folder, as `python -m ablation` does, but in this process.

    A new process takes seconds to load what this one has loaded already, TensorFlow above all.
    Reports have one figure: all are drawn in tests of their own, and by commands that are run in a
    process of their own.
    """
    out, err = io.StringIO(), io.StringIO()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = {number: signal.getsignal(number) for number in numbers}
    code: Any = 0
    with (
        pytest.MonkeyPatch.context() as patch,
        warnings.catch_warnings(),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["ablation", *words])
        patch.setattr(sys, "path", [str(folder), *sys.path])
        patch.setenv("HYDRA_FULL_ERROR", "1")  # main sets it, and here it would stay
        compile_soon(patch)
        patch.setitem(vars(report), "build_report", build_report)
        warnings.simplefilter("default")
        try:
            main()
        except SystemExit as end:
            code = end.code
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
            forget_modules(folder)
    return CompletedProcess(words, code, out.getvalue(), err.getvalue())


def compile_soon(patch: pytest.MonkeyPatch) -> None:
    """Let the workers of this process compile without optimisation, in three quarters of the time.

    Tests of what is trained do so in this process, and commands in a process of their own are run
    as by a user: both are optimised. The programs are stored apart from the user's.
    """
    with pytest.MonkeyPatch.context() as cache:
        cache.setenv("XDG_CACHE_HOME", str(programs_folder().parent / "tests"))
        flags = xla_flags()
    patch.setenv("TF_XLA_FLAGS", flags)
    patch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=0")


def forget_modules(folder: Path) -> None:
    """Let what was imported from a folder be imported anew, as a new process would."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and folder in Path(file).parents:
            del sys.modules[name]
    importlib.invalidate_caches()
