"""What no draw has tested: lines of cases, terms too small to matter, anchors' sides."""

from __future__ import annotations

from collections.abc import Iterator

from .counterexample import where
from .env import Watch
from .errors import Error
from .items import Block, Item
from .program import Program
from .reach import nodes_behind
from .trees import Node, pretty, show, vanishes, walk


def untested(block: Block, watch: Watch, exact: list[Item]) -> Iterator[Error]:
    """An error for every part of a block that held without being tested.

    No term is too small in the steps of `exact`, which were seen with more digits.
    """
    for item, node in nodes(block):
        if node.kind == "cases":
            yield from unreached(block, watch, item, node)
        elif node.kind == "add" and not any(item is e for e in exact):
            yield from hidden(block, watch, item, node)
    yield from one_sided(block, watch)


def nodes(block: Block) -> Iterator[tuple[Item, Node]]:
    """All nodes of the steps and of the definitions, with what they belong to."""
    for item in block.steps:
        if item.number[1] == 1 and item.left is not None:
            yield from ((item, n) for n in walk(item.left))
        if item.right is not None:
            yield from ((item, n) for n in walk(item.right))
    for key, definition in block.program.defs.items():
        place = Item("def", "", block.program.scope[key].line or definition.line)
        yield from ((place, n) for n in walk(definition.body))


def unreached(block: Block, watch: Watch, item: Item, node: Node) -> Iterator[Error]:
    """Lines of cases that no draw reaches."""
    reached = watch.cases.get(id(node), set())
    for place in range(len(node.args)):
        if reached and place not in reached:
            yield block.error("lint", f"no draw reaches line {place + 1} of these cases",
                              item.line, where(item))


def hidden(block: Block, watch: Watch, item: Item, node: Node) -> Iterator[Error]:
    """Terms that are too small beside the others on every draw."""
    for place, (_, term) in enumerate(node.args):
        if watch.terms.get((id(node), place), 1.0) < 1e-10 and not cancels(term, block.program):
            yield block.error("vacuous", f"the term {show(term)} is too small beside the others "
                              "to be tested", item.line, where(item))


def cancels(term: Node, program: Program) -> bool:
    """Whether a term may vanish because something inside it cancels."""
    return any(vanishes(n) for n in nodes_behind(program, term))


def one_sided(block: Block, watch: Watch) -> Iterator[Error]:
    """Functions that are used with arguments of a sign that their anchor never has."""
    for key, definition in block.program.defs.items():
        steps = watch.signs.get((key, "step"), set())
        anchors = watch.signs.get((key, "code"), set())
        if anchors and not (steps - {0}) <= anchors:
            side = "negative" if -1 in steps - anchors else "positive"
            yield block.error("lint", f"{pretty(key)} is used with {side} arguments, but its "
                              "anchor has none", definition.line)
