"""Sets: the domains of declarations, and what a sum may run over."""

from __future__ import annotations

import itertools
import math
from typing import Any

import torch

from .. import values as v
from ..domains import FINITE
from ..env import NOWHERE, Env
from ..evaluate import MOST_TERMS, Evaluator
from ..grammar import Parser
from ..program import Program
from ..registry import Part, register
from ..trees import Node, listed, show


def number_domain(p: Parser, start: int) -> Node:
    base = p.base()
    letter = base[8:-1]
    if letter not in ("R", "N", "Z", "S"):
        raise p.refuse(rf"{base} is not a domain: \mathbb{{R}}, \mathbb{{N}}, \mathbb{{Z}} "
                          r"and \mathbb{S} are", start)
    _, sub, sup = p.scripts()
    mark = sub.text if sub else ""
    sizes: tuple[Node, ...] = ()
    if sup:
        p.check_script(sup)
        sizes = p.inside(sup.first, sup.last, lambda: shape_inside(p))
        p.at = sup.after
    p.at = max([p.at] + [s.after for s in (sub, sup) if s])
    names = {"R": {"": "R", ">0": "R+", "+": "R+", "++": "R+", r"\ge0": "R0+",
                   "<0": "R-"},
             "N": {"": "N", "0": "N0", ">0": "N"}, "Z": {"": "Z"},
             "S": {"": "S", "+": "S+", "++": "S++"}}[letter]
    if mark not in names:
        raise p.refuse(rf"the subscript {mark} of {base} is not read", start)
    if letter == "S" and not mark and len(sizes) == 1 and is_sphere(sizes[0]):
        return p.node("domain", ("sphere", (sizes[0].args[0][1],), ()), start)
    if letter == "S" and len(sizes) != 1:
        raise p.refuse(r"symmetric matrices are \mathbb{S}^n, \mathbb{S}^n_{+} or "
                          r"\mathbb{S}^n_{++}", start)
    if letter in "NZ" and sizes:
        raise p.refuse("vectors of integers are written as sequences", start)
    return p.node("domain", (names[mark], sizes, ()), start)


def is_sphere(size: Node) -> bool:
    r"""Whether ``\mathbb{S}^{n-1}`` is meant, the unit vectors of n entries."""
    return (size.kind == "add" and len(size.args) == 2 and size.args[0][0] == "+"
            and size.args[1] == ("-", Node("num", ("1",))))


def shape(p: Parser, most: int = 3) -> tuple[Node, ...]:
    """Dimensions in a superscript, if there is one."""
    if p.peek() != "^" or p.at >= p.end:
        if most == 1:
            raise p.refuse("a dimension is missing: write ^n")
        return ()
    sup = p.superscript()
    if sup is None:
        raise p.refuse("a dimension is expected here")
    p.check_script(sup)
    sizes = p.inside(sup.first, sup.last, lambda: shape_inside(p))
    p.at = sup.after
    if len(sizes) > most:
        raise p.refuse("one dimension is expected here")
    return sizes


def shape_inside(p: Parser) -> tuple[Node, ...]:
    p.declare_dims()
    start = p.place()
    node = p.expr()
    dims: list[Node] = []
    while node.kind == "times":
        dims.insert(0, node.args[1])
        node = node.args[0]
    dims.insert(0, node)
    if len(dims) > 3:
        raise p.refuse("at most three dimensions", start)
    return tuple(dims)


def interval(p: Parser, start: int) -> Node:
    opening = p.take().text
    low = p.expr()
    p.take(",")
    high = None
    if not p.accept(r"\infty"):
        high = p.expr()
    closing = p.take().text
    if closing not in (")", "]"):
        raise p.refuse("the interval is not closed", start)
    if high is None:
        if low.kind != "num" or float(low.args[0]) != 0:
            raise p.refuse(r"write \mathbb{R}_{>0}", start)
        name = "R+" if opening == "(" else "R0+"
        return p.node("domain", (name, shape(p), ()), start)
    ends = ("[" if opening == "[" else "") + ("]" if closing == "]" else "")
    return p.node("domain", ("interval" + ends, shape(p), (low, high)), start)


def finite_set(p: Parser, start: int) -> Node:
    p.take(r"\{")
    if p.declaring:
        saved = p.at, p.end
        declare_in_set(p)
        p.at, p.end = saved
    items: list[Node | str] = []
    while True:
        if p.accept(r"\ldots"):
            items.append("…")
        elif p.peek() == "e" and p.peek(1) == "_" and "e" not in p.scope:
            p.take()
            p.take("_")
            items.append(Node("unit", (p.group(p.expr),)))
        else:
            items.append(p.expr())
        if not p.accept(","):
            break
    p.take(r"\}")
    return set_of(p, items, start)


def declare_in_set(p: Parser) -> None:
    """Declare the dimension at the end of ``\\{1,\\ldots,K\\}``."""
    saved_end, last = p.end, p.at
    while last < p.end and p.tokens[last].text != r"\}":
        last += 1
    if any(t.text == r"\ldots" for t in p.tokens[p.at:last]):
        p.end = last
        if p.peek() == "e":
            while p.peek() != r"\ldots":
                p.at += 1
            p.at += 4
        p.declare_dims()
        p.end = saved_end


def set_of(p: Parser, items: list[Any], start: int) -> Node:
    units = [isinstance(i, Node) and i.kind == "unit" for i in items]
    if "…" in items:
        place = items.index("…")
        if place not in (1, 2) or len(items) != place + 2:
            raise p.refuse(r"a range is \{1,\ldots,K\}", start)
        if units[0] and units[-1]:
            low, high = items[0].args[0], items[-1].args[0]
            if low.kind != "num" or low.args[0] != "1":
                raise p.refuse(r"one-hot vectors are \{e_1,\ldots,e_K\}", start)
            return p.node("domain", ("onehot", (high,), ()), start)
        return p.node("domain", ("range", shape(p), (items[0], items[-1])), start)
    if any(units):
        raise p.refuse(r"one-hot vectors are \{e_1,\ldots,e_K\}", start)
    return p.node("domain", ("set", shape(p), tuple(items)), start)


def matrix_domain(p: Parser, start: int) -> Node:
    word = "O" if p.accept("O") else p.base()[8:-1]
    p.take("(")
    if word == "O":
        declare_dims_until(p, ")")
        size = p.expr()
        p.take(")")
        return p.node("domain", ("orthogonal", (size,), ()), start)
    if word in ("St", "V"):
        declare_dims_until(p, ")")
        rows = p.expr()
        p.take(",")
        columns = p.expr()
        p.take(")")
        return p.node("domain", ("stiefel", (rows, columns), ()), start)
    if word in ("diag", "Diag"):
        inner = p.domain()
        p.take(")")
        if inner.args[0] not in ("R", "R+") or len(inner.args[1]) != 1:
            raise p.refuse(r"write \mathrm{diag}(\mathbb{R}^n)", start)
        return p.node("domain", ("diag" + inner.args[0][1:], inner.args[1], ()), start)
    raise p.refuse(f"{word} is not a domain", start)


def declare_dims_until(p: Parser, closing: str) -> None:
    saved_end, last = p.end, p.at
    while last < p.end and p.tokens[last].text != closing:
        last += 1
    p.end = last
    p.declare_dims()
    p.end = saved_end


def domain_values(e: Evaluator, domain: Node, env: Env) -> list[Any]:
    """All members of a finite set, the same objects each time."""
    key = ("members", e.key(domain, env))
    if key not in e.memory:
        e.kept.append((domain, env))
        found = members(e, domain, env)
        same = ("equal members", *(tuple(m.reshape(-1).tolist()) + tuple(m.shape)
                                   if isinstance(m, torch.Tensor) else m for m in found))
        e.memory[key] = e.memory.setdefault(same, found)
    known: list[Any] = e.memory[key]
    return known


def members(e: Evaluator, domain: Node, env: Env) -> list[Any]:
    """The members of a finite set."""
    name, shape, extra = domain.args
    if name == "onehot":
        size = e.whole(shape[0], env, "the number of entries")
        check_size(size)
        return [torch.eye(size, dtype=torch.float64)[:, i:i + 1] for i in range(size)]
    if name == "set":
        single = [e.value(member, env) for member in extra]
    elif name == "range":
        low = e.whole(extra[0], env, "the first member")
        high = e.whole(extra[1], env, "the last member")
        if high - low > MOST_TERMS:
            raise v.too_many(f"{high - low + 1} members")
        single = list(range(low, high + 1))
    else:
        raise v.type_error(f"{show(domain)} cannot be enumerated")
    if not shape:
        return single
    dims = [e.whole(d, env, "a dimension") for d in shape]
    for dim in dims:
        check_size(dim)
    dims = [*dims, 1] if len(dims) == 1 else dims
    size = math.prod(dims)
    if size * math.log2(max(2, len(single))) > math.log2(MOST_TERMS):
        raise v.too_many(f"{len(single)}^{size} members")
    return [torch.tensor([float(x) for x in entries], dtype=torch.float64).reshape(dims)
            for entries in itertools.product(single, repeat=size)]


def check_size(size: int) -> None:
    if size < 1:
        raise v.type_error(f"a dimension of {size}: it must be at least 1")
    if size > 64:
        raise v.type_error(f"a dimension of {size}: at most 64")


def finite_domain(program: Program, name: str) -> tuple[str, Node | None] | None:
    """Domain of the declared name that an index is called after, primes aside."""
    stem = name.rstrip("'")
    if stem in program.outcomes:
        return stem, program.outcomes[stem]
    let = program.lets.get(stem)
    if let is not None and not let.ranges and let.domain.args[0] in FINITE:
        return stem, let.domain
    return None


def domain_members(e: Evaluator, found: tuple[str, Node | None]) -> list[Any]:
    """Members of what `finite_domain` has found."""
    stem, domain = found
    if domain is not None:
        return domain_values(e, domain, NOWHERE)
    return list(range(1, e.draw.dims["alphabet " + stem] + 1))


def read_domain(p: Parser) -> Node:
    """A set: a domain of a declaration, or what a sum runs over."""
    start, text = p.place(), p.peek()
    if text == r"\mathbb":
        return number_domain(p, start)
    if text in ("(", "["):
        return interval(p, start)
    if text == r"\{":
        return finite_set(p, start)
    if text == r"\Delta":
        p.take()
        return p.node("domain", ("simplex", shape(p, 1), ()), start)
    if text in (r"\mathrm", r"\operatorname", "O"):
        return matrix_domain(p, start)
    raise p.refuse(r"a domain is expected here, such as \mathbb{R}^n, (0,1), \{0,1\}^n, "
                   r"\{1,\ldots,K\}, \Delta^K or \mathbb{S}^n_{++}", start)


def show_domain(node: Node, name: str, sizes: tuple[Node, ...], extra: tuple[Node, ...]) -> str:
    return (name + (f"^({listed(sizes)})" if sizes else "")
            + (f"({listed(extra)})" if extra else ""))


register(
    "Sets",
    Part("domain", show_domain, read=read_domain,
         examples=(r"\sum_{k\in\{1,\ldots,n\}} x_k",)),
    Part("unit", lambda node, place: f"e_{show(place)}",
         examples=(r"\sum_{d\in\{e_1,\ldots,e_n\}} e^{d^\top x}",)),
)
