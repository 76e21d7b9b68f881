"""Two sides on one draw: brought to one shape, and whether they agree."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch

from . import values as v
from .env import NOWHERE
from .errors import Undefined
from .evaluate import Evaluator
from .items import Item
from .items import trees as trees
from .notation.sums import bindings
from .proportion import columns
from .report import Result
from .trees import Node

LOOSE = 1e-6  # relative difference allowed on every draw
TIGHT = 1e-9  # and on a share of the draws:
TIGHT_SHARE = 0.75
NEAR_ZERO = 1e-10  # both sides below it say nothing, unless they are sums of what is not


class Sides(NamedTuple):
    """Values of both sides; None for one that is not defined on this draw, and why."""

    left: v.Value | None
    right: v.Value | None
    why: str

    def pair(self) -> tuple[torch.Tensor, torch.Tensor] | None:
        """Both sides as tensors of one shape, where both exist."""
        if self.left is None or self.right is None:
            return None
        return alike(self.left, self.right)


def evaluated(item: Item, evaluator: Evaluator) -> Sides:
    """Both sides of a step on one draw."""
    if item.over:
        return Sides(*columns(item, evaluator))
    found: list[v.Value | None] = []
    why = ""
    for side in trees(item):
        try:
            value: v.Value | None = evaluator.value(side)
        except Undefined as error:
            value, why = None, f": {error}"
        if isinstance(value, torch.Tensor):
            value = value.detach()
            if not bool(torch.isfinite(value).all()):
                value = None
        elif isinstance(value, float) and not np.isfinite(value):
            value = None
        found.append(value)
    return Sides(found[0], found[1], why)


def alike(left: v.Value, right: v.Value) -> tuple[torch.Tensor, torch.Tensor]:
    """Both sides as tensors of one shape."""
    left, right = v.settle(left, right)
    if isinstance(left, v.Lazy) and isinstance(right, v.Lazy):
        if left.kind != right.kind:
            raise v.type_error(f"{v.shape_text(left)} is compared with {v.shape_text(right)}")
        return alike(left.scale, right.scale)
    if isinstance(left, v.Lazy) or isinstance(right, v.Lazy):
        raise v.type_error(f"{v.shape_text(left)} is compared with {v.shape_text(right)}: "
                           r"write I_n or \mathbf{1}_n")
    for one, other in ((left, right), (right, left)):
        if isinstance(one, v.Number) and one == 0 and isinstance(other, torch.Tensor):
            zero = torch.zeros_like(other)
            return (zero, other) if one is left else (other, zero)
    a, b = v.tensor(left), v.tensor(right)
    if a.shape != b.shape:
        raise v.type_error(f"{v.shape_text(left)} is compared with {v.shape_text(right)}")
    return a.detach(), b.detach()


def addends(node: Node) -> list[Node]:
    """The terms of a sum, for the scale beside which it vanishes."""
    return [term for _, term in node.args] if node.kind == "add" else []


def summands(node: Node, evaluator: Evaluator) -> list[v.Value]:
    """The values of the terms of what a sum over an index adds up; nothing for other nodes."""
    if node.kind == "neg":
        return summands(node.args[0], evaluator)
    if node.kind != "big" or node.args[0] != "sum":
        return []
    _, binds, conditions, body = node.args
    return [evaluator.value(body, inner)
            for inner in bindings(evaluator, binds, conditions, body, NOWHERE)]


def largest(*sides: torch.Tensor) -> float:
    """The largest entry, without its sign."""
    return max(float(side.abs().max()) for side in sides)


def sizes(terms: Iterable[Node], evaluator: Evaluator) -> list[float]:
    """The largest entry of each term; a term without size is left out."""
    return of_values(map(evaluator.value, terms))


def of_values(found: Iterable[v.Value]) -> list[float]:
    """The largest entry of each value that has a size."""
    return [largest(v.tensor(x).detach()) for x in found if not isinstance(x, v.Lazy)]


# ---- what a draw says of a step ----------------------------------------------------------


def equality(result: Result, left: torch.Tensor, right: torch.Tensor,
             evaluator: Evaluator) -> bool:
    """Whether both sides agree on this draw; the difference is kept in the result."""
    size, gap = largest(left, right), largest(left - right)
    if size < NEAR_ZERO:
        vanish(result, gap, evaluator)
        return True
    result.away += 1
    result.gaps.append(gap / size)
    result.worst = max(result.worst, gap / size)
    if left.numel() > 1:
        result.entries.append(torch.stack([left.reshape(-1), right.reshape(-1)]))
    return gap / size <= LOOSE


def too_small(result: Result) -> int | None:
    """The place of an entry whose sides are different numbers, but below what is compared on every
    draw; None without one. Rounding has no steady sign."""
    count = min((e.shape[1] for e in result.entries), default=0)
    if not count:
        return None
    sides = torch.stack([e[:, :count] for e in result.entries])  # draw, side, entry
    tiny = ((sides.abs() < NEAR_ZERO) & (sides != 0)).all(0).all(0)
    steady = (sides.sign() == sides[:1].sign()).all(0).all(0)
    gap, size = (sides[:, 0] - sides[:, 1]).abs(), sides.abs().amax(1)
    found = tiny & steady & (gap > 1e-3 * size).all(0)
    return int(found.nonzero()[0]) if bool(found.any()) else None


def vanish(result: Result, gap: float, evaluator: Evaluator) -> None:
    """Both sides vanish: evidence only if one of them is a sum whose terms do not, or a mean of
    what does not."""
    item = result.item
    terms = [t for side in trees(item) for t in addends(side)] if item.kind == "step" else []
    averaged = [s for side in trees(item) for s in (side, *addends(side))
                if s.kind == "expect"] if item.kind == "step" else []
    added = [x for side in trees(item) for s in (side, *addends(side))
             for x in summands(s, evaluator)] if item.kind == "step" else []
    size = max([*sizes(terms, evaluator), *of_values(added),
                *(evaluator.memory.get(("size", id(s)), 0.0) for s in averaged)], default=0.0)
    if size > 1e-3:
        result.away += 1
        result.vanishing += 1
        result.gaps.append(gap / size)


def zero(result: Result, left: torch.Tensor, evaluator: Evaluator) -> bool:
    """A claim that something vanishes: small beside the terms that it is the sum of."""
    terms = addends(trees(result.item)[0])
    found = sizes(terms, evaluator)
    size = max([*found, 1e-3]) if terms else 1.0
    if not terms or max(found, default=0.0) > NEAR_ZERO:
        result.away += 1
    gap = largest(left) / size
    result.gaps.append(gap)
    result.worst = max(result.worst, gap)
    return gap <= LOOSE


def inequality(result: Result, left: torch.Tensor, right: torch.Tensor) -> bool:
    """Whether an inequality between numbers, or symmetric matrices, holds on this draw."""
    if result.item.relation in v.LOEWNER:
        good, eigenvalues = v.ordered(result.item.relation, left, right)
        result.away += largest(left, right) > NEAR_ZERO
        result.strict += float(eigenvalues[-1]) > LOOSE * largest(left, right)
        return good
    if left.dim():
        raise v.type_error("an inequality between numbers only")
    a, b = float(left), float(right)
    if result.item.relation == r"\ge":
        a, b = b, a
    size = max(abs(a), abs(b))
    result.away += size > NEAR_ZERO
    result.strict += b - a > LOOSE * size
    return a <= b + TIGHT * max(size, 1e-3)
