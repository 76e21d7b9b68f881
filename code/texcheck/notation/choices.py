"""What chooses: relations, indicators, cases, the larger of two."""

from __future__ import annotations

from typing import Any

import torch

from .. import precise
from .. import values as v
from ..env import Env
from ..errors import Undefined
from ..evaluate import Evaluator
from ..grammar import Parser
from ..registry import Function, Notation, register
from ..trees import Node, listed, show
from .domains import domain_values

ROUNDED = 4e-15  # relative: numbers that are equal but for the last digit of a float


def read_cases(p: Parser, name: str, start: int) -> Node:
    rows = []
    while True:
        value = p.expr()
        p.take("&")
        rows.append((value, case_condition(p)))
        p.accept(",", ".")
        if not p.accept(r"\\") or p.peek() == r"\end":
            break
    p.end_environment(name, start)
    if any(not c for _, c in rows[:-1]):
        raise p.refuse("only the last line of cases may say otherwise", start)
    return p.node("cases", tuple(rows), start)


def case_condition(p: Parser) -> tuple[Node, ...]:
    while p.peek() in (r"\text", r"\mathrm") and p.at < p.end:
        word = p.text_of(p.at)
        if word in ("if", "for", "when"):
            p.take()
            p.word_group()
        elif word in ("otherwise", "else", "elsewhere"):
            p.take()
            p.word_group()
            return ()
        else:
            break
    return tuple(p.conditions((r"\\", r"\end", ".")))


def read_indicator(p: Parser, start: int) -> Node | None:
    """``1`` with a relation behind it, in brackets or as a subscript."""
    if p.peek() in ("[", r"\{", "(") and p.at < p.end and holds_relation(p):
        closing = {"[": "]", r"\{": r"\}", "(": ")"}[p.take().text]
        conditions = p.conditions((closing,))
        p.take(closing)
        return p.node("ind", (tuple(conditions),), start)
    if p.peek() == "_" and p.at < p.end:
        sub = p.subscript()
        marks = {"=", "<", ">", r"\le", r"\ge", r"\ne"}
        if sub is not None and any(t.text in marks for t in p.tokens[sub.first:sub.last]):
            p.take()
            conditions = p.group(lambda: p.conditions(()))
            return p.node("ind", (tuple(conditions),), start)
    return None


def refuse_blackboard_one(p: Parser, start: int) -> Node:
    raise p.refuse(r"write the indicator as \mathbb{1}[i=j]", start)


def holds_relation(p: Parser) -> bool:
    depth = 0
    for index in range(p.at, p.end):
        text = p.tokens[index].text
        if text in ("(", "[", r"\{", "{"):
            depth += 1
        elif text in (")", "]", r"\}", "}"):
            depth -= 1
            if depth == 0:
                return False
        elif depth == 1 and text in ("=", "<", ">", r"\le", r"\ge", r"\ne", r"\in"):
            return True
    return False


def read_kronecker(p: Parser, start: int) -> Node | None:
    if p.peek() != "_" or p.at >= p.end:
        return None
    p.take("_")
    indices = p.group(p.indices)
    if len(indices) != 2 or ":" in indices:
        raise p.refuse(r"\delta is not declared; the Kronecker delta has two indices, "
                          r"\delta_{ij}", start)
    return p.node("delta", tuple(indices), start)


def member_holds(e: Evaluator, node: Node, env: Env, a: Node, domain: Node) -> bool:
    value = e.value(a, env)
    wanted = v.as_int(value, "a member") if v.is_scalar(value) else None
    return any(v.is_scalar(m) and m == wanted for m in domain_values(e, domain, env))


OF_NUMBERS = {r"\succeq": r"\ge", r"\preceq": r"\le", r"\succ": ">", r"\prec": "<"}  # 1×1


def relation_holds(e: Evaluator, node: Node, env: Env, op: str, a: Node, b: Node) -> bool:
    left, right = e.value(a, env), e.value(b, env)
    if v.is_scalar(left) and v.is_scalar(right):
        op = OF_NUMBERS.get(op, op)

        def holds() -> bool:
            return v.compare(op, v.plain(left), v.plain(right))

        if op in ("=", r"\ne") and e.recorder is None:
            near = unsure(v.plain(left), v.plain(right))
            found = told(e, node, env, holds()) if near else holds()
            if e.watch is not None:  # an equality is met where it holds, but for rounding perhaps
                e.watch.choose(node, 0.0 if found == (op == "=") else left - right)
            return found
        if e.watch is not None:
            e.watch.choose(node, left - right)
        if e.recorder is None or (isinstance(left, v.Number) and isinstance(right, v.Number)):
            return holds()
        return e.recorder.decide(v.tensor(left) - v.tensor(right), holds)
    if op in ("=", r"\ne", *v.LOEWNER):
        left, right = v.settle(left, right)
        if v.is_scalar(left) and left == 0 and isinstance(right, torch.Tensor):
            left = torch.zeros_like(right)
        if v.is_scalar(right) and right == 0 and isinstance(left, torch.Tensor):
            right = torch.zeros_like(left)
        if not (isinstance(left, torch.Tensor) and isinstance(right, torch.Tensor)
                and left.shape == right.shape):
            raise v.type_error(f"{v.shape_text(left)} {op} {v.shape_text(right)}")
        if op in v.LOEWNER:
            return v.ordered(op, left, right, ROUNDED)[0]  # what is built on it shows more
        same = bool(torch.allclose(left, right, rtol=1e-9, atol=1e-12))
        if same:
            return told(e, node, env, op == "=", sure=bool((left == right).all()))
        return same == (op == "=")
    raise v.type_error(f"{v.shape_text(left)} {op} {v.shape_text(right)}: an order between "
                       "numbers only")


def unsure(a: float, b: float) -> bool:
    """Whether two numbers differ by more than those that are equal but for the last digit of a
    float, and by so little that rounding may be the reason."""
    return ROUNDED * max(abs(a), abs(b)) < abs(a - b) <= 1e-12 * max(1.0, abs(a), abs(b))


def told(e: Evaluator, node: Node, env: Env, tolerant: bool, sure: bool = False) -> bool:
    """Whether a relation holds that rounding would decide.

    A condition of the author holds up to rounding, and so does one between symbols that are tied to
    one another. What chooses a value is looked at with more digits.

    Raises
    ------
    Undefined
        Where these are not at hand, so that nobody knows.
    """
    if not e.choosing or e.singly or precise.tied(e, node):  # singly: all values are shaken
        return tolerant
    found = precise.closely(e, node, {}, env)
    if found is not None:
        return bool(found)
    if sure:
        return tolerant
    raise Undefined(f"rounding decides whether {show(node)} holds")


def chosen(e: Evaluator, conditions: tuple[Node, ...], env: Env) -> bool:
    """Whether all conditions of a choice hold."""
    before, e.choosing = e.choosing, True
    try:
        return e.holds(conditions, env)
    finally:
        e.choosing = before


def ind_value(e: Evaluator, node: Node, env: Env, conditions: tuple[Node, ...]) -> Any:
    return int(chosen(e, conditions, env))


def cases_value(e: Evaluator, node: Node, env: Env, *rows: Any) -> Any:
    for place, (value, conditions) in enumerate(rows):
        if chosen(e, conditions, env):
            if e.watch is not None:
                e.watch.cases.setdefault(id(node), set()).add(place)
            return e.value(value, env)
    raise Undefined("no line of cases applies")


def delta_value(e: Evaluator, node: Node, env: Env, a: Node, b: Node) -> Any:
    return int(e.whole(a, env, "an index") == e.whole(b, env, "an index"))


def extreme(op: str, args: list[v.Value]) -> v.Value:
    """Largest or smallest; a number beside a column is compared with every entry."""
    if any(isinstance(a, v.Lazy) for a in args):
        raise v.type_error(f"the {op} of an identity or of ones without size")
    numbers = [a for a in args if isinstance(a, v.Number)]
    if len(numbers) == len(args):
        return max(numbers) if op == "max" else min(numbers)
    choose = {"max": torch.maximum, "min": torch.minimum}[op]
    shapes = {tuple(a.shape) for a in args if isinstance(a, torch.Tensor) and a.dim()}
    if len(shapes) > 1:
        raise v.type_error(f"the {op} of values of different shapes")
    result = v.tensor(args[0])
    for value in args[1:]:
        result = choose(*v.broadcast([result, v.tensor(value)]))
    return result


def show_cases(node: Node, *rows: tuple[Node, tuple[Node, ...]]) -> str:
    shown = [f"{show(value)} if {listed(c) if c else 'otherwise'}" for value, c in rows]
    return "cases(" + "; ".join(shown) + ")"


def always(node: Node) -> bool:
    return True


ONES = (r"\mathbb{1}", r"\mathbf{1}", r"\boldsymbol{1}")
register(
    "Choices",
    Notation("rel", lambda node, op, a, b: f"({show(a)} {op} {show(b)})", relation_holds,
             rounds="never", siblings={r"\le": r"\ge", r"\ge": r"\le", "<": ">", ">": "<"},
             examples=(r"\mathbb{1}[a \le b]",)),
    Notation("member", lambda node, a, domain: f"({show(a)} in {show(domain)})", member_holds,
             rounds="never", examples=(r"\mathbb{1}[i \in \{1,2\}]",)),
    Notation("ind", lambda node, conditions: f"indicator({listed(conditions)})", ind_value,
             rounds="never",
             spells=dict.fromkeys(ONES, read_indicator), jumps=always, vanishes=True,
             examples=(r"\mathbb{1}[i=j]", r"\mathbb{1}[x_i > 0]")),
    Notation("cases", show_cases, cases_value, rounds="never",
             environments={"cases": read_cases}, jumps=always,
             vanishes=True,
             examples=(r"\begin{cases} a & \text{if } a > 0 \\ b & \text{otherwise} "
                       r"\end{cases}",)),
    Notation("delta", lambda node, a, b: f"kronecker({show(a)}, {show(b)})", delta_value,
             rounds="never",
             spells={r"\delta": read_kronecker, r"\mathbb{1}": refuse_blackboard_one},
             jumps=always, vanishes=True, examples=(r"\delta_{ij}",)),
    Function("max", lambda *args: extreme("max", list(args)), picks=True,
             commands=(r"\max",), words=("max",),
             arguments=(2, 64), siblings={r"\max": r"\min"},
             examples=(r"\max(0, a)", r"\max\{a, b\}")),
    Function("min", lambda *args: extreme("min", list(args)), picks=True,
             commands=(r"\min",), words=("min",),
             arguments=(2, 64), siblings={r"\min": r"\max"}, examples=(r"\min(a, b)",)),
)
