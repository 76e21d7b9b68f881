"""What runs over an index: sums, products, the largest, the smallest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import torch

from .. import registry
from .. import values as v
from ..batch import batched
from ..contract import contracted
from ..env import NOWHERE, Env
from ..errors import Undefined
from ..evaluate import MOST_TERMS, MOST_WORK, Evaluator
from ..grammar import Parser
from ..names import Script, is_letter
from ..precise import CHOICES, RULES, Place, Precise, Unknown, plus, times, to_float
from ..registry import Notation, Part, Reduction, register
from ..trees import Node, flatten, pretty, show
from .choices import extreme
from .domains import domain_members, domain_values, finite_domain
from .families import inferred


def read_reduction(p: Parser, entry: Reduction, start: int) -> Node | None:
    """What runs over an index; without one, the function of the same name if there is one."""
    op = entry.name
    if p.peek() != "_" and op in registry.load().functions:
        return None
    if p.peek() != "_":
        raise p.refuse(f"the reach of this {op} is unclear: write \\{op}_{{i=1}}^{{n}} or "
                          f"\\{op}_{{i}}")
    _, sub, sup = p.scripts()
    if sub is None:
        raise p.refuse("a subscript is expected here")
    p.check_script(sub)
    below = over_continuous(p, op, sub, start)
    if below is not None:
        return below
    bindings, conditions = p.inside(sub.first, sub.last, lambda: binders(p, sup))
    p.at = max(s.after for s in (sub, sup) if s)
    names = [b.args[0] for b in bindings]
    for name in names:
        if name in p.bound:
            raise p.refuse(f"{name} is already bound around this {op}: take another letter",
                              p.tokens[sub.first].start)
    p.bound += names
    p.needs_body(f"the {op}")
    body = p.term()
    for _ in names:
        p.bound.pop()
    for name in names:
        if name not in body.names:
            where = p.tokens[sub.first].start
            raise p.refuse(f"the index {name} is not used in the {op}", where)
    if entry.separate:
        check_reach(p, op, names, body)
    if any(b.args[1] == "range" and b.args[3].kind == "infinite" for b in bindings):
        return infinite_sum(p, op, bindings, conditions, body, start)
    return p.node("big", (op, tuple(bindings), tuple(conditions), body), start)


def over_continuous(p: Parser, op: str, sub: Script, start: int) -> Node | None:
    r"""``\min_w`` over a symbol that is no index."""
    if op not in ("max", "min"):
        return None
    read = registry.kind("optimum").read
    assert read is not None
    found: Node | None = read(p, op, sub, start)
    return found


def infinite_sum(p: Parser, op: str, bindings: list[Node], conditions: list[Node], body: Node,
                 start: int) -> Node:
    if op != "sum" or len(bindings) != 1 or conditions:
        raise p.refuse(r"what runs to \infty is a sum over one index, without a condition", start)
    key, _, low, _ = bindings[0].args
    return p.node("series", (key, low, body), start)


def check_reach(p: Parser, op: str, names: list[str], body: Node) -> None:
    """A product or maximum must not be followed by factors without its index."""
    if body.grouped or body.kind not in ("mul", "had", "div", "times"):
        return
    parts = list(body.args)
    if body.kind == "div" and not body.args[0].grouped and body.args[0].kind == "mul":
        parts = [*body.args[0].args, body.args[1]]
    used = [any(n in part.names for n in names) for part in parts]
    for part, before, now in zip(parts[1:], used, used[1:], strict=False):
        if before and not now:
            raise p.refuse(f"where the {op} ends is unclear: put its body, or all of it, "
                              "in parentheses, ( )", part.start)


def binders(p: Parser, sup: Script | None) -> tuple[list[Node], list[Node]]:
    """``i=1`` | ``i,j`` | ``d\\in D`` | ``j\\ne i`` | ``i<j`` below a sum."""
    bindings: list[Node] = []
    conditions: list[Node] = []
    while True:
        start = p.place()
        key, at = p.binder_name(), p.at
        if p.accept("="):
            low = p.expr()
            if p.peek() == "," and p.peek(1) == r"\ldots":
                p.at += 2
                p.take(",")
                high = p.expr()
            elif sup is None:
                raise p.refuse(f"the upper end of {key} is missing: write ^{{n}}", start)
            elif [t.text for t in p.tokens[sup.first:sup.last]] == [r"\infty"]:
                high = Node("infinite", ("+",), start, start)
                sup = None
            else:
                high = p.inside(sup.first, sup.last, p.expr)
                sup = None
            bindings.append(p.node("bind", (key, "range", low, high), start))
        elif p.accept(r"\in"):
            bindings.append(p.node("bind", (key, "set", p.domain()), start))
        elif p.peek() in (r"\ne", "<", ">", r"\le", r"\ge") and p.at < p.end:
            bindings.append(p.node("bind", (key, "auto"), start))
            bind_right(p, key, bindings, conditions, start)
        else:
            p.at = at
            bindings.append(p.node("bind", (key, "auto"), start))
            if letters_only(p):
                continue
        if p.accept(":"):
            p.bound.append(key)
            conditions += p.conditions(())
            p.bound.pop()
            break
        if not p.accept(","):
            break
    if sup is not None:
        raise p.refuse("this upper end belongs to no index", p.tokens[sup.first].start)
    return bindings, conditions


def letters_only(p: Parser) -> bool:
    """Whether letters stand side by side below a sum, and another one follows."""
    first = p.at
    while first > 0 and p.tokens[first - 1].text not in ("{", "_"):
        first -= 1
    return p.at < p.end and all(is_letter(t.text) for t in p.tokens[first:p.end])


def bind_right(p: Parser, key: str, bindings: list[Node], conditions: list[Node],
               start: int) -> None:
    """The condition in ``j\\ne i``; in ``i<j`` the second name is bound too if it is free."""
    op = p.take().text
    if (p.at + 1 == p.end and p.tokens[p.at].kind == "letter"
            and p.lookup(p.peek()) is None):
        other = p.take().text
        bindings.append(p.node("bind", (other, "auto"), start))
        right = Node("sym", (other,), start, start)
    else:
        right = p.expr()
    conditions.append(Node("rel", (op, Node("sym", (key,), start, start), right), start, start))


def big_value(e: Evaluator, node: Node, env: Env, op: str, binds: tuple[Node, ...],
              conditions: tuple[Node, ...], body: Node) -> v.Value:
    entry = registry.reduction(op)
    if entry.fast is not None:
        whole: v.Value | None = entry.fast(e, node, env)
        if whole is not None:
            return whole
    found: v.Value = entry.fold([e.value(body, inner)
                                 for inner in bindings(e, binds, conditions, body, env)])
    return found


def sum_at_once(e: Evaluator, node: Node, env: Env) -> v.Value | None:
    """A sum as one contraction, or over all members of a set at once."""
    whole = contracted(e, node, env)
    if whole is not None:
        return whole
    found = batch(e, node, env)
    return None if found is None else found.sum(0)


def product_at_once(e: Evaluator, node: Node, env: Env) -> v.Value | None:
    found = batch(e, node, env)
    return None if found is None or found.dim() > 1 else found.prod()


def batch(e: Evaluator, node: Node, env: Env) -> torch.Tensor | None:
    """The bodies of a sum or product over vectors of a finite set, evaluated at once; or None."""
    _, binds, conditions, body = node.args
    if len(binds) != 1 or conditions:
        return None
    bind, = binds
    name, how, *rest = bind.args
    if how == "set":
        members = domain_values(e, rest[0], env)
    elif how == "auto" and (domain := finite_domain(e.program, name)) is not None:
        members = domain_members(e, domain)
    else:
        return None
    return batched(e, node, {name: members}, lambda one: e.value(body, env.binding(one)))


def bindings(e: Evaluator, binds: tuple[Node, ...], conditions: tuple[Node, ...], body: Node,
             env: Env) -> Iterator[Env]:
    """The environments that a sum runs over."""
    count = 0
    stack = [(0, env)]
    while stack:
        depth, inner = stack.pop()
        if depth == len(binds):
            e.work += 1
            if e.work > MOST_WORK:
                raise v.too_many(f"more than {MOST_WORK} terms in all")
            if e.holds(conditions, inner):
                yield inner
            continue
        places = options(e, binds[depth], binds, body, inner)
        count += len(places)
        if count > MOST_TERMS:
            raise v.too_many(f"more than {MOST_TERMS} terms")
        name = binds[depth].args[0]
        terms = inner.terms * max(1, len(places))
        if terms > MOST_WORK:
            raise v.too_many(f"{terms} terms one inside the other")
        inner = replace(inner, terms=terms)
        stack += [(depth + 1, inner.binding({name: o})) for o in reversed(places)]


def options(e: Evaluator, bind: Node, binds: tuple[Node, ...], body: Node,
            env: Env) -> list[Any]:
    """The places of one index."""
    name, how, *rest = bind.args
    if how == "range":
        low = e.whole(rest[0], env, "the lower end of a sum")
        high = e.whole(rest[1], env, "the upper end of a sum")
        if high - low > MOST_TERMS:
            raise v.too_many(f"{high - low + 1} terms")
        return list(range(low, high + 1))
    if how == "set":
        return domain_values(e, rest[0], env)
    return inferred(e, name, body, {b.args[0] for b in binds}, env)


def total(found: list[v.Value]) -> v.Value:
    """Sum of values of one shape."""
    if not found:
        return 0
    result = found[0]
    tensors = [f for f in found if isinstance(f, torch.Tensor)]
    if len(tensors) == len(found) and len({t.shape for t in tensors}) == 1:
        return torch.stack(tensors).sum(0)
    for value in found[1:]:
        result = v.add(result, value)
    return result


def product(found: list[v.Value]) -> v.Value:
    """Product in the order of the terms; of nothing it is 1."""
    result: v.Value = 1
    for place, factor in enumerate(found):
        result = v.multiply(result, factor) if place else factor
    return result


def extreme_of(op: str) -> Callable[[list[v.Value]], v.Value]:
    def fold(found: list[v.Value]) -> v.Value:
        if not found:
            raise Undefined(f"the {op} of nothing")
        return extreme(op, found)

    return fold


def show_big(node: Node, op: str, binds: tuple[Node, ...], conditions: tuple[Node, ...],
             body: Node) -> str:
    heads = [show(b) for b in binds] + [show(c) for c in conditions]
    return f"{op}[{', '.join(heads)}]({show(body)})"


def show_bind(node: Node, key: str, how: str, *rest: Node) -> str:
    if how == "range":
        return f"{pretty(key)} = {show(rest[0])} … {show(rest[1])}"
    return f"{pretty(key)} in {show(rest[0])}" if how == "set" else f"all {pretty(key)}"


def bound_letters(node: Node) -> tuple[str, ...]:
    return tuple(bind.args[0] for bind in node.args[1])


def reach(node: Node) -> tuple[list[Node], list[Node]]:
    ends = [c for bind in node.args[1] for c in flatten(bind.args[2:])]
    return ends, [*flatten(node.args[2]), node.args[3]]


def ends(bind: Node) -> tuple[Node, ...]:
    """The first and the last place of an index that has such."""
    return tuple(bind.args[2:]) if bind.args[1] == "range" else ()


def precisely(p: Precise, node: Node, place: Place, op: str, binds: tuple[Node, ...],
              conditions: tuple[Node, ...], body: Node) -> Any:
    """A sum, a product or an extreme with more digits than a float."""
    if any(not isinstance(x, int) for x in place.bound.values()):
        raise Unknown(op)
    env = NOWHERE.binding(place.bound)
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


RULES["big"] = precisely
register(
    "Sums over an index",
    Part("bind", show_bind, ends=ends, examples=(r"\sum_{k\ne i} x_k", r"\sum_{k<l} x_k x_l")),
    Notation("big", show_big, big_value, read=read_reduction, binds=bound_letters, reach=reach,
             vanishes=True, examples=(r"\sum_{k=1}^n \sum_{l=1}^n x_k z_l",)),
    Reduction("sum", total, separate=False, fast=sum_at_once, siblings={r"\sum": r"\prod"},
              examples=(r"\sum_{k=1}^n x_k z_k", r"\sum_k x_k", r"\sum_{k,l} W_{kl}",
                        r"\sum_{d\in\{0,1\}^n} e^{d^\top x}"),
              refused=((r"\sum_{k=1}^n a", "n a"),
                       (r"\sum_i x_i + x_i", r"\sum_k x_k + x_i"))),
    Reduction("prod", product, fast=product_at_once, siblings={r"\prod": r"\sum"},
              examples=(r"\prod_{k=1}^n (1 + x_k)",),
              refused=((r"\prod_k x_k a", r"a \prod_k x_k"),)),
    Reduction("max", extreme_of("max"), examples=(r"\max_i x_i",)),
    Reduction("min", extreme_of("min"), examples=(r"\min_i x_i",)),
)
