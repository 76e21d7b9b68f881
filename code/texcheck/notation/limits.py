r"""Limits and infinite sums, by extrapolation with an estimate of the error."""

from __future__ import annotations

import math
from itertools import pairwise

import torch

from .. import values as v
from ..batch import batched
from ..env import Env
from ..errors import Refused, Undefined
from ..evaluate import Evaluator
from ..grammar import Parser
from ..registry import Notation, register
from ..trees import Node, pretty, show

FIRST = 32  # terms of the first partial sum; each next one has twice as many
DOUBLINGS = 7
ENOUGH = 1e-10
STEP = 0.25  # from the place of a limit: the farthest point that is looked at


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


def limit_value(e: Evaluator, node: Node, env: Env, key: str, target: Node,
                body: Node) -> v.Value:
    def at(places: list[v.Value]) -> list[torch.Tensor]:
        return [v.tensor(e.number(body, env.binding({key: x}), "what has a limit"))
                for x in places]

    if target.kind == "infinite":
        sequences = [at([FIRST * 2**k + odd for k in range(DOUBLINGS)]) for odd in (0, 1)]
    else:
        place = v.tensor(e.number(target, env, "the place of a limit"))
        step = STEP * max(1.0, abs(v.plain(place)))
        sequences = [at([place + sign * step / 2**k for k in range(DOUBLINGS + 2)])
                     for sign in (1, -1)]
    return agreed([extrapolated(s) for s in sequences], "a limit")


def read_series(p: Parser, key: str, low: Node, body: Node, start: int) -> Node:
    return p.node("series", (key, low, body), start)


def series_value(e: Evaluator, node: Node, env: Env, key: str, low: Node,
                 body: Node) -> v.Value:
    first = e.whole(low, env, "the lower end of a sum")
    terms = torch.zeros(0, dtype=torch.float64)
    for doubling in range(DOUBLINGS + 1):
        count = FIRST * 2**doubling
        terms = torch.cat([terms, several(e, node, env, key, body,
                                          range(first + len(terms), first + count))])
        rest = terms[-8:].detach().abs()
        size = float(terms.detach().abs().sum())
        if not math.isfinite(size):
            break
        ratio = float(rest[-1] / rest[0]) if float(rest[0]) > 0 else 0.0
        if size == 0 or (float(rest.max()) * len(terms) <= 1e-15 * size and ratio < 0.9):
            return terms.sum()
    else:
        sums = torch.cumsum(terms, 0)
        places = [FIRST * 2**k for k in range(DOUBLINGS + 1)]
        return agreed([extrapolated([sums[n - 1 - odd] for n in places]) for odd in (0, 1)],
                      "an infinite sum")
    raise Undefined("an infinite sum is not found: its terms do not become small")


def several(e: Evaluator, node: Node, env: Env, key: str, body: Node,
            places: range) -> torch.Tensor:
    """Terms of a series, at once where the body allows it."""
    members: list[v.Value] = [torch.tensor(float(n), dtype=torch.float64) for n in places]
    whole = batched(e, node, {key: members}, lambda one: e.value(body, env.binding(one)))
    if whole is None:
        whole = torch.stack([v.tensor(e.number(body, env.binding({key: n}), "a term"))
                             for n in places])
    if whole.dim() != 1:
        raise Refused("type", "an infinite sum of numbers only: write one for each entry")
    return whole


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


def agreed(found: list[tuple[torch.Tensor, float]], what: str) -> torch.Tensor:
    """What two ways to the limit agree on.

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
    return one if first <= second else other


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
