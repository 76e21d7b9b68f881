"""The tree that a line of TeX is read as, and how it is printed back.

A `Node` has a kind and arguments (nodes, tuples of nodes, strings). What the kinds are, and what
the arguments of each mean, stands in the modules of `texcheck.notation`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from . import registry


@dataclass(eq=False)
class Node:
    """A node of the tree; equality ignores where it stood and whether it had parentheses."""

    kind: str
    args: tuple[Any, ...]
    start: int = 0
    end: int = 0
    grouped: bool = field(default=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Node) and self.kind == other.kind and self.args == other.args

    def __hash__(self) -> int:
        return hash((self.kind, self.args))

    @cached_property
    def children(self) -> tuple[Node, ...]:
        """Direct children, in order."""
        return tuple(flatten(self.args))

    @cached_property
    def entry(self) -> registry.Notation | registry.Part:
        """The entry of its kind."""
        return registry.kind(self.kind)

    @cached_property
    def names(self) -> frozenset[str]:
        """Keys of all symbols that occur, bound or free."""
        return frozenset(own_names(self)).union(*(child.names for child in children(self)))

    @cached_property
    def bound(self) -> frozenset[str]:
        """Keys that a sum, a product or an expectation inside binds."""
        return frozenset(binds(self)).union(*(child.bound for child in children(self)))

    @cached_property
    def free(self) -> frozenset[str]:
        """Keys that occur and are not bound inside."""
        outer, inner = scoped(self)
        found = set(own_names(self))
        for child in inner:
            found |= child.free
        found -= set(binds(self))
        for child in outer:
            found |= child.free
        return frozenset(found)


def flatten(args: Iterable[Any]) -> Iterator[Node]:
    """All nodes directly inside nested tuples."""
    for arg in args:
        if isinstance(arg, Node):
            yield arg
        elif isinstance(arg, tuple):
            yield from flatten(arg)


def children(node: Node) -> list[Node]:
    """Direct children, in order."""
    return list(node.children)


def walk(node: Node) -> Iterator[Node]:
    """The node and all that is inside it."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(node.children))


def own_names(node: Node) -> tuple[str, ...]:
    """Keys that this very node mentions."""
    return registry.kind(node.kind).names(node)


def binds(node: Node) -> tuple[str, ...]:
    """Keys that this very node binds."""
    entry = registry.kind(node.kind)
    return entry.binds(node) if isinstance(entry, registry.Notation) else ()


def scoped(node: Node) -> tuple[list[Node], list[Node]]:
    """Children outside and inside of the reach of what the node binds."""
    entry = registry.kind(node.kind)
    if isinstance(entry, registry.Notation) and entry.reach is not None:
        outer, inner = entry.reach(node)
        return list(outer), list(inner)
    return [], children(node)


def vanishes(node: Node) -> bool:
    """Whether the value of this very node may be zero, or tiny, through cancelling inside it."""
    entry = registry.kind(node.kind)
    return isinstance(entry, registry.Notation) and entry.vanishes


def differentiated(node: Node) -> list[tuple[Node, Node | None]]:
    """What this very node differentiates, each with what it is taken by, if that has a name."""
    entry = registry.kind(node.kind)
    if not isinstance(entry, registry.Notation):
        return []
    found: list[tuple[Node, Node | None]] = entry.differentiates(node)
    return found


def rounds(node: Node) -> str:
    """Where the value of this very node is rounded; see `Notation.rounds`."""
    entry = registry.kind(node.kind)
    return entry.rounds if isinstance(entry, registry.Notation) else "once"


def pretty(key: str) -> str:
    r"""A key as an author writes it: ``W_{f}`` is shown as ``W_f``.

    Examples
    --------
    >>> pretty("W_{f}")
    'W_f'
    """
    out = key
    for mark in "_^":
        place = out.find(mark + "{")
        if place >= 0 and out[place + 3:place + 4] == "}":
            out = out[:place + 1] + out[place + 2] + out[place + 4:]
    return out


def show(node: Node | str) -> str:
    """The tree printed back, fully parenthesised."""
    if isinstance(node, str):
        return node
    return registry.kind(node.kind).show(node, *node.args)


def listed(nodes: Iterable[Node | str]) -> str:
    """Nodes printed back, with commas between them."""
    return ", ".join(map(show, nodes))


def joined(mark: str) -> Callable[..., str]:
    """A printer that puts a mark between all arguments of a node."""
    return lambda node, *parts: "(" + mark.join(map(show, parts)) + ")"
