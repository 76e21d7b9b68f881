"""What surrounds a node while it is evaluated: a draw, the bound names, and what is watched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import torch

from .trees import Node
from .values import Value

T = TypeVar("T")

Place: TypeAlias = tuple[int, ...]  # the indices of a member of a sequence; () without
Name: TypeAlias = tuple[str, Place]  # a symbol, or a member of a sequence
Switch: TypeAlias = tuple[int, int]  # a node that chooses, and which of its arguments
Outcome: TypeAlias = dict[Name, Value]


@dataclass
class Draw:
    """Values of the declared symbols: numbers, tensors, families by index, functions, tables.

    `samples` are the outcomes that an expectation averages; `outcomes` the single ones that were
    met outside of an expectation, and `seed` what those with a distribution are drawn with, `far`
    times as far out as usual.
    """

    dims: dict[str, int] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    families: dict[str, dict[Place, Value]] = field(default_factory=dict)
    functions: dict[str, Callable[[Sequence[Value]], Value]] = field(default_factory=dict)
    tables: dict[str, list[torch.Tensor | None]] = field(default_factory=dict)
    samples: list[tuple[tuple[str, ...], list[Outcome], list[torch.Tensor]]] = field(
        default_factory=list)
    outcomes: Outcome = field(default_factory=dict)
    seed: int = 0
    far: float = 1.0


@dataclass
class Watch:
    """What the draws have touched: lines of cases, smallest terms of sums, signs of arguments.

    `switches` holds the least and the largest value of what an arm is chosen by, and whether it
    has been zero; `ties` counts the zeros of what a derivative is taken through.
    """

    cases: dict[int, set[int]] = field(default_factory=dict)
    terms: dict[tuple[int, int], float] = field(default_factory=dict)
    signs: dict[tuple[str, str], set[int]] = field(default_factory=dict)
    switches: dict[Switch, tuple[float, float, bool]] = field(default_factory=dict)
    ties: int = 0
    detailed: bool = False
    role: str = "step"


    def choose(self, node: Node, by: Value, place: int = 0) -> None:
        """Note the number, or the entries, by whose sign a node chooses an arm."""
        if not isinstance(by, (int, float, torch.Tensor)):
            return
        if isinstance(by, torch.Tensor):
            if torch._C._functorch.is_batchedtensor(by) or not by.numel():
                return
            there = by.detach()
            found = float(there.min()), float(there.max()), bool((there == 0).any())
            self.ties += found[2] and by.requires_grad
        else:
            found = float(by), float(by), by == 0
        low, high, met = self.switches.get((id(node), place), (found[0], found[1], False))
        self.switches[id(node), place] = (min(low, found[0]), max(high, found[1]),
                                          met or found[2])


class Memo:
    """What is found out once and holds for all draws of a check.

    `valued` counts the nodes that were valued, and the points at which a mean was taken: a measure
    of time that is the same on every machine, so that a bound on it moves no verdict.
    """

    def __init__(self) -> None:
        self.valued = 0
        self.singly: set[int] = set()
        self.kept: list[Node] = []
        self.found: dict[str, Any] = {}
        self.symbols: dict[str, Node] = {}

    def take_singly(self, node: Node) -> None:
        """Remember that the members of a sum must be taken one by one."""
        self.singly.add(id(node))
        self.kept.append(node)

    def symbol(self, key: str) -> Node:
        """A node for a declared name, the same at every call."""
        found = self.symbols.get(key)
        if found is None:
            found = self.symbols[key] = Node("sym", (key,))
        return found

    def once(self, key: str, find: Callable[[], T]) -> T:
        """What holds for all draws, found at the first call."""
        if key not in self.found:
            self.found[key] = find()
        found: T = self.found[key]
        return found


@dataclass(frozen=True)
class Env:
    """What surrounds a node: bound names (lexical), cut symbols and sampled ones (dynamic)."""

    bound: Mapping[str, Value] = field(default_factory=dict)
    cuts: Mapping[Name, Value] = field(default_factory=dict)
    terms: int = 1

    def binding(self, names: Mapping[str, Value]) -> Env:
        return Env({**self.bound, **names}, self.cuts, self.terms)

    def cut(self, values: Mapping[Name, Value]) -> Env:
        return Env(self.bound, {**self.cuts, **values}, self.terms)

    def only(self, names: Mapping[str, Value]) -> Env:
        return Env(names, self.cuts, self.terms)


NOWHERE = Env()  # nothing is bound


def stamp(value: Value) -> int | tuple[str, Value]:
    """What identifies a value in the memory of results."""
    return id(value) if isinstance(value, torch.Tensor) else ("n", value)
