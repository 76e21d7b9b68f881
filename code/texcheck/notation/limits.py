r"""Limits and infinite sums, by extrapolation with an estimate of the error.

Extrapolation sees a few places only, and a function may be kind to these. So others are looked at
too: between them, where no power of two stands, and far beyond them, with more digits than a float.
What does not come closer to the limit there has none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
import torch

from .. import values as v
from ..batch import mapped
from ..domains import COUNTED, FINITE
from ..env import Env
from ..errors import Refused, Undefined
from ..evaluate import Evaluator
from ..grammar import Parser
from ..precise import PROBE_DIGITS, closely
from ..registry import Notation, register
from ..trees import Node, pretty, show

FIRST = 32  # terms of the first partial sum; each next one has twice as many
DOUBLINGS = 7
ENOUGH = 1e-10
ERROR = 1e-14  # of the sizes of its terms: what a series may be wrong that ends below rounding
STEP = 0.25  # from the place of a limit: the farthest point that is looked at
PROBES = 8  # places between those that are extrapolated, on each half of the way
FAR = (6, 9, 13, 18, 30, 60, 100)  # decimal digits between the limit and places far beyond them
STILL = 1e-8  # beside the largest value: what a value away from the limit may be rounding
LEAST_TERMS = 2048  # of a series, where they are found at once; and
FEW_TERMS = 256  # where each is found by itself
WHOLE = frozenset("ijklmnKMNT")  # letters that stand for whole numbers, unless they are declared


def read_limit(p: Parser, start: int) -> Node:
    r"""``\lim_{n\to\infty} f`` and ``\lim_{x\to0} f``; its body is a product, as that of a sum."""
    sub = p.subscript() if p.peek() == "_" else None
    if sub is None or p.peek() == "^":
        raise p.refuse(r"write \lim_{n\to\infty} or \lim_{x\to 0}", start)
    key, target = p.inside(sub.first, sub.last, lambda: arrow(p))
    p.at = sub.after
    if key in p.bound:
        raise p.refuse(f"{key} is already bound around this limit: take another letter", start)
    p.needs_body("the limit")
    p.bound.append(key)
    body = p.term()
    p.bound.pop()
    if key not in body.names:
        raise p.refuse(f"{key} is not used in the limit", start)
    return p.node("limit", (key, target, body), start)


def arrow(p: Parser) -> tuple[str, Node]:
    key, start = p.binder_name(), p.place()
    p.take(r"\to")
    p.accept("+")
    if p.accept(r"\infty"):
        return key, Node("infinite", ("+",), start, start)
    return key, p.expr()


@dataclass(frozen=True)
class Way:
    """A way to a limit: to a place from both sides, or to infinity (`place` is None).

    Attributes
    ----------
    place : float or None
    step : float
        The distance of the farthest point from the place.
    counts : bool
        Whether it leads over whole numbers only.
    """

    place: float | None
    step: float
    counts: bool

    def at(self, share: float) -> Any:
        """A point at that share of the farthest distance, with the digits of mpmath at hand."""
        if self.place is not None:
            return mpmath.mpf(self.place) + mpmath.mpf(self.step) * share
        x = FIRST / abs(share)
        return round(x) if self.counts else x


def limit_value(e: Evaluator, node: Node, env: Env, key: str, target: Node,
                body: Node) -> v.Value:
    def at(places: list[v.Value]) -> list[torch.Tensor]:
        return [v.tensor(e.number(body, env.binding({key: x}), "what has a limit"))
                for x in places]

    if target.kind == "infinite":
        way = Way(None, 1.0, whole_number(e, key))
        sequences = [at([FIRST * 2**k + odd for k in range(DOUBLINGS)]) for odd in (0, 1)]
    else:
        place = v.tensor(e.number(target, env, "the place of a limit"))
        way = Way(v.plain(place), STEP * max(1.0, abs(v.plain(place))), False)
        sequences = [at([place + sign * way.step / 2**k for k in range(DOUBLINGS + 2)])
                     for sign in (1, -1)]
    found, error = agreed([extrapolated(s) for s in sequences], "a limit")

    def gaps(shares: Iterable[float], exact: bool) -> list[float]:
        """How far the function is from the limit, at shares of the way, where that is known."""
        values = []
        for share in shares:
            if exact:
                with mpmath.workdps(PROBE_DIGITS):
                    values.append(closely(e, body, {key: way.at(share)}, env))
            else:
                values.append(floating(e, body, env.binding({key: one_float(way.at(share))})))
        return [abs(float(y - v.plain(found))) for y in values
                if y is not None and mpmath.isfinite(y)]

    check_still(gaps, max(float(x.detach().abs()) for s in sequences for x in s),
                way.place is None)
    e.errs(node, env, error)
    return found


def one_float(x: Any) -> int | float:
    return x if isinstance(x, int) else float(x)


def floating(e: Evaluator, body: Node, env: Env) -> float | None:
    """A number as a float; None where it has no value."""
    try:
        return v.plain(e.number(body, env, "what has a limit"))
    except (Refused, Undefined, ArithmeticError):
        return None


def whole_number(e: Evaluator, key: str) -> bool:
    """Whether a letter runs over whole numbers, by its declaration or by what it is used for."""
    let = e.program.lets.get(key)
    if let is not None:
        return let.domain.args[0] in (*COUNTED, *FINITE)
    return key in WHOLE


def check_still(gaps: Callable[[Iterable[float], bool], list[float]], size: float,
                endless: bool) -> None:
    """Look at a function beside the places that were extrapolated, and beyond.

    Parameters
    ----------
    gaps : callable
        Shares of the way, and whether with more digits -> distances from the limit there.
    size : float
        The largest value at the places that were extrapolated.
    endless : bool
        Whether the way leads to infinity.

    Raises
    ------
    Undefined
        Where it does not come closer to its limit there.
    """
    rng = np.random.default_rng(0)
    signs = [1.0, 1.0] if endless else [1.0, -1.0]
    middle = 2.0 ** -(DOUBLINGS // 2)
    first = [s * x for s, x in zip(signs * (PROBES // 2), rng.uniform(middle, 1, PROBES),
                                   strict=True)]
    far = gaps(first, False)
    near = gaps([x * middle**1.5 / 1.03 for x in first], False)
    beyond = gaps([s * float(x) / 10.0**k for k in FAR for s, x in zip(
        signs[:1] if endless else signs, rng.uniform(0.3, 1, 2), strict=False)], True)
    allowed = max(0.5 * max(far, default=0.0), STILL * size)
    if max([*near, *beyond], default=0.0) > allowed:
        raise Undefined("a limit is not found: between the places that lead to it, or closer to "
                        "it, the values do not come closer to what they lead to")


def read_series(p: Parser, key: str, low: Node, body: Node, start: int) -> Node:
    return p.node("series", (key, low, body), start)


def series_value(e: Evaluator, node: Node, env: Env, key: str, low: Node,
                 body: Node) -> v.Value:
    found, error = added_up(e, node, env, key, e.whole(low, env, "the lower end of a sum"), body)
    e.errs(node, env, error)
    return found


def added_up(e: Evaluator, node: Node, env: Env, key: str, first: int,
             body: Node) -> tuple[torch.Tensor, float]:
    """A series from its `first` term on, and by how much it may be wrong.

    Raises
    ------
    Undefined
        Where its terms do not become small, or it is not found.
    """
    terms = torch.zeros(0, dtype=torch.float64)
    ended: torch.Tensor | None = None
    size = 0.0
    for doubling in range(DOUBLINGS + 1):
        count = FIRST * 2**doubling
        more, least = several(e, node, env, key, body, range(first + len(terms), first + count))
        if ended is not None and not bool(torch.isfinite(more.detach()).all()):
            return ended, ERROR * size  # what no float holds lies beyond the end
        terms = torch.cat([terms, more])
        size = float(terms.detach().abs().sum())
        if not math.isfinite(size):
            break
        if not negligible(terms, size):
            ended = None
            continue
        ended = terms.sum() if ended is None else ended
        if count >= least:
            check_beyond(e, body, key, env, first + count, size * 1e-15)
            return terms.sum(), ERROR * size
    else:
        sums = torch.cumsum(terms, 0)
        places = [FIRST * 2**k for k in range(DOUBLINGS + 1)]
        found = agreed([extrapolated([sums[n - 1 - odd] for n in places]) for odd in (0, 1)],
                       "an infinite sum")
        check_beyond(e, body, key, env, first + len(terms), float(terms[-8:].detach().abs().max()))
        return found
    raise Undefined("an infinite sum is not found: its terms do not become small")


def negligible(terms: torch.Tensor, size: float) -> bool:
    """Whether the last terms, and as many as there are of them, are below rounding, and fall."""
    rest = terms[-8:].detach().abs()
    ratio = float(rest[-1] / rest[0]) if float(rest[0]) > 0 else 0.0
    return size == 0 or (float(rest.max()) * len(terms) <= 1e-15 * size and ratio < 0.9)


def check_beyond(e: Evaluator, body: Node, key: str, env: Env, count: int, most: float) -> None:
    """Look at terms far beyond those that were added, where more digits can tell them.

    Raises
    ------
    Undefined
        Where one of them is larger than these.
    """
    rng = np.random.default_rng(count)
    for power in (0.3, 1, 2, 4, 6):
        term = closely(e, body, {key: int(count * 10**power * rng.uniform(1, 2))}, env)
        if term is not None and not abs(term) <= most + 1e-300:
            raise Undefined("an infinite sum is not found: terms far beyond its first ones are not "
                            "small")


def several(e: Evaluator, node: Node, env: Env, key: str, body: Node,
            places: range) -> tuple[torch.Tensor, int]:
    """Terms of a series, at once where the body allows it; and how many are to be looked at.

    A single one that is not a number stands for terms of which one has no value.
    """
    numbers = torch.arange(places.start, places.stop, dtype=torch.float64)
    whole = mapped(e, node, {key: numbers}, lambda one: e.value(body, env.binding(one)))
    least = LEAST_TERMS
    if whole is None:
        least = FEW_TERMS
        try:
            whole = torch.stack([v.tensor(e.number(body, env.binding({key: n}), "a term"))
                                 for n in places])
        except (Undefined, ArithmeticError):
            whole = torch.full((1,), math.nan, dtype=torch.float64)
    if whole.dim() != 1:
        raise Refused("type", "an infinite sum of numbers only: write one for each entry")
    return whole, least


def extrapolated(values: list[torch.Tensor]) -> tuple[torch.Tensor, float]:
    """The limit of values whose distance halves, by Richardson's scheme; and an estimate of its
    error, that of the best column."""
    column = values
    best, error = values[-1], distance(values)
    for order in range(1, len(values) - 1):
        column = [b + (b - a) / (2**order - 1) for a, b in pairwise(column)]
        estimate = distance(column)
        if not estimate >= error:
            best, error = column[-1], estimate
    return best, error


def distance(column: list[torch.Tensor]) -> float:
    """How far the last values of a column lie apart."""
    last = [float(x.detach()) for x in column[-3:]]
    found = max(last) - min(last)
    return found if math.isfinite(found) else math.inf


def agreed(found: list[tuple[torch.Tensor, float]], what: str) -> tuple[torch.Tensor, float]:
    """What two ways to the limit agree on, and how far they are apart.

    Raises
    ------
    Undefined
        Where they do not, or an error is not small.
    """
    (one, first), (other, second) = found
    size = max(1e-3, abs(float(one.detach())))
    apart = abs(float(one.detach()) - float(other.detach()))
    if not max(apart, min(first, second)) <= 30 * ENOUGH * size:
        raise Undefined(f"{what} is not found: the estimate of its error does not become small, "
                        "or it does not exist")
    error = 3 * max(apart, min(first, second)) + 1e-13 * size
    return (one if first <= second else other), error


def show_limit(node: Node, key: str, target: Node, body: Node) -> str:
    return f"limit[{pretty(key)} -> {show(target)}]({show(body)})"


def show_series(node: Node, key: str, low: Node, body: Node) -> str:
    return f"sum[{pretty(key)} = {show(low)} … infinity]({show(body)})"


def first_name(node: Node) -> tuple[str, ...]:
    return (node.args[0],)


def reach(node: Node) -> tuple[list[Node], list[Node]]:
    return [node.args[1]], [node.args[2]]


register(
    "Limits and infinite sums",
    Notation("limit", show_limit, limit_value, starts={r"\lim": read_limit}, binds=first_name,
             reach=reach, approximate=True, vanishes=True,
             examples=(r"\lim_{k\to\infty} \left(1 + \frac{a}{k}\right)^k",
                       r"\lim_{t\to 0} \frac{\sin(a t)}{t}"),
             refused=((r"\lim a", r"\lim_{t\to 0} \frac{\sin(a t)}{t}"),)),
    Notation("series", show_series, series_value, read=read_series, binds=first_name, reach=reach,
             ends=lambda node: node.args[1:2],
             approximate=True, vanishes=True,
             examples=(r"\sum_{k=0}^{\infty} \frac{c^k}{k!}", r"\sum_{k=1}^\infty \frac{a}{k^2}")),
)
