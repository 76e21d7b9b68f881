r"""Mistakes: kinds of changes of a formula, each as people make it.

A kind is a function from a `Formula` to what was done and the formula with it. What a notation is
mistaken for stands in its entry: what is left where it is forgotten (`keeps`), which of its
arguments are exchanged (`swaps`), the ends of what it runs over (`ends`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from . import registry
from . import values as v
from .draw import draw_symbols
from .errors import Refused, Undefined
from .evaluate import Evaluator
from .items import Block
from .lexer import ACCENTS, FONTS, Token
from .lines import CLOSING, OPENING, STEPS
from .registry import Notation
from .slips import changes
from .trees import Node, binds, pretty, scoped, walk

Change: TypeAlias = tuple[str, str]
Edit: TypeAlias = tuple[int, int, str]
SIZING = re.compile(r"\\(left|right|[bB]igg?[lrm]?)\s*$")
NAMED = ("sym", "term", "call", "prob")
PLAIN = ("sym", "term", "item", "number", "const")
PRODUCTS = ("mul", "had", "times")
SEPARATE = ("(", "[", "{", ",", ";", "&", r"\\", "=", "^", "_", "<", ">", r"\to", r"\mid", *STEPS)
DRAWS = 5


@dataclass(frozen=True)
class Formula:
    """A part of a line, and how it was read.

    Attributes
    ----------
    line : str
        The whole line.
    start, end : int
        Where the part begins and ends.
    tokens : sequence of Token
        Of the part; their places count in the line.
    trees : sequence of Node
        What the part was read as: more than one tree where relations stand in it.
    alike : mapping
        A declared name -> the others that may stand in its place.
    indices : sequence of str
        The names that stand for a place.
    bound : sequence of str
        The arguments and indices of what is being defined.
    """

    line: str
    start: int
    end: int
    tokens: Sequence[Token]
    trees: Sequence[Node]
    alike: dict[str, list[str]] = field(default_factory=dict)
    indices: Sequence[str] = ()
    bound: Sequence[str] = ()

    def put(self, *edits: Edit) -> str:
        """The part with pieces of it replaced, which do not overlap."""
        text, at = "", self.start
        for start, end, new in sorted(edits):
            text += self.line[at:start] + new
            at = end
        return text + self.line[at:self.end]

    def nodes(self) -> Iterator[Node]:
        """All nodes that stand in the part."""
        for tree in self.trees:
            yield from walk(tree)

    def of(self, node: Node) -> str:
        return self.line[self.outset(node.start):node.end]

    def enclosed(self, node: Node) -> str:
        """The text of a node, such that anything may stand beside it."""
        return self.of(node) if node.grouped or node.kind in PLAIN else f"({self.of(node)})"

    def outset(self, place: int) -> int:
        r"""Where what stands at a place begins, with a ``\left`` in front of it."""
        found = SIZING.search(self.line, self.start, place)
        return place if found is None else found.start()


# ---- kinds ---------------------------------------------------------------------------------


def token(formula: Formula) -> Iterator[Change]:
    """Another token: ``a - b`` becomes ``a + b``."""
    yield from changes(formula.line[formula.start:formula.end])


def coefficient(formula: Formula) -> Iterator[Change]:
    r"""A number or a denominator is lost: ``2 a`` becomes ``a``, and so does ``\frac{a}{n}``."""
    for node in formula.nodes():
        if node.kind in PRODUCTS:
            yield from (without(formula, node.args, place) for place, factor in enumerate(node.args)
                        if is_coefficient(factor) and not is_number(factor, "1"))
        elif node.kind == "div" and node.args[0].kind != "num":
            above, below = node.args
            yield (f"drop the denominator {formula.of(below)}",
                   formula.put((formula.outset(node.start), node.end, formula.enclosed(above))))


def is_number(node: Node, text: str) -> bool:
    return node.kind == "num" and node.args[0] == text


def is_coefficient(node: Node) -> bool:
    return node.kind == "num" or (node.kind == "div" and node.args[0].kind == "num")


def function(formula: Formula) -> Iterator[Change]:
    r"""A root, a power, a logarithm, an absolute value is lost: ``\sqrt{c}`` becomes ``c``."""
    for node in formula.nodes():
        kept = of_notation(node, "keeps")
        if kept is not None and (kept.start, kept.end) != (node.start, node.end):
            yield (f"{formula.of(node)} to {formula.of(kept)}",
                   formula.put((formula.outset(node.start), node.end, formula.enclosed(kept))))


def summand(formula: Formula) -> Iterator[Change]:
    """A term of a sum that is not 0 is lost: ``a + b - c`` becomes ``a + b``."""
    for node in formula.nodes():
        if node.kind != "add":
            continue
        terms = [term for _, term in node.args]
        for place, (sign, term) in enumerate(node.args):
            if is_number(term, "0"):
                continue
            if place:
                edit = (terms[place - 1].end, term.end, "")
            else:
                start = formula.outset(term.start)
                if sign == "-":
                    start = formula.line.rindex("-", 0, start)
                after = re.search("[-+]", formula.line[term.end:])
                assert after is not None
                edit = (start, term.end + after.start() + (after[0] == "+"), "")
            yield f"drop the term {sign}{formula.of(term)}", formula.put(edit)


def factor(formula: Formula) -> Iterator[Change]:
    """A factor of a product that is not 1 is lost: ``a b c`` becomes ``a c``."""
    for node in formula.nodes():
        if node.kind in PRODUCTS:
            yield from (without(formula, node.args, place) for place, factor in enumerate(node.args)
                        if not is_number(factor, "1"))


def without(formula: Formula, factors: Sequence[Node], place: int) -> Change:
    """A product without one factor, and the sign beside it."""
    lost = factors[place]
    edit = (factors[place - 1].end, lost.end, "") if place else (
        formula.outset(lost.start), formula.outset(factors[1].start), "")
    return f"drop the factor {formula.of(lost)}", formula.put(edit)


def letter(formula: Formula) -> Iterator[Change]:
    """Another letter of the same shape: ``a x`` becomes ``a z``."""
    for tree in formula.trees:
        yield from letters(formula, tree, tuple(formula.bound))


def letters(formula: Formula, node: Node, bound: tuple[str, ...]) -> Iterator[Change]:
    if node.kind in NAMED:
        key = node.args[0]
        shown = next((s for s in (pretty(key), key) if formula.of(node).startswith(s)), "")
        places = [*bound, *formula.indices]
        others = places if key in places else formula.alike.get(key, [])
        for other in dict.fromkeys(others) if shown else ():
            if other != key:
                yield (f"{shown} to {pretty(other)}", formula.put(
                    (node.start, node.start + len(shown), pretty(other) + " ")))
    outer, inner = scoped(node)
    for child in outer:
        yield from letters(formula, child, bound)
    for child in inner:
        yield from letters(formula, child, (*bound, *binds(node)))


def end(formula: Formula) -> Iterator[Change]:
    r"""An end of what is run over, off by one: ``\sum_{k=1}^n`` becomes ``\sum_{k=1}^{n-1}``."""
    for node in formula.nodes():
        for place in registry.kind(node.kind).ends(node):
            if place.kind == "infinite":
                continue
            for step in "+-":
                new = f"{formula.of(place)} {step} 1"
                if place.kind == "num" and place.args[0].isdigit():
                    new = str(int(place.args[0]) + (1 if step == "+" else -1))
                if formula.line[place.start - 1] in "^_":
                    new = f"{{{new}}}"
                yield f"end {formula.of(place)} to {new}", formula.put(
                    (place.start, place.end, new))


def bracket(formula: Formula) -> Iterator[Change]:
    """A bracket stands elsewhere: ``(a + b) c`` becomes ``(a) + b c``."""
    tokens = formula.tokens
    partner, around = nesting(tokens)
    for opening, closing in partner.items():
        mark = tokens[opening].text
        before = tokens[opening - 1].text if opening else ""
        after = tokens[closing + 1].text if closing + 1 < len(tokens) else ""
        if mark not in ("(", "[", "{") or (mark == "{" and (
                before in FONTS | ACCENTS | {r"\begin", r"\end"} or after == "{")):
            continue
        inside = [p for p in range(opening + 1, closing)
                  if around[p] == opening and is_binary(tokens, p)]
        if inside:
            yield "close earlier", moved(formula, closing, inside[-1], after=False)
            if mark != "{":
                yield "open later", moved(formula, opening, inside[0], after=True)
        level = [p for p in range(len(tokens)) if around[p] == around[opening]]
        if closing + 1 < len(tokens) and is_binary(tokens, closing + 1):
            stop = next((p for p in level if p > closing + 1 and ends_term(tokens, p)), None)
            stop = stop or partner.get(around[opening], len(tokens))
            yield "close later", moved(formula, closing, stop - 1, after=True)
        if mark != "{" and opening and is_binary(tokens, opening - 1):
            stop = max((p for p in level if p < opening - 1 and ends_term(tokens, p)),
                       default=around[opening])
            yield "open earlier", moved(formula, opening, stop, after=True)


def nesting(tokens: Sequence[Token]) -> tuple[dict[int, int], list[int]]:
    """The partner of every opening bracket, and the bracket around each token, or -1."""
    partner: dict[int, int] = {}
    around: list[int] = []
    stack = [-1]
    for place, found in enumerate(tokens):
        if found.text in CLOSING and len(stack) > 1:
            partner[stack.pop()] = place
        around.append(stack[-1])
        if found.text in OPENING:
            stack.append(place)
    return partner, around


def is_binary(tokens: Sequence[Token], place: int) -> bool:
    """Whether a token is a sign between two terms."""
    return tokens[place].text in ("+", "-") and place > 0 and (
        tokens[place - 1].text not in SEPARATE)


def ends_term(tokens: Sequence[Token], place: int) -> bool:
    return is_binary(tokens, place) or tokens[place].text in (set(SEPARATE) - set("([{^_"))


def moved(formula: Formula, place: int, to: int, *, after: bool) -> str:
    """The formula with a bracket before or after another token, or at its beginning for -1."""
    found = formula.tokens[place]
    start = formula.outset(found.start)
    if to < 0:
        target = formula.tokens[0].start
    else:
        target = formula.tokens[to].end if after else formula.outset(formula.tokens[to].start)
    return formula.put((start, found.end, ""), (target, target, formula.line[start:found.end]))


def exchange(formula: Formula) -> Iterator[Change]:
    r"""Two arguments are exchanged: ``\frac{a}{b}`` becomes ``\frac{b}{a}``, and so a divergence.

    Not of a difference under an even power or between bars, which stays the same.
    """
    even = {id(n) for node in formula.nodes() if is_even(node) for n in signed(node.args[0])}
    for node in formula.nodes():
        pair = of_notation(node, "swaps")
        if pair is None or any(n.start == n.end for n in pair):  # \log_2 x is a quotient too
            continue
        if not (node.kind == "add" and id(node) in even):
            (a, b), (c, d) = ((formula.outset(n.start), n.end) for n in pair)
            yield (f"{formula.of(pair[0])} and {formula.of(pair[1])} exchanged", formula.put(
                (a, b, formula.line[c:d]), (c, d, formula.line[a:b])))


def is_even(node: Node) -> bool:
    """Whether a node is the same of what is under it and of its negative."""
    if node.kind not in ("pow", "epow"):
        return node.kind in ("abs", "norm")
    exponent = node.args[1]
    factors = exponent.args if exponent.kind == "mul" else (exponent,)
    return any(f.kind == "num" and f.args[0].isdigit() and int(f.args[0]) % 2 == 0
               for f in factors)


def signed(node: Node) -> Iterator[Node]:
    """A node, and the factors in it that give it their sign."""
    yield node
    if node.kind in ("mul", "div", "neg", "times"):
        for child in node.args:
            yield from signed(child)


def of_notation(node: Node, what: str) -> Any:
    """What the entry of a notation says of a node; None of a part."""
    entry = registry.kind(node.kind)
    return getattr(entry, what)(node) if isinstance(entry, Notation) else None


KINDS: dict[str, Callable[[Formula], Iterator[Change]]] = {
    kind.__name__: kind for kind in (token, coefficient, function, summand, factor, letter, end,
                                     bracket, exchange)}


# ---- names that may stand for one another ---------------------------------------------------


def shapes(block: Block) -> dict[str, str]:
    """The shape of each declared name that stands for one value, as far as it has one."""
    found: dict[str, str] = {}
    evaluator = drawn(block)
    if evaluator is None:
        return found
    for key, info in block.program.scope.items():
        if info.kind in ("let", "rv", "def", "outcome") and not info.arity:
            with suppress(Refused, Undefined):
                found[key] = v.shape_text(evaluator.value(Node("sym", (key,))))
    return found


def drawn(block: Block) -> Evaluator | None:
    """A draw of what is declared; None where there is none."""
    for seed in range(DRAWS):
        with suppress(Refused, Undefined):
            return draw_symbols(block.program, np.random.default_rng(seed))
    return None


def alike(block: Block, shapes: Mapping[str, str]) -> dict[str, list[str]]:
    """For each declared name those of the same sort and shape, itself among them."""
    groups: dict[tuple[object, ...], list[str]] = {}
    for key, info in block.program.scope.items():
        sort: tuple[object, ...] = (info.kind, info.sup, info.sub, info.style, info.params)
        if key in block.program.funs:
            sort = block.program.funs[key].inputs, block.program.funs[key].output
        elif info.callable:
            sort = info.kind, len(info.params)
        elif key in shapes:
            sort = "value", shapes[key]
        groups.setdefault(sort, []).append(key)
    return {key: group for group in groups.values() for key in group}


def indices(block: Block) -> list[str]:
    """The declared names that stand for a place."""
    return [key for key, let in block.program.lets.items() if let.domain.args[0] == "range"]
