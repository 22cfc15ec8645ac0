"""The command: python -m tests.imports [--tree FOLDER] [--picture FILE]."""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.imports import PROGRAM, ROOT, sources
from tests.imports.words import words

SUFFIXES = (".svg", ".png")


def main() -> None:
    """Print the import graph in words, and draw it with --picture."""
    parser = argparse.ArgumentParser("python -m tests.imports", description=main.__doc__)
    parser.add_argument("--tree", type=Path, default=ROOT, help="another checkout, if not this one")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw it here, .svg or .png")
    asked = parser.parse_args()
    files = sources(asked.tree)
    if PROGRAM not in files:
        parser.error(f"--tree: no {PROGRAM}/__init__.py in {asked.tree}")
    if asked.picture and asked.picture.suffix not in SUFFIXES:
        parser.error(f"--picture: {asked.picture} ends in none of {', '.join(SUFFIXES)}")
    if asked.picture:
        from tests.imports.picture import draw  # here, as it needs matplotlib

        draw(files, asked.picture)
    print(words(files))


if __name__ == "__main__":
    main()
