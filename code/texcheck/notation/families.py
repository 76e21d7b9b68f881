"""Sequences: their places, and the range of an index."""

from __future__ import annotations

import itertools
import re
from typing import Any

import torch

from .. import values as v
from ..env import Env
from ..errors import Refused
from ..evaluate import Evaluator
from ..grammar import parse_expression
from ..program import Definition, Program
from ..registry import Notation, register
from ..trees import Node, listed, pretty, walk
from .distributions import realised
from .domains import domain_members, finite_domain


def spans(e: Evaluator, key: str, env: Env) -> list[tuple[int, int]]:
    """First and last index of a family."""
    found = []
    family = e.program.families[key]
    for place, pair in enumerate(family.ranges):
        if pair is None:
            assert isinstance(family, Definition)  # others say where they begin and end
            found.append(own_span(e, family, place, env))
            continue
        first = e.whole(pair.low, env.only({}), "the first index")
        last = e.whole(pair.high, env.only({}), "the last index")
        found.append((first, last))
    return found


def own_span(e: Evaluator, family: Definition, place: int, env: Env) -> tuple[int, int]:
    """The range of an index of a definition, from where it stands on the right."""
    name = family.indices[place]
    key = ("span", family.key, place)
    if key not in e.memory:
        unbound = set(family.indices) - {name}
        members = inferred(e, name, family.body, unbound, env.only({}))
        e.memory[key] = (members[0], members[-1])
    first, last = e.memory[key]
    return first, last


def assemble(e: Evaluator, key: str, env: Env) -> torch.Tensor:
    """A sequence of numbers used without index: the column (or matrix) of its entries."""
    ends = spans(e, key, env)
    if any(low != 1 for low, _ in ends) or len(ends) > 2:
        raise v.type_error(f"{pretty(key)} is a sequence that does not start at 1: give its "
                           "index")
    counts = [range(low, high + 1) for low, high in ends]
    entries = [element(e, key, index, env) for index in itertools.product(*counts)]
    if not all(v.is_scalar(x) for x in entries):
        raise v.type_error(f"{pretty(key)} is a sequence of vectors: give its index; the argument "
                           "of a function in a code: line is a letter that no line declares, f(u)")
    shape = [len(c) for c in counts] + ([1] if len(counts) == 1 else [])
    return torch.stack([v.tensor(x) for x in entries]).reshape(shape)


def element(e: Evaluator, key: str, index: tuple[int, ...], env: Env) -> v.Value:
    """One place of a sequence."""
    if (key, index) in env.cuts:
        return env.cuts[key, index]
    edge = boundary(e, key, index)
    if edge is not None:
        there: v.Value = e.value(edge, env.only({}))
        return there
    if (key, ()) in env.cuts:
        check_span(e, key, index, env)
        whole = v.tensor(env.cuts[key, ()])
        return whole[tuple(i - 1 for i in index)].reshape(())
    family = e.draw.families.get(key)
    if family is not None:
        if index not in family:
            check_span(e, key, index, env)
        return family[index]
    definition = e.program.defs.get(key)
    if definition is None:
        check_span(e, key, index, env)
        outcome: v.Value = realised(e, key, index, env)
        return outcome
    if not reach_unclear(e, key, definition, env):
        check_span(e, key, index, env)
    bound = dict(zip(definition.indices, index, strict=True))
    found: v.Value = e.guarded((key, index), definition.body, env.only(bound))
    return found


def reach_unclear(e: Evaluator, key: str, definition: Definition, env: Env) -> bool:
    """Whether the range of a definition is neither given nor visible on its right side."""
    if None not in definition.ranges:
        return False
    mark = ("unclear", key)
    if mark not in e.memory:
        try:
            spans(e, key, env)
            e.memory[mark] = False
        except Refused:
            e.memory[mark] = True
    return bool(e.memory[mark])


def check_span(e: Evaluator, key: str, index: tuple[int, ...], env: Env) -> None:
    for place, (low, high) in zip(index, spans(e, key, env), strict=True):
        if not low <= place <= high:
            raise v.type_error(f"index {place} of {pretty(key)} is out of range: it runs from "
                               f"{low} to {high}")


def inferred(e: Evaluator, name: str, body: Node, unbound: set[str] | frozenset[str],
             env: Env) -> list[Any]:
    """The range of an index from the places where it stands."""
    unbound = {n for n in unbound if n not in env.bound} | body.bound
    found: set[tuple[int, int]] = set()
    for inner in walk(body):
        found |= index_spans(e, inner, name, unbound, env)
    domain = finite_domain(e.program, name)
    if found:
        if len(found) > 1:
            shown = " and ".join(f"{a} to {b}" for a, b in sorted(found))
            raise v.type_error(f"the index {pretty(name)} runs over {shown}: one range only")
        low, high = found.pop()
        return list(range(low, high + 1))
    if domain is not None:
        return domain_members(e, domain)
    shown = pretty(name)
    if is_index(body, name):
        raise v.type_error(rf"the reach of {shown} is unclear: write _{{{shown}=1}}^{{n}}, or "
                           rf"where it is a number that varies, declare let: {shown} \in "
                           r"\mathbb{R}")
    raise v.type_error(rf"the reach of {shown} is unclear, which is no index here: write "
                       rf"_{{{shown}\in\mathbb{{R}}^d}} or _{{{shown}\in\mathbb{{R}}}}, or declare "
                       rf"let: {shown} \in \mathbb{{R}} or \mathbb{{R}}^d")


def is_index(body: Node, name: str) -> bool:
    """Whether a letter stands in the place of an index."""
    return any(isinstance(i, Node) and name in i.names for n in walk(body)
               if n.kind in ("item", "term") for i in n.args[1])


def index_spans(e: Evaluator, node: Node, name: str, unbound: set[str] | frozenset[str],
                env: Env) -> set[tuple[int, int]]:
    """First and last place that an index has as an index of this very node."""
    if node.kind not in ("item", "term"):
        return set()
    places = [p for p, i in enumerate(node.args[1])
              if isinstance(i, Node) and i.kind == "sym" and i.args[0] == name]
    if not places:
        return set()
    if node.kind == "term":
        ends = spans(e, node.args[0], env)
        return {ends[p] for p in places}
    called = call_ends(e, node.args[0], len(node.args[1]), unbound | {name}, env)
    if called is not None:
        return {called[p] for p in places}
    if node.args[0].names & (unbound | {name}):
        shape = member_shape(e, node.args[0], env)
    else:
        shape = getattr(e.value(node.args[0], env), "shape", ())
    if len(shape) == 2 and len(node.args[1]) == 1:
        return {(1, max(shape))}
    if len(shape) != len(node.args[1]):
        return set()
    return {(1, shape[p]) for p in places}


def ends_of(e: Evaluator, names: tuple[str, ...], spans: tuple[tuple[Node, ...], ...], body: Node,
            env: Env) -> list[tuple[int, int]]:
    """First and last index of entries: as they were given, or as their places in the body tell."""
    found = []
    for name, span in zip(names, spans, strict=True):
        if span:
            low, high = (e.whole(end, env.only({}), "the end of a range") for end in span)
        else:
            members = inferred(e, name, body, set(names) - {name}, env)
            low, high = members[0], members[-1]
        found.append((low, high))
    return found


def call_ends(e: Evaluator, node: Node, count: int, unbound: set[str] | frozenset[str],
              env: Env) -> list[tuple[int, int]] | None:
    """First and last index of a function that is defined by its entries; None for anything else."""
    definition = e.program.defs.get(node.args[0]) if node.kind == "call" else None
    if definition is None or definition.body.kind != "entries" or (
            len(definition.body.args[0]) != count):
        return None
    names, spans, body = definition.body.args
    given = {} if node.names & unbound else {
        p: e.value(a, env) for p, a in zip(definition.params, node.args[1], strict=True)}
    return ends_of(e, names, spans, body, env.only(given))


def member_shape(e: Evaluator, node: Node, env: Env) -> tuple[int, ...]:
    """The shape of the members of a sequence, whatever their index; () of anything else."""
    if node.kind != "term":
        return ()
    try:
        first = tuple(low for low, _ in spans(e, node.args[0], env))
        return tuple(getattr(element(e, node.args[0], first, env.only({})), "shape", ()))
    except Refused:
        return ()


def term_value(e: Evaluator, node: Node, env: Env, key: str,
               indices: tuple[Node, ...]) -> v.Value:
    index = tuple(e.whole(i, env, f"the index of {pretty(key)}") for i in indices)
    return element(e, key, index, env)


def boundary(e: Evaluator, key: str, index: tuple[int, ...]) -> Node | None:
    """The symbol declared for one place of a sequence, such as ``h_0`` or ``h_{T+1}``."""
    edges = e.memory.get(("edges", key))
    if edges is None:
        edges = e.memory[("edges", key)] = edges_of(e, key)
    node: Node | None = edges.get(index)
    return node


def edges_of(e: Evaluator, key: str) -> dict[tuple[int, ...], Node]:
    """The places of a sequence that are declared as symbols of their own."""
    found: dict[tuple[int, ...], Node] = {}
    for place, symbol in e.memo.once(key, lambda: literal_places(e.program, key)):
        try:
            found.setdefault((e.value(place),), symbol)
        except Refused:
            continue
    return found


def literal_places(program: Program, key: str) -> list[tuple[Node, Node]]:
    """The literal indices of a sequence, each with the symbol that it belongs to."""
    found = []
    for name in program.scope:
        inside = re.search(r"[_^]\{[(\[]?(.*?)[)\]]?\}$", name)
        if name == key or program.family_of(name) != key or inside is None:
            continue
        try:
            found.append((parse_expression(inside.group(1), program.scope),
                          Node("sym", (name,))))
        except Refused:
            continue
    return found


register(
    "Sequences",
    Notation("term", lambda node, key, indices: f"{pretty(key)}<{listed(indices)}>", term_value,
             rounds="never", names=lambda node: (node.args[0],),
             examples=(r"g_1", r"\sum_\tau g_\tau")),
)
