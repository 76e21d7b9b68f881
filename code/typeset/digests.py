"""Digests of what a page is made from: the same in every process for the same thing."""

import dataclasses
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path, PurePath
from types import ModuleType

from docutils import nodes

ADDRESS = re.compile(r" at 0x[0-9a-f]+")
PLACES = {"line", "lineno", "mtime"}
"""Fields of records that say where something stands in a source, which no page shows."""


def digest(*values) -> str:
    """A digest of values: the same in every process, whatever the order of sets and keys.

    Examples
    --------
    >>> digest({"a": {1, 2}, "b": 3}) == digest({"b": 3, "a": {2, 1}})
    True
    >>> digest([1, 2]) == digest([2, 1])
    False
    """
    seen: list[int] = []

    def say(value) -> str:
        if value is None or isinstance(value, str | bytes | int | float):
            return repr(value)
        if isinstance(value, PurePath):
            return str(value)
        if id(value) in seen:
            return "above"
        seen.append(id(value))
        try:
            return f"{type(value).__name__}({','.join(parts(value))})"
        finally:
            seen.pop()

    def parts(value) -> Iterable[str]:
        if isinstance(value, dict):
            return sorted(f"{say(key)}:{say(one)}" for key, one in value.items())
        if isinstance(value, set | frozenset):
            return sorted(map(say, value))
        if isinstance(value, nodes.Node):
            return [tree(value)]
        fields = getattr(value, "_fields", None) or (
            [field.name for field in dataclasses.fields(value)]
            if dataclasses.is_dataclass(value) and not isinstance(value, type) else None)
        if fields is not None:
            return [f"{name}={say(getattr(value, name))}" for name in fields if name not in PLACES]
        if isinstance(value, list) and all(hasattr(one, "docname") for one in value):
            # Domains append what they find on a page whenever it is read: no order of pages.
            value = sorted(value, key=lambda one: one.docname)
        if isinstance(value, list | tuple):
            return list(map(say, value))
        if isinstance(value, ModuleType):
            return [value.__name__]
        if hasattr(value, "__qualname__"):  # a class or a function
            return [f"{value.__module__}.{value.__qualname__}"]
        if state := getattr(value, "__dict__", None):
            return [f"{name}={say(one)}" for name, one in sorted(state.items())
                    if name not in PLACES]
        return [ADDRESS.sub("", repr(value))]

    return _hash("\n".join(map(say, values)))


def tree(node: nodes.Node, *, lines: bool = False) -> str:
    """A digest of a tree of nodes.

    Parameters
    ----------
    node : nodes.Node
    lines : bool
        Whether places in the source count: a form that names them asks for it.
    """
    found, waiting = [], [(0, node)]
    while waiting:
        depth, one = waiting.pop()
        said = repr(str(one)) if isinstance(one, nodes.Text) else sorted(one.attributes.items())
        place = (one.source, one.line) if lines else ""
        found.append(f"{depth} {type(one).__module__}.{type(one).__name__} {place} {said}")
        waiting += [(depth + 1, child) for child in reversed(one.children)]
    return _hash("\n".join(found))


def _hash(content: str | bytes) -> str:
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogatepass")
    return hashlib.sha256(content).hexdigest()


def of_file(path) -> str | None:
    """A digest of a file, None if there is none."""
    try:
        return _hash(Path(path).read_bytes())
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None
