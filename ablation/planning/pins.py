"""The user's own data and code that a trial depends on: their content is part of its meaning.

Code is only read here. A problem's functions run where data is made; models, layers and cells run
in a worker.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path

from ablation import problems
from ablation.errors import RequestError, suggest
from ablation.planning.sources import REQUIRED, UNKNOWN, parameters_of, source_files, stamp
from ablation.spec import DOTTED, STACK, Arm, Model


def pinned(arm: Arm) -> Arm:
    """The arm with the digest of the files that it depends on, as they are now.

    An own model's parameters are all there: those that were not given have their defaults.
    """
    source_code = files_of(arm)  # that there is a function, before its parameters are looked at
    arm = arm.model_copy(update={"model": _with_defaults(arm.model)})
    files = files_of(arm) if "path" in arm.model.parameters else source_code
    return arm.model_copy(update={"digest": _digest(files)}) if files else arm


def _with_defaults(model: Model) -> Model:
    if model.name == STACK:
        return model
    parameters = parameters_of(model.name)
    if parameters is None:
        return model
    if "name" in parameters:
        raise RequestError(
            f"model={model.name}: call its parameter name otherwise; model.name is the function"
        )
    for key in model.parameters:
        if key not in parameters:
            raise RequestError(
                f"model.{key} is no key of {model.name}: {suggest(key, parameters)}"
                if parameters
                else f"model.{key}: {model.name} takes no parameters"
            )
    defaults = {k: v for k, v in parameters.items() if v is not UNKNOWN and v is not REQUIRED}
    missing = [k for k, v in parameters.items() if v is REQUIRED and k not in model.parameters]
    if missing:
        raise RequestError(f"model.{missing[0]}: a value is needed")
    # In one order, however they were given: an arm's columns and its name are in it.
    given = {**defaults, **model.parameters}
    return Model(name=model.name, **{key: given[key] for key in parameters if key in given})


def check_unchanged(arm: Arm) -> None:
    """Raise RequestError where the arm's files are not what they were when it was planned."""
    if pinned(arm).digest != arm.digest:
        names = ", ".join(dict.fromkeys(path.name for path in files_of(arm)))
        raise RequestError(f"{names} changed since the sweep was planned; run the command again")


def code_of(arm: Arm) -> list[tuple[str, str]]:
    """The dotted names of the arm's own code, each after the key that names it."""
    names = [
        ("problem", arm.problem.name),
        ("model", arm.model.name),
        ("merge_mode", arm.merge_mode),
        ("cell", arm.cell),
        ("training.loss", arm.training.loss),
        *(("training.metrics", name) for name in arm.training.metrics or ()),
    ]
    return [(key, name) for key, name in names if name and re.fullmatch(DOTTED, name)]


def files_of(arm: Arm) -> list[Path]:
    """The files of the arm's own data and code, always in the same order.

    Raises RequestError where there is no such module, or it does not define the name.
    """
    files = problems.files(arm.problem)
    path = arm.model.parameters.get("path")
    if isinstance(path, str):
        files.append(Path(path))
    for key, name in code_of(arm):
        module, _, attribute = name.rpartition(".")
        try:
            files += source_files(module, attribute)
        except SyntaxError as error:
            where = f"{Path(error.filename or '').name}, line {error.lineno}"
            raise RequestError(f"{key}={name}: {where}: {error.msg}") from None
        except ValueError as error:
            raise RequestError(f"{key}={name}: {error}") from None
    return list(dict.fromkeys(files))


def _digest(files: list[Path]) -> str:
    whole = hashlib.sha256()
    for path in files:
        try:
            whole.update(_sha(path, stamp(path)))
        except OSError as error:
            raise RequestError(f"{path}: {error.strerror}") from None
    return whole.hexdigest()


@lru_cache(maxsize=64)  # every arm of a sweep, and every trial, may rest on the same large file
def _sha(path: Path, written: tuple[int, ...]) -> bytes:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
