"""What a tree needs through the definitions."""

from __future__ import annotations

from collections.abc import Iterator

from .program import Program
from .trees import Node, walk


def names_behind(program: Program, *roots: Node) -> frozenset[str]:
    """All names that some trees need, through the definitions."""
    return frozenset[str]().union(*(program.closure(root) for root in roots))


def nodes_behind(program: Program, *roots: Node) -> Iterator[Node]:
    """All nodes of some trees and of the definitions that they need."""
    for root in roots:
        yield from walk(root)
    for name in names_behind(program, *roots):
        if name in program.defs:
            yield from walk(program.defs[name].body)
