"""A second look with more digits, at steps whose difference a float cannot hold.

Both sides are evaluated twice, with few and with many digits. What is rounding shrinks with the
digits that are added; a difference that stays is one. Decimals that the author writes are exact.
A step with a notation that has no rule in `RULES` is left to the floats.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import mpmath
import torch

from . import registry
from . import values as v
from .corners import LINES
from .env import NOWHERE, Env
from .errors import Refused, Undefined
from .evaluate import Evaluator
from .items import Item, trees
from .quadrature import readable
from .reach import names_behind, nodes_behind
from .trees import Node

DIGITS = (200, 400)
PROBE_DIGITS = 250  # enough for places that far from a limit
ROUNDED = 20  # of the digits: as many are rounding where nothing cancels
STAYS = 1e6  # a difference is one where it is that many times what the digits changed
MOST_NODES = 6000
MOST_BITS = 100_000  # of an exact fraction
FARTHEST = 1e11  # bits of an exponent
TIED = ("simplex", *LINES, "orthogonal", "S+", "S++", "sphere", "stiefel")
MOST_FACTORIAL = 170
EXACT = (int, Fraction)


class Unknown(Exception):
    """No rule says what a node is with more digits."""


UNREAD = (Unknown, Refused, Undefined, ArithmeticError, ValueError, TypeError, LookupError,
          RecursionError)


@dataclass(frozen=True)
class Place:
    """What surrounds a node: bound names, and symbols that a derivative moves."""

    bound: Mapping[str, Any] = field(default_factory=dict)
    cuts: Mapping[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Matrix:
    """Rows of numbers; a vector is a column."""

    rows: tuple[tuple[Any, ...], ...]

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.rows), len(self.rows[0])

    @property
    def entries(self) -> list[Any]:
        return [x for row in self.rows for x in row]

    @property
    def columns(self) -> tuple[tuple[Any, ...], ...]:
        return tuple(zip(*self.rows, strict=True))

    def each(self, change: Callable[..., Any], *others: Matrix) -> Matrix:
        """Entry by entry."""
        if any(other.shape != self.shape for other in others):
            raise Unknown("shapes")
        return Matrix(tuple(tuple(change(*entries) for entries in zip(*rows, strict=True))
                            for rows in zip(self.rows, *(o.rows for o in others), strict=True)))


def compared(item: Item, evaluator: Evaluator) -> tuple[Any, Any, bool] | None:
    """Both sides of a step, and whether a difference that stays with more digits breaks it; None
    where no rule says what they are. Of matrices, an entry that breaks it, or the first."""
    if item.relation not in ("=", r"\le", r"\ge") or rounded(evaluator, item) or not readily(
            evaluator, item):
        return None
    try:
        many = looked(item, evaluator, DIGITS[1])
        if not any(apart(item.relation, *pair) for pair in many):
            return (*many[0], False)
        few = looked(item, evaluator, DIGITS[0])
    except UNREAD:
        return None
    with mpmath.workdps(DIGITS[1]):
        stay = (apart(item.relation, *there) and stays(here, there)
                for here, there in zip(few, many, strict=True))
        return next(((*pair, True) for pair, found in zip(many, stay, strict=True) if found),
                    (*many[0], False))


def looked(item: Item, evaluator: Evaluator, digits: int) -> list[tuple[Any, Any]]:
    """The entries of both sides of a step; raises one of `UNREAD` where no rule says them."""
    with mpmath.workdps(digits):
        reader = Precise(evaluator, digits)
        return pairs_of(*(reader.value(side, Place()) for side in trees(item)))


def readily(evaluator: Evaluator, item: Item) -> bool:
    """Whether there is a rule for every node of a step."""
    return all(n.kind in RULES or isinstance(registry.kind(n.kind), registry.Part)
               for n in nodes_behind(evaluator.program, *trees(item)))


def pairs_of(left: Any, right: Any) -> list[tuple[Any, Any]]:
    """The entries of both sides, beside one another."""
    if isinstance(left, Matrix) and isinstance(right, Matrix) and left.shape == right.shape:
        return list(zip(left.entries, right.entries, strict=True))
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Matrix) and isinstance(other, EXACT) and other == 0:
            return [(x, other) if one is left else (other, x) for x in one.entries]
    if isinstance(left, Matrix) or isinstance(right, Matrix):
        raise Unknown("shapes")
    return [(left, right)]


def apart(relation: str, left: Any, right: Any) -> bool:
    """Whether a difference breaks a relation and may be more than rounding."""
    with mpmath.workdps(DIGITS[1]):
        a, b = mpmath.mpf(to_float(left)), mpmath.mpf(to_float(right))
        gap, size = a - b, max(abs(a), abs(b))
        breaks = gap != 0 if relation == "=" else gap > 0 if relation == r"\le" else gap < 0
        return bool(breaks and abs(gap) > size * mpmath.mpf(10) ** (ROUNDED - DIGITS[1]))


def stays(here: tuple[Any, Any], there: tuple[Any, Any]) -> bool:
    """Whether a difference seen with few digits stays with many."""
    few, many = (mpmath.mpf(to_float(a)) - mpmath.mpf(to_float(b)) for a, b in (here, there))
    return bool(abs(many) > STAYS * abs(many - few))


def closely(evaluator: Evaluator, node: Node, bound: Mapping[str, Any], env: Env = NOWHERE,
            cuts: Mapping[str, Any] | None = None) -> Any:
    """A number with more digits, where some names are bound; None where no rule says what it is."""
    there = {k: x if isinstance(x, int) else given(x) for k, x in env.bound.items()
             if v.is_scalar(x) and readable(v.tensor(x))}
    plain = Evaluator(evaluator.program, evaluator.draw, evaluator.memo)
    moved = {k: given(x) for (k, place), x in env.cuts.items()
             if not place and v.is_scalar(x) and readable(v.tensor(x))}
    with mpmath.workdps(PROBE_DIGITS):
        try:
            place = Place({**there, **bound}, {**moved, **(cuts or {})})
            found = to_float(Precise(plain, PROBE_DIGITS).number(node, place))
        except UNREAD:
            return None
    return found if mpmath.isfinite(found) else None


def rounded(evaluator: Evaluator, item: Item) -> bool:
    """Whether a step holds symbols that are tied to one another."""
    return tied(evaluator, *trees(item))


def tied(evaluator: Evaluator, *nodes: Node) -> bool:
    """Whether symbols are tied to one another, as shares are: then they are so up to rounding."""
    program = evaluator.program
    names = names_behind(program, *nodes)
    return any(k in names and let.domain.args[0] in TIED for k, let in program.lets.items()) or any(
        n.kind == "rel" and n.args[0] == "=" for n in program.assumptions)


def to_float(value: Any) -> Any:
    """A number with the digits at hand."""
    if isinstance(value, Fraction):
        return mpmath.mpf(value.numerator) / value.denominator
    return mpmath.mpf(value)


class Precise:
    """Evaluates trees of numbers and matrices on one draw, with more digits than a float."""

    def __init__(self, evaluator: Evaluator, digits: int):
        self.evaluator = evaluator
        self.shift = mpmath.mpf(10) ** (-digits // 5)
        self.visited = 0

    def value(self, node: Node, place: Place) -> Any:
        """The value of a node, a number or a `Matrix`; raises Unknown where no rule says it."""
        self.visited += 1
        rule = RULES.get(node.kind)
        if rule is None or self.visited > MOST_NODES:
            raise Unknown(node.kind)
        found = rule(self, node, place, *node.args)
        for one in found.entries if isinstance(found, Matrix) else (found,):
            if isinstance(one, mpmath.mpc) or (isinstance(one, mpmath.mpf)
                                               and not mpmath.isfinite(one)):
                raise Unknown("no real number")
        if isinstance(found, Matrix):
            self.visited += len(found.entries) // 4
            return found.rows[0][0] if found.shape == (1, 1) else found
        return found

    def number(self, node: Node, place: Place) -> Any:
        """The value of a node that is a number."""
        found = self.value(node, place)
        if isinstance(found, Matrix):
            raise Unknown("a matrix")
        return found

    def whole(self, node: Node, place: Place) -> int:
        value = self.number(node, place)
        if not isinstance(value, EXACT) or value != int(value):
            raise Unknown("no whole number")
        return int(value)

    def holds(self, conditions: tuple[Node, ...], place: Place) -> bool:
        return all(self.number(c, place) for c in conditions)


def given(value: Any) -> Any:
    """A drawn number or matrix: exact as it is."""
    if isinstance(value, torch.Tensor) and not value.dim():
        return mpmath.mpf(float(value.detach()))
    if isinstance(value, torch.Tensor) and value.dim() == 2:
        return Matrix(tuple(tuple(map(mpmath.mpf, row)) for row in value.detach().tolist()))
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
    return p.value(definition.body, replace(place, bound={}))


def item(p: Precise, node: Node, place: Place, base: Node, indices: tuple[Any, ...]) -> Any:
    if ":" in indices:
        raise Unknown("item")
    whole = p.value(base, place)
    index = tuple(p.whole(i, place) - 1 for i in indices)
    if not isinstance(whole, Matrix):
        raise Unknown("item")
    if len(index) == 1 and 1 in whole.shape:
        index = (*index, 0) if whole.shape[1] == 1 else (0, *index)
    if len(index) != 2 or any(not 0 <= i < n for i, n in zip(index, whole.shape, strict=True)):
        raise Unknown("item")
    return whole.rows[index[0]][index[1]]


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


def summed(a: Any, b: Any) -> Any:
    """A sum of numbers or of matrices; a number beside a column is added to every entry."""
    if isinstance(a, Matrix) and isinstance(b, Matrix):
        return a.each(plus, b)
    for one, other in ((a, b), (b, a)):
        if isinstance(one, Matrix):
            if one.shape[0] == one.shape[1] and other != 0:
                raise Unknown("a number and a square matrix")
            return one.each(lambda x, other=other: plus(x, other))
    return plus(a, b)


def product(p: Precise, a: Any, b: Any) -> Any:
    """A product with a number, or of matrices."""
    if isinstance(a, Matrix) and isinstance(b, Matrix):
        if a.shape[1] != b.shape[0]:
            raise Unknown("shapes")
        p.visited += a.shape[0] * a.shape[1] * b.shape[1] // 4
        if p.visited > MOST_NODES:
            raise Unknown("too many products")
        found = Matrix(tuple(tuple(dot(row, column) for column in b.columns) for row in a.rows))
        return found.rows[0][0] if found.shape == (1, 1) else found
    for one, other in ((a, b), (b, a)):
        if isinstance(one, Matrix):
            return one.each(lambda x, other=other: times(x, other))
    return times(a, b)


def dot(a: tuple[Any, ...], b: tuple[Any, ...]) -> Any:
    found: Any = 0
    for x, y in zip(a, b, strict=True):
        found = plus(found, times(x, y))
    return found


def negative(a: Any) -> Any:
    return a.each(lambda x: -x) if isinstance(a, Matrix) else -a


def add(p: Precise, node: Node, place: Place, *terms: Any) -> Any:
    found: Any = None
    for sign, one in terms:
        value = p.value(one, place)
        value = negative(value) if sign == "-" else value
        found = value if found is None else summed(found, value)
    return found


def multiply(p: Precise, node: Node, place: Place, *factors: Node) -> Any:
    found = p.value(factors[0], place)
    for factor in factors[1:]:
        found = product(p, found, p.value(factor, place))
    return found


def entrywise(p: Precise, node: Node, place: Place, *factors: Node) -> Any:
    found = p.value(factors[0], place)
    for factor in factors[1:]:
        value = p.value(factor, place)
        both = isinstance(found, Matrix) and isinstance(value, Matrix)
        found = found.each(times, value) if both else product(p, found, value)
    return found


def quotient(p: Precise, node: Node, place: Place, a: Node, b: Node) -> Any:
    top, bottom = p.value(a, place), p.number(b, place)
    return top.each(lambda x: over(x, bottom)) if isinstance(top, Matrix) else over(top, bottom)


def norm(p: Precise, node: Node, place: Place, a: Node, kind: str) -> Any:
    value = p.value(a, place)
    if not isinstance(value, Matrix):
        return abs(value)
    if 1 not in value.shape and kind != "F":
        raise Unknown("a norm of a matrix")
    sizes = tuple(map(abs, value.entries))
    if kind in ("", "2", "F", "nuclear"):
        return mpmath.sqrt(to_float(dot(sizes, sizes)))
    return max(sizes) if kind == "inf" else dot(sizes, (1,) * len(sizes))


def inner(p: Precise, node: Node, place: Place, a: Node, b: Node) -> Any:
    left, right = p.value(a, place), p.value(b, place)
    if not (isinstance(left, Matrix) and isinstance(right, Matrix) and left.shape == right.shape):
        raise Unknown("shapes")
    return dot(tuple(left.entries), tuple(right.entries))


def transpose(p: Precise, node: Node, place: Place, a: Node) -> Any:
    value = p.value(a, place)
    return Matrix(value.columns) if isinstance(value, Matrix) else value


def constant(p: Precise, node: Node, place: Place, name: str, size: Node | None) -> Any:
    if size is None:
        raise Unknown("a size")
    count = p.whole(size, place)
    if name != "I":
        return Matrix(((1,),) * count)
    return Matrix(tuple(tuple(int(i == j) for j in range(count)) for i in range(count)))


def factorial(p: Precise, node: Node, place: Place, a: Node) -> Any:
    count = p.whole(a, place)
    if not 0 <= count <= MOST_NODES:
        raise Unknown("a factorial")
    return math.factorial(count) if count <= MOST_FACTORIAL else mpmath.factorial(count)


def series(p: Precise, node: Node, place: Place, key: str, low: Node, body: Node) -> Any:
    """A series whose terms fall at least like those of a geometric one, to all digits."""
    found, before = 0, None
    smallest = mpmath.mpf(10) ** (-mpmath.mp.dps - 5)
    for count, n in enumerate(itertools.count(p.whole(low, place))):
        one = p.number(body, replace(place, bound={**place.bound, key: n}))
        found = plus(found, one)
        if count % 16 == 15:
            size = abs(to_float(one))
            if before is not None and size <= smallest * abs(found) and size <= before / 2:
                return found
            before = size
    raise Unknown("series")


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
    values = [p.value(a, place) for a in args]

    def at(*given: Any) -> Any:
        bound = dict(zip(definition.params, given, strict=True))
        return p.value(definition.body, replace(place, bound=bound))

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


def related(p: Precise, node: Node, place: Place, op: str, left: Node, right: Node) -> bool:
    pairs = pairs_of(p.value(left, place), p.value(right, place))
    if len(pairs) > 1 or op in ("=", r"\ne"):
        equal = all(same(a, b) for a, b in pairs)
        if op not in ("=", r"\ne"):
            raise Unknown(op)
        return equal == (op == "=")
    a, b = mixed(*pairs[0])
    if same(a, b):
        return op in (r"\le", r"\ge")
    return bool({"=": a == b, r"\ne": a != b, "<": a < b, ">": a > b, r"\le": a <= b,
                 r"\ge": a >= b}[op])


def same(a: Any, b: Any) -> bool:
    """Whether two numbers are equal; raises Unknown where more digits may say otherwise."""
    a, b = mixed(a, b)
    if a == b:
        return True
    if isinstance(a, mpmath.mpf) and abs(a - b) <= mpmath.mpf(10) ** (-mpmath.mp.dps // 2) * max(
            abs(a), abs(b)):
        raise Unknown("digits that cancel")
    return False


def cases(p: Precise, node: Node, place: Place, *rows: Any) -> Any:
    for value, conditions in rows:
        if p.holds(conditions, place):
            return p.value(value, place)
    raise Unknown("no line of cases applies")


def root(p: Precise, node: Node, place: Place, a: Node, order: Node) -> Any:
    value = to_float(p.number(a, place))
    if value < 0:
        raise Unknown("a root of a negative number")
    return mpmath.root(value, p.whole(order, place))


# The rule of ``big`` stands with its notation, which finds the members.
RULES: dict[str, Callable[..., Any]] = {
    "num": lambda p, node, place, text: Fraction(text),
    "number": lambda p, node, place, name: {"pi": +mpmath.pi, "e": +mpmath.e}[name],
    "sym": sym, "item": item, "term": term, "add": add, "mul": multiply, "times": multiply,
    "neg": lambda p, node, place, a: negative(p.value(a, place)), "div": quotient,
    "had": entrywise, "norm": norm, "inner": inner, "T": transpose, "const": constant,
    "factorial": factorial, "series": series,
    "binom": lambda p, node, place, a, b: math.comb(p.whole(a, place), p.whole(b, place)),
    "pow": power, "sqrt": root, "fn": function, "call": call, "diff": derivative,
    "abs": lambda p, node, place, a: abs(p.number(a, place)),
    "ind": lambda p, node, place, conditions: int(p.holds(conditions, place)),
    "delta": lambda p, node, place, a, b: int(p.whole(a, place) == p.whole(b, place)),
    "rel": related, "cases": cases,
}
