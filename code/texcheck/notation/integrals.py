"""Integrals in one dimension, by a quadrature that knows its own error."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from .. import registry
from .. import values as v
from ..batch import batched
from ..env import Env
from ..errors import Undefined
from ..evaluate import Evaluator
from ..grammar import Parser
from ..names import Script
from ..reach import names_behind, nodes_behind
from ..registry import Notation, Part, register
from ..trees import Node, flatten, pretty, show, walk
from .derivatives import is_differential

ENOUGH = 1e-10  # of the integral of the absolute value: what the error estimate must stay below
ROUNDS = 60
MOST_PANELS = 600
TAIL = 1e-12  # beside the largest value: where the integrand is cut off
EDGE = 1e-8  # of its length: where an interval is cut off before an end with a pole
KINKS = {"max", "min", "relu", "sign", "floor", "ceil"}
Integrand = Callable[[torch.Tensor], torch.Tensor]


# ---- how they are read -------------------------------------------------------------------


def read_integral(p: Parser, start: int) -> Node:
    r"""``\int_a^b f(x) \, \mathrm{d}x``: all up to the differential is integrated."""
    primes, sub, sup = p.scripts()
    if primes:
        raise p.refuse("a prime on an integral", start)
    p.at = max([p.at] + [s.after for s in (sub, sup) if s])
    low, high = ends(p, sub, sup, start)
    last = differential(p, start)
    body_at, end = p.at, p.end
    p.at = last + (p.closing(last + 1) - last + 1 if p.tokens[last + 1].text == "{" else
                   2 if p.tokens[last].text == r"\mathrm" else 1)
    key = p.binder_name()
    after = p.at
    if key in p.bound:
        raise p.refuse(f"{key} is already bound around this integral: take another letter", start)
    if body_at == last:
        raise p.refuse("what is integrated stands before its differential", start)
    p.bound.append(key)
    body = p.inside(body_at, last, p.expr)
    p.bound.pop()
    p.at, p.end = after, end
    if key not in body.names:
        raise p.refuse(f"{key} is not used in the integral: write its length", start)
    if p.peek() in ("^", "_", "'") and p.at < p.end:
        raise p.refuse("put the integral in parentheses before its power or index")
    return p.node("integral", (key, low, high, body), start)


def differential(p: Parser, start: int) -> int:
    """The token at which the differential of this integral begins."""
    depth, inner, place = 0, 0, p.at
    while place < p.end:
        text = p.tokens[place].text
        depth += {"(": 1, "[": 1, "{": 1, r"\{": 1, ")": -1, "]": -1, "}": -1, r"\}": -1}.get(
            text, 0)
        if depth < 0:
            break
        if depth == 0 and text == r"\int":
            inner += 1
        elif depth == 0 and text != r"\partial" and is_differential(p, place):
            if inner == 0:
                return place
            inner -= 1
        if text == r"\mathrm" and place + 1 < p.end and p.tokens[place + 1].text == "{":
            place = p.closing(place + 1)
        place += 1
    raise p.refuse(r"an integral ends with its variable: write \int_a^b f(x) \, \mathrm{d}x",
                   start)


def ends(p: Parser, sub: Script | None, sup: Script | None, start: int) -> tuple[Node, Node]:
    """The lower and the upper end."""
    if sub is None:
        raise p.refuse(r"an integral has ends: write \int_a^b or \int_{-\infty}^{\infty}", start)
    for script in (sub, sup):
        if script is not None:
            p.check_script(script)
    if sup is None:
        domain = p.inside(sub.first, sub.last, p.domain)
        name, shape, extra = domain.args
        if shape or not (name in ("R", "R+", "R0+", "R-") or name.startswith("interval")):
            raise p.refuse("an integral runs over an interval, or over \\mathbb{R}", start)
        if extra:
            return extra[0], extra[1]
        zero = Node("num", ("0",), start, start)
        return (zero if name in ("R+", "R0+") else infinite("-", start),
                zero if name == "R-" else infinite("+", start))
    return (p.inside(sub.first, sub.last, lambda: read_end(p)),
            p.inside(sup.first, sup.last, lambda: read_end(p)))


def infinite(sign: str, start: int) -> Node:
    return Node("infinite", (sign,), start, start)


def read_end(p: Parser) -> Node:
    start, at = p.place(), p.at
    sign = p.accept("+", "-") or "+"
    if p.accept(r"\infty"):
        return infinite(sign, start)
    p.at = at
    return p.expr()


# ---- what they are worth -----------------------------------------------------------------


@lru_cache(maxsize=1)
def rules() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Nodes of the fine and the coarse Gauss-Legendre rule on [-1, 1] in one row, and their
    weights: 21 nodes, then 10."""
    (x, w), (y, u) = np.polynomial.legendre.leggauss(21), np.polynomial.legendre.leggauss(10)
    return (torch.as_tensor(np.concatenate([x, y])), torch.as_tensor(w), torch.as_tensor(u))


@dataclass(frozen=True)
class Line:
    """The line of a variable t that is put on the line of x, double-exponentially at its ends."""

    low: v.Sized | None
    high: v.Sized | None

    @property
    def most(self) -> float:
        return 3.4 if self.low is not None and self.high is not None else 4.6

    def place(self, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """x and dx/dt; tied to the ends, so that a derivative by them goes through."""
        inner, slope = math.pi / 2 * torch.sinh(t), math.pi / 2 * torch.cosh(t)
        grown = torch.exp(inner)
        if self.low is None:
            if self.high is None:
                return torch.sinh(inner), torch.cosh(inner) * slope
            return self.high - grown, grown * slope
        if self.high is None:
            return self.low + grown, grown * slope
        share = torch.sigmoid(2 * inner)
        rest = torch.sigmoid(-2 * inner)
        x = torch.where(share < 0.5, self.low + (self.high - self.low) * share,
                        self.high - (self.high - self.low) * rest)
        return x, (self.high - self.low) * 2 * share * rest * slope

    def back(self, x: float) -> float | None:
        """t of a place x inside."""
        low = None if self.low is None else v.plain(self.low)
        high = None if self.high is None else v.plain(self.high)
        if (low is not None and x <= low) or (high is not None and x >= high):
            return None
        if low is None and high is None:
            inner = math.asinh(x)
        elif low is None or high is None:
            inner = math.log(x - low if low is not None else (high or 0.0) - x)
        else:
            inner = 0.5 * math.log((x - low) / (high - x))
        t = math.asinh(inner * 2 / math.pi)
        return t if abs(t) < self.most else None


def integral_value(e: Evaluator, node: Node, env: Env, key: str, low: Node, high: Node,
                   body: Node) -> v.Value:
    if nested(e, key, body):
        raise v.type_error("an integral whose integrand holds an integral over the same variable: "
                           "integrals are in one dimension; write the inner one out")
    bounds = [end_value(e, end, env) for end in (low, high)]
    if bounds[0] == math.inf or bounds[1] == -math.inf:
        raise v.type_error("the ends of an integral stand the other way round")
    if all(math.isfinite(v.plain(b)) for b in bounds):
        if v.plain(bounds[0]) == v.plain(bounds[1]):  # nothing, but it grows with its ends
            middle = v.tensor((bounds[0] + bounds[1]) / 2)
            return (bounds[1] - bounds[0]) * values_at(e, node, key, body, env,
                                                       middle.reshape(1))[0] if (
                isinstance(bounds[0], torch.Tensor) or isinstance(bounds[1], torch.Tensor)) else 0
    line = Line(*(b if math.isfinite(v.plain(b)) else None for b in bounds))

    def integrand(x: torch.Tensor) -> torch.Tensor:
        return values_at(e, node, key, body, env, x)

    marks = sorted({t for x in landmarks(e, node, body, env) if (t := line.back(x)) is not None})
    if moves(e, body, env, bounds) and not smooth(e, body):
        raise v.type_error("a derivative of the integral of a function with kinks or jumps: split "
                           "the integral where they are, or write it without the derivative")
    found, error = quadrature(integrand, line, marks)
    e.errs(node, env, error)
    return found


def nested(e: Evaluator, key: str, body: Node) -> bool:
    """Whether an integral inside depends on the variable of the one around it."""
    if any(n.kind == "integral" and key in n.free for n in walk(body)):
        return True
    called = (e.program.defs[name] for name in names_behind(e.program, body)
              if name in e.program.defs)
    return any(n.kind == "integral" and n.free & set(d.params)
               for d in called for n in walk(d.body))


def end_value(e: Evaluator, end: Node, env: Env) -> Any:
    if end.kind == "infinite":
        return math.inf if end.args[0] == "+" else -math.inf
    return e.number(end, env, "the end of an integral")


def values_at(e: Evaluator, node: Node, key: str, body: Node, env: Env,
              x: torch.Tensor) -> torch.Tensor:
    """The integrand at many places."""
    places = list(x)
    whole = batched(e, node, {key: places}, lambda one: e.value(body, env.binding(one)))
    if whole is None:
        whole = torch.stack([v.tensor(e.number(body, env.binding({key: place}), "the integrand"))
                             for place in places])
    if whole.dim() != 1:
        raise v.type_error("an integral of a number only: write one for each entry")
    return whole


def landmarks(e: Evaluator, node: Node, body: Node, env: Env) -> list[float]:
    """Where something may happen on the line: at zero and one, and at the numbers that the
    integrand needs, and near them."""
    names = names_behind(e.program, body)
    known = {**e.draw.values, **env.bound, **{k[0]: x for k, x in env.cuts.items()}}
    centres = {0.0, 1.0}
    for name in names:
        value = known.get(name)
        if value is not None and not isinstance(value, v.Lazy):
            entries = v.tensor(value).detach().reshape(-1)[:4]
            centres |= {sign * float(x) for x in entries for sign in (1, -1)}
    offsets = [0.0, *(s * 10.0**k for k in (-10, -7, -4, -2, -1, 0)
                     for s in (1, -1))]
    return [c + o for c in sorted(centres)[:16] for o in (offsets if c not in (0.0, 1.0) else
                                                          [0.0])]


def moves(e: Evaluator, body: Node, env: Env, bounds: list[Any]) -> bool:
    """Whether a derivative is being taken by something that the integral depends on."""
    names = names_behind(e.program, body)
    near = [x for n, x in env.bound.items() if n in names]
    near += [x for (n, _), x in env.cuts.items() if n in names]
    return any(isinstance(x, torch.Tensor) and x.requires_grad for x in (*near, *bounds))


def smooth(e: Evaluator, body: Node) -> bool:
    """Whether nothing in a formula has a kink or a jump."""
    for node in nodes_behind(e.program, body):
        entry = registry.kind(node.kind)
        if isinstance(entry, Notation) and entry.jumps(node):
            return False
        if node.kind in ("abs", "norm") or (node.kind in ("fn", "big") and node.args[0] in KINKS):
            return False
    return True


def quadrature(f: Integrand, line: Line, marks: list[float]) -> tuple[torch.Tensor, float]:
    """The integral of f over a line, to `ENOUGH`, by a partition that is refined where the two
    rules differ; and by how much it may be wrong.

    Raises
    ------
    Undefined
        Where the error estimate does not become small, as for an integral that does not exist.
    """
    first, last, rest, unknown = span(f, line)
    edges = [first, *(t for t in marks if first < t < last), last]
    step = (last - first) / 8
    edges = sorted({*edges, *(first + float(step * i) for i in range(1, 8))})
    waiting = [(a, b) for a, b in pairwise(edges) if b > a]
    kept: list[tuple[float, float]] = []
    settled = [0.0, 0.0, 0.0]  # of the kept panels: integral, of the absolute value, error
    for _ in range(ROUNDS):
        with torch.no_grad():
            fine, size, error = panels(f, line, waiting)
        whole = settled[1] + float(size.sum())
        allowed = ENOUGH * whole / (2 * max(16, len(kept) + len(waiting)))
        good = (error <= allowed) | (error <= 1e-15 * whole)
        for place, panel in enumerate(waiting):
            if good[place]:
                kept.append(panel)
        for i, column in enumerate((fine, size, error)):
            settled[i] += float(column[good].sum())
        waiting = [half for place, (a, b) in enumerate(waiting) if not good[place]
                   for half in ((a, (a + b) / 2), ((a + b) / 2, b))]
        if not waiting or len(kept) + len(waiting) > MOST_PANELS:
            break
    found = settled[1] + abs(v.plain(rest))
    if waiting or not math.isfinite(found) or settled[2] > ENOUGH * found:
        raise Undefined("an integral is not found: the estimate of its error does not become "
                        "small, or it does not exist")
    wrong = 3 * (settled[2] + TAIL * found + unknown)
    result, _, _ = panels(f, line, kept)
    if not result.requires_grad:
        return result.sum() + rest, wrong
    halves = [half for a, b in kept for half in ((a, (a + b) / 2), ((a + b) / 2, b))]
    return panels(f, line, halves)[0].sum() + rest, wrong


def span(f: Integrand, line: Line) -> tuple[float, float, v.Sized, float]:
    """The part of the line on which the integrand is more than nothing, and what lies beyond it,
    where that is known, and how well."""
    t = torch.linspace(-line.most, line.most, 81, dtype=torch.float64)
    with torch.no_grad():
        x, slope = line.place(t)
        inside = torch.ones_like(t, dtype=torch.bool)
        for end in (line.low, line.high):
            if end is not None:
                inside &= x != v.plain(end)
        sizes = torch.full_like(t, math.nan)
        sizes[inside] = (f(x[inside]) * slope[inside]).abs()
    finite = torch.isfinite(sizes)
    if not bool(finite.any()):
        raise Undefined("an integral of what has no finite value")
    places = torch.nonzero(finite).reshape(-1)
    largest = float(sizes[finite].max())
    first, last = int(places[0]), int(places[-1])
    if not bool(finite[first:last + 1].all()):
        middle = int(torch.where(finite, sizes, -1.0).argmax())
        while first < middle and not bool(finite[first:middle].all()):
            first += 1
        while last > middle and not bool(finite[middle:last + 1].all()):
            last -= 1
    cuts = [float(t[first]), float(t[last])]
    rest: v.Sized = 0.0
    unknown = 0.0
    for side, (place, end) in enumerate(((first, line.low), (last, line.high))):
        if float(sizes[place]) <= TAIL * largest:
            continue
        if end is not None and bounded(f, line, side):
            missing = float(sizes[place] / slope[place] * abs(x[place] - v.plain(end)))
            if missing <= ENOUGH / 10 * float(sizes[first:last + 1].sum() * (t[1] - t[0])):
                unknown += missing
                continue
        pole = None if end is None else beside(f, line, side)
        if pole is None:
            raise Undefined("an integral does not exist, or its integrand falls off too slowly "
                            "at an end")
        cuts[side], rest, unknown = pole[0], rest + pole[1], unknown + pole[2]
    return cuts[0], cuts[1], rest, unknown


def bounded(f: Integrand, line: Line, side: int) -> bool:
    """Whether the integrand has no pole at an end, so that little is lost by rounding there."""
    if line.low is None or line.high is None:
        return False
    sign, end = (1, line.low) if side == 0 else (-1, line.high)
    width = sign * EDGE * (v.plain(line.high) - v.plain(line.low))
    with torch.no_grad():
        at, far = f(v.plain(end) + width * torch.tensor([1.0, 16.0], dtype=torch.float64))
    return bool(at.abs() < 1.3 * far.abs())


def beside(f: Integrand, line: Line, side: int) -> tuple[float, torch.Tensor, float] | None:
    """Where to cut before an end with a pole such as that of ``x^{-1/2}``, the integral from
    there on, and by how much that may be wrong: of a power of the distance, whose exponent is read
    off at two scales; None if it is no power."""
    if line.low is None or line.high is None:
        return None
    sign, end = (1, line.low) if side == 0 else (-1, line.high)
    width = EDGE * (line.high - line.low)
    shares = torch.tensor([1.0, 0.25, 16.0], dtype=torch.float64)
    at, near, far = f(end + sign * width * shares)
    exponent = torch.log(far / at) / math.log(16)
    other = float((torch.log(at / near) / math.log(4)).detach())
    if not abs(other - float(exponent.detach())) < 1e-5 or not other > -0.95:
        return None
    cut = line.back(v.plain(end) + sign * v.plain(width))
    found = width * at / (exponent + 1)
    power = float(exponent.detach()) + 1
    apart = abs(other + 1 - power) * (1 + 3 / power)
    return None if cut is None else (cut, found, apart * abs(v.plain(found.detach())))


def panels(f: Integrand, line: Line, pieces: list[tuple[float, float]]
           ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """For every piece: its integral, that of the absolute value, and the error estimate."""
    nodes, fine, coarse = rules()
    bounds = torch.tensor(pieces, dtype=torch.float64)
    half = ((bounds[:, 1] - bounds[:, 0]) / 2).reshape(-1, 1)
    t = (bounds.sum(1) / 2).reshape(-1, 1) + half * nodes
    x, slope = line.place(t.reshape(-1))
    values = f(x).reshape(t.shape) * slope.reshape(t.shape) * half
    precise = values[:, :21] @ fine
    return (precise, values[:, :21].abs() @ fine,
            (precise - values[:, 21:] @ coarse).abs().detach())


# ---- how they are shown ------------------------------------------------------------------


def show_integral(node: Node, key: str, low: Node, high: Node, body: Node) -> str:
    return f"integral[{pretty(key)} = {show(low)} … {show(high)}]({show(body)})"


def reach(node: Node) -> tuple[list[Node], list[Node]]:
    return [*flatten(node.args[1:3])], [node.args[3]]


register(
    "Integrals",
    Part("infinite", lambda node, sign: ("-" if sign == "-" else "") + "infinity",
         examples=(r"\int_0^\infty e^{-c u} \, \mathrm{d}u",)),
    Notation("integral", show_integral, integral_value, starts={r"\int": read_integral},
             binds=lambda node: (node.args[0],), reach=reach, approximate=True, vanishes=True,
             ends=lambda node: node.args[1:3],
             examples=(r"\int_a^b u^2 \, \mathrm{d}u", r"\int_{-\infty}^{\infty} e^{-u^2} \, du"),
             refused=((r"\int u^2 \, \mathrm{d}u", r"\int_0^a u^2 \, \mathrm{d}u"),
                      (r"\int_0^1 a \, \mathrm{d}u", "a"))),
)
