"""Between which numbers a value lies, by the declarations alone: an interval that holds it.

What is not known is between minus infinity and infinity, so that nothing is concluded from it.
"""

from __future__ import annotations

import math
from typing import TypeAlias

from .corners import LINES
from .program import Program
from .trees import Node

Bounds: TypeAlias = tuple[float, float]

ANY: Bounds = (-math.inf, math.inf)
POSITIVE: Bounds = (0.0, math.inf)
SHARE: Bounds = (0.0, 1.0)
DOMAINS: dict[str, Bounds] = {"R+": POSITIVE, "R0+": POSITIVE, "R-": (-math.inf, 0.0),
                              "simplex": SHARE,
                              **dict.fromkeys(LINES, SHARE), "N": (1.0, math.inf), "N0": POSITIVE}
KINDS: dict[str, Bounds] = {"norm": POSITIVE, "abs": POSITIVE, "sqrt": POSITIVE,
                            "density": POSITIVE, "ind": SHARE, "delta": SHARE, "prob": SHARE}
FUNCTIONS: dict[str, Bounds] = {"exp": POSITIVE, "softplus": POSITIVE, "relu": POSITIVE,
                                "sigmoid": SHARE, "softmax": SHARE, "tanh": (-1.0, 1.0),
                                "sin": (-1.0, 1.0), "cos": (-1.0, 1.0), "erf": (-1.0, 1.0)}


def bounds(program: Program, node: Node, unknown: frozenset[str] = frozenset()) -> Bounds:
    """An interval that holds all entries of a value; `unknown` are names bound around it."""
    kind, args = node.kind, node.args
    if kind in KINDS:
        return KINDS[kind]
    if kind == "num":
        return float(args[0]), float(args[0])
    if kind == "sym":
        return ANY if args[0] in unknown else of_name(program, args[0], unknown)
    if kind == "fn":
        return FUNCTIONS.get(args[0], ANY) if not args[2] else ANY
    if kind == "call" and not args[2] and args[0] in program.defs:
        definition = program.defs[args[0]]
        return bounds(program, definition.body, unknown | set(definition.params))
    if kind == "item":
        return bounds(program, args[0], unknown)
    if kind == "neg":
        low, high = bounds(program, args[0], unknown)
        return -high, -low
    if kind == "add":
        found = [bounds(program, t, unknown) if sign == "+" else tuple(
            -x for x in reversed(bounds(program, t, unknown))) for sign, t in args]
        return sum(f[0] for f in found), sum(f[1] for f in found)
    if kind in ("mul", "had", "times"):
        return by_sign([bounds(program, part, unknown) for part in args])
    if kind == "div":
        return quotient(*(bounds(program, part, unknown) for part in args))
    if kind == "pow":
        even = args[1].kind == "num" and args[1].args[0] in ("2", "4")
        base = args[0]
        constant = base.kind == "number"
        return POSITIVE if constant or (even and base.kind != "T") or (
            bounds(program, base, unknown)[0] >= 0) else ANY
    return ANY


def of_name(program: Program, key: str, unknown: frozenset[str]) -> Bounds:
    """The bounds of a declared name."""
    let = program.lets.get(key)
    if let is not None:
        name, _, extra = let.domain.args
        if name.startswith("interval") or name == "range":
            return bounds(program, extra[0], unknown)[0], bounds(program, extra[1], unknown)[1]
        return DOMAINS.get(name, ANY)
    definition = program.defs.get(key)
    if definition is not None and not definition.params and not definition.ranges:
        return bounds(program, definition.body)
    info = program.scope.get(key)
    return (1.0, math.inf) if info is not None and info.kind == "dim" else ANY


def by_sign(factors: list[Bounds]) -> Bounds:
    """The sign of a product of numbers, or of matrices."""
    negative = 0
    for low, high in factors:
        if low < 0 < high:
            return ANY
        negative += low < 0
    return (-math.inf, 0.0) if negative % 2 else POSITIVE


def quotient(top: Bounds, bottom: Bounds) -> Bounds:
    if bottom[0] < 0:
        return ANY
    if top[0] >= 0:
        return 0.0, top[1] / bottom[0] if bottom[0] > 0 else math.inf
    return (-math.inf, 0.0) if top[1] <= 0 else ANY
