"""Results of derivations that held, kept under a hash of all that they depend on."""

import hashlib
import json
import re
from functools import cache
from importlib.machinery import PathFinder
from importlib.metadata import version
from modulefinder import ModuleFinder
from pathlib import Path
from typing import Any

from .errors import Refused
from .lines import cut, logical_lines

RENDERERS = ("directive.py", "markdown.py", "render.py")
"""The files that only lay out results; whatever else lies here, in folders too, judges."""

DOTTED = re.compile(r"\b([A-Za-z_]\w*)((?:\.[A-Za-z_]\w*)+)")


def sources(text: str, folders: list[str]) -> list[Path]:
    """Files of the modules that the ``code:`` lines name, with all that these import in turn.

    Parameters
    ----------
    text : str
        A derivation.
    folders : list of str
        Where the packages lie; modules elsewhere (torch) are known by their version.

    Examples
    --------
    >>> sources("let: x \\\\in \\\\mathbb{R}", ["."])
    []
    """
    found: set[Path] = set()
    for number, raw in logical_lines(text, 1):
        for match in DOTTED.finditer(python_of(raw, number)):
            found |= _imported(match[0], tuple(folders))
    return sorted(found)


def python_of(raw: str, number: int) -> str:
    """The Python of a ``code:`` line; nothing of another, or of one that is not read."""
    try:
        line = cut(raw, number)
    except Refused:
        return ""
    return line.anchored[1] if line.equals >= 0 else ""


@cache
def _imported(dotted: str, folders: tuple[str, ...]) -> frozenset[Path]:
    """Files below the folders that importing a dotted name reads."""
    finder = ModuleFinder(path=list(folders))
    names = dotted.split(".")
    if PathFinder.find_spec(names[0], list(folders)) is None:
        return frozenset()
    for depth in range(1, len(names) + 1):
        try:
            finder.import_hook(".".join(names[:depth]))
        except ImportError:
            break  # the rest is an attribute
    files = (getattr(m, "__file__", None) for m in finder.modules.values())
    return frozenset(Path(f) for f in files if f)


@cache
def checker() -> str:
    """The checker itself and what it computes with: all of this package but its renderers."""
    digest = hashlib.sha256(f"{version('torch')} {version('numpy')}".encode())
    here = Path(__file__).parent
    for path in sorted(here.rglob("*.py")):
        name = path.relative_to(here).as_posix()
        if name not in RENDERERS:
            digest.update(name.encode() + path.read_bytes())
    return digest.hexdigest()


class Store:
    """A folder of finished results, by what was asked and the code that it names."""

    def __init__(self, folder: Path):
        self.folder = folder

    def key(self, asked: dict[str, Any], code: list[Path]) -> str:
        known = {name: asked[name] for name in ("function", "arguments", "version")}
        digest = hashlib.sha256(json.dumps(known, sort_keys=True).encode())
        for path in code:
            digest.update(path.name.encode() + path.read_bytes())
        return digest.hexdigest()

    def find(self, key: str) -> dict[str, Any] | None:
        try:
            text = (self.folder / f"{key}.json").read_text(encoding="utf-8")
            found: dict[str, Any] = json.loads(text)
            return found
        except (OSError, ValueError):
            return None

    def put(self, key: str, result: dict[str, Any]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = self.folder / f"{key}.{id(result)}.partial"
        partial.write_text(json.dumps(result, ensure_ascii=False), encoding="utf-8")
        partial.replace(self.folder / f"{key}.json")
