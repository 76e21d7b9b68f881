"""Expectations, variances and covariances."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch

from .. import registry
from .. import values as v
from ..env import Env
from ..errors import Undefined
from ..evaluate import Evaluator
from ..grammar import Parser
from ..names import is_table
from ..registry import Notation, register
from ..trees import Node, pretty, show, walk
from .distributions import (
    NODES,
    check_column,
    hermite,
    normal_parameters,
    outcomes,
    read_distribution,
)
from .families import spans
from .tables import table_outcomes

Outcomes = list[tuple[Env, Any]]


def read_expectation(p: Parser, start: int) -> Node:
    names: tuple[str, ...] = ()
    dist: Node | None = None
    sub = p.subscript() if p.peek() == "_" else None
    if sub is not None:
        names, dist = p.inside(sub.first, sub.last, lambda: measure(p))
        p.at = sub.after
    if p.peek() != "[":
        raise p.refuse(r"write \mathbb{E}[…] with square brackets")
    for name in names if dist is not None else ():
        if name in p.bound:
            raise p.refuse(f"{name} is already bound around this expectation", start)
    bound = list(names) if dist is not None else []
    p.bound += bound
    opening = p.take("[")
    bars, p.bars = p.bars, 0
    body = p.expr()
    p.bars = bars
    if p.peek() == r"\mid":
        raise p.refuse(r"write a conditional expectation over its table: "
                          r"\mathbb{E}_{z\sim p(z\mid x)}[…]")
    if p.peek() != "]" or p.at >= p.end:
        raise p.refuse("this [ is never closed", opening.start)
    p.take("]")
    for _ in bound:
        p.bound.pop()
    return p.node("expect", (names, dist, body), start)


def measure(p: Parser) -> tuple[tuple[str, ...], Node | None]:
    """Below an expectation: random variables, ``z\\sim …``, or ``q(z\\mid x)``."""
    start, parenthesis = p.place(), p.accept("(")
    if p.token() is None:
        raise p.refuse("names are expected here", start)
    info = p.resolve_here().info
    if not parenthesis and is_table(info):
        dist = read_distribution(p, ())
        return tuple(dist.args[1]), dist
    names = [p.binder_name()]
    while p.accept(","):
        names.append(p.binder_name())
    if parenthesis:
        p.take(")")
    if p.accept(r"\sim"):
        return tuple(names), read_distribution(p, tuple(names))
    for name in names:
        info = p.scope.get(name)
        if info is None or info.kind != "rv":
            raise p.refuse(f"{name} is not a random variable: declare it with rv:, or write "
                              rf"{name}\sim p", start)
    return tuple(names), None


def read_variance(p: Parser, start: int) -> Node:
    return read_moment(p, "Var", 1, start)


def read_covariance(p: Parser, start: int) -> Node:
    return read_moment(p, "Cov", 2, start)


def read_moment(p: Parser, word: str, most: int, start: int) -> Node:
    opening = p.peek()
    if opening not in ("(", "["):
        raise p.refuse(f"write \\mathrm{{{word}}}(…)")
    closing = {"(": ")", "[": "]"}[opening]
    p.take()
    bars, p.bars = p.bars, 0
    args = [p.expr()]
    while p.accept(","):
        args.append(p.expr())
    p.take(closing)
    p.bars = bars
    if len(args) > most:
        raise p.refuse(f"{word} takes {most} arguments", start)
    return p.node("cov" if len(args) == 2 else "var", tuple(args), start)


def expect_value(e: Evaluator, node: Node, env: Env, names: tuple[str, ...], dist: Node, body: Node) -> Any:
    if dist is None:
        return mean(e, body, sample(e, body, env, names))
    if dist.kind == "pmfdist":
        return mean(e, body, table_outcomes(e, names, dist, env))
    if len(names) != 1:
        raise v.type_error("one name on the left of \\sim")
    if dist.kind == "tabledist":
        weights = e.value(dist.args[0], env)
        check_column(weights, "a table of probabilities")
        pairs = [(env.binding({names[0]: i + 1}), w)
                 for i, w in enumerate(weights.reshape(-1))]
        return mean(e, body, pairs)
    if dist.kind == "normal":
        check_smooth(e, body)
    pairs = [(env.binding({names[0]: value}), weight)
             for value, weight in outcomes(e, dist, env)]
    return mean(e, body, pairs)


def check_smooth(e: Evaluator, body: Node) -> None:
    """A quadrature does not see where a function jumps."""
    program = e.program
    bodies = [body, *(program.defs[k].body for k in program.closure(body)
                      if k in program.defs)]
    for inner in (n for b in bodies for n in walk(b)):
        entry = registry.kind(inner.kind)
        if isinstance(entry, Notation) and entry.jumps(inner):
            raise v.type_error("a function with jumps under a normal expectation: it is not "
                               "evaluated exactly; write what is unchecked with unchecked:")


def mean(e: Evaluator, body: Node, pairs: Any) -> Any:
    result = None
    for env, weight in pairs:
        part = v.multiply(weight, e.value(body, env))
        result = part if result is None else v.add(result, part)
    if result is None:
        raise Undefined("an expectation over nothing")
    return result


def sample(e: Evaluator, body: Node, env: Env, names: tuple[str, ...]=()) -> Any:
    """Joint outcomes of the random variables that a formula needs, with weights."""
    program, draw = e.program, e.draw
    closure = program.closure(body)
    used = [k for k in program.rvs if k in closure]
    if names:
        wanted = [n for n in used if n in names]
        left = [n for n in used if n not in names and not already(e, n, env)]
        if left:
            raise v.type_error(f"the expectation is over {', '.join(names)} only, but "
                               f"{pretty(left[0])} is random too")
        used = wanted
    if not used:
        raise v.type_error("an expectation of something without a random variable")
    spaces = []
    for group in draw.samples:
        if any(n in used for n in group[0]):
            spaces.append([(dict(o), w) for o, w in zip(group[1], group[2], strict=True)])
    for name in used:
        if program.rvs[name].dist is not None:
            spaces += distributed(e, name, env)
    size = math.prod(len(s) for s in spaces)
    if size > 2**13:
        raise v.type_error(f"{size} joint outcomes: too many to enumerate")
    found = []
    for combination in itertools.product(*spaces):
        cuts, weight = {}, 1.0
        for outcome, w in combination:
            cuts.update({k: x for k, x in outcome.items() if not names or k[0] in names})
            weight = weight * w
        found.append((env.cut(cuts), weight))
    return found


def already(e: Evaluator, name: str, env: Env) -> bool:
    return any(key[0] == name for key in env.cuts)


def distributed(e: Evaluator, name: str, env: Env) -> Any:
    """Outcome spaces of a variable with a distribution; one for each place of a sequence."""
    rv = e.program.rvs[name]
    base = Env(cuts={k: x for k, x in env.cuts.items() if k[0] != name})
    found = outcomes(e, rv.dist, base)
    if not rv.ranges:
        return [[({(name, ()): x}, w) for x, w in found]]
    (low, high), = spans(e, name, base)
    if len(found) > 2:
        few = NODES[min(4, max(2, high - low + 1))]
        found = fewer(e, rv.dist, base, few)
    return [[({(name, (i,)): x}, w) for x, w in found] for i in range(low, high + 1)]


def fewer(e: Evaluator, dist: Node, env: Env, count: int) -> Any:
    key = ("fewer", count, e.key(dist, env))
    if key not in e.memory:
        mean, variance = normal_parameters(e, dist.args[0], dist.args[1], env)
        if not v.is_scalar(mean):
            raise v.type_error("a sequence of normal vectors: too many outcomes")
        nodes, weights = hermite(count)
        width = torch.sqrt(v.tensor(variance))
        e.memory[key] = [(mean + width * float(n), float(w))
                         for n, w in zip(nodes, weights, strict=True)]
    found: list[tuple[Any, Any]] = e.memory[key]
    return found


def var_value(e: Evaluator, node: Node, env: Env, a: Node) -> Any:
    return cov_value(e, node, env, a, a)


def cov_value(e: Evaluator, node: Node, env: Env, a: Node, b: Node) -> Any:
    both = Node("add", (("+", a), ("+", b)))
    e.kept.append(both)
    key = ("both", id(a), id(b))
    both = e.memory.setdefault(key, both)
    pairs = sample(e, both, env)
    lefts = [e.value(a, inner) for inner, _ in pairs]
    rights = [e.value(b, inner) for inner, _ in pairs]
    weights = [w for _, w in pairs]
    mean_a = weighted(lefts, weights)
    mean_b = weighted(rights, weights)
    parts = []
    for x, y in zip(lefts, rights, strict=True):
        parts.append(v.multiply(v.add(x, mean_a, -1), v.transpose(v.add(y, mean_b, -1))))
    return weighted(parts, weights)


def weighted(found: list, weights: list) -> Any:
    result = None
    for value, weight in zip(found, weights, strict=True):
        part = v.multiply(weight, value)
        result = part if result is None else v.add(result, part)
    return result


def show_expect(node: Node, names: tuple[str, ...], dist: Node | None, body: Node) -> str:
    sub = ""
    if names or dist:
        shown = ", ".join(pretty(n) for n in names or ())
        sub = f"[{shown}{' ~ ' + show(dist) if dist else ''}]"
    return f"E{sub}({show(body)})"


def bound_letters(node: Node) -> tuple[str, ...]:
    return tuple(node.args[0]) if node.args[0] else ()


def reach(node: Node) -> tuple[list[Node], list[Node]]:
    _, dist, body = node.args
    if dist is None:
        return ([], [body])
    return ([], [dist, body]) if dist.kind == "pmfdist" else ([dist], [body])


register(
    "Expectations",
    Notation("expect", show_expect, expect_value, spells={r"\mathbb{E}": read_expectation},
             binds=bound_letters, reach=reach, vanishes=True,
             examples=(r"\mathbb{E}[X]", r"\mathbb{E}_{k\sim q}[x_1 k]",
                       r"\mathbb{E}_{u\sim\mathcal{N}(a,c)}[u^2]",
                       r"\mathbb{E}_{u\sim\mathcal{N}(x,A)}[u^\top u]")),
    Notation("var", lambda node, a: f"Var({show(a)})", var_value,
             spells={r"\mathrm{Var}": read_variance, r"\mathbb{V}": read_variance},
             vanishes=True, siblings={"Var": "E"}, examples=(r"\mathrm{Var}(X)",)),
    Notation("cov", lambda node, a, b: f"Cov({show(a)}, {show(b)})", cov_value,
             spells={r"\mathrm{Cov}": read_covariance}, vanishes=True,
             examples=(r"\mathrm{Cov}(X, Y)",)),
)
