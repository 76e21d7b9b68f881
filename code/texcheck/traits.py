"""What a step holds that decides how it is judged: means, derivatives, choices, roundings."""

from __future__ import annotations

from functools import cached_property

from . import registry
from .compare import trees
from .evaluate import Evaluator
from .items import Item
from .notation.distributions import KINDS
from .program import Program
from .reach import names_behind, nodes_behind
from .trees import Node, differentiated, rounds


class Traits:
    """What a step holds, itself or through the definitions."""

    def __init__(self, program: Program, item: Item):
        self.program = program
        self.nodes = list(nodes_behind(program, *trees(item)))
        self.names = names_behind(program, *trees(item))

    @cached_property
    def inexact(self) -> bool:
        """Whether a value has an error of its own: a quadrature, or one found to a bound."""
        if any(map(approximate, self.nodes)):
            return True
        laws = [n.kind for n in self.nodes if n.kind in KINDS]
        laws += [rv.dist.kind for n in self.names
                 if (rv := self.program.rvs.get(n)) is not None and rv.dist is not None]
        return any(KINDS[kind].outcomes is None for kind in laws)

    @cached_property
    def differentiates(self) -> bool:
        """Whether it takes a derivative."""
        return any(differentiated(n) for n in self.nodes)

    @cached_property
    def differentiated_by(self) -> frozenset[str] | None:
        """The names of what it is differentiated by; None for all, where that is an argument of a
        definition or an index."""
        found = frozenset[str]()
        for node in self.nodes:
            for body, by in differentiated(node):
                places = [by] if by is not None else [
                    a for n in (node, body) if n.kind in ("fn", "call") for a in n.args[1]]
                names = names_behind(self.program, *places)
                if not names <= self.program.scope.keys():
                    return None
                found |= names
        return found

    @cached_property
    def chooses(self) -> bool:
        """Whether it holds something that may change at a tie: a jump, a maximum, a kink."""
        def one(node: Node) -> bool:
            kind = registry.kind(node.kind)
            return node.kind == "abs" or (node.kind == "big" and node.args[0] in ("max", "min")) \
                or (node.kind == "fn" and registry.function(node.args[0]).picks) or (
                    isinstance(kind, registry.Notation) and bool(kind.jumps(node)))

        return any(map(one, self.nodes))

    @cached_property
    def composed(self) -> bool:
        """Whether it holds an operation of many roundings that its arguments do not show."""
        matrices = frozenset(k for k, let in self.program.lets.items() if let.domain.args[1])
        return any(rounds(n) == "often" or differentiated(n)
                   or (n.kind == "fn" and not registry.function(n.args[0]).entrywise)
                   or (n.kind == "pow" and n.args[0].names & matrices)
                   for n in self.nodes)


def approximate(node: Node) -> bool:
    """Whether the value of this very node is found to a bound of its error only."""
    return isinstance(node.entry, registry.Notation) and node.entry.approximate


def traits_of(item: Item, evaluator: Evaluator) -> Traits:
    """The traits of a step, found once in a check."""
    return evaluator.memo.once(f"traits {id(item)}", lambda: Traits(evaluator.program, item))
