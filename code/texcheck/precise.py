"""A second look with more digits, at steps between numbers whose difference a float cannot hold.

Both sides are evaluated twice, with few and with many digits. What is rounding shrinks with the
digits that are added; a difference that stays is one. Decimals that the author writes are exact.
A step with a notation that has no rule in `RULES` is left to the floats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import mpmath
import torch

from .compare import trees
from .corners import LINES
from .env import NOWHERE, Env
from .errors import Refused, Undefined
from .evaluate import Evaluator
from .items import Item
from .notation.sums import bindings
from .reach import names_behind
from .trees import Node

DIGITS = (200, 400)
STAYS = 1e6  # a difference is one where it is that many times what the digits changed
MOST_NODES = 6000
MOST_BITS = 100_000  # of an exact fraction
FARTHEST = 1e11  # bits of an exponent
TIED = ("simplex", *LINES, "orthogonal", "S+", "S++")
EXACT = (int, Fraction)


class Unknown(Exception):
    """No rule says what a node is with more digits."""


NOT_KNOWN = (Unknown, Refused, Undefined, ArithmeticError, ValueError, TypeError, LookupError,
             RecursionError)


@dataclass(frozen=True)
class Place:
    """What surrounds a node: bound names, and symbols that a derivative moves."""

    bound: Mapping[str, Any] = field(default_factory=dict)
    cuts: Mapping[Any, Any] = field(default_factory=dict)


def compared(item: Item, evaluator: Evaluator) -> tuple[Any, Any, bool] | None:
    """Both sides of a step, and whether a difference that stays with more digits breaks it; None
    where no rule says what they are."""
    if item.relation not in ("=", r"\le", r"\ge") or rounded(evaluator, item):
        return None
    found = []
    for digits in DIGITS:
        with mpmath.workdps(digits):
            try:
                reader = Precise(evaluator, digits)
                left, right = (reader.number(side, Place()) for side in trees(item))
            except NOT_KNOWN:
                return None
            found.append((left, right))
    with mpmath.workdps(DIGITS[-1]):
        few, many = (mpmath.mpf(to_float(a)) - mpmath.mpf(to_float(b)) for a, b in found)
        breaks = many != 0 if item.relation == "=" else (
            many > 0 if item.relation == r"\le" else many < 0)
        return (*found[1], bool(breaks and abs(many) > STAYS * abs(many - few)))


def rounded(evaluator: Evaluator, item: Item) -> bool:
    """Whether symbols are tied to one another, as shares are: then they are so up to rounding."""
    program = evaluator.program
    names = names_behind(program, *trees(item))
    return any(k in names and let.domain.args[0] in TIED for k, let in program.lets.items()) or any(
        n.kind == "rel" and n.args[0] == "=" for n in program.assumptions)


def to_float(value: Any) -> Any:
    """A number with the digits at hand."""
    if isinstance(value, Fraction):
        return mpmath.mpf(value.numerator) / value.denominator
    return mpmath.mpf(value)


class Precise:
    """Evaluates trees between numbers on one draw, with more digits than a float."""

    def __init__(self, evaluator: Evaluator, digits: int):
        self.evaluator = evaluator
        self.shift = mpmath.mpf(10) ** (-digits // 5)
        self.visited = 0

    def number(self, node: Node, place: Place) -> Any:
        """The value of a node that is a number; raises Unknown where no rule says it."""
        self.visited += 1
        rule = RULES.get(node.kind)
        if rule is None or self.visited > MOST_NODES:
            raise Unknown(node.kind)
        found = rule(self, node, place, *node.args)
        if isinstance(found, mpmath.mpc) or (isinstance(found, mpmath.mpf)
                                             and not mpmath.isfinite(found)):
            raise Unknown("no real number")
        return found

    def whole(self, node: Node, place: Place) -> int:
        value = self.number(node, place)
        if not isinstance(value, EXACT) or value != int(value):
            raise Unknown("no whole number")
        return int(value)

    def holds(self, conditions: tuple[Node, ...], place: Place) -> bool:
        return all(self.number(c, place) for c in conditions)


def given(value: Any) -> Any:
    """A drawn number: exact as it is."""
    if isinstance(value, torch.Tensor) and not value.dim():
        return mpmath.mpf(float(value.detach()))
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return mpmath.mpf(value)
    raise Unknown("no number")


def sym(p: Precise, node: Node, place: Place, key: str) -> Any:
    if key in place.bound:
        return place.bound[key]
    if key in place.cuts:
        return place.cuts[key]
    draw, program = p.evaluator.draw, p.evaluator.program
    if key in draw.values:
        return given(draw.values[key])
    if key in draw.dims:
        return draw.dims[key]
    definition = program.defs.get(key)
    if definition is None or definition.params or definition.ranges:
        raise Unknown(key)
    return p.number(definition.body, replace(place, bound={}))


def item(p: Precise, node: Node, place: Place, base: Node, indices: tuple[Any, ...]) -> Any:
    if base.kind != "sym" or ":" in indices or base.args[0] in place.cuts:
        raise Unknown("item")
    value = p.evaluator.draw.values.get(base.args[0])
    index = tuple(p.whole(i, place) - 1 for i in indices)
    if not isinstance(value, torch.Tensor):
        raise Unknown("item")
    if value.dim() == 2 and len(index) == 1 and value.shape[1] == 1:
        index = (*index, 0)
    if len(index) != value.dim() or any(not 0 <= i < n for i, n in zip(index, value.shape,
                                                                      strict=True)):
        raise Unknown("item")
    return place.cuts.get((base.args[0], index), given(value[index]))


def term(p: Precise, node: Node, place: Place, key: str, indices: tuple[Node, ...]) -> Any:
    family = p.evaluator.draw.families.get(key, {})
    index = tuple(p.whole(i, place) for i in indices)
    if index not in family:
        raise Unknown(key)
    return given(family[index])


def mixed(a: Any, b: Any) -> tuple[Any, Any]:
    """Two numbers as exact ones, or with the digits at hand."""
    if isinstance(a, EXACT) and isinstance(b, EXACT):
        return Fraction(a), Fraction(b)
    return to_float(a), to_float(b)


def plus(a: Any, b: Any) -> Any:
    """A sum; raises Unknown where all digits cancel, so that more of them may say otherwise."""
    a, b = mixed(a, b)
    found = a + b
    if isinstance(found, mpmath.mpf) and a and b and (
            abs(found) < mpmath.mpf(10) ** (-mpmath.mp.dps // 2) * abs(a)):
        raise Unknown("digits that cancel")
    return found


def times(a: Any, b: Any) -> Any:
    a, b = mixed(a, b)
    return a * b


def over(a: Any, b: Any) -> Any:
    a, b = mixed(a, b)
    return a / b


def add(p: Precise, node: Node, place: Place, *terms: Any) -> Any:
    found: Any = 0
    for sign, one in terms:
        value = p.number(one, place)
        found = plus(found, -value if sign == "-" else value)
    return found


def multiply(p: Precise, node: Node, place: Place, *factors: Node) -> Any:
    found: Any = 1
    for factor in factors:
        found = times(found, p.number(factor, place))
    return found


def power(p: Precise, node: Node, place: Place, base: Node, exponent: Node) -> Any:
    a, b = p.number(base, place), p.number(exponent, place)
    counted = isinstance(b, EXACT) and b == int(b) and -1000 <= b <= 1000
    if counted and isinstance(a, EXACT):
        exact = Fraction(a)
        bits = exact.numerator.bit_length() + exact.denominator.bit_length()
        if bits * abs(int(b)) < MOST_BITS:
            return exact ** int(b)
    there, exponent_there = to_float(a), to_float(b)
    if there and abs(exponent_there * mpmath.mag(there)) > FARTHEST:
        raise Unknown("beyond all numbers")
    return there ** int(b) if counted else mpmath.power(there, exponent_there)


def exponential(x: Any) -> Any:
    if abs(x) > FARTHEST:
        raise Unknown("beyond all numbers")
    return mpmath.exp(x)


def floor(a: Any) -> Any:
    if isinstance(a, EXACT):
        return Fraction(a).__floor__()
    if abs(a - mpmath.nint(a)) < mpmath.mpf(10) ** -30:
        raise Unknown("a floor at a whole number")
    return int(mpmath.floor(a))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "log": mpmath.log, "exp": exponential, "sin": mpmath.sin, "cos": mpmath.cos,
    "tan": mpmath.tan, "sinh": mpmath.sinh, "cosh": mpmath.cosh, "tanh": mpmath.tanh,
    "arctan": mpmath.atan, "erf": mpmath.erf,
    "sigmoid": lambda x: 1 / (1 + exponential(-x)), "softplus": lambda x: mpmath.log1p(
        exponential(x))}
CHOICES: dict[str, Callable[..., Any]] = {
    "max": max, "min": min, "relu": lambda x: max(x, 0), "floor": floor,
    "ceil": lambda x: -floor(-x), "sign": lambda x: (x > 0) - (x < 0)}


def function(p: Precise, node: Node, place: Place, name: str, args: tuple[Node, ...],
             order: int) -> Any:
    values = [p.number(a, place) for a in args]
    if order:
        raise Unknown(name)
    if name in CHOICES:
        values = values if all(isinstance(x, EXACT) for x in values) else [
            to_float(x) for x in values]
        return CHOICES[name](*values)
    if name not in FUNCTIONS or len(values) != 1:
        raise Unknown(name)
    return FUNCTIONS[name](to_float(values[0]))


def call(p: Precise, node: Node, place: Place, key: str, args: tuple[Node, ...],
         order: int) -> Any:
    definition = p.evaluator.program.defs.get(key)
    if definition is None or key in p.evaluator.draw.functions:
        raise Unknown(key)
    values = [p.number(a, place) for a in args]

    def at(*given: Any) -> Any:
        bound = dict(zip(definition.params, given, strict=True))
        return p.number(definition.body, replace(place, bound=bound))

    return derived(p, at, values[0], order) if order else at(*values)


def derived(p: Precise, at: Callable[[Any], Any], where: Any, order: int = 1) -> Any:
    """A derivative by central differences, whose error the digits make small; raises Unknown where
    the digits do not hold the difference."""
    if not order:
        return to_float(at(where))
    there = to_float(where)
    above, below = (derived(p, at, there + by, order - 1) for by in (p.shift, -p.shift))
    if abs(above - below) <= mpmath.mpf(10) ** (-mpmath.mp.dps // 2) * abs(above):
        raise Unknown("digits that cancel")
    bend = above + below - 2 * derived(p, at, there, order - 1)
    if abs(bend) > mpmath.mpf(10) ** (-mpmath.mp.dps // 10) * abs(above - below):
        raise Unknown("a kink")
    return (above - below) / (2 * p.shift)


def derivative(p: Precise, node: Node, place: Place, body: Node,
               targets: tuple[Node, ...]) -> Any:
    if not targets:
        return p.number(body, place)
    by = targets[0].args[0]
    where = p.number(by, place)
    if by.kind == "sym" and by.args[0] not in place.bound:
        key: Any = by.args[0]
    else:
        raise Unknown("diff")

    def at(x: Any) -> Any:
        return derivative(p, node, replace(place, cuts={**place.cuts, key: x}), body, targets[1:])

    return derived(p, at, where)


def reduced(p: Precise, node: Node, place: Place, op: str, binds: tuple[Node, ...],
            conditions: tuple[Node, ...], body: Node) -> Any:
    if any(not isinstance(x, int) for x in place.bound.values()):
        raise Unknown(op)
    env: Env = NOWHERE.binding(place.bound)
    found = []
    for inner in bindings(p.evaluator, binds, conditions, body, env):
        if any(not isinstance(x, int) for x in inner.bound.values()):
            raise Unknown(op)
        found.append(p.number(body, replace(place, bound=dict(inner.bound))))
    if op in ("max", "min"):
        return CHOICES[op](map(to_float, found))
    result: Any = 0 if op == "sum" else 1
    if op not in ("sum", "prod"):
        raise Unknown(op)
    for value in found:
        result = plus(result, value) if op == "sum" else times(result, value)
    return result


def related(p: Precise, node: Node, place: Place, op: str, left: Node, right: Node) -> bool:
    a, b = mixed(p.number(left, place), p.number(right, place))
    return bool({"=": a == b, r"\ne": a != b, "<": a < b, ">": a > b, r"\le": a <= b,
                 r"\ge": a >= b}[op])


def cases(p: Precise, node: Node, place: Place, *rows: Any) -> Any:
    for value, conditions in rows:
        if p.holds(conditions, place):
            return p.number(value, place)
    raise Unknown("no line of cases applies")


def root(p: Precise, node: Node, place: Place, a: Node, order: Node) -> Any:
    value = to_float(p.number(a, place))
    if value < 0:
        raise Unknown("a root of a negative number")
    return mpmath.root(value, p.whole(order, place))


RULES: dict[str, Callable[..., Any]] = {
    "num": lambda p, node, place, text: Fraction(text),
    "number": lambda p, node, place, name: {"pi": +mpmath.pi, "e": +mpmath.e}[name],
    "sym": sym, "item": item, "term": term, "add": add, "mul": multiply, "times": multiply,
    "neg": lambda p, node, place, a: -p.number(a, place),
    "div": lambda p, node, place, a, b: over(p.number(a, place), p.number(b, place)),
    "pow": power, "sqrt": root, "fn": function, "call": call, "diff": derivative, "big": reduced,
    "abs": lambda p, node, place, a: abs(p.number(a, place)),
    "ind": lambda p, node, place, conditions: int(p.holds(conditions, place)),
    "delta": lambda p, node, place, a, b: int(p.whole(a, place) == p.whole(b, place)),
    "rel": related, "cases": cases,
}
