"""Who imports whom, in words and as a picture: python -m tests.imports [--picture FILE.svg].

A room is a package directly below `ablation` with all it holds, or a module that lies there alone;
`hydra_plugins` is one room. An arrow leads from a room to another of which it imports a module. A
room's floor is one above the highest that its arrows lead to, and rooms in a circle share a floor.

The files are read, not run. Imports in functions and those for types alone count, and are marked.
Not followed is what a string names ("ablation.trial:run_trial", importlib), nor that Python loads
a package's __init__ before its modules: each __init__ that imports its own would be in a circle.
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
    """When an import takes place; of several of the same module the first here counts."""

    LOAD = 0
    LATE = 1  # in a function
    TYPING = 2  # never: under `if TYPE_CHECKING`


Files = Mapping[str, Path]  # by a module's full name; a package's is that of its __init__
Graph = Mapping[str, Mapping[str, How]]  # importer -> imported -> how; every node is a key


def sources(tree: Path = ROOT) -> dict[str, Path]:
    """Return the program's files by their modules' names, those of the plugins too."""
    return {
        ".".join(path.relative_to(tree).with_suffix("").parts).removesuffix(".__init__"): path
        for folder in (tree / PROGRAM, tree / PLUGINS)
        for path in sorted(folder.rglob("*.py"))
    }


def imported(module: str, files: Files) -> dict[str, How]:
    """Return the full names that a module imports: of the program, Python's own, of packages.

    A name taken from a module stands for the module, unless it is a module itself.
    """
    path = files[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: dict[str, How] = {}
    for node, how in _statements(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        names = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            origin = resolve_name("." * node.level + (node.module or ""), package)
            full = [f"{origin}.{name}" for name in names]
            names = [name if name in files else origin for name in full]
        for name in names:
            found[name] = min(how, found.get(name, how))
    return found


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
    """Return the graph of the program's modules; what is not of the program is left out."""
    return {
        name: {n: how for n, how in imported(name, files).items() if n in files and n != name}
        for name in files
    }


def room(module: str) -> str:
    """Return the room that a module is in: "ablation.problems" for all that package holds."""
    top, *rest = module.split(".")
    return ".".join((top, *rest[:1])) if top == PROGRAM else top


def rooms(graph: Graph) -> dict[str, dict[str, How]]:
    """Return the graph of rooms of a graph of modules: its arrows."""
    arrows: dict[str, dict[str, How]] = {room(name): {} for name in graph}
    for name, targets in graph.items():
        leaving = arrows[room(name)]
        for target, how in targets.items():
            if (to := room(target)) != room(name):
                leaving[to] = min(how, leaving.get(to, how))
    return arrows


def reach(graph: Graph) -> dict[str, set[str]]:
    """Return what each node comes to over one arrow or more: itself, if it is in a circle."""
    found: dict[str, set[str]] = {}
    for node in graph:
        waiting, seen = [node], set[str]()
        while waiting:
            new = graph[waiting.pop()].keys() - seen
            seen |= new
            waiting += new
        found[node] = seen
    return found


def circles(graph: Graph) -> list[tuple[str, ...]]:
    """Return the sets of nodes that all come to one another, each sorted."""
    to = reach(graph)
    return sorted({tuple(sorted(n for n in to[node] if node in to[n])) for node in to} - {()})


def floors(graph: Graph) -> dict[str, int]:
    """Return the floor of each node, 1 for what imports nothing; a circle's nodes share theirs."""
    to = reach(graph)
    below = {node: {n for n in to[node] if node not in to[n]} for node in to}
    floor: dict[str, int] = {}
    for node in sorted(below, key=lambda n: len(below[n])):  # whoever is below has less below it
        floor[node] = 1 + max((floor[n] for n in below[node]), default=0)
    return floor


def short(name: str) -> str:
    """Return a name as it is shown: without the program's."""
    return "__init__" if name == PROGRAM else name.removeprefix(f"{PROGRAM}.")


def sizes(files: Files) -> dict[str, tuple[int, int]]:
    """Return how many files and lines each room has."""
    found: dict[str, tuple[int, int]] = {}
    for name, path in files.items():
        count, lines = found.get(room(name), (0, 0))
        more = len(path.read_text(encoding="utf-8").splitlines())
        found[room(name)] = count + 1, lines + more
    return found
