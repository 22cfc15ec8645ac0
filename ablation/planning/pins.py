"""The user's own data and code, on which a trial may rest: what they hold is part of its meaning.

Code is only read here. A problem's functions run where data is made, layers and cells in a worker.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import re
import symtable
from collections.abc import Iterator
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from ablation import problems
from ablation.errors import RequestError, suggest
from ablation.spec import DOTTED, Arm

INSTALLED = {"site-packages", "dist-packages"}


def pinned(arm: Arm) -> Arm:
    """The arm with the digest of the files that it rests on, as they are now."""
    files = files_of(arm)
    return arm.model_copy(update={"digest": _digest(files)}) if files else arm


def check_unchanged(arm: Arm) -> None:
    """Raise RequestError where the arm's files are not what they were when it was planned."""
    if pinned(arm).digest != arm.digest:
        names = ", ".join(dict.fromkeys(path.name for path in files_of(arm)))
        raise RequestError(f"{names} changed since the sweep was planned; run the command again")


def code_of(arm: Arm) -> dict[str, str]:
    """The dotted names of the arm's own code, by the key that names it."""
    named = {"problem": arm.problem.name, "merge_mode": arm.merge_mode, "cell": arm.cell}
    return {key: name for key, name in named.items() if name and re.fullmatch(DOTTED, name)}


def files_of(arm: Arm) -> list[Path]:
    """The files of the arm's own data and code, always in the same order.

    Raises RequestError where there is no such module, or it does not define the name.
    """
    files = problems.files(arm.problem)
    for key, name in code_of(arm).items():
        module, _, attribute = name.rpartition(".")
        try:
            files += _sources(module, attribute)
        except SyntaxError as error:
            where = f"{Path(error.filename or '').name}, line {error.lineno}"
            raise RequestError(f"{key}={name}: {where}: {error.msg}") from None
        except ValueError as error:
            raise RequestError(f"{key}={name}: {error}") from None
    return list(dict.fromkeys(files))


def _sources(module: str, attribute: str) -> list[Path]:
    """The module's file, and those of the modules from beside it that it imports, as read.

    Raises ValueError where the module cannot be found or defines no such attribute.
    """
    spec = _find(module)
    if spec is None or not spec.origin:
        raise ValueError(f"no module {module} on the Python path")
    first = Path(spec.origin)
    if first.suffix != ".py":
        raise ValueError(f"{module} has no Python source")
    names = _bound(first)
    if attribute not in names and "*" not in names:
        own = [name for name in names if not name.startswith("_")]
        possible = suggest(attribute, own) if own else "it defines nothing"
        raise ValueError(f"{first.name} defines no {attribute}; {possible}")
    beside = first.parents[module.count(".") + (first.stem == "__init__")]
    files, waiting = [first], [(module, first)]
    while waiting and not INSTALLED.intersection(first.parts):
        for name in _imported(*waiting.pop(0)):
            found = _find(name)
            path = Path(found.origin) if found and found.origin else None
            if path and path not in files and _is_own(path, beside):
                files.append(path)
                waiting.append((name, path))
    return files


def _is_own(path: Path, beside: Path) -> bool:
    # This package may lie in the folder of a checkout: an id must not change with its code.
    others = (Path(__file__).parents[1], Path(ast.__file__).parent)
    installed = INSTALLED.intersection(path.parts) or any(o in path.parents for o in others)
    return path.suffix == ".py" and beside in path.parents and not installed


def _find(module: str) -> ModuleSpec | None:
    """Where a module lies, found part by part, because to look for a.b Python would run a."""
    first, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(first)
    except ValueError:  # of __main__
        return None
    for part in rest:
        if spec is None or spec.submodule_search_locations is None:
            return None
        spec = PathFinder.find_spec(part, list(spec.submodule_search_locations))
    return spec


def _bound(path: Path) -> list[str]:
    """The names that a module binds at its top level, "*" where not to be told."""
    imports = (node for node in ast.walk(_parsed(path)) if isinstance(node, ast.ImportFrom))
    stars = ["*" for node in imports if node.names[0].name == "*"]
    text = importlib.util.decode_source(path.read_bytes())
    symbols = symtable.symtable(text, str(path), "exec").get_symbols()
    return [s.get_name() for s in symbols if s.is_assigned() or s.is_imported()] + stars


def _imported(module: str, path: Path) -> Iterator[str]:
    """Every module that a file may import, the packages around it first."""
    package = module if path.stem == "__init__" else module.rpartition(".")[0]
    for node in ast.walk(_parsed(path)):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level]
            base = ".".join([*(above if node.level else []), *([node.module or ""])]).strip(".")
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        for name in [package, *names]:
            parts = [part for part in name.split(".") if part]
            yield from (".".join(parts[: k + 1]) for k in range(len(parts)))


def _parsed(path: Path) -> ast.Module:
    return _parsed_as_of(path, _stamp(path))


@lru_cache(maxsize=64)
def _parsed_as_of(path: Path, stamp: tuple[int, ...]) -> ast.Module:
    return ast.parse(path.read_bytes(), str(path))


def _digest(files: list[Path]) -> str:
    whole = hashlib.sha256()
    for path in files:
        try:
            whole.update(_sha(path, _stamp(path)))
        except OSError as error:
            raise RequestError(f"{path}: {error.strerror}") from None
    return whole.hexdigest()


@lru_cache(maxsize=64)  # every arm of a sweep, and every trial, may rest on the same large file
def _sha(path: Path, stamp: tuple[int, ...]) -> bytes:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _stamp(path: Path) -> tuple[int, ...]:
    """What is different once a file has been written again."""
    found = path.stat()
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size
