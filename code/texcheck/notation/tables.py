"""Tables of probabilities: of events, marginal and conditional."""

from __future__ import annotations

import itertools
import math
from typing import Any, TypeAlias

import numpy as np
import torch

from .. import values as v
from ..batch import batched
from ..env import Env
from ..errors import Refused, Undefined
from ..evaluate import Evaluator
from ..grammar import Parser
from ..names import Info
from ..program import Factor
from ..registry import Notation, Part, register
from ..trees import Node, listed, pretty, show, walk
from .domains import domain_members


def is_query(p: Parser, info: Info) -> bool:
    """Whether the parentheses hold events of a probability rather than arguments."""
    if info.kind == "pmf":
        return True
    if not info.discrete:
        return False
    depth, commas, seen = 0, 0, False
    for index in range(p.at, p.end):
        text = p.tokens[index].text
        depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(text, 0)
        if depth == 0:
            break
        seen = seen or (depth == 1 and text in ("=", r"\mid", "<", ">", r"\ne"))
        commas += depth == 1 and text == ","
    return seen or commas + 1 < len(info.params)


def read_probability(p: Parser, info: Info, primes: int, start: int) -> Node | None:
    if not is_query(p, info):
        return None
    if primes:
        raise p.refuse("a prime on a probability", start)
    opening = p.take("(")
    bars, p.bars = p.bars, 0
    found = read_events(p)
    given = read_events(p) if p.accept(r"\mid") else []
    p.close(opening)
    p.bars = bars
    return p.node("prob", (info.key, tuple(found), tuple(given)), start)


def read_events(p: Parser) -> list[Node]:
    found = []
    while True:
        start = p.place()
        left = p.expr()
        op, right = "", None
        if p.peek() in ("=", "<", ">", r"\le", r"\ge", r"\ne") and p.at < p.end:
            op = p.take().text
            right = p.expr()
        found.append(p.node("event", (left, op, right), start))
        if not p.accept(","):
            return found


Places: TypeAlias = v.Array  # a row for each joint outcome: the place of every variable's value
# The variables; those left of the bars; the values of each; the outcomes; their weights.
Joint: TypeAlias = tuple[list[str], list[str], list[list[Any]], Places, torch.Tensor]


def alphabet(e: Evaluator, name: str) -> list[Any]:
    """Members of the finite set that a variable of a table comes from."""
    return domain_members(e, (name, e.program.outcomes[name]))


def joint(e: Evaluator, key: str, env: Env) -> Joint:
    """Variables, positions of every joint outcome, and its weight given the parameters.

    Variables on the right of the bar of every factor are part of the outcome too; their
    weight is one.
    """
    cuts = Env(cuts=env.cuts)
    factors = e.program.pmfs[key]
    memory_key = ("joint", key, e.key(probe(e, key), cuts))
    if memory_key in e.memory:
        known: Joint = e.memory[memory_key]
        return known
    left = [n for f in factors for n in f.left]
    names = left + [n for n in dict.fromkeys(n for f in factors for n in f.given)
                    if n not in left]
    members = [alphabet(e, n) for n in names]
    size = math.prod(len(m) for m in members)
    if size > 2**14:
        raise v.too_many(f"{size} joint outcomes of {pretty(key)}")
    places = np.array(list(itertools.product(*[range(len(m)) for m in members])))
    weight: torch.Tensor | None = None
    for number, factor in enumerate(factors):
        own = factor_weights(e, key, number, factor, names, members, places, cuts)
        weight = own if weight is None else weight * own
    assert weight is not None  # a table has a factor at least
    found = names, left, members, places, weight
    check_sum(key, names, left, places, weight)
    e.memory[memory_key] = found
    e.kept.append(cuts)
    return found


def values_below(e: Evaluator, key: str, env: Env) -> list[v.Value]:
    """Values of the letters in the scripts of an arbitrary function or table."""
    return [e.value(e.memo.symbol(name), env.only({})) for name in e.program.below(key)]


def table_of(e: Evaluator, key: str, number: int, env: Env) -> torch.Tensor:
    """An arbitrary table, at the values of the letters in its scripts."""
    table: torch.Tensor | None = e.draw.tables[key][number]
    assert table is not None
    below = values_below(e, key, env)
    if not below:
        return table
    shift = v.tensor(e.draw.functions[f"{key} table {number}"](below))
    left = math.prod(table.shape[:len(e.program.pmfs[key][number].left)])
    logits = (torch.log(table) + shift.reshape(table.shape)).reshape(left, -1)
    return torch.softmax(logits, 0).reshape(table.shape)


def probe(e: Evaluator, key: str) -> Node:
    """A node whose dependences are those of a table."""
    memory_key = ("probe", key)
    if memory_key not in e.memory:
        e.memory[memory_key] = Node("sym", (key,))
    found: Node = e.memory[memory_key]
    return found


def factor_weights(e: Evaluator, key: str, number: int, factor: Factor, names: list[str],
                   members: list[Any], places: Places, env: Env) -> torch.Tensor:
    body = factor.body
    if body is None:
        table = table_of(e, key, number, env)
        columns = [places[:, names.index(n)] for n in (*factor.left, *factor.given)]
        return table[tuple(torch.as_tensor(c) for c in columns)]
    own = [names.index(n) for n in (*factor.left, *factor.given)]
    whole = batched(e, body,
                    {names[c]: [members[c][row[c]] for row in places] for c in own},
                    lambda one: e.value(body, env.only(one)))
    if whole is not None and whole.dim() == 1:
        return whole
    known: dict[tuple[int, ...], torch.Tensor] = {}
    rows = []
    for row in places:
        index = tuple(row[own])
        if index not in known:
            bound = {names[c]: members[c][row[c]] for c in own}
            value = e.value(body, env.only(bound))
            if not v.is_scalar(value):
                raise v.type_error(f"{pretty(key)} is {v.shape_text(value)}; a probability "
                                   "is a number")
            known[index] = v.tensor(value)
        rows.append(known[index])
    return torch.stack(rows)


def check_sum(key: str, names: list[str], left: list[str], places: Places,
              weight: torch.Tensor) -> None:
    given = [i for i, n in enumerate(names) if n not in left]
    sums: dict[tuple[int, ...], float] = {}
    for row, w in zip(places, weight.detach().tolist(), strict=True):
        index = tuple(row[given])
        sums[index] = sums.get(index, 0.0) + float(w)
        if w < -1e-12:
            raise Refused("value", f"{pretty(key)} is negative somewhere: not a probability")
    for total in sums.values():
        if not abs(total - 1) < 1e-8:
            raise Refused("value", f"{pretty(key)} adds up to {total:.9g}, not to 1")


def prob_value(e: Evaluator, node: Node, env: Env, key: str, events: tuple[Node, ...],
               given: tuple[Node, ...]) -> torch.Tensor:
    names, left, members, places, weight = joint(e, key, env)
    names_of = by_position(e, key, events, given, names)
    free = mask(e, events, names, members, places, env, names_of)
    bar = mask(e, given, names, members, places, env, names_of[len(events):])
    fixed = {names_of[len(events) + i] or root(e, g, names)
             for i, g in enumerate(given) if g.args[1] in ("", "=")}
    for name in names:
        if name not in left and name not in fixed:
            raise v.type_error(f"{pretty(key)} is a table given {pretty(name)}: put it on the "
                               "right of \\mid")
    top = weight[torch.as_tensor(free & bar)].sum()
    bottom = weight[torch.as_tensor(bar)].sum()
    if not given:
        return top
    if float(bottom.detach()) <= 0:
        raise Undefined("a condition of probability zero")
    return top / bottom


def by_position(e: Evaluator, key: str, events: tuple[Node, ...], given: tuple[Node, ...],
                names: list[str]) -> list[str]:
    """Names of the variables when the arguments are values in the order of the declaration."""
    items = [*events, *given]
    roots = [root(e, i, names) for i in items]
    check_repeated(key, items, roots)
    if any(i.args[1] for i in items) or all(roots):
        return [""] * len(items)
    for factor in e.program.pmfs[key]:
        if (len(factor.left), len(factor.given)) == (len(events), len(given)):
            return [*factor.left, *factor.given]
    raise v.type_error(f"which variables of {pretty(key)} are meant is unclear: write "
                       f"{pretty(key)}({names[0]}=…)")


def check_repeated(key: str, items: list[Node], roots: list[str]) -> None:
    """Refuse two values of one variable, such as ``p(x, x')``: the event would be that both are
    equal, and what is meant is a product, or another table."""
    plain = [(i, r) for i, r in zip(items, roots, strict=True) if r and i.args[1] in ("", "=")]
    for place, (item, name) in enumerate(plain):
        for other, second in plain[:place]:
            if second == name:
                raise v.type_error(
                    f"{show(other)} and {show(item)} are both values of {pretty(name)} in "
                    f"{pretty(key)}: write the product {pretty(key)}({show(other)}) "
                    f"{pretty(key)}({show(item)}), or declare a table of two variables")


def root(e: Evaluator, event: Node, names: list[str]) -> str:
    """The variable of the table that an event is about, or an empty string."""
    found = {n.args[0].rstrip("'") for n in walk(event.args[0]) if n.kind == "sym"}
    found |= {e.program.family_of(n) for n in found}
    hits = [n for n in names if n in found]
    if not hits:
        return ""
    if len(hits) > 1:
        base = item_base(event.args[0])
        if base.kind == "sym" and base.args[0].rstrip("'") in hits:
            return str(base.args[0]).rstrip("'")
        raise v.type_error(f"an event about {' and '.join(hits)} at once: one variable for "
                           "each event")
    return hits[0]


def mask(e: Evaluator, events: tuple[Node, ...], names: list[str], members: list[Any],
         places: Places, env: Env, names_of: list[str]) -> v.Array:
    keep = np.ones(len(places), dtype=bool)
    for event, named in zip(events, names_of, strict=False):
        name = named or root(e, event, names)
        if not name:
            raise v.type_error(f"{show(event)} is about no variable of the table")
        column = names.index(name)
        held = np.array(truth(e, event, name, named, members[column], env))
        keep &= held[places[:, column]]
    return keep


def truth(e: Evaluator, event: Node, name: str, positional: str, members: list[Any],
          env: Env) -> list[bool]:
    """For every member of the alphabet, whether the event holds."""
    expression, op, right = event.args
    if positional or (not op and expression.kind == "sym"):
        value = e.value(expression, env)
        found = [same(value, m) for m in members]
        if not any(found):
            raise v.type_error(f"{show(expression)} is not a value of {pretty(name)}")
        return found
    if not op and item_base(expression).kind != "sym":
        raise v.type_error(f"the argument {show(expression)} is no value of {pretty(name)}: "
                           f"write the letter alone, or {pretty(name)}=… for a value")
    symbol = next(n.args[0] for n in walk(expression)
                  if n.kind == "sym" and n.args[0].rstrip("'") == name)
    value = e.value(expression if right is None else right, env)
    answers = []
    for member in members:
        left = e.value(expression, env.binding({symbol: member}))
        answers.append(relate(op or "=", left, value))
    if right is not None and (op == "=") and not any(answers):
        raise v.type_error(f"{show(event)} never happens")
    return answers


def table_outcomes(e: Evaluator, names: tuple[str, ...], dist: Node, env: Env) -> Any:
    """Environments and weights of ``z\\sim q(z\\mid x)``."""
    key, left, given = dist.args
    all_names, own, members, places, weight = joint(e, key, env)
    targets = target_names(key, left, own)
    positions = by_position(e, key, (), given, all_names) if given else []
    bar = mask(e, given, all_names, members, places, env, positions)
    fixed = {root(e, g, all_names) for g in given}
    for name in all_names:
        if name not in own and name not in fixed:
            raise v.type_error(f"{pretty(key)} is a table given {pretty(name)}: write "
                               rf"{pretty(key)}({left[0]}\mid {pretty(name)})")
    weight = weight / weight[torch.as_tensor(bar)].sum()
    columns = [all_names.index(t) for t in targets]
    groups: dict[tuple[int, ...], list[int]] = {}
    for row in np.flatnonzero(bar):
        groups.setdefault(tuple(places[row, columns]), []).append(int(row))
    pairs = []
    for index, rows in groups.items():
        bound = {n: members[c][i] for n, c, i in zip(names, columns, index, strict=True)}
        pairs.append((env.binding(bound), weight[rows].sum()))
    return pairs


def target_names(key: str, left: list[str], own: list[str]) -> list[str]:
    stems = [n.rstrip("'") for n in left]
    if all(s in own for s in stems):
        return stems
    if len(left) == len(own):
        return list(own)
    raise v.type_error(f"which variables of {pretty(key)} are meant is unclear")


def item_base(node: Node) -> Node:
    """What is indexed, through all indices."""
    while node.kind == "item":
        node = node.args[0]
    return node


def same(a: object, b: object) -> bool:
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        return a.shape == b.shape and bool(torch.equal(a, b))
    if v.is_scalar(a) and v.is_scalar(b):
        return v.plain(a) == v.plain(b)
    return False


def relate(op: str, a: object, b: object) -> bool:
    if v.is_scalar(a) and v.is_scalar(b):
        return v.compare(op, v.plain(a), v.plain(b))
    return same(a, b) == (op == "=")


def show_prob(node: Node, key: str, events: tuple[Node, ...], given: tuple[Node, ...]) -> str:
    bar = f" | {listed(given)}" if given else ""
    return f"{pretty(key)}({listed(events)}{bar})"


def show_event(node: Node, left: Node, op: str, right: Node | None) -> str:
    return show(left) if right is None else f"{show(left)} {op} {show(right)}"


register(
    "Tables of probabilities",
    Part("event", show_event, examples=("p(y=1)", r"p(y \ne 1)")),
    Notation("prob", show_prob, prob_value, applies=read_probability,
             names=lambda node: (node.args[0],), examples=("p(y, w)", r"p(w \mid y)", "p(w)")),
)
