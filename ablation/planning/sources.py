"""Reads Python source without running it: which files code is made of, what a function takes."""

from __future__ import annotations

import ast
import importlib.util
import symtable
from collections.abc import Iterator
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any

from ablation.errors import suggest

INSTALLED = {"site-packages", "dist-packages"}
GIVEN = 3  # arguments in front: build(inputs, recurrent, head), ends(rng, sequences, length)
REQUIRED, UNKNOWN = object(), object()  # defaults that are none, and that are no plain value


def source_files(module: str, attribute: str) -> list[Path]:
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
        public = [name for name in names if not name.startswith("_")]
        possible = suggest(attribute, public) if public else "it defines nothing"
        raise ValueError(f"{first.name} defines no {attribute}; {possible}")
    beside = first.parents[module.count(".") + (first.stem == "__init__")]
    files, waiting = [first], [(module, first)]
    while waiting and not INSTALLED.intersection(first.parts):
        for name in _imported(*waiting.pop(0)):
            spec = _find(name)
            path = Path(spec.origin) if spec and spec.origin else None
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
    return _parsed_as_of(path, stamp(path))


@lru_cache(maxsize=64)
def _parsed_as_of(path: Path, written: tuple[int, ...]) -> ast.Module:
    return ast.parse(path.read_bytes(), str(path))


def parameters_of(name: str) -> dict[str, Any] | None:
    """The parameters of a model or problem of the user's own, and their defaults, as read.

    name: the dotted name of its function, whose first three arguments the program gives.
    A default is REQUIRED where there is none and UNKNOWN where it is no plain value. Returns None
    where the module does not define the function itself, or it takes any keyword.
    """
    module, _, attribute = name.rpartition(".")
    spec = _find(module)
    if spec is None or not (spec.origin or "").endswith(".py"):
        return None
    tree = _parsed(Path(str(spec.origin)))
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == attribute]
    if not functions or functions[-1].args.kwarg:
        return None
    arguments = functions[-1].args
    positional = [*arguments.posonlyargs, *arguments.args]
    first = len(positional) - len(arguments.defaults)
    defaults: list[tuple[str, ast.expr | None]] = [
        (argument.arg, arguments.defaults[at - first] if at >= first else None)
        for at, argument in enumerate(positional)
    ][GIVEN:]
    keywords = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    defaults += [(argument.arg, default) for argument, default in keywords]
    return {key: REQUIRED if node is None else _plain_value(node) for key, node in defaults}


def _plain_value(node: ast.expr) -> Any:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return UNKNOWN
    return list(value) if isinstance(value, tuple) else value  # as YAML and JSON have it


def stamp(path: Path) -> tuple[int, ...]:
    """What is different once a file has been written again."""
    status = path.stat()
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size
