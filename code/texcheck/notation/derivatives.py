"""Derivatives: total ones through the definitions, cut at what they are taken by."""

from __future__ import annotations

import torch

from .. import kinks
from .. import values as v
from ..differentiate import arrange, gradient, jacobian, leaf_of
from ..env import Env
from ..evaluate import Evaluator
from ..grammar import Parser
from ..lexer import ACCENTS, FONTS, GREEK
from ..registry import Notation, Part, register
from ..trees import Node, pretty, show
from .families import boundary
from .names import applied


def is_differential(p: Parser, place: int) -> bool:
    """Whether a derivative sign stands at token `place`: \\partial, or d where not a name."""
    if place >= p.end:
        return False
    text = p.tokens[place].text
    if text == r"\partial":
        return True
    if text == r"\mathrm" and p.text_of(place) == "d":
        return True
    return text == "d" and "d" not in p.scope and "d" not in p.bound


def take_differential(p: Parser) -> None:
    if p.take().text == r"\mathrm":
        if p.peek() == "{":
            p.word_group()
        else:
            p.take()


def read_derivative(p: Parser, start: int) -> Node | None:
    """A fraction whose halves begin with a sign of differentiation."""
    if p.peek() == "{" and is_differential(p, p.at + 1):
        return derivative(p, start)
    if reads_as_derivative(p):
        raise p.refuse("d is a declared symbol, so that this reads as a quotient of "
                          "products: rename d, or write \\partial or \\mathrm{d}", start)
    return None


def refuse_lone_partial(p: Parser, start: int) -> Node:
    raise p.refuse(r"write a derivative as \frac{\partial f}{\partial x}", start)


def reads_as_derivative(p: Parser) -> bool:
    """Whether both halves of a fraction begin with the declared symbol d and go on."""
    if p.peek() != "{" or p.peek(1) != "d" or p.peek(2) == "}":
        return False
    after = p.closing(p.at) + 1
    if [t.text for t in p.tokens[after:after + 2]] != ["{", "d"]:
        return False
    follows = p.tokens[p.at + 2], p.tokens[after + 2]
    return all(t.kind == "letter" or t.text in GREEK | FONTS | ACCENTS for t in follows)


def derivative(p: Parser, start: int) -> Node:
    last = p.closing(p.at)
    order, body = p.inside(p.at + 1, last, lambda: numerator(p))
    p.at = last + 1
    if p.peek() != "{" or not is_differential(p, p.at + 1):
        raise p.refuse(r"below a derivative stands \partial and what it is taken by")
    last = p.closing(p.at)
    found = p.inside(p.at + 1, last, lambda: targets(p))
    p.at = last + 1
    if order != len(found):
        raise p.refuse(f"a derivative of order {order} by {len(found)} variables", start)
    if body is None:
        body = operand(p, r"\frac{\partial}{\partial x}")
    return p.node("diff", (body, tuple(found)), start)


def operand(p: Parser, operator: str) -> Node:
    """What a differential operator acts on: one factor, with nothing after it."""
    if not p.starts_factor():
        raise p.refuse(f"{operator} acts on nothing here")
    node = p.factor()
    if p.at < p.end and (p.starts_factor() or p.infix("product")):
        raise p.refuse(f"how far {operator} reaches is unclear: put what it acts on in "
                          "parentheses")
    return node


def numerator(p: Parser) -> tuple[int, Node | None]:
    take_differential(p)
    order = 1
    if p.peek() == "^" and p.at < p.end:
        p.take()
        token = p.group(p.take)
        if token.kind != "num" or not 1 <= int(float(token.text)) <= 3:
            raise p.refuse("orders of derivatives are 1, 2 and 3", token.start)
        order = int(token.text)
    if p.at >= p.end:
        return order, None
    body = p.term()
    if p.peek() in ("+", "-") and p.at < p.end:
        raise p.refuse("put the sum that is differentiated in parentheses")
    return order, body


def targets(p: Parser) -> list[Node]:
    found = []
    while p.at < p.end:
        start = p.place()
        if not is_differential(p, p.at):
            raise p.refuse(r"\partial is expected here")
        take_differential(p)
        found += target(p, start)
    return found


def target(p: Parser, start: int) -> list[Node]:
    """What a derivative is taken by, once or ``^2`` times."""
    parenthesis = p.accept("(")
    node = p.name()
    if parenthesis:
        p.take(")")
    count, transposed = 1, False
    if node.kind == "pow" or node.kind == "T":
        raise p.refuse("a power of the variable", node.start)
    if p.accept("^"):
        token = p.group(p.take)
        if token.text == r"\top":
            transposed = True
        elif token.kind == "num" and token.text in ("1", "2", "3"):
            count = int(token.text)
        else:
            raise p.refuse("orders of derivatives are 1, 2 and 3", token.start)
    if node.kind not in ("sym", "term", "item"):
        raise p.refuse("a derivative is taken by a name", node.start)
    return [p.node("target", (node, transposed), start)] * count


def read_nabla(p: Parser, start: int) -> Node:
    order = 1
    by: Node | None = None
    for _ in range(2):
        if p.peek() == "^" and p.at < p.end and order == 1:
            p.take()
            token = p.group(p.take)
            if token.text != "2":
                raise p.refuse(r"\nabla and \nabla^2 are read", token.start)
            order = 2
        elif p.peek() == "_" and p.at < p.end and by is None:
            p.take()
            by = p.group(lambda: target(p, p.place()))[0]
    return nabla_operand(p, order, by, start)


def nabla_operand(p: Parser, order: int, target: Node | None, start: int) -> Node:
    if not p.starts_factor():
        raise p.refuse(r"\nabla acts on nothing here")
    plain = p.tokens[p.at].kind == "letter" or p.peek() in GREEK | FONTS | ACCENTS
    node = p.primary()
    if plain and node.kind in ("pow", "epow"):
        raise p.refuse(r"what \nabla acts on is unclear: put it in parentheses", node.start)
    if not plain or node.kind in ("big", "expect"):
        while p.peek() == "^" and p.at < p.end and powered_inside(p):
            node = p.powered(node)
    if target is None and (node.kind != "call" or len(node.args[1]) != 1):
        raise p.refuse(r"say by what: \nabla_x f, or \nabla f(x) of a function", start)
    result = p.node("grad", (node, target, order), start)
    if p.peek() == "^" and p.at < p.end:
        if powered_inside(p):
            raise p.refuse(r"whether \nabla or the power acts first is unclear: put it in "
                              "parentheses")
        return p.powered(result)
    if node.kind != "call" and p.at < p.end and (
            p.starts_factor() or p.infix("product")):
        raise p.refuse(r"how far \nabla reaches is unclear: put the gradient, or what it "
                          "acts on, in parentheses")
    return result


def powered_inside(p: Parser) -> bool:
    """Whether the power that follows belongs to the operand: all but ^\\top and ^{-1}."""
    sup = p.superscript()
    return sup is not None and sup.text not in (r"\top", "-1", r"-\top")


def diff_value(e: Evaluator, node: Node, env: Env, body: Node,
               targets: tuple[Node, ...]) -> v.Value:
    return differentiate(e, body, list(targets), env)


def differentiate(e: Evaluator, body: Node, targets: list[Node], env: Env) -> v.Value:
    if not targets:
        value: v.Value = e.value(body, env)
        if isinstance(value, v.Lazy):
            raise v.type_error(f"a derivative of {v.shape_text(value)}")
        return value
    name, transposed = targets[0].args
    leaf, inner, picked = cut(e, name, env)
    out, tie = kinks.watched(e, lambda: differentiate(e, body, targets[1:], inner))
    full = jacobian(out, leaf)
    if tie:
        def at(place: torch.Tensor) -> kinks.Sides:
            there = differentiate(e, body, targets[1:], kinks.exchanged(inner, leaf, place))
            return v.tensor(there), jacobian(there, place)

        full = kinks.beside(at, leaf, full)
    if picked is not None:
        return full[(slice(None),) * (full.dim() - len(picked)) + picked]
    flip = bool(targets[1:] and targets[1].args[1])
    same = len(targets) > 1 and all(t.args[0] == name for t in targets)
    vector = leaf.dim() == 2
    if vector and len(targets) > 1 and not v.is_scalar(out) and not (flip or same):
        raise v.type_error(r"a second derivative by two vectors: write \partial x \partial "
                           r"y^\top")
    return arrange(full, out, leaf, transposed, flip)


def cut(e: Evaluator, node: Node,
        env: Env) -> tuple[torch.Tensor, Env, tuple[int, ...] | None]:
    """Replace a symbol by a free copy: the copy, the surroundings with it, and the entry."""
    if node.kind == "item":
        leaf, inner, _ = cut(e, node.args[0], env)
        index = tuple(e.whole(i, env, "an index") for i in node.args[1])
        e.value(node, env)
        if leaf.dim() == 2 and len(index) == 1:
            index = (index[0], 1) if leaf.shape[1] == 1 else (1, index[0])
        return leaf, inner, tuple(i - 1 for i in index)
    value = e.value(node, env)
    if isinstance(value, v.Lazy):
        raise v.type_error(f"a derivative by {v.shape_text(value)}")
    key = node.args[0]
    if e.program.is_discrete(key):
        raise v.type_error(f"a derivative by {pretty(key)}, which is not continuous")
    leaf = leaf_of(value)
    if node.kind == "sym":
        if key in env.bound:
            if isinstance(value, int):
                raise v.type_error(f"a derivative by the index {pretty(key)}")
            return leaf, env.binding({key: leaf}), None
        return leaf, env.cut({(key, ()): leaf}), None
    index = tuple(e.whole(i, env, "an index") for i in node.args[1])
    edge = boundary(e, key, index)
    name: tuple[str, tuple[int, ...]] = (key, index) if edge is None else (edge.args[0], ())
    return leaf, env.cut({name: leaf}), None


def grad_value(e: Evaluator, node: Node, env: Env, body: Node, target: Node | None,
               order: int) -> v.Value:
    if target is None:
        given = e.value(body.args[1][0], env)
        if isinstance(given, v.Lazy):
            raise v.type_error(f"a gradient at {v.shape_text(given)}")
        leaf, picked = leaf_of(given), None

        def value(place: torch.Tensor) -> v.Value:
            return applied(e, body.args[0], [place], env)
    else:
        leaf, inner, picked = cut(e, target.args[0], env)

        def value(place: torch.Tensor) -> v.Value:
            found: v.Value = e.value(body, kinks.exchanged(inner, leaf, place))
            return found

    out, tie = kinks.watched(e, lambda: value(leaf))
    if not v.is_scalar(out):
        raise v.type_error(f"the gradient of {v.shape_text(out)}: write a Jacobian, "
                           r"\frac{\partial f}{\partial x}")
    first = gradient(out, leaf)
    if tie:
        def at(place: torch.Tensor) -> kinks.Sides:
            there = v.tensor(value(place))
            return there, gradient(there, place)

        first = kinks.beside(at, leaf, first)
    if order == 1:
        return first if picked is None else first[picked]
    if picked is not None or (leaf.dim() and leaf.shape[1] != 1):
        raise v.type_error(r"\nabla^2 by a vector or a number only")
    return arrange(jacobian(first, leaf), first, leaf, False, False)


def of_derivative(node: Node) -> list[tuple[Node, Node | None]]:
    return [(node.args[0], target.args[0]) for target in node.args[1]]


def of_gradient(node: Node) -> list[tuple[Node, Node | None]]:
    body, target, _ = node.args
    return [(body, None if target is None else target.args[0])]


def show_diff(node: Node, body: Node, targets: tuple[Node, ...]) -> str:
    return "d(" + show(body) + ")/" + "/".join("d(" + show(t) + ")" for t in targets)


def show_grad(node: Node, body: Node, target: Node | None, order: int) -> str:
    name = {1: "gradient", 2: "hessian"}[order]
    return f"{name}({show(body)}" + (f"; {show(target)})" if target else ")")


register(
    "Derivatives",
    Part("target", lambda node, name, transposed: show(name) + ("^T" if transposed else ""),
         examples=(r"\frac{\partial (x^\top z)}{\partial x^\top}",)),
    Notation("diff", show_diff, diff_value, rounds="often",
             starts={r"\frac": read_derivative, r"\partial": refuse_lone_partial}, vanishes=True,
             differentiates=of_derivative,
             examples=(r"\frac{\partial}{\partial a} (a^2 b)",
                       r"\frac{\partial \|x\|^2}{\partial x}",
                       r"\frac{\partial (W x)}{\partial x}",
                       r"\frac{\partial^2 (x^\top A x)}{\partial x \, \partial x^\top}",
                       r"\frac{\partial^2 (a^2 b^2)}{\partial a \, \partial b}",
                       r"\frac{\mathrm{d} a^3}{\mathrm{d} a}"),
             refused=((r"\frac{\partial a}{\partial b}", r"\frac{\partial (a b)}{\partial b}"),)),
    Notation("grad", show_grad, grad_value, rounds="often",
             starts={r"\nabla": read_nabla}, vanishes=True,
             differentiates=of_gradient,
             examples=(r"\nabla_x (x^\top A x)", r"\nabla f(x)", r"\nabla^2 f(x)"),
             refused=((r"\nabla_x x^\top z a", r"a \nabla_x (x^\top z)"),)),
)
