"""The least and the greatest over a continuous symbol or a finite set, and where they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from .. import values as v
from ..env import NOWHERE, Env
from ..errors import Refused, Undefined
from ..evaluate import Evaluator
from ..grammar import Parser
from ..minimum import Kinked, Objective, least, line, logs, on_line, polished
from ..names import Script, is_letter
from ..registry import Notation, register
from ..trees import Node, pretty, show, walk
from .constrained import at_kink, charted, sphere_value
from .families import is_index
from .integrals import landmarks
from .sums import binders, bindings

CONTINUOUS = ("R", "R+", "interval", "simplex", "sphere")


def read_arg(p: Parser, start: int) -> Node:
    r"""``\arg\min_w (…)``."""
    op = p.accept(r"\min", r"\max")
    if not op:
        raise p.refuse(r"\arg stands before \min or \max", start)
    return read_extreme(p, "arg" + op[1:], start)


def reader(op: str) -> Callable[[Parser, int], Node]:
    return lambda p, start: read_extreme(p, op, start)


def read_extreme(p: Parser, op: str, start: int) -> Node:
    sub = p.subscript() if p.peek() == "_" and p.at < p.end else None
    sup = p.superscript()
    if sub is None:
        raise p.refuse(f"say over what: {op}_w, or {op}_{{k}}", start)
    real = over_reals(p, op, sub, start)
    if real is not None:
        return real
    found, conditions = p.inside(sub.first, sub.last, lambda: binders(p, sup))
    p.at = max(s.after for s in (sub, sup) if s)
    if len(found) != 1:
        raise p.refuse(f"{op} runs over one letter", start)
    key = found[0].args[0]
    body = bodied(p, op, key, start)
    return p.node("best", (op, found[0], tuple(conditions), body), start)


def over_symbol(p: Parser, first: int, last: int) -> tuple[str, Node | None] | None:
    """The continuous symbol below the sign, with its domain if that stands there."""

    def read() -> tuple[str, Node | None] | None:
        if p.peek() in (r"\|", "|"):
            return of_length_one(p)
        key = p.binder_name()
        if p.accept(r"\in"):
            domain = p.domain()
            return (key, domain) if domain.args[0] in CONTINUOUS else None
        info = p.scope.get(key)
        plain = p.at == p.end and info is not None and info.kind == "let" and not (
            info.discrete or info.arity)
        p.at = p.end
        return (key, None) if plain else None

    return p.inside(first, last, read)


def of_length_one(p: Parser) -> tuple[str, Node]:
    r"""``\|x\| = 1`` below the sign: x is a unit vector, of the size that it is declared with, or
    that fits."""
    start, bar = p.place(), p.take().text
    key = p.binder_name()
    p.take(bar)
    if p.peek() == "_":
        p.take()
        p.take("2")
    if p.peek() == "^":
        p.take()
        p.take("2")
    if p.peek() != "=" or p.peek(1) != "1" or p.at + 2 != p.end:
        raise p.refuse(rf"over what this is taken: \|{pretty(key)}\| = 1, or a set, "
                       rf"{pretty(key)}\in\mathbb{{S}}^{{n-1}}")
    p.at = p.end
    let = p.scope.get(key)
    return key, p.node("domain", ("sphere", () if let is None else (Node("sym", (key,)),), ()),
                       start)


def over_reals(p: Parser, op: str, sub: Script, start: int) -> Node | None:
    """What runs over a continuous symbol; None where something else stands below the sign."""
    found = over_symbol(p, sub.first, sub.last)
    if found is None:
        return over_undeclared(p, op, sub, start)
    key, domain = found
    p.at = sub.after
    return p.node("optimum", (op, key, domain, bodied(p, op, key, start)), start)


def over_undeclared(p: Parser, op: str, sub: Script, start: int) -> Node | None:
    r"""``\arg\min_w (…)`` over a letter that no line declares and that is no index in the body: its
    set is the one whose shape fits."""
    text = [t.text for t in p.tokens[sub.first:sub.last]]
    if len(text) != 1 or not is_letter(text[0]) or p.lookup(text[0]) is not None:
        return None
    saved = p.at, p.depth, list(p.bound)
    p.at = sub.after
    try:
        body = bodied(p, op, text[0], start)
    except Refused:
        body = None
    if body is None or text[0] not in body.names or is_index(body, text[0]):
        p.at, p.depth, p.bound[:] = saved
        return None
    return p.node("optimum", (op, text[0], None, body), start)


def bodied(p: Parser, op: str, key: str, start: int) -> Node:
    """What is made small or large: the product behind it."""
    if key in p.bound:
        raise p.refuse(f"{key} is already bound around this {op}: take another letter", start)
    p.needs_body(f"the {op}")
    p.bound.append(key)
    body = p.term()
    p.bound.pop()
    return body


# ---- finite sets -------------------------------------------------------------------------


def best_value(e: Evaluator, node: Node, env: Env, op: str, bind: Node,
               conditions: tuple[Node, ...], body: Node) -> v.Value:
    sign = -1 if op.endswith("max") else 1
    found = [(sign * v.plain(e.number(body, inner, "what is compared")), inner)
             for inner in bindings(e, (bind,), conditions, body, env)]
    if not found:
        raise Undefined(f"the {op} of nothing")
    found.sort(key=lambda pair: pair[0])
    if len(found) > 1 and found[1][0] - found[0][0] <= 1e-12 * max(1.0, abs(found[0][0])):
        raise Undefined(f"a tie: the {op} is not one place")
    place: v.Value = found[0][1].bound[bind.args[0]]
    return place


# ---- real numbers ------------------------------------------------------------------------


def optimum_value(e: Evaluator, node: Node, env: Env, op: str, key: str, domain: Node | None,
                  body: Node) -> v.Value:
    name, sizes, ends = settled(e, node, env, op, key, domain, body)
    sign = -1 if op.endswith("max") else 1
    count, placed = charted(name, sizes, ends)

    def objective_of(evaluator: Evaluator) -> Objective:
        def objective(u: torch.Tensor) -> torch.Tensor:
            x = placed(u)
            inner = env.binding({key: x}).cut({(key, ()): x})
            value = evaluator.number(body, inner, "what is made small or large")
            return sign * v.tensor(value)

        return objective

    memory, kept = e.memory, len(e.kept)
    e.memory = dict(memory)
    objective = objective_of(e)
    plain = objective_of(Evaluator(e.program, e.draw, e.memo))  # to look around, unwatched
    try:
        if name == "sphere":
            u, member, value = sphere_value(objective, count, op)
            return placed(member(u)) if op.startswith("arg") else sign * value
        if count == 1:
            marks = marked(e, node, body, env) if name in ("R", "R+") else []
            u = on_line(plain, objective, line(marks) if name == "R" else logs(marks), op)
            if e.watch is not None:  # both sides of a kink are met
                for side in (-1, 1):
                    objective(u.detach() + side * (1 + u.detach().abs()))
        else:
            u = lowest(objective, plain, count, op, far=name == "R")
        return placed(u) if op.startswith("arg") else sign * objective(u)
    finally:
        e.memory = memory
        del e.kept[kept:]


def lowest(f: Objective, plain: Objective, count: int, op: str, far: bool) -> torch.Tensor:
    """Where a function of free numbers is least: where its gradient vanishes, or at a kink."""
    try:
        u = least(f, plain, count, op, far)
    except Kinked:
        return at_kink(f, count, op)
    return polished(f, u)


def settled(e: Evaluator, node: Node, env: Env, op: str, key: str, domain: Node | None,
            body: Node) -> tuple[str, list[int], list[torch.Tensor]]:
    """The kind of the set over which an optimum is taken, the size of its members, and the ends of
    an interval."""
    let = e.program.lets.get(key)
    given = domain or (let.domain if let else fitting(e, node, env, op, key, body))
    name, shape, extra = given.args
    if name == "sphere" and not shape:
        shape = fitting(e, node, env, op, key, body, columns=True).args[1]
    elif name == "sphere" and shape[0].kind == "sym" and shape[0].args[0] == key:
        assert let is not None
        if let.domain.args[0] not in ("R", "sphere") or len(let.domain.args[1]) != 1:
            raise v.type_error(rf"\|{pretty(key)}\| = 1 below {op}: {pretty(key)} is declared with "
                               r"\in \mathbb{R}^n")
        shape = let.domain.args[1]
    if name not in CONTINUOUS or len(shape) > 2:
        raise v.type_error(rf"{op} over {pretty(key)}: over \mathbb{{R}}, \mathbb{{R}}^n, "
                           r"\mathbb{R}_{>0}, an interval (a,b), \Delta^K or \|x\| = 1 only")
    sizes = [e.whole(d, NOWHERE, "a dimension") for d in shape]
    ends = [v.tensor(e.number(x, env, "an end of an interval")) for x in extra] if (
        name == "interval") else []
    return name, [*sizes, 1] if len(sizes) == 1 else sizes, ends


def fitting(e: Evaluator, node: Node, env: Env, op: str, key: str, body: Node,
            columns: bool = False) -> Node:
    """The numbers, or the columns of one of the declared sizes: those for which a formula is a
    number.

    Raises
    ------
    Refused
        Where not exactly one of them is.
    """
    kept = ("fitting", id(node))
    if kept not in e.memory:
        sizes_known = sorted(set(e.draw.dims.values()))
        found = [size for size in (sizes_known if columns else (0, *sizes_known))
                 if is_number(e, key, body, env, size)]
        if len(found) != 1:
            shown = pretty(key)
            raise v.type_error(
                rf"over what this {op} is taken is unclear: {shown} is not declared; write "
                rf"_{{{shown}\in\mathbb{{R}}^d}} or _{{{shown}\in\mathbb{{R}}}}, or declare let: "
                rf"{shown} \in \mathbb{{R}}^d")
        sizes = (Node("num", (str(found[0]),)),) if found[0] else ()
        e.kept.append(node)
        e.memory[kept] = Node("domain", ("R", sizes, ()))
    there: Node = e.memory[kept]
    return there


def is_number(e: Evaluator, key: str, body: Node, env: Env, size: int) -> bool:
    """Whether a formula is a number where a letter is a number (size 0), or a column."""
    place = torch.zeros((size, 1) if size else (), dtype=torch.float64)
    try:
        return v.is_scalar(e.value(body, env.binding({key: place})))
    except Refused:
        return False
    except Undefined:
        return True


def marked(e: Evaluator, node: Node, body: Node, env: Env) -> list[float]:
    """Places at which something may happen: at numbers that a formula holds, and near them."""
    written = {float(n.args[0]) for n in walk(body) if n.kind == "num"}
    near = (0.0, 1e-2, 1e-1, 1.0)
    return [*landmarks(e, node, body, env),
            *(sign * (x + side * by) for x in sorted(written)[:16] for sign in (1, -1)
              for side in (1, -1) for by in near)]


def show_best(node: Node, op: str, bind: Node, conditions: tuple[Node, ...], body: Node) -> str:
    shown = ", ".join(show(c) for c in (bind, *conditions))
    return f"{op}[{shown}]({show(body)})"


def show_optimum(node: Node, op: str, key: str, domain: Node | None, body: Node) -> str:
    return f"{op}[{pretty(key)}{' in ' + show(domain) if domain else ''}]({show(body)})"


def reach_of(node: Node) -> tuple[list[Node], list[Node]]:
    domain = node.args[2]
    return ([] if domain is None else [domain]), [node.args[3]]


def always(node: Any) -> bool:
    return True


WORDS = {rf"\mathrm{{{op}}}": reader(op) for op in ("argmin", "argmax")}
register(
    "Where something is least or greatest",
    Notation("best", show_best, best_value, starts={r"\arg": read_arg}, spells=WORDS,
             binds=lambda node: (node.args[1].args[0],),
             reach=lambda node: ([c for c in node.args[1].args[2:] if isinstance(c, Node)],
                                 [*node.args[2], node.args[3]]),
             jumps=always, examples=(r"\arg\max_k x_k", r"\arg\min_{k\in\{1,\ldots,n\}} x_k")),
    Notation("optimum", show_optimum, optimum_value, read=over_reals,
             binds=lambda node: (node.args[1],), reach=reach_of, approximate=True, vanishes=True,
             examples=(r"\arg\min_x (x^\top A x - 2 z^\top x)",
                       r"\min_{u\in\mathbb{R}} (u^2 - 2 a u)")),
)
