"""Sums of products of entries, such as ``\\sum_{j,k} W_{ijk} y_j z_k``, as one contraction."""

from __future__ import annotations

import torch

from . import values as v
from .env import Env
from .errors import Refused
from .evaluate import Evaluator
from .trees import Node

Part = tuple[torch.Tensor, tuple[str, ...]]
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def contracted(evaluator: Evaluator, node: Node, env: Env) -> torch.Tensor | None:
    """The value of nested sums over entries by `torch.einsum`, or None where this is not one.

    It is taken only where every index is a bare letter in every place, so that it means the same
    as the terms one by one; anything else is left to the enumeration.
    """
    bindings, body = collect(node)
    names = [b.args[0] for b in bindings]
    if body is None or len(names) > 6 or len(set(names)) < len(names):
        return None
    factors = body.args if body.kind == "mul" and not body.grouped else (body,)
    parts = [p for f in factors if (p := part(evaluator, f, names, env)) is not None]
    if len(parts) < len(factors):
        return None
    used = {n for _, indices in parts for n in indices}
    if used != set(names):
        return None
    spans = [s for bind in bindings if (s := span(evaluator, bind, parts, env)) is not None]
    if len(spans) < len(bindings):
        return None
    return contract(parts, dict(zip(names, spans, strict=True)))


def collect(node: Node) -> tuple[list[Node], Node | None]:
    """Binders of sums directly inside sums, and the innermost body."""
    bindings: list[Node] = []
    while node.kind == "big" and node.args[0] == "sum" and not node.args[2]:
        bindings += node.args[1]
        node = node.args[3]
    if node.kind == "big" or any(b.args[1] not in ("auto", "range") for b in bindings):
        return bindings, None
    return bindings, node


def part(evaluator: Evaluator, factor: Node, names: list[str],
         env: Env) -> tuple[torch.Tensor, tuple[str, ...]] | None:
    """A factor as a tensor and the letters of its axes."""
    if not factor.names & set(names):
        if factor.bound:
            return None
        value = evaluator.value(factor, env)
        return (v.tensor(value), ()) if v.is_scalar(value) else None
    exponent = None
    if factor.kind == "pow" and factor.args[1].kind == "num" and factor.args[1].args[0] in "234":
        exponent, factor = int(factor.args[1].args[0]), factor.args[0]
    if factor.kind != "item":
        return None
    base, indices = factor.args
    if base.names & set(names) or ":" in indices:
        return None
    if base.kind == "call" and (definition := evaluator.program.defs.get(base.args[0])) and (
            definition.body.kind == "entries"):
        return None  # they need not be numbers
    value = evaluator.value(base, env)
    if not isinstance(value, torch.Tensor) or value.dim() < 2:
        return None
    if value.dim() == 2 and 1 in value.shape and len(indices) == 1:
        value = value.reshape(-1)
    if value.dim() != len(indices):
        return None
    return picked(evaluator, value if exponent is None else value**exponent, indices, names, env)


def picked(evaluator: Evaluator, value: torch.Tensor, indices: tuple[Node, ...], names: list[str],
           env: Env) -> tuple[torch.Tensor, tuple[str, ...]] | None:
    """Fix the indices that are not summed over."""
    letters: list[str] = []
    axis = 0
    for index in indices:
        if index.kind == "sym" and index.args[0] in names:
            letters.append(index.args[0])
            axis += 1
        elif index.names & set(names):
            return None
        else:
            place = evaluator.whole(index, env, "an index")
            if not 1 <= place <= value.shape[axis]:
                return None
            value = value.select(axis, place - 1)
    return value, tuple(letters)


def span(evaluator: Evaluator, bind: Node, parts: list[Part],
         env: Env) -> tuple[int, int] | None:
    """First and last place of an index; None unless every factor has these places."""
    name = bind.args[0]
    sizes = {value.shape[indices.index(name)] for value, indices in parts if name in indices}
    if any(indices.count(name) > 1 for _, indices in parts):
        return None
    if any(n.names & {name for _, letters in parts for name in letters} for n in bind.args[2:]):
        return None  # an end that moves with another index of the sum
    if bind.args[1] == "auto":
        return (1, sizes.pop()) if len(sizes) == 1 else None
    try:
        low = evaluator.whole(bind.args[2], env, "the lower end of a sum")
        high = evaluator.whole(bind.args[3], env, "the upper end of a sum")
    except Refused:
        return None
    return (low, high) if 1 <= low <= high <= min(sizes) else None


def contract(parts: list[Part], spans: dict[str, tuple[int, int]]) -> torch.Tensor:
    letter = {name: LETTERS[place] for place, name in enumerate(spans)}
    operands, terms = [], []
    for value, indices in parts:
        for axis, name in enumerate(indices):
            low, high = spans[name]
            value = value.narrow(axis, low - 1, high - low + 1)
        operands.append(value)
        terms.append("".join(letter[n] for n in indices))
    return torch.einsum(",".join(terms) + "->", *operands)
