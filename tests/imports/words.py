"""The import graph in words: one line of counts, one line per room, and the circles."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from tests.imports import Files, Graph, How, circles, floors, modules, rooms, short, sizes


def summary(graph: Graph) -> str:
    """One line of counts for a graph of modules: rooms, floors, arrows, imports and circles."""
    outer = rooms(graph)
    of_rooms = (
        counted(len(outer), "room"),
        counted(max(floors(outer).values()), "floor"),
        counted(sum(map(len, outer.values())), "arrow"),
        counted(len(circles(outer)), "circle"),
    )
    of_modules = (
        counted(len(graph), "module"),
        counted(sum(map(len, graph.values())), "import") + " among them",
        counted(len(circles(graph)), "circle"),
    )
    return f"{', '.join(of_rooms)}; {', '.join(of_modules)}"


def words(files: Files) -> str:
    """The graph in words: the summary, one line per room from the top floor down, the circles."""
    inner = modules(files)
    outer, size = rooms(inner), sizes(files)
    floor = floors(outer)
    width = max(len(short(name)) for name in outer)
    lines = [summary(inner)]
    for name in sorted(outer, key=lambda n: (-floor[n], short(n))):
        count, length = size[name]
        start = f"floor {floor[name]:>2}  {short(name):{width}}  {count:>2} "
        start += f"{'file' if count == 1 else 'files':5} {length:>5} lines"
        arrows = [_marked(target, how) for target, how in sorted(outer[name].items())]
        lines += _wrapped(f"{start}  -> ", arrows) if arrows else [start]
    for what, graph in (("rooms", outer), ("modules", inner)):
        for circle in circles(graph):
            lines += _wrapped(f"circle of {what}: ", _within(circle, graph))
    return "\n".join(lines)


def _wrapped(start: str, parts: Iterable[str]) -> list[str]:
    """Lines of at most 100 characters, broken only at commas, indented to the end of `start`."""
    solid = ", ".join(part.replace(" ", "\xa0") for part in parts)
    lines = textwrap.wrap(solid, 100 - len(start), break_on_hyphens=False, break_long_words=False)
    return (start + f"\n{' ' * len(start)}".join(lines)).replace("\xa0", " ").splitlines()


def _within(circle: Iterable[str], graph: Graph) -> list[str]:
    """The arrows in a circle; removing one of them breaks it."""
    return [
        f"{short(a)} -> {_marked(b, graph[a][b])}" for a in circle for b in circle if b in graph[a]
    ]


def _marked(name: str, how: How) -> str:
    return short(name) + ("" if how is How.LOAD else f" ({how.name.lower()})")


def counted(number: int, what: str) -> str:
    """A number with its noun, such as "2 rooms" or "no circle"."""
    return f"{number or 'no'} {what}{'s' * (number > 1)}"
