"""Names: symbols, entries of vectors and matrices, functions that the author declares."""

from __future__ import annotations

import itertools
import math

import numpy as np
import torch

from .. import kinks, registry
from .. import values as v
from ..env import Env
from ..errors import Refused
from ..evaluate import Evaluator
from ..grammar import Parser
from ..names import Info
from ..program import Definition
from ..registry import Notation, register
from ..trees import Node, listed, pretty, show, walk
from .distributions import realised
from .families import assemble, ends_of
from .functions import of_primes
from .tables import values_below


def sym_value(e: Evaluator, node: Node, env: Env, key: str) -> v.Value:
    if key in env.bound:
        return env.bound[key]
    if (key, ()) in env.cuts:
        return env.cuts[key, ()]
    if key in e.draw.values:
        return e.draw.values[key]
    if key in e.draw.dims:
        return e.draw.dims[key]
    found: v.Value
    definition = e.program.defs.get(key)
    if definition is not None and not definition.params and not definition.ranges:
        found = e.guarded((key, ()), definition.body, env.only({}))
        return found
    if key in e.program.families:
        return assemble(e, key, env)
    if key in e.program.rvs:
        found = realised(e, key, (), env)
        return found
    raise v.type_error(f"{pretty(key)} has no value here: the end of a range, such as N in "
                       "t=1,…,N, is not declared with let:")


def item_value(e: Evaluator, node: Node, env: Env, base: Node,
               indices: tuple[Node | str, ...]) -> v.Value:
    single = entry_of_call(e, base, indices, env)
    if single is not None:
        return single
    whole: v.Value = e.value(base, env)
    if isinstance(whole, v.Lazy):
        raise v.type_error(f"an entry of {v.shape_text(whole)}: write \\delta_{{ij}}")
    if not isinstance(whole, torch.Tensor) or not whole.dim():
        raise v.type_error(f"{show(base)} is a number and has no entries")
    index = [None if isinstance(i, str) else e.whole(i, env, "an index") for i in indices]
    shape = list(whole.shape)
    if len(shape) == 2 and len(index) == 1 and 1 in shape:
        index = [index[0], 1] if shape[1] == 1 else [1, index[0]]
    if len(index) != len(shape):
        raise v.type_error(f"{show(base)} is {v.shape_text(whole)}; {len(indices)} "
                           f"ind{'ex' if len(indices) == 1 else 'ices'} given; several stand "
                           "in braces, _{ij}, or apart by commas, _{1,j}")
    for place, size in zip(index, shape, strict=True):
        if place is not None and not 1 <= place <= size:
            raise v.type_error(f"index {place} of {show(base)} is out of range 1 to {size}")
    picked = whole[tuple(slice(None) if p is None else p - 1 for p in index)]
    if picked.dim() == 1:
        return picked.reshape((1, -1) if len(shape) == 2 and index[1] is None else (-1, 1))
    return picked


def entry_of_call(e: Evaluator, base: Node, indices: tuple[Node | str, ...],
                  env: Env) -> v.Value | None:
    """One entry of a function that is defined by its entries, without the others."""
    definition = e.program.defs.get(base.args[0]) if base.kind == "call" else None
    if definition is None or definition.body.kind != "entries" or any(
            isinstance(i, str) for i in indices):
        return None
    names, spans, body = definition.body.args
    if len(names) != len(indices):
        return None
    key, args, _ = base.args
    given = dict(zip(definition.params, [e.value(a, env) for a in args], strict=True))
    note_sign(e, key, list(given.values()))
    index = [e.whole(i, env, f"the index of {pretty(key)}") for i in indices
             if isinstance(i, Node)]
    inner = env.only(given)
    for place, (low, high) in zip(index, ends_of(e, names, spans, body, inner), strict=True):
        if not low <= place <= high:
            raise v.type_error(f"index {place} of {pretty(key)} is out of range {low} to {high}")
    found: v.Value = e.value(body, inner.binding(dict(zip(names, index, strict=True))))
    return found


def entries_value(e: Evaluator, node: Node, env: Env, names: tuple[str, ...],
                  spans: tuple[tuple[Node, ...], ...], body: Node) -> v.Value:
    ends = ends_of(e, names, spans, body, env)
    if any(low != 1 for low, _ in ends) or len(ends) > 2:
        raise v.type_error("entries that do not start at 1: give the index")
    places = itertools.product(*(range(low, high + 1) for low, high in ends))
    found = [e.value(body, env.binding(dict(zip(names, place, strict=True)))) for place in places]
    if not all(v.is_scalar(x) for x in found):
        raise v.type_error("entries that are no numbers: give the index")
    shape = [high for _, high in ends] + ([1] if len(ends) == 1 else [])
    return torch.stack([v.tensor(x) for x in found]).reshape(shape)


def note_sign(e: Evaluator, key: str, given: list[v.Value]) -> None:
    """Note the sign of the single argument of a declared function."""
    if e.watch is not None and len(given) == 1 and v.is_scalar(given[0]) and (
            e.watch.detailed or e.watch.role == "code"):
        signs = e.watch.signs.setdefault((key, e.watch.role), set())
        signs.add(int(np.sign(v.plain(given[0]))))


def call_value(e: Evaluator, node: Node, env: Env, key: str, args: tuple[Node, ...],
               order: int) -> v.Value:
    given = [e.value(a, env) for a in args]
    if order:
        return kinks.primed(e, lambda x: applied(e, key, [x], env), given[0], order)
    return applied(e, key, given, env)


def applied(e: Evaluator, key: str, given: list[v.Value], env: Env) -> v.Value:
    """A declared function; one that only makes sense for numbers acts on every entry."""
    if key in e.draw.functions:
        return e.draw.functions[key]([*given, *values_below(e, key, env)])
    definition = e.program.defs[key]
    note_sign(e, key, given)
    wide = [g for g in given if isinstance(g, torch.Tensor) and g.dim() > 0]
    if any(v.square(g) for g in wide):
        check_of_numbers(key, definition)
    if wide and (key, len(wide)) in e.entrywise:
        return each(e, key, given, env)
    try:
        found: v.Value = e.value(definition.body,
                                 env.only(dict(zip(definition.params, given, strict=True))))
        return found
    except Refused as error:
        if error.kind != "type" or not wide or len({w.shape for w in wide}) > 1 or (
                definition.body.kind == "entries"):
            raise
        result = each(e, key, given, env)
        e.entrywise.add((key, len(wide)))
        return result


MATRIX_ONLY = frozenset(("T", "invT", "norm", "inner", "matrix", "item", "had", "epow", "const"))


def check_of_numbers(key: str, definition: Definition) -> None:
    """Refuse a square matrix for a function whose powers or products could be its own, or those
    of every entry."""
    params = set(definition.params)
    nodes = [n for n in walk(definition.body) if n.names & params]
    whole = any(n.kind in MATRIX_ONLY or (n.kind == "fn" and not registry.function(
        n.args[0]).entrywise) for n in nodes)
    for node in () if whole else nodes:
        if (node.kind == "pow" and node.args[0].names & params) or (
                node.kind == "mul" and sum(bool(f.names & params) for f in node.args) > 1):
            raise v.type_error(
                f"{pretty(key)} of a square matrix is read in two ways, because of "
                f"{show(node)}: write {pretty(key)} elementwise, with \\odot and "
                "^{\\odot 2}, or the formula itself with the matrix")


def each(e: Evaluator, key: str, given: list[v.Value], env: Env) -> v.Value:
    """A declared function of every entry of a column."""
    wide = next(g for g in given if isinstance(g, torch.Tensor) and g.dim() > 0)
    body, params = e.program.defs[key].body, e.program.defs[key].params
    found = []
    for place in range(wide.numel()):
        single = [g.reshape(-1)[place] if isinstance(g, torch.Tensor) and g.dim() > 0 else g
                  for g in given]
        value = e.value(body, env.only(dict(zip(params, single, strict=True))))
        if not v.is_scalar(value):
            raise v.type_error(f"{pretty(key)} of {v.shape_text(wide)}")
        found.append(v.tensor(value))
    return torch.stack(found).reshape(wide.shape)


def read_call(p: Parser, info: Info, primes: int, start: int) -> Node | None:
    """A function that the author declares, with its arguments."""
    args = p.arguments()
    expected = len(info.params)
    if len(args) != expected:
        raise p.refuse(f"{info.key} takes {expected} argument{'s' * (expected != 1)}, "
                       f"{len(args)} given", start)
    if primes and expected != 1:
        raise p.refuse(f"a prime on a function of {expected} arguments: write "
                       r"\frac{\partial}{\partial x}", start)
    if primes > 3:
        raise p.refuse("at most three primes", start)
    return p.node("call", (info.key, tuple(args), primes), start)


def show_call(node: Node, key: str, args: tuple[Node, ...], order: int) -> str:
    return f"{pretty(key)}{chr(39) * order}({listed(args)})"


def show_entries(node: Node, names: tuple[str, ...], spans: tuple[tuple[Node, ...], ...],
                 body: Node) -> str:
    return f"[{', '.join(map(pretty, names))}]({show(body)})"


def read_constant(p: Parser, start: int) -> Node | None:
    """``e`` and ``\\pi``, unless they carry a subscript."""
    if p.peek() == "_" and p.at < p.end:
        return None
    name = "pi" if p.tokens[p.at - 1].text == r"\pi" else "e"
    return p.node("number", (name,), start)


def number_value(e: Evaluator, node: Node, env: Env, name: str) -> float:
    return {"pi": math.pi, "e": math.e}[name]


def own_key(node: Node) -> tuple[str, ...]:
    return (node.args[0],)


register(
    "Names",
    Notation("sym", lambda node, key: pretty(key), sym_value, rounds="never", names=own_key,
             examples=("a",),
             refused=((r"\lambda a", "c a"), (r"x_12", r"x_{1}"), (r"\color{red} a", "a"),
                      (r"1e-3 a", r"10^{-3} a"))),
    Notation("item", lambda node, base, indices: f"{show(base)}[{listed(indices)}]", item_value,
             rounds="never", examples=("x_i", r"A_{ij}", r"A_{i,:} x"),
             refused=((r"x_{0}", r"x_{1}"),)),
    Notation("call", show_call, call_value, rounds="never", applies=read_call, names=own_key,
             differentiates=of_primes, examples=(r"\phi'(a)",)),
    Notation("entries", show_entries, entries_value, rounds="never",
             binds=lambda node: node.args[0],
             reach=lambda node: ([end for span in node.args[1] for end in span], [node.args[2]]),
             examples=(r"\sum_l h_l(a)", "h_1(a)", "h(a)")),
    Notation("number", lambda node, name: name, number_value,
             spells=dict.fromkeys((r"\pi", "e", r"\mathrm{e}"), read_constant),
             examples=(r"\pi a",)),
)
