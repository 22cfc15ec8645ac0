"""The import graph in words and as a picture: python -m tests.imports [--picture FILE.svg].

A room is a package or module directly in `ablation`; `hydra_plugins` is one room. An arrow leads
from a room to another one that it imports. A room's floor is one above the highest floor that its
arrows lead to; rooms in a circle share a floor.

The files are parsed, not run. Imports in functions, and those only for types, count and are marked.
Modules that a string names (importlib, "module:function") are ignored. So is the fact that Python
loads a package's __init__ before its modules; otherwise each __init__ would be in a circle.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from enum import IntEnum
from importlib.util import resolve_name
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM, PLUGINS = "ablation", "hydra_plugins"


class How(IntEnum):
    """When an import takes place; if a module is imported several times, the lowest counts."""

    LOAD = 0
    LATE = 1  # in a function
    TYPING = 2  # never, under `if TYPE_CHECKING`


Files = Mapping[str, Path]  # by full module name; for a package, its __init__
Graph = Mapping[str, Mapping[str, How]]  # importer -> imported -> how; every node is a key


def sources(tree: Path = ROOT) -> dict[str, Path]:
    """The files of the program and its plugins by module name."""
    return {
        ".".join(path.relative_to(tree).with_suffix("").parts).removesuffix(".__init__"): path
        for folder in (tree / PROGRAM, tree / PLUGINS)
        for path in sorted(folder.rglob("*.py"))
    }


def imported(module: str, files: Files) -> dict[str, How]:
    """The full names of the modules that a module imports, from anywhere.

    `from a import b` counts as an import of `a`, unless `a.b` is a module of the program.
    """
    path = files[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    imports: dict[str, How] = {}
    for node, how in _statements(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        names = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            origin = resolve_name("." * node.level + (node.module or ""), package)
            full = [f"{origin}.{name}" for name in names]
            names = [name if name in files else origin for name in full]
        for name in names:
            imports[name] = min(how, imports.get(name, how))
    return imports


def _statements(
    node: ast.AST, how: How = How.LOAD
) -> Iterator[tuple[ast.Import | ast.ImportFrom, How]]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield node, how
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        how = max(how, How.LATE)
    for child in ast.iter_child_nodes(node):
        types = isinstance(node, ast.If) and child in node.body and _for_types(node.test)
        yield from _statements(child, How.TYPING if types else how)


def _for_types(test: ast.expr) -> bool:
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def modules(files: Files) -> dict[str, dict[str, How]]:
    """The import graph of the program's own modules."""
    return {
        name: {n: how for n, how in imported(name, files).items() if n in files and n != name}
        for name in files
    }


def room(module: str) -> str:
    """The room of a module, such as "ablation.problems" for everything in that package."""
    top, *rest = module.split(".")
    return ".".join((top, *rest[:1])) if top == PROGRAM else top


def rooms(graph: Graph) -> dict[str, dict[str, How]]:
    """The import graph of the rooms, from that of the modules."""
    arrows: dict[str, dict[str, How]] = {room(name): {} for name in graph}
    for name, targets in graph.items():
        outgoing = arrows[room(name)]
        for target, how in targets.items():
            if (to := room(target)) != room(name):
                outgoing[to] = min(how, outgoing.get(to, how))
    return arrows


def reach(graph: Graph) -> dict[str, set[str]]:
    """The nodes that each node reaches by one or more arrows; itself if it is in a circle."""
    reachable: dict[str, set[str]] = {}
    for node in graph:
        waiting, seen = [node], set[str]()
        while waiting:
            new = graph[waiting.pop()].keys() - seen
            seen |= new
            waiting += new
        reachable[node] = seen
    return reachable


def circles(graph: Graph) -> list[tuple[str, ...]]:
    """The circles: sorted groups of nodes that all reach one another."""
    to = reach(graph)
    return sorted({tuple(sorted(n for n in to[node] if node in to[n])) for node in to} - {()})


def floors(graph: Graph) -> dict[str, int]:
    """The floor of each node: 1 if it imports nothing; the nodes of a circle share a floor."""
    to = reach(graph)
    below = {node: {n for n in to[node] if node not in to[n]} for node in to}
    floor: dict[str, int] = {}
    for node in sorted(below, key=lambda n: len(below[n])):  # a lower node has fewer below it
        floor[node] = 1 + max((floor[n] for n in below[node]), default=0)
    return floor


def short(name: str) -> str:
    """A name as it is shown, without the program's."""
    return "__init__" if name == PROGRAM else name.removeprefix(f"{PROGRAM}.")


def sizes(files: Files) -> dict[str, tuple[int, int]]:
    """The number of files and lines of each room."""
    totals: dict[str, tuple[int, int]] = {}
    for name, path in files.items():
        count, lines = totals.get(room(name), (0, 0))
        length = len(path.read_text(encoding="utf-8").splitlines())
        totals[room(name)] = count + 1, lines + length
    return totals
